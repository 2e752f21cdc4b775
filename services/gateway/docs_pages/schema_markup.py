"""JSON schemas as markup: fields in tables, types in words, with links to what the page describes elsewhere."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final
from xml.etree.ElementTree import Element

import orjson

from antiphon.services.gateway.docs_pages.markup import Content, element, prose

_SCHEMAS: Final = "#/components/schemas/"
#: A default that says more than that there is none.
_NO_DEFAULT: Final[tuple[object, ...]] = (None, "", [], {})


def article(name: str, schema: dict[str, Any]) -> Element:
    """A schema that others refer to."""
    return element(
        "article",
        element("h4", element("a", name, href=f"#{name}")),
        element("p", *prose(schema["description"])) if "description" in schema else None,
        fields(schema) if "properties" in schema else element("p", *in_words(schema)),
        id=name,
    )


def fields(schema: dict[str, Any]) -> Element:
    """The fields of an object."""
    properties = schema.get("properties")
    if not properties:
        return element("p", "It has no fields.", class_="note")
    required = schema.get("required", ())
    return table("Field", (row(name, field, is_required=name in required) for name, field in properties.items()))


def table(title: str, rows: Iterable[Element]) -> Element:
    """A table of what `row` makes."""
    head = element("tr", *(element("th", column, scope="col") for column in (title, "Type", "", "About")))
    return element("table", element("thead", head), element("tbody", *rows))


def row(name: str, field: dict[str, Any], *, is_required: bool) -> Element:
    """A value that has a name."""
    about = prose(field.get("description", ""))
    default = field.get("default")
    if not is_required and default not in _NO_DEFAULT and not isinstance(default, dict):
        about += [" " if about != [""] else "", "Without it: ", element("code", orjson.dumps(default).decode()), "."]
    return element(
        "tr",
        element("th", element("code", name), scope="row"),
        element("td", *in_words(field)),
        element("td", "required" if is_required else "", class_="required"),
        element("td", *about),
    )


def in_words(schema: dict[str, Any]) -> list[Content]:
    """What a value may be."""
    if "$ref" in schema:
        return [link(target(schema))]
    if "enum" in schema or "const" in schema:
        return [", ".join(map(str, schema.get("enum", [schema.get("const")])))]
    for several in ("anyOf", "oneOf"):
        if several in schema:
            return joined([in_words(option) for option in schema[several]], " or ")
    match schema.get("type"):
        case "array" if "items" in schema:
            return ["list of ", *in_words(schema["items"])]
        case "object" if isinstance(schema.get("additionalProperties"), dict):
            return ["by name: ", *in_words(schema["additionalProperties"])]
        case str(name):
            return [schema.get("format", name)]
        case _:
            return ["any"]


def joined(parts: list[list[Content]], between: str) -> list[Content]:
    """One after the other."""
    found: list[Content] = []
    for index, part in enumerate(parts):
        found += [*([between] if index else []), *part]
    return found


def target(reference: dict[str, Any]) -> str:
    """The name of the schema that is referred to."""
    return str(reference["$ref"]).removeprefix(_SCHEMAS)


def link(name: str) -> Element:
    """A link to what has this id on the page."""
    return element("a", name, href=f"#{name}")
