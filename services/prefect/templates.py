"""Renders the templates of users, within Prefect's limits."""

from __future__ import annotations

from typing import Any, Final

import jinja2
from jinja2 import nodes
from jinja2.sandbox import ImmutableSandboxedEnvironment

_LONGEST_RANGE: Final = 100
_MOST_LOOPS: Final = 10
_DEEPEST_LOOPS: Final = 2
#: A limit of ours.
_LONGEST_TEXT: Final = 1_000_000

#: The exceptions that a template, which is a program, can raise.
_FAILURES: Final = (
    jinja2.TemplateError,
    ArithmeticError,
    AttributeError,
    LookupError,
    MemoryError,
    RuntimeError,
    SyntaxError,
    TypeError,
    ValueError,
)


class BadTemplateError(Exception):
    """A template is invalid or cannot be rendered; the message gives the reason."""


def _short_range(*bounds: int) -> range:
    numbers = range(*bounds)
    if len(numbers) > _LONGEST_RANGE:
        msg = f"Range too big. The sandbox blocks ranges larger than MAX_TEMPLATE_RANGE={_LONGEST_RANGE}."
        raise OverflowError(msg)
    return numbers


def _environment() -> jinja2.Environment:
    made = ImmutableSandboxedEnvironment(
        undefined=jinja2.ChainableUndefined, extensions=["jinja2_humanize_extension.HumanizeExtension"]
    )
    made.globals["range"] = _short_range
    return made


_ENVIRONMENT: Final = _environment()


def check(template: str) -> None:
    """Raise BadTemplateError for invalid syntax, and for too many or too deep loops."""
    try:
        root = _ENVIRONMENT.parse(template)
        loops, depth = len(list(root.find_all(nodes.For))), _depth(root)
    except _FAILURES as error:
        raise BadTemplateError(str(error)) from error
    if loops > _MOST_LOOPS:
        msg = f"Contains {loops} for loops. Templates can contain no more than {_MOST_LOOPS} for loops."
        raise BadTemplateError(msg)
    if depth > _DEEPEST_LOOPS:
        msg = (
            f"Contains nested for loops at a depth of {depth}. Templates can nest for loops no more than"
            f" {_DEEPEST_LOOPS} loops deep."
        )
        raise BadTemplateError(msg)


def _depth(node: nodes.Node) -> int:
    within = max((_depth(child) for child in node.iter_child_nodes()), default=0)
    return within + isinstance(node, nodes.For)


def rendered(template: str, context: dict[str, Any] | None = None) -> str:
    """The text of a checked template; raises BadTemplateError."""
    if "{{" not in template and "{%" not in template:
        return template
    try:
        text = _ENVIRONMENT.from_string(template).render(context or {})
    except _FAILURES as error:
        msg = f"Failed to render template due to the following error: {error!r}"
        raise BadTemplateError(msg) from error
    if len(text) > _LONGEST_TEXT:
        raise BadTemplateError(f"The rendered template is longer than {_LONGEST_TEXT} characters.")
    return text
