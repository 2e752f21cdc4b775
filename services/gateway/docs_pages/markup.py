"""Makes HTML of elements rather than of text, so that nothing needs to be escaped by hand."""

from __future__ import annotations

from itertools import pairwise
from xml.etree.ElementTree import Element, tostring

Content = Element | str | None


def element(tag: str, *content: Content, **attributes: str) -> Element:
    """An element; a trailing underscore of an attribute's name is dropped (`class_`), others are hyphens."""
    made = Element(tag, {name.rstrip("_").replace("_", "-"): value for name, value in attributes.items()})
    last: Element | None = None
    for item in content:
        if isinstance(item, Element):
            made.append(item)
            last = item
        elif item is not None and last is None:
            made.text = (made.text or "") + item
        elif item is not None and last is not None:
            last.tail = (last.tail or "") + item
    return made


def prose(text: str) -> list[Content]:
    """A sentence, with what stands between backquotes as code."""
    parts = text.split("`")
    made: list[Content] = [parts[0]]
    for index, (_, part) in enumerate(pairwise(parts)):
        made.append(part if index % 2 else element("code", part))
    return made


def document(html: Element) -> bytes:
    """A whole page."""
    text: bytes = tostring(html, encoding="utf-8", method="html")
    return b"<!doctype html>\n" + text
