"""The AsyncAPI document as a page to read: complete without scripts, and without anything from elsewhere."""

from __future__ import annotations

from collections import defaultdict
from typing import Any, Final
from xml.etree.ElementTree import Element

import orjson

from services.gateway.markup import Content, document, element, prose

#: Where the page lies, seen from what it refers to (see services/gateway/routes/own/asyncapi.py).
_ROOT: Final = "../../"
_SCHEMAS: Final = "#/components/schemas/"
#: A default that says more than that there is none.
_NO_DEFAULT: Final[tuple[object, ...]] = (None, "", [], {})


def render(described: dict[str, Any]) -> bytes:
    """The page of a document."""
    return document(_Page(described).html())


class _Page:
    def __init__(self, described: dict[str, Any]) -> None:
        self._info = described["info"]
        self._channels: dict[str, Any] = described["channels"]
        self._operations: dict[str, Any] = described["operations"]
        self._messages: dict[str, Any] = described["components"]["messages"]
        self._schemas: dict[str, Any] = described["components"]["schemas"]

    def html(self) -> Element:
        kinds = defaultdict(list)
        for name in self._channels:
            kinds[name.partition(".")[0]].append(name)
        outcome = kinds.pop("outcome", [])
        payloads = {_target(message["payload"]) for message in self._messages.values()}
        shared = sorted(set(self._schemas) - payloads)
        main = element(
            "main",
            self._introduction(),
            *(self._kind(kind, names) for kind, names in sorted(kinds.items())),
            *(self._section("answers", "Answers", [self._channel(name) for name in outcome]) for _ in outcome[:1]),
            self._section("schemas", "Shared schemas", [self._schema(name) for name in shared]),
        )
        places = [
            *((kind, _words(kind)) for kind in sorted(kinds)),
            ("answers", "Answers"),
            ("schemas", "Shared schemas"),
        ]
        links = [element("li", element("a", words, href=f"#{place}")) for place, words in places]
        contents = element("nav", element("ul", *links), class_="contents", aria_label="Contents")
        return element("html", _head(), element("body", _top(), contents, main), lang="en")

    def _introduction(self) -> Element:
        return element(
            "section",
            element("h1", "Messages on NATS"),
            element("p", *prose(self._info["description"])),
            element(
                "p",
                f"Version {self._info['version']}. For programs: ",
                element("a", "this document as AsyncAPI 3", href="asyncapi"),
                ".",
            ),
            class_="introduction",
        )

    def _kind(self, kind: str, names: list[str]) -> Element:
        commands = [name for name in names if self._operations[name]["action"] == "receive"]
        events = [name for name in names if name not in commands]
        parts = []
        for title, some in (("Commands", commands), ("Events", events)):
            if some:
                parts += [element("h3", title), *(self._channel(name) for name in some)]
        return self._section(kind, _words(kind), parts)

    def _section(self, place: str, title: str, parts: list[Element]) -> Element:
        return element("section", element("h2", title), *parts, id=place, class_="kind")

    def _channel(self, name: str) -> Element:
        channel = self._channels[name]
        (reference,) = channel["messages"].values()
        message = self._messages[reference["$ref"].rpartition("/")[2]]
        payload = _target(message["payload"])
        headers = _target(message["headers"]) if "headers" in message else None
        details = element(
            "details",
            element("summary", "Body: ", payload),
            self._fields(self._schemas[payload]),
            element("p", "Headers: ", _link(headers)) if headers else None,
        )
        return element(
            "article",
            element("h4", element("a", name, href=f"#{name}")),
            element("p", element("code", channel["address"], class_="subject")),
            element("p", *prose(channel["description"])),
            details,
            id=name,
        )

    def _schema(self, name: str) -> Element:
        schema = self._schemas[name]
        return element(
            "article",
            element("h4", element("a", name, href=f"#{name}")),
            element("p", *prose(schema["description"])) if "description" in schema else None,
            element("p", *_type(schema)) if "properties" not in schema else self._fields(schema),
            id=name,
        )

    def _fields(self, schema: dict[str, Any]) -> Element:
        properties = schema.get("properties")
        if not properties:
            return element("p", "It has no fields.", class_="note")
        required = schema.get("required", ())
        rows = [_row(name, field, is_required=name in required) for name, field in properties.items()]
        head = element("tr", *(element("th", title, scope="col") for title in ("Field", "Type", "", "About")))
        return element("table", element("thead", head), element("tbody", *rows))


def _row(name: str, field: dict[str, Any], *, is_required: bool) -> Element:
    about = prose(field.get("description", ""))
    default = field.get("default")
    if not is_required and default not in _NO_DEFAULT and not isinstance(default, dict):
        about += [" " if about != [""] else "", "Without it: ", element("code", orjson.dumps(default).decode()), "."]
    return element(
        "tr",
        element("th", element("code", name), scope="row"),
        element("td", *_type(field)),
        element("td", "required" if is_required else "", class_="required"),
        element("td", *about),
    )


def _type(schema: dict[str, Any]) -> list[Content]:
    """What a value may be, in words, with links to what is described elsewhere."""
    if "$ref" in schema:
        return [_link(_target(schema))]
    if "enum" in schema or "const" in schema:
        return [", ".join(map(str, schema.get("enum", [schema.get("const")])))]
    for several in ("anyOf", "oneOf"):
        if several in schema:
            return _joined([_type(option) for option in schema[several]])
    match schema.get("type"):
        case "array" if "items" in schema:
            return ["list of ", *_type(schema["items"])]
        case "object" if isinstance(schema.get("additionalProperties"), dict):
            return ["by name: ", *_type(schema["additionalProperties"])]
        case str(name):
            return [schema.get("format", name)]
        case _:
            return ["any"]


def _joined(options: list[list[Content]]) -> list[Content]:
    joined: list[Content] = []
    for index, option in enumerate(options):
        joined += [*([" or "] if index else []), *option]
    return joined


def _target(reference: dict[str, Any]) -> str:
    return str(reference["$ref"]).removeprefix(_SCHEMAS)


def _link(name: str) -> Element:
    return element("a", name, href=f"#{name}")


def _words(kind: str) -> str:
    return kind.replace("_", " ").capitalize()


def _head() -> Element:
    return element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name="color-scheme", content="light dark"),
        element("title", "Messages on NATS · Antiphon"),
        element("link", rel="icon", href=f"{_ROOT}audit/mark.svg", type="image/svg+xml"),
        *(element("link", rel="stylesheet", href=f"{_ROOT}audit/{name}.css") for name in ("tokens", "document")),
    )


def _top() -> Element:
    mark = element("img", src=f"{_ROOT}audit/mark.svg", alt="", width="24", height="24")
    return element(
        "header",
        element("p", mark, "Antiphon ", element("span", "Messages on NATS"), class_="brand"),
        element("nav", element("a", "Audit", href=f"{_ROOT}audit"), aria_label="More"),
        class_="top",
    )
