"""Pages that show the documents of the APIs, with viewers from installed packages: Swagger UI and asyncapi-viewer.

Browsers fetch nothing from another server.
"""

from __future__ import annotations

from typing import Any, Final

from starlette.responses import HTMLResponse, Response
from starlette.staticfiles import StaticFiles

from antiphon.services.gateway.docs_pages import page

#: Where ViewerFiles are mounted.
VIEWERS: Final = "/viewers"
#: Both viewers set styles from their scripts; Swagger UI's style sheet has images in it.
_HEADERS: Final = page.HEADERS | {
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
_SWAGGER_UI: Final = """<link rel="stylesheet" href="{root}viewers/swagger-ui.css">
<script src="{root}viewers/swagger-ui-bundle.js" defer></script>
<script src="{root}audit/swagger.js" defer></script>
</head>
<body><div id="swagger-ui"></div></body>"""
_ASYNCAPI_VIEWER: Final = """<script src="{root}viewers/asyncapi-viewer.js" type="module"></script>
</head>
<body><asyncapi-viewer src="asyncapi" sidebar></asyncapi-viewer></body>"""


def openapi_page(title: str, path: str) -> Response:
    """The page at a path, beside the document `openapi.json`."""
    return _page(title, path, _SWAGGER_UI)


def asyncapi_page(title: str, path: str) -> Response:
    """The page at a path, beside the document `asyncapi`."""
    return _page(title, path, _ASYNCAPI_VIEWER)


def _page(title: str, path: str, viewer: str) -> Response:
    # Relative, because a proxy may add a prefix.
    root = "../" * (path.count("/") - 1)
    return HTMLResponse(_PAGE.format(title=title, root=root, viewer=viewer.format(root=root)), headers=_HEADERS)


class ViewerFiles(StaticFiles):
    """The files of the viewers."""

    def __init__(self) -> None:
        super().__init__(packages=[("fastapi_offline", "static"), ("asyncapi_viewer", "static")])

    def file_response(self, *args: Any, **options: Any) -> Response:
        """The file, with the headers of all pages."""
        response = super().file_response(*args, **options)
        response.headers.update(_HEADERS)
        return response
