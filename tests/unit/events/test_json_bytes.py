"""NUL characters are taken out of JSON, and nothing else is."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from antiphon.events import json_bytes
from antiphon.events.json_bytes import without_nul

_TEXT = st.text(st.sampled_from('\0\\"u0a\x7fé😀'), max_size=12)
_JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | _TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_TEXT, inner, max_size=3),
    max_leaves=8,
)


def _cleaned(value: Any) -> Any:
    match value:
        case str():
            return value.replace("\0", "")
        case list():
            return [_cleaned(item) for item in value]
        case dict():
            return {_cleaned(name): _cleaned(item) for name, item in value.items()}
        case _:
            return value


@given(value=_JSON)
def test_only_nul_characters_are_taken_out(value: Any) -> None:
    assert json.loads(without_nul(json.dumps(value).encode())) == _cleaned(value)
    assert json_bytes.loads(json.dumps(value, ensure_ascii=False).encode()) == _cleaned(value)


@pytest.mark.parametrize("body", [rb'"\u00\u000000"', rb'"\u\u000000\u000000"', rb"\u0000", rb'"\\\u00\u000000"'])
def test_what_is_no_json_does_not_become_a_nul_character(body: bytes) -> None:
    try:
        assert "\0" not in json.loads(without_nul(body))
    except ValueError:
        pass


@pytest.mark.parametrize("number", ["1e22", "-0.0", "1.0", "9" * 40, "18446744073709551616"])
def test_numbers_keep_their_type_and_digits(number: str) -> None:
    found, wanted = json_bytes.loads(number.encode()), json.loads(number)
    assert (repr(found), type(found)) == (repr(wanted), type(wanted))
    assert json.loads(json_bytes.dumps([found])) == [wanted]
