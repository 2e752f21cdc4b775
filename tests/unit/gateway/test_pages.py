"""The pages are whole, need nothing from elsewhere, and can be read."""

from __future__ import annotations

import json
import re
from itertools import product
from typing import Final

import pytest

from antiphon.services.gateway.docs_pages import asyncapi_page, page
from antiphon.services.gateway.docs_pages.asyncapi import specification
from tests.elements import LEADS_ELSEWHERE, Elements, dangling

FILES: Final = {name: file.body.decode() for name, file in page.all_files().items()}
DOCUMENT: Final = json.loads(specification().to_json())
ASYNCAPI: Final = asyncapi_page.render(DOCUMENT).decode()
PAGES: Final = {"audit.html": FILES["audit.html"], "asyncapi.html": ASYNCAPI}
_LONGEST: Final = 300
#: Text and its background, as the style sheets put them together.
_TEXTS: Final = ("ink", "soft", "faint", "accent", "accepted", "refused", "delayed")
_BACKGROUNDS: Final = ("paper", "raised", "sunken", "accent-wash")
_STATES: Final = ("scheduled", "pending", "running", "completed", "failed", "crashed", "cancelled", "paused")


def test_every_file_that_is_asked_for_is_there_and_none_is_left_over() -> None:
    asked = set(re.findall(r'(?:src|href)="(?:\.\./)*audit/([\w.]+)"', "".join(PAGES.values())))
    for name, text in FILES.items():
        if name.endswith(".js"):
            asked |= set(re.findall(r'from "\./([\w.]+)"', text))
    assert asked | {"audit.html"} == set(FILES)


@pytest.mark.parametrize("name", [*FILES, "asyncapi.html"])
def test_nothing_leads_elsewhere(name: str) -> None:
    text = {**FILES, **PAGES}[name].replace('xmlns="http://www.w3.org/2000/svg"', "")
    assert LEADS_ELSEWHERE.findall(text) == []


@pytest.mark.parametrize("name", PAGES)
def test_nothing_is_inline_as_the_policy_demands(name: str) -> None:
    for tag, attributes in Elements(PAGES[name]).found:
        assert tag != "style"
        assert tag != "script" or attributes.get("src")
        assert [attribute for attribute in attributes if attribute == "style" or attribute.startswith("on")] == []
    policy = page.HEADERS["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy


@pytest.mark.parametrize("name", PAGES)
def test_links_within_a_page_lead_to_something_that_is_there_once(name: str) -> None:
    elements = Elements(PAGES[name])
    assert dangling(elements) == []
    referred = {*elements.all("for"), *elements.all("aria-labelledby"), *elements.all("aria-controls")}
    # The title of a run comes with the run.
    assert referred <= {*elements.all("id"), "run-title"}


def test_scripts_find_what_they_look_for() -> None:
    ids = set(Elements(FILES["audit.html"]).all("id"))
    looked_for = {found for text in FILES.values() for found in re.findall(r'byId\("([\w-]+)"\)', text)}
    assert looked_for
    assert looked_for <= ids


def test_files_are_not_too_long() -> None:
    assert {name: len(text.splitlines()) for name, text in FILES.items() if text.count("\n") > _LONGEST} == {}


def test_the_page_of_messages_has_all_of_them() -> None:
    elements = Elements(ASYNCAPI)
    assert set(DOCUMENT["channels"]) | set(elements.all("id")) == set(elements.all("id"))
    for channel in DOCUMENT["channels"].values():
        assert f">{channel['address']}</code>" in ASYNCAPI
    for schema in DOCUMENT["components"]["schemas"].values():
        for field in schema.get("properties", {}):
            assert f"<code>{field}</code>" in ASYNCAPI


def test_what_a_schema_says_is_text_and_never_markup() -> None:
    described = json.loads(json.dumps(DOCUMENT))
    described["channels"]["outcome"]["description"] = "<script>alert(1)</script> & `<b>`"
    shown = asyncapi_page.render(described).decode()
    assert "&lt;script&gt;alert(1)&lt;/script&gt; &amp; <code>&lt;b&gt;</code>" in shown
    assert "<script" not in shown


def tokens(scheme: int) -> dict[str, str]:
    """The colours by name; 0 is light, 1 is dark."""
    found = re.findall(r"--([\w-]+): light-dark\((#\w{6}), (#\w{6})\)", FILES["tokens.css"])
    return {name: colours[scheme] for name, *colours in found}


def contrast(one: str, other: str) -> float:
    """The ratio that WCAG 2 defines."""

    def luminance(colour: str) -> float:
        parts = (int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5))
        linear = [part / 12.92 if part <= 0.04045 else float(((part + 0.055) / 1.055) ** 2.4) for part in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
def test_text_can_be_read_and_marks_can_be_seen(scheme: int) -> None:
    colours = tokens(scheme)
    pairs = {(text, behind, 4.5) for text, behind in product(_TEXTS, _BACKGROUNDS)}
    marks = ("edge", *(f"state-{state}" for state in _STATES))
    pairs |= {(mark, behind, 3.0) for mark, behind in product(marks, ("paper", "raised", "accent-wash"))}
    pairs.add(("raised", "accent", 4.5))
    weak = {
        f"{front} on {behind}": round(found, 2)
        for front, behind, least in pairs
        if (found := contrast(colours[front], colours[behind])) < least
    }
    assert weak == {}
