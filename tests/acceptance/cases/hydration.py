"""Values that stand for others (`__prefect_kind`): in parameters of deployments and runs, and in a run's input."""

from typing import Any

from tests.acceptance.cases.case import Case, get, patch, post

_KIND = "__prefect_kind"


def _json(value: Any) -> dict[str, Any]:
    return {_KIND: "json", "value": value}


def _jinja(template: Any) -> dict[str, Any]:
    return {_KIND: "jinja", "template": template}


def _variable(name: Any) -> dict[str, Any]:
    return {_KIND: "workspace_variable", "variable_name": name}


def _loops(number: int, *, nested: bool) -> str:
    begin, end = "{% for i in [1] %}", "{% endfor %}"
    return begin * number + "x" + end * number if nested else (begin + "x" + end) * number


#: What there is, by a name.
_MEANT: dict[str, Any] = {
    "json": _json('{"a": [1, null]}'),
    "json of a number": _json("5"),
    "json that is none": _json("{"),
    "json that is empty": _json(""),
    "json of no text": _json([1, _json("2")]),
    "json of an object": _json({"a": 1}),
    "json without a value": {_KIND: "json"},
    "json of a template": _json(_jinja('{{ "[1, 2]" }}')),
    "json of nothing": _json({_KIND: "json"}),
    "none": {_KIND: "none", "value": {"a": _json("1")}},
    "none without a value": {_KIND: "none"},
    "null": {_KIND: None, "value": _json("1")},
    "unknown kind": {_KIND: "magic", "value": {"a": _json("1")}},
    "unknown kind without a value": {_KIND: "magic"},
    "within a list": [1, _json("2"), {_KIND: "json"}, [_json("[3]")]],
    "within an object": {"a": {"b": _json("2"), "c": _variable("cases-hydration")}},
    "template": _jinja("{{ 1 + 2 }} and {{ missing.part | upper }}|{% if true %}yes{% endif %}"),
    "template with filters": _jinja("{{ [3, 1] | sort | tojson }} {{ 1000000 | humanize_intcomma }}"),
    "template without marks": _jinja("plain {# kept #}"),
    "template that is none": _jinja("{{ 1 + }}"),
    "template that is open": _jinja("{% if %}"),
    "template that fails": _jinja("{{ 1 / 0 }}"),
    "template of a wrong sum": _jinja('{{ 1 + "a" }}'),
    "template that looks within": _jinja("{{ ''.__class__.__mro__ }}"),
    "template that changes": _jinja("{% set l = [] %}{{ l.append(1) }}"),
    "template of a long range": _jinja("{% for i in range(101) %}x{% endfor %}"),
    "template of a range": _jinja("{% for i in range(3) %}{{ i }}{% endfor %}"),
    "template of many loops": _jinja(_loops(10, nested=False)),
    "template of too many loops": _jinja(_loops(11, nested=False)),
    "template of deep loops": _jinja(_loops(2, nested=True)),
    "template of too deep loops": _jinja(_loops(3, nested=True)),
    "template without a template": {_KIND: "jinja", "value": "x"},
    "template of a variable": _jinja(_variable("cases-template")),
    "template of a number": _jinja(5),
    "variable": _variable("cases-hydration"),
    "variable of an object": _variable("cases-object"),
    "variable of null": _variable("cases-nothing"),
    "variable that is missing": _variable("cases-missing"),
    "variable by a number": _variable(5),
    "variable by a list": _variable(["cases-hydration"]),
    "variable without a name": {_KIND: "workspace_variable"},
    "variable of a template": _variable(_jinja("cases-{{ 'hydration' }}")),
    "variable that looks like one": _variable("cases-again"),
}

#: The genuine server fails on the other one, which is shown here to be what is wrong.
_SHOWN = {name: value for name, value in _MEANT.items() if name != "variable by a list"}

_SETTING: list[Case] = [
    post(f"variable {name}", "/variables/", {"name": f"cases-{name}", "value": value})
    for name, value in {
        "hydration": "a value",
        "object": {"x": 1},
        "nothing": None,
        "template": "{{ 6 * 7 }}",
        "again": _json("1"),
    }.items()
]

