"""The pages are whole, need nothing from elsewhere, and can be read."""

from __future__ import annotations

import re
from itertools import product
from typing import Final

import pytest

from antiphon.services.gateway.docs_pages import page
from tests.elements import LEADS_ELSEWHERE, Elements, dangling

FILES: Final = {name: file.body.decode() for name, file in page.all_files().items()}
PAGES: Final = {"audit.html": FILES["audit.html"]}
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
    # services/gateway/docs_pages/page.py asks for the last one.
    assert asked | {"audit.html", "swagger.js"} == set(FILES)


@pytest.mark.parametrize("name", FILES)
def test_nothing_leads_elsewhere(name: str) -> None:
    text = FILES[name].replace('xmlns="http://www.w3.org/2000/svg"', "")
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
