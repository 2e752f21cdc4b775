"""Variables: created, changed, found and deleted, by id and by name."""

from typing import Any

from tests.acceptance.cases.case import UNKNOWN, Case, delete, get, patch, post


def _variable(name: str, value: Any, save: str = "", **fields: Any) -> Case:
    return post(f"create {name}", "/variables/", {"name": f"cases-{name}", "value": value, **fields}, save=save)


def _refused(what: str, **body: Any) -> Case:
    return post(f"refused: {what}", "/variables/", body)


def _patched(what: str, **changes: Any) -> list[Case]:
    return [
        patch(f"patch: {what}", "/variables/{text.id}", changes),
        get(f"read: {what}", "/variables/{text.id}"),
    ]


_OURS = {"name": {"like_": "cases-"}}


def _found(what: str, **body: Any) -> list[Case]:
    return [
        post(f"filter: {what}", "/variables/filter", body),
        post(f"count: {what}", "/variables/count", {"variables": body.get("variables")}),
    ]


CASES: list[Case] = [
    _variable("text", "a text", "text", tags=["a", "b"]),
    _variable("number", 17, "number"),
    _variable("fraction", 1.5),
    _variable("whole", 1.0),
    _variable("yes", value=True),
    _variable("null", None),
    _variable("object", {"x": [1, None, {"y": "\u00fc"}]}, "object", tags=["a"]),
    _variable("list", []),
    _variable("", "no more than a prefix"),
    _variable("text", "taken"),
    _variable("largest", "x" * 4998),
    _variable("too large", "x"),
    _refused("too large", name="cases-large", value="x" * 4999),
    _refused("of too many bits", name="cases-bits", value=2**70),
    _refused("upper case", name="Cases", value=1),
    _refused("space", name="cases x", value=1),
    _refused("too long a name", name="c" * 256, value=1),
    _refused("null name", name=None, value=1),
    _refused("number for a name", name=5, value=1),
    _refused("no name", value=1),
    _refused("no value", name="cases-none"),
    _refused("null tags", name="cases-none", value=1, tags=None),
    _refused("tags a text", name="cases-none", value=1, tags="a"),
    _refused("unknown key", name="cases-none", value=1, nope=1),
    post("no body", "/variables/"),
    get("read", "/variables/{object.id}"),
    get("read by name", "/variables/name/cases-object"),
    get("read unknown", f"/variables/{UNKNOWN}"),
    get("read by unknown name", "/variables/name/cases-none"),
    get("read no uuid", "/variables/nope"),
    *_patched("value", value={"new": 1}),
    *_patched("null value", value=None),
    *_patched("tags", tags=["c"]),
    *_patched("name", name="cases-renamed"),
    *_patched("same name", name="cases-renamed", value=3),
    *_patched("nothing"),
    *_patched("taken name", name="cases-number"),
    *_patched("null name", name=None),
    *_patched("null tags", tags=None),
    *_patched("bad name", name="Bad"),
    *_patched("too large", value="x" * 5000),
    *_patched("unknown key", nope=1),
    post("create text again", "/variables/", {"name": "cases-text", "value": "free"}, save="again"),
    get("read by former name", "/variables/name/cases-text"),
    patch("patch by name", "/variables/name/cases-number", {"value": 18, "tags": ["b"]}),
    get("read patched by name", "/variables/{number.id}"),
    patch("patch unknown", f"/variables/{UNKNOWN}", {"value": 1}),
    patch("patch unknown to a null name", f"/variables/{UNKNOWN}", {"name": None}),
    patch("patch by unknown name", "/variables/name/cases-none", {"value": 1}),
    *_found("all of ours", variables=_OURS),
    *_found("like", variables={"name": {"like_": "CASES-N"}}),
    *_found("by names", variables={"name": {"any_": ["cases-list", "cases-none"]}}),
    *_found("no names", variables={"name": {"any_": []}}),
    *_found("by id", variables={"id": {"any_": ["{object.id}"]}}),
    *_found("all tags", variables={"tags": {"all_": ["b"]}}),
    *_found("without tags", variables={**_OURS, "tags": {"is_null_": True}}),
    *_found("with tags", variables={**_OURS, "tags": {"is_null_": False}}),
    *_found("or", variables={"operator": "or_", "name": {"any_": ["cases-list"]}, "tags": {"all_": ["b"]}}),
    *_found("unknown key", variables={"colour": {}}),
    *_found("unknown operator", variables={"name": {"startswith_": ["c"]}}),
    post("page", "/variables/filter", {"variables": _OURS, "sort": "NAME_DESC", "limit": 2, "offset": 1}),
    post("newest first", "/variables/filter", {"variables": _OURS, "sort": "CREATED_DESC"}),
    post("lately changed first", "/variables/filter", {"variables": _OURS, "sort": "UPDATED_DESC", "limit": 1}),
    post("unknown sort", "/variables/filter", {"sort": "SIZE", "variables": 5}),
    post("limit 201", "/variables/filter", {"limit": 201, "offset": -1}),
    post("offset -1", "/variables/filter", {"offset": -1}),
    delete("delete", "/variables/{object.id}"),
    delete("delete again", "/variables/{object.id}"),
    get("read deleted", "/variables/{object.id}"),
    delete("delete by name", "/variables/name/cases-renamed"),
    delete("delete by name again", "/variables/name/cases-renamed"),
    _variable("object", "anew"),
]