_OPEN: dict[str, Any] = {"type": "object", "properties": {}}
_STRICT: dict[str, Any] = {"type": "object", "properties": {"x": {"type": "integer"}}, "required": ["x"]}


def _deployment(name: str, **fields: Any) -> Case:
    body = {"name": f"cases-{name}", "flow_id": "{flow.id}", "parameter_openapi_schema": _OPEN, **fields}
    return post(f"deployment {name}", "/deployments/", body, save=name)


def _run(of: str, what: str, **fields: Any) -> Case:
    return post(f"run of {of}: {what}", f"/deployments/{{{of}.id}}/create_flow_run", fields)


def _patched(of: str, what: str, **fields: Any) -> list[Case]:
    return [
        patch(f"patch {of}: {what}", f"/deployments/{{{of}.id}}", fields),
        get(f"read {of}: {what}", f"/deployments/{{{of}.id}}"),
    ]


PARAMETERS: list[Case] = [
    *_SETTING,
    post("flow", "/flows/", {"name": "cases-hydration"}, save="flow"),
    _deployment("plain", parameters={"kept": 1}),
    _deployment("strict", parameter_openapi_schema=_STRICT, parameters={"x": 1}),
    _deployment("standing", parameters={"x": _json("7"), "y": _variable("cases-hydration"), "z": {_KIND: "json"}}),
    _deployment("wrong", parameters={"x": _variable("cases-missing")}),
    *[_run("plain", name, parameters={"p": value}) for name, value in _MEANT.items()],
    _run("plain", "as a whole", parameters=_json('{"a": 1}')),
    _run("plain", "as a whole, nothing", parameters={_KIND: "json"}),
    _run("plain", "as a whole, a number", parameters=_json("1"), enforce_parameter_schema=False),
    _run("strict", "fitting", parameters={"x": _json("7")}),
    _run("strict", "misfit", parameters={"x": _json('"seven"')}),
    _run("strict", "left out", parameters={"x": {_KIND: "json"}}),
    _run("strict", "unchecked", parameters={"x": _json('"seven"')}, enforce_parameter_schema=False),
    _run("strict", "text for a number", parameters={"x": _jinja("{{ 7 }}")}),
    _run("standing", "plain"),
    _run("standing", "another", parameters={"x": 1}),
    _run("standing", "in its own way", parameters={"y": _jinja("{{ 'y' }}")}),
    _run("wrong", "plain"),
    _run("wrong", "put right", parameters={"x": 1}),
    get("read standing", "/deployments/{standing.id}"),
    *[case for name, value in _MEANT.items() for case in _patched("plain", name, parameters={"p": value})],
    *_patched("plain", "as a whole", parameters=_json('{"a": 1}')),
    *_patched("strict", "fitting", parameters={"x": _json("8")}),
    *_patched("strict", "misfit", parameters={"x": _json('"eight"')}),
    *_patched("strict", "left out", parameters={"x": {_KIND: "json"}}),
    *_patched("standing", "something else", description="d"),
    patch("patch unknown", "/deployments/00000000-0000-4000-8000-00000000dead", {"parameters": {"p": _json("{")}}),
    _run("strict", "after the changes"),
]


def _paused(name: str, schema: dict[str, Any]) -> list[Case]:
    keyset = {"schema": "s", "response": "r"}
    pause = {"type": "PAUSED", "state_details": {"pause_timeout": "2099-01-01T00:00:00Z", "run_input_keyset": keyset}}
    body = {"flow_id": "{flow.id}", "name": name, "state": {"type": "RUNNING"}}
    return [
        post(f"run {name}", "/flow_runs/", body, save=name),
        post(f"pause {name}", f"/flow_runs/{{{name}.id}}/set_state", {"state": pause}),
        post(f"schema {name}", f"/flow_runs/{{{name}.id}}/input", {"key": "s", "value": _text(schema)}),
    ]


def _text(value: Any) -> str:
    return str(value).replace("'", '"')


def _resumed(name: str, what: str, run_input: Any) -> Case:
    return post(f"resume {name}: {what}", f"/flow_runs/{{{name}.id}}/resume", {"run_input": run_input})


def _resumption(number: int, what: str, value: Any) -> list[Case]:
    name = f"r{number}"
    return [
        *_paused(name, {"type": "object"}),
        _resumed(name, what, {"p": value}),
        get(f"input of {name}: {what}", f"/flow_runs/{{{name}.id}}/input/r"),
    ]


