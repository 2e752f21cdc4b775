"""The files of the audit page, and the pages that show the documents of the APIs.

Browsers fetch nothing from another server. The viewers come from installed packages: Swagger UI and asyncapi-viewer.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from importlib.resources import files
from pathlib import PurePath
from typing import Any, Final

from starlette.responses import HTMLResponse, Response
from starlette.staticfiles import StaticFiles

from antiphon.services.gateway.docs_pages import pages

#: Scripts, styles and requests from this origin only; nothing inline; no HTML made from text.
HEADERS: Final = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none';"
        " form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    # A new version of the server is a new version of its pages.
    "Cache-Control": "no-cache",
}
_MEDIA_TYPES: Final = {
    ".css": "text/css",
    ".html": "text/html",
    ".js": "text/javascript",
    ".svg": "image/svg+xml",
}


@dataclass(frozen=True, slots=True)
class File:
    """One file of a page."""

    body: bytes
    media_type: str
    etag: str

    def response(self, known_etag: str | None) -> Response:
        """The file, or 304 without it for a browser that has it."""
        headers = {**HEADERS, "ETag": self.etag}
        if known_etag is not None and known_etag.removeprefix("W/") == self.etag:
            return Response(status_code=304, headers=headers)
        return Response(self.body, media_type=self.media_type, headers=headers)


@cache
def all_files() -> dict[str, File]:
    """All files by name; other files of the folder are not served."""
    found = {}
    for entry in files(pages).iterdir():
        media_type = _MEDIA_TYPES.get(PurePath(entry.name).suffix)
        if media_type is not None:
            body = entry.read_bytes()
            found[entry.name] = File(body, media_type, f'"{sha256(body).hexdigest()[:16]}"')
    return found


#: Where ViewerFiles are mounted.
VIEWERS: Final = "/viewers"
#: Both viewers set styles from their scripts; Swagger UI's style sheet has images in it.
_VIEWER_HEADERS: Final = HEADERS | {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:;"
        " connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
}
_PAGE: Final = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title} · Antiphon</title>
<link rel="icon" href="{root}audit/mark.svg" type="image/svg+xml">
{viewer}
</html>
"""
#: Shows the document `openapi.json` beside the page.
SWAGGER_UI: Final = """<link rel="stylesheet" href="{root}viewers/swagger-ui.css">
<script src="{root}viewers/swagger-ui-bundle.js" defer></script>
<script src="{root}audit/swagger.js" defer></script>
</head>
<body><div id="swagger-ui"></div></body>"""
#: Shows the document `asyncapi` beside the page.
ASYNCAPI_VIEWER: Final = """<script src="{root}viewers/asyncapi-viewer.js" type="module"></script>
</head>
<body><asyncapi-viewer src="asyncapi" sidebar></asyncapi-viewer></body>"""


def viewer(title: str, path: str, viewer: str) -> Response:
    """The page at a path, with one of the viewers."""
    # Relative, because a proxy may add a prefix.
    root = "../" * (path.count("/") - 1)
    return HTMLResponse(_PAGE.format(title=title, root=root, viewer=viewer.format(root=root)), headers=_VIEWER_HEADERS)


class ViewerFiles(StaticFiles):
    """The files of the viewers."""

    def __init__(self) -> None:
        super().__init__(packages=[("fastapi_offline", "static"), ("asyncapi_viewer", "static")])

    def file_response(self, *args: Any, **options: Any) -> Response:
        """The file, with the headers of all pages."""
        response = super().file_response(*args, **options)
        response.headers.update(_VIEWER_HEADERS)
        return response
