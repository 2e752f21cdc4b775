"""Numbers in values that are only handed back: Antiphon gives them back as they were sent, with their types and digits.

The genuine server keeps most of them in jsonb, which forgets the type of 1e+22 and the sign of -0.0: the same values.
"""

import json
import re
from decimal import Decimal
from typing import Any, Final

import httpx
import pytest

from tests.acceptance.conftest import Pair
from tests.acceptance.server import Server

pytestmark = pytest.mark.acceptance

#: Each in the form in which servers write it.
NUMBERS: Final = (
    *("0", "-1", "1.0", "-0.0", "0.1", "100000.0", "1e+22", "-1e+22", "1e+16", "1e-7", "1.7976931348623157e+308"),
    *("5e-324", "9007199254740993", "9223372036854775808", "-9223372036854775809", "18446744073709551616", "1" * 60),
)
#: Not all keep integers of more than 64 bits in one column with others.
_SMALL: Final = tuple(number for number in NUMBERS if len(number) < 18 or "e" in number)
_JSON: Final = {"Content-Type": "application/json", "X-PREFECT-API-VERSION": "0.8.4"}
#: The genuine server closes a connection on which a request has failed.
_NO_LIMITS: Final = httpx.Limits(max_keepalive_connections=0)
_NUMBER: Final = re.compile(r"-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?")


def _list(numbers: tuple[str, ...]) -> str:
    return f"[{','.join(numbers)}]"


def _labels(numbers: tuple[str, ...]) -> str:
    return "{" + ",".join(f'"n{place}":{number}' for place, number in enumerate(numbers)) + "}"


#: The objects with numbers: the path of the creation, the path of the reading, the field, its value, and other fields.
#: LIST and LABELS stand for numbers, SIZE makes names differ, FLOW is the id of a flow.
_OBJECTS: Final = (
    ("/flows/", "/flows/{id}", "labels", "LABELS", '"name":"numbers-SIZE"'),
    ("/flow_runs/", "/flow_runs/{id}", "parameters", '{"a":LIST}', '"flow_id":"FLOW"'),
    ("/flow_runs/", "/flow_runs/{id}", "context", '{"a":LIST}', '"flow_id":"FLOW"'),
    ("/flow_runs/", "/flow_runs/{id}", "job_variables", '{"a":LIST}', '"flow_id":"FLOW"'),
    ("/flow_runs/", "/flow_runs/{id}", "labels", "LABELS", '"flow_id":"FLOW"'),
    ("/task_runs/", "/task_runs/{id}", "labels", "LABELS", '"task_key":"numbers","dynamic_key":"SIZE"'),
    ("/deployments/", "/deployments/{id}", "parameters", '{"a":LIST}', '"name":"p-SIZE","flow_id":"FLOW"'),
    ("/deployments/", "/deployments/{id}", "job_variables", '{"a":LIST}', '"name":"j-SIZE","flow_id":"FLOW"'),
    ("/deployments/", "/deployments/{id}", "labels", "LABELS", '"name":"l-SIZE","flow_id":"FLOW"'),
    ("/deployments/", "/deployments/{id}", "pull_steps", '[{"a":LIST}]', '"name":"s-SIZE","flow_id":"FLOW"'),
    (
        *("/deployments/", "/deployments/{id}", "parameter_openapi_schema"),
        *('{"type":"object","default":LIST}', '"name":"o-SIZE","flow_id":"FLOW"'),
    ),
    ("/variables/", "/variables/{id}", "value", "LIST", '"name":"numbers_SIZE"'),
    ("/artifacts/", "/artifacts/{id}", "data", "LIST", '"key":"numbers-SIZE"'),
    (
        *("/work_pools/", "/work_pools/{name}", "base_job_template"),
        *('{"job_configuration":{"a":LIST},"variables":{"type":"object"}}', '"name":"n-SIZE","type":"process"'),
    ),
)
_SIZES: Final = {"all": NUMBERS, "small": _SMALL}


class _Raw(str):
    """A number as it stands in JSON."""

    __slots__ = ()


def _numbers_in(value: Any) -> list[str]:
    if isinstance(value, _Raw):
        return [str(value)]
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [number for item in inner for number in _numbers_in(item)]


def _parsed(answer: httpx.Response, field: str) -> Any:
    """The numbers in a field of an answer as they stand there, or the status of a failure."""
    if not answer.is_success:
        return answer.status_code
    return _numbers_in(json.loads(answer.text, parse_int=_Raw, parse_float=_Raw)[field])


def _given_back(server: Server) -> dict[str, Any]:
    """The numbers of each field as they stand in an answer to its reading."""
    found: dict[str, Any] = {}
    with httpx.Client(base_url=server.api_url, timeout=60, headers=_JSON, limits=_NO_LIMITS) as api:
        flow = api.post("/flows/", json={"name": "numbers"}).json()["id"]
        for size, numbers in _SIZES.items():
            for path, reading, field, value, others in _OBJECTS:
                given = value.replace("LIST", _list(numbers)).replace("LABELS", _labels(numbers))
                rest = others.replace("SIZE", size).replace("FLOW", flow)
                made = api.post(path, content=f'{{{rest},"{field}":{given}}}')
                name = f"{path} {field}, {size}"
                found[name] = made.status_code
                if made.is_success:
                    found[name] = _parsed(api.get(reading.format(**made.json())), field)
        return found | _of_states(api, flow)


def _of_states(api: httpx.Client, flow: str) -> dict[str, Any]:
    """The same for the data of states, an input and changed fields."""
    run = api.post("/flow_runs/", json={"flow_id": flow}).json()["id"]
    numbers = _list(NUMBERS)
    state = f'{{"state":{{"type":"COMPLETED","data":{{"a":{numbers}}}}}}}'
    api.post(f"/flow_runs/{run}/set_state", content=state).raise_for_status()
    api.patch(f"/flow_runs/{run}", content=f'{{"parameters":{{"a":{numbers}}}}}').raise_for_status()
    api.patch(f"/flow_runs/{run}/labels", content=_labels(_SMALL)).raise_for_status()
    api.post(f"/flow_runs/{run}/input", content=json.dumps({"key": "k", "value": numbers})).raise_for_status()
    parsed = json.loads(api.get(f"/flow_runs/{run}").text, parse_int=_Raw, parse_float=_Raw)
    history = json.loads(api.get(f"/flow_run_states/?flow_run_id={run}").text, parse_int=_Raw, parse_float=_Raw)
    return {
        "state data": _numbers_in(parsed["state"]["data"]),
        "state data in the history": _numbers_in(history[-1]["data"]),
        "changed parameters": _numbers_in(parsed["parameters"]),
        "changed labels": _numbers_in({name: parsed["labels"][name] for name in json.loads(_labels(_SMALL))}),
        "input": _NUMBER.findall(api.get(f"/flow_runs/{run}/input/k").text),
    }


def _sent(name: str) -> list[str]:
    return list(_SMALL if name.endswith("small") or name == "changed labels" else NUMBERS)


def test_numbers_come_back_as_they_were_sent(pair: Pair) -> None:
    theirs, ours = pair.answers("numbers", [NUMBERS, _OBJECTS], _given_back)
    for name, given in ours.items():
        genuine = theirs[name]
        if isinstance(genuine, int):
            # It refuses them, or fails.
            assert given == _sent(name) or given in {genuine, 422}, (name, genuine)
            continue
        assert list(map(Decimal, genuine)) == list(map(Decimal, _sent(name))), name
        if not pair.judges_itself:
            assert given == _sent(name), name