_FEW = ("json", "json that is none", "none without a value", "within a list", "template", "template that fails")

INPUTS: list[Case] = [
    post("flow", "/flows/", {"name": "cases-hydrated-inputs"}, save="flow"),
    post("variable", "/variables/", {"name": "cases-input", "value": {"age": 36}}),
    *[case for number, what in enumerate(_FEW) for case in _resumption(number, what, _MEANT[what])],
    *_paused("whole", {"type": "object", "properties": {"age": {"type": "integer"}}, "required": ["age"]}),
    _resumed("whole", "no object", _json("5")),
    _resumed("whole", "nothing", {_KIND: "json"}),
    _resumed("whole", "misfit", {"age": _json('"old"')}),
    _resumed("whole", "missing variable", _variable("cases-none")),
    _resumed("whole", "variable", _variable("cases-input")),
    get("input of whole", "/flow_runs/{whole.id}/input/r"),
    _resumed("whole", "not paused", {"age": _json("{")}),
    *_paused("anything", {}),
    _resumed("anything", "no object", _json("[5]")),
    get("input of anything", "/flow_runs/{anything.id}/input/r"),
    post("run unasked", "/flow_runs/", {"flow_id": "{flow.id}", "state": {"type": "PAUSED"}}, save="unasked"),
    _resumed("unasked", "wrong", {"age": _json("{")}),
]


def _checked(name: str, schema: Any, **values: Any) -> Case:
    return post(f"validate: {name}", "/ui/schemas/validate", {"schema": schema, "values": values})


_TYPED = {
    "type": "object",
    "properties": {
        "n": {"type": "integer"},
        "t": {"type": "string", "format": "date"},
        "when": {"type": "string", "format": "date-time"},
        "l": {"type": "array", "items": {"type": "integer"}, "maxItems": 3},
        "o": {"type": "object", "properties": {"a": {"type": "object", "required": ["b"]}}, "required": ["a"]},
        "either": {"anyOf": [{"type": "integer"}, {"type": "null"}]},
    },
    "required": ["n"],
}

_REFERENCE = {"d": {"$ref": "#/definitions/D"}}

SCHEMAS: list[Case] = [
    *_SETTING,
    *[_checked(name, _TYPED, n=value, either=value) for name, value in _SHOWN.items()],
    *[_checked(f"{name}, anything", {}, p=value) for name, value in _SHOWN.items()],
    _checked("fits", _TYPED, n=1, t="2001-01-01", l=[1], o={"a": {"b": 1}}),
    _checked("missing", _TYPED),
    _checked("wrong types", _TYPED, n="a", t=5, l="x", o=[]),
    _checked("several in one", _TYPED, n=1, l=["a", 2, "c"], o={"a": {}}),
    _checked("formats", _TYPED, n=1, t="someday", when="someday"),
    _checked("null where it may be left out", _TYPED, n=1, t=None),
    _checked("null where it may not", _TYPED, n=None),
    _checked("within a list", _TYPED, n=1, l=[_json("1"), _jinja("x"), _json("{")]),
    _checked("tuples", {"properties": {"t": {"items": [{"type": "integer"}]}}}, t=["a"]),
    _checked("at the root", {"minProperties": 1}),
    _checked("no more", {"additionalProperties": False}, a=1),
    _checked("definitions", {"properties": _REFERENCE, "definitions": {"D": _TYPED}}, d={"t": None}),
    _checked("unknown definition", {"properties": _REFERENCE}, d=1),
    _checked("remote definition", {"properties": {"d": {"$ref": "http://127.0.0.1:1/schema"}}}, d=1),
    _checked("circular", {"$ref": "#"}, d=1),
    _checked("no schema", {"type": 5}),
    _checked("a bad pattern", {"properties": {"d": {"pattern": "["}}}, d="x"),
    _checked("schema a list", []),
    post("validate: nothing", "/ui/schemas/validate"),
    post("validate: no values", "/ui/schemas/validate", {"schema": {}}),
    post("validate: no schema given", "/ui/schemas/validate", {"values": {}}),
    post("validate: values a list", "/ui/schemas/validate", {"schema": {}, "values": []}),
]
