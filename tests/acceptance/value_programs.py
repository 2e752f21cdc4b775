"""Random steps about variables, and values that stand for others in parameters and inputs."""

from typing import Any

from hypothesis import strategies as st

from tests.acceptance.step import SALT, Request, Step

#: Each program has two variables, which may be there or not.
_NAMES = (f"v-{SALT}", f"w-{SALT}")
_names = st.sampled_from(_NAMES)
_plain = st.sampled_from([1, "old", None, {"age": 1}, '{"age": 2}', "{{ 40 + 2 }}"])


def _standing(kind: str, key: str, values: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Objects of a kind, now and then without what they need."""
    return st.fixed_dictionaries({"__prefect_kind": st.just(kind)}, optional={key: values})


_leaves = st.one_of(
    _plain,
    _standing("json", "value", st.sampled_from(["1", '"old"', "{", "null", '{"age": 3}', 7])),
    _standing("jinja", "template", st.sampled_from(["{{ 1 + 1 }}", "old", "{{", "{{ 1 / 0 }}", "{{ none }}"])),
    _standing("workspace_variable", "variable_name", _names),
)
_values = st.one_of(
    _leaves,
    _standing("none", "value", _leaves),
    _standing("json", "value", _leaves.filter(lambda value: isinstance(value, dict))),
    _standing("jinja", "template", _standing("workspace_variable", "variable_name", _names)),
    st.lists(_leaves, max_size=2),
)
parameters = st.fixed_dictionaries({}, optional={"x": _values, "age": _values})
run_inputs = st.one_of(
    st.sampled_from([{"age": 1}, None, {}, {"age": "old"}]),
    st.fixed_dictionaries({"age": _values}),
    _standing("workspace_variable", "variable_name", _names),
    _standing("json", "value", st.sampled_from(['{"age": 1}', "[]", "{"])),
)


def _steps(action: str, **body: st.SearchStrategy[Any]) -> st.SearchStrategy[Step]:
    """`of` picks a variable."""
    which = st.integers(0, 1)
    return st.builds(Step, st.just(action), of=which, body=st.fixed_dictionaries({}, optional=body))


value_steps: st.SearchStrategy[Step] = st.one_of(
    _steps("make variable", value=_plain, tags=st.just(["t"])),
    _steps("change variable", value=_plain, name=_names, tags=st.just([])),
    _steps("take variable away"),
    _steps(
        "fill in form", values=parameters, schema=st.sampled_from([{}, {"properties": {"age": {"type": "integer"}}}])
    ),
)


def request(step: Step, body: dict[str, Any], salt: str) -> Request:
    """The request of a step."""
    name = _NAMES[step.of].replace(SALT, salt)
    match step.action:
        case "make variable":
            return "POST", "/variables/", {"name": name} | body
        case "change variable":
            return "PATCH", f"/variables/name/{name}", body
        case "take variable away":
            return "DELETE", f"/variables/name/{name}", None
        case _:
            return "POST", "/ui/schemas/validate", body


ACTIONS = frozenset({"make variable", "change variable", "take variable away", "fill in form"})


def ending(salt: str) -> list[Request]:
    """What is looked at in the end."""
    names = [name.replace(SALT, salt) for name in _NAMES]
    return [("POST", "/variables/filter", {"variables": {"name": {"any_": names}}})]
