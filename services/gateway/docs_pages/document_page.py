"""The frame of a page to read: what is at its top, its contents, its sections."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from xml.etree.ElementTree import Element

from antiphon.services.gateway.docs_pages.markup import Content, document, element

#: The pages by their places under the root.
_PLACES: Final = {
    "audit": "Audit",
    "api/docs": "Prefect's API",
    "antiphon/v1/docs": "The log over HTTP",
    "antiphon/v1/asyncapi.html": "Messages on NATS",
}


@dataclass(frozen=True, slots=True)
class Section:
    """What stands under one heading."""

    id: str
    title: str
    parts: Sequence[Content]


def render(place: str, introduction: Sequence[Content], sections: Sequence[Section]) -> bytes:
    """The page that lies at a place; complete without scripts, and without anything from elsewhere."""
    root = "../" * place.count("/")
    title = _PLACES[place]
    links = [element("li", element("a", section.title, href=f"#{section.id}")) for section in sections]
    body = element(
        "body",
        _top(place, root),
        element("nav", element("ul", *links), class_="contents", aria_label="Contents"),
        element(
            "main",
            element("section", element("h1", title), *introduction, class_="introduction"),
            *(
                element("section", element("h2", section.title), *section.parts, id=section.id, class_="kind")
                for section in sections
            ),
        ),
    )
    return document(element("html", _head(title, root), body, lang="en"))


def in_title(name: str) -> str:
    """A name of ours as the words of a heading."""
    return name.replace("_", " ").capitalize()


def _head(title: str, root: str) -> Element:
    return element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name="color-scheme", content="light dark"),
        element("title", f"{title} · Antiphon"),
        element("link", rel="icon", href=f"{root}audit/mark.svg", type="image/svg+xml"),
        *(element("link", rel="stylesheet", href=f"{root}audit/{name}.css") for name in ("tokens", "document")),
    )


def _top(place: str, root: str) -> Element:
    mark = element("img", src=f"{root}audit/mark.svg", alt="", width="24", height="24")
    others = [element("a", title, href=root + other) for other, title in _PLACES.items() if other != place]
    return element(
        "header",
        element("p", mark, "Antiphon ", element("span", _PLACES[place]), class_="brand"),
        element("nav", *others, aria_label="More"),
        class_="top",
    )
