"""The files of the audit page, and the headers that restrict a page to its own origin."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from importlib.resources import files
from pathlib import PurePath
from typing import Final

from starlette.responses import Response

from antiphon.services.gateway.docs_pages import pages

#: Scripts, styles and requests from this origin only; nothing inline; no HTML made from text.
_POLICY: Final = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self'",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
        "require-trusted-types-for 'script'",
        "trusted-types 'none'",
    )
)
HEADERS: Final = {
    "Content-Security-Policy": _POLICY,
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
