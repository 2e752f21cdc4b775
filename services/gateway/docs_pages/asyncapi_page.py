"""The AsyncAPI document as a page to read."""

from __future__ import annotations

from collections import defaultdict
from typing import Any, Final
from xml.etree.ElementTree import Element

from antiphon.services.gateway.docs_pages import document_page
from antiphon.services.gateway.docs_pages.document_page import Section, in_title
from antiphon.services.gateway.docs_pages.markup import Content, element, prose
from antiphon.services.gateway.docs_pages.schema_markup import article, fields, link, target

_PLACE: Final = "antiphon/v1/asyncapi.html"


def render(described: dict[str, Any]) -> bytes:
    """The page of a document."""
    page = _Page(described)
    return document_page.render(_PLACE, page.introduction(), page.sections())


class _Page:
    def __init__(self, described: dict[str, Any]) -> None:
        self._info = described["info"]
        self._channels: dict[str, Any] = described["channels"]
        self._operations: dict[str, Any] = described["operations"]
        self._messages: dict[str, Any] = described["components"]["messages"]
        self._schemas: dict[str, Any] = described["components"]["schemas"]

    def introduction(self) -> list[Content]:
        return [
            element("p", *prose(self._info["description"])),
            element(
                "p",
                f"Version {self._info['version']}. For programs: ",
                element("a", "this document as AsyncAPI 3", href="asyncapi"),
                ".",
            ),
        ]

    def sections(self) -> list[Section]:
        kinds = defaultdict(list)
        for name in self._channels:
            kinds[name.partition(".")[0]].append(name)
        outcome = kinds.pop("outcome", [])
        payloads = {target(message["payload"]) for message in self._messages.values()}
        shared = sorted(set(self._schemas) - payloads)
        return [
            *(Section(kind, in_title(kind), self._kind(names)) for kind, names in sorted(kinds.items())),
            Section("answers", "Answers", [self._channel(name) for name in outcome]),
            Section("schemas", "Shared schemas", [article(name, self._schemas[name]) for name in shared]),
        ]

    def _kind(self, names: list[str]) -> list[Content]:
        commands = [name for name in names if self._operations[name]["action"] == "receive"]
        events = [name for name in names if name not in commands]
        parts: list[Content] = []
        for title, some in (("Commands", commands), ("Events", events)):
            if some:
                parts += [element("h3", title), *(self._channel(name) for name in some)]
        return parts

    def _channel(self, name: str) -> Element:
        channel = self._channels[name]
        (reference,) = channel["messages"].values()
        message = self._messages[reference["$ref"].rpartition("/")[2]]
        payload = target(message["payload"])
        headers = target(message["headers"]) if "headers" in message else None
        details = element(
            "details",
            element("summary", "Body: ", payload),
            fields(self._schemas[payload]),
            element("p", "Headers: ", link(headers)) if headers else None,
        )
        return element(
            "article",
            element("h4", element("a", name, href=f"#{name}")),
            element("p", element("code", channel["address"], class_="subject")),
            element("p", *prose(channel["description"])),
            details,
            id=name,
        )
