"""What tests look for in HTML."""

from __future__ import annotations

import re
from collections import Counter
from html.parser import HTMLParser
from typing import Final

#: What makes a browser ask another server.
LEADS_ELSEWHERE: Final = re.compile(r"https?://|url\(|@import|\bimport\(|//\w+\.\w+/")


class Elements(HTMLParser):
    """Every element of a page with its attributes."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def all(self, attribute: str) -> list[str]:
        return [value for _, attributes in self.found if (value := attributes.get(attribute)) is not None]


def dangling(elements: Elements) -> list[str]:
    """Ids that are there more than once, and links within the page that lead nowhere."""
    ids = Counter(elements.all("id"))
    links = {link[1:] for link in elements.all("href") if link.startswith("#")}
    return [*(found for found, times in ids.items() if times > 1), *sorted(links - set(ids))]
