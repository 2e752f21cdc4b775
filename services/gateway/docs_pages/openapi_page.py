"""An OpenAPI document as a page to read."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import Any, Final
from xml.etree.ElementTree import Element

from antiphon.services.gateway.docs_pages import document_page
from antiphon.services.gateway.docs_pages.document_page import Section, in_title
from antiphon.services.gateway.docs_pages.markup import Content, element, prose
from antiphon.services.gateway.docs_pages.schema_markup import article, fields, in_words, joined, row, table, target

_API: Final = "/api"
#: How FastAPI calls the schema of a body that has no name of its own.
_NAMELESS: Final = "Body_"
#: What has no other operation beside it.
_REST: Final = "rest"


def render(described: dict[str, Any], place: str, *, programs: str) -> bytes:
    """The page of a document, to lie at a place; programs are pointed to the document itself."""
    info = described["info"]
    link = element("a", "this document as OpenAPI 3.1", href=programs)
    introduction: list[Content] = [
        element("p", *prose(info["description"])),
        element("p", f"Version {info['version']}. For programs: ", link, "."),
    ]
    return document_page.render(place, introduction, _Page(described).sections())


class _Page:
    def __init__(self, described: dict[str, Any]) -> None:
        self._prefix: str = described.get("servers", [{"url": ""}])[0]["url"]
        self._paths: dict[str, dict[str, Any]] = described["paths"]
        self._schemas: dict[str, Any] = described.get("components", {}).get("schemas", {})
        bodies = Counter(target(body) for body in self._bodies() if "$ref" in body)
        #: A schema that is nothing but the body of operations is described with these.
        self._shared = sorted(name for name, times in Counter(_references(described)).items() if times > bodies[name])

    def sections(self) -> list[Section]:
        groups: dict[str, list[Element]] = defaultdict(list)
        for path, operations in self._paths.items():
            groups[_resource(path)] += [self._operation(method, path, told) for method, told in operations.items()]
        rest = [group[0] for group in groups.values() if len(group) == 1]
        return [
            *(Section(name, in_title(name), group) for name, group in sorted(groups.items()) if len(group) > 1),
            *(Section(_REST, "The rest", rest) for _ in rest[:1]),
            Section("schemas", "Schemas", [article(name, self._schemas[name]) for name in self._shared]),
        ]

    def _bodies(self) -> Iterator[dict[str, Any]]:
        for operations in self._paths.values():
            for told in operations.values():
                yield from (content["schema"] for content in told.get("requestBody", {}).get("content", {}).values())

    def _operation(self, method: str, path: str, told: dict[str, Any]) -> Element:
        place = told["operationId"]
        about = [told["summary"], told["description"]] if "description" in told else [told["summary"]]
        return element(
            "article",
            element("h4", element("a", f"{method.upper()} ", element("code", self._prefix + path), href=f"#{place}")),
            *(element("p", *prose(words)) for words in about),
            *_parameters(told.get("parameters", [])),
            *(self._body(told["requestBody"]) if "requestBody" in told else ()),
            element("p", "Answers: ", *joined([_answer(*item) for item in told["responses"].items()], ", ")),
            id=place,
        )

    def _body(self, told: dict[str, Any]) -> Iterator[Element]:
        for content in told["content"].values():
            schema = content["schema"]
            name = target(schema) if "$ref" in schema else None
            is_nameless = name is None or name.startswith(_NAMELESS)
            summary = "Body" if is_nameless else f"Body: {name}"
            may = "" if told.get("required") else " (may be left out)"
            inside = element("p", *in_words(schema)) if name is None else fields(self._schemas[name])
            yield element("details", element("summary", summary, may), inside)


def _resource(path: str) -> str:
    """What a path is about: its first part, behind the API and its version."""
    parts = path.removeprefix(_API).strip("/").split("/")
    return "_".join(parts[:2]) if parts[0] == "v2" else parts[0]


def _parameters(told: list[dict[str, Any]]) -> Iterator[Element]:
    if not told:
        return
    rows = [
        row(
            parameter["name"],
            {**parameter["schema"], "description": f"In the {parameter['in']}. {parameter.get('description', '')}"},
            is_required=parameter["required"],
        )
        for parameter in told
    ]
    names = ", ".join(parameter["name"] for parameter in told)
    yield element("details", element("summary", f"Parameters: {names}"), table("Parameter", rows))


def _answer(status: str, told: dict[str, Any]) -> list[Content]:
    schemas = [content["schema"] for content in told.get("content", {}).values() if content.get("schema")]
    shown = joined([in_words(schema) for schema in schemas], " or ")
    return [element("code", status), *([" ", *shown] if shown else [])]


def _references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if "$ref" in value:
            yield target(value)
        for item in value.values():
            yield from _references(item)
    elif isinstance(value, list):
        for item in value:
            yield from _references(item)
