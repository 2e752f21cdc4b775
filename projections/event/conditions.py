"""Prefect's EventFilter as SQL conditions on the table `event` (docs/prefect/queries.md section 8)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from antiphon.projections.filters import text_query
from antiphon.projections.filters.conditions import Parameters

#: A filter or one of its parts, as JSON.
Part = Mapping[str, Any]

_ID: Final = "prefect.resource.id"
_ROLE: Final = "prefect.resource.role"
_LIKE: Final = str.maketrans({"*": "%", "?": "_", "\\": "\\\\", "%": "\\%", "_": "\\_"})
_TEXT: Final = "lower(concat(event, ' ', resource::text, ' ', related::text, ' ', payload::text))"


def where(wanted: Part, parameters: Parameters) -> str:
    """The condition on the rows that a filter includes; absent parts of the filter are not in the mapping."""
    bind = parameters.bind
    occurred = wanted["occurred"]
    found = [f"occurred BETWEEN {bind(occurred['since'])}::timestamptz AND {bind(occurred['until'])}::timestamptz"]
    found += _of_name(wanted.get("event", {}), parameters)
    found += _of_resource(wanted.get("resource", {}), parameters)
    found += [text for part in _each(wanted.get("related")) for text in _of_related(part, parameters)]
    found += [text for part in _each(wanted.get("any_resource")) for text in _of_any(part, parameters)]
    if ids := wanted["id"].get("id"):
        found.append(f"id = ANY ({bind(ids)}::uuid[])")
    if text := wanted.get("text"):
        found += _of_text(text["query"], parameters)
    return " AND ".join(found)


def _each(parts: Part | Sequence[Part] | None) -> Sequence[Part]:
    if parts is None:
        return ()
    return [parts] if isinstance(parts, Mapping) else parts


def _of_name(part: Part, parameters: Parameters) -> Iterator[str]:
    if prefixes := part.get("prefix"):
        yield _begins("event", prefixes, parameters)
    if prefixes := part.get("exclude_prefix"):
        yield f"NOT {_begins('event', prefixes, parameters)}"
    if names := part.get("name"):
        yield f"event = ANY ({parameters.bind(names)}::text[])"
    if names := part.get("exclude_name"):
        yield f"event <> ALL ({parameters.bind(names)}::text[])"


def _begins(column: str, prefixes: Sequence[str], parameters: Parameters) -> str:
    return f"({' OR '.join(f'starts_with({column}, {parameters.bind(prefix)}::text)' for prefix in prefixes)})"


def _of_resource(part: Part, parameters: Parameters) -> Iterator[str]:
    if ids := part.get("id"):
        yield f"resource_id = ANY ({parameters.bind(ids)}::text[])"
        # The index finds all events with the id; the first condition keeps those with it as their resource.
        yield f"resource_ids && {parameters.bind(ids)}::text[]"
    if prefixes := part.get("id_prefix"):
        yield _begins("resource_id", prefixes, parameters)
    yield from _of_labels(part.get("labels", {}), "resource", parameters, has_role=False)


def _of_related(part: Part, parameters: Parameters) -> Iterator[str]:
    conditions: list[str] = []
    if ids := part.get("id"):
        yield f"resource_ids && {parameters.bind(ids)}::text[]"
        conditions.append(f"r ->> '{_ID}' = ANY ({parameters.bind(ids)}::text[])")
    if roles := part.get("role"):
        conditions.append(f"r ->> '{_ROLE}' = ANY ({parameters.bind(roles)}::text[])")
    if pairs := part.get("resources_in_roles"):
        each = (f"({parameters.bind(pair[0])}::text, {parameters.bind(pair[1])}::text)" for pair in pairs)
        conditions.append(f"(r ->> '{_ID}', r ->> '{_ROLE}') IN ({', '.join(each)})")
    conditions += _of_labels(part.get("labels", {}), "r", parameters)
    if conditions or part.get("labels"):
        yield f"EXISTS (SELECT FROM jsonb_array_elements(related) AS r WHERE {' AND '.join(conditions) or 'true'})"


def _of_any(part: Part, parameters: Parameters) -> Iterator[str]:
    conditions: list[str] = []
    if ids := part.get("id"):
        yield f"resource_ids && {parameters.bind(ids)}::text[]"
        conditions.append(f"r ->> '{_ID}' = ANY ({parameters.bind(ids)}::text[])")
    if prefixes := part.get("id_prefix"):
        conditions.append(_begins(f"(r ->> '{_ID}')", prefixes, parameters))
    conditions += _of_labels(part.get("labels", {}), "r", parameters)
    if conditions:
        every = f"jsonb_array_elements(jsonb_build_array(resource - '{_ROLE}') || related)"
        yield f"EXISTS (SELECT FROM {every} AS r WHERE {' AND '.join(conditions)})"


def _of_labels(labels: Part, column: str, parameters: Parameters, *, has_role: bool = True) -> Iterator[str]:
    for label, given in labels.items():
        # As in Prefect, an empty value of an id or a role has no effect, and that of another label matches nothing.
        patterns = [given] if isinstance(given, str) and given else given or []
        if label == _ROLE and has_role:
            if patterns:
                yield f"{column} ->> '{_ROLE}' = ANY ({parameters.bind(patterns)}::text[])"
        elif label == _ROLE or (not patterns and label != _ID):
            yield "false"
        elif patterns:
            value = f"({column} ->> {parameters.bind(label)}::text)"
            yield f"({' OR '.join(_like(value, pattern, parameters) for pattern in patterns)})"


def _like(value: str, pattern: str, parameters: Parameters) -> str:
    negation = "NOT " if pattern.startswith("!") else ""
    return f"{value} {negation}LIKE {parameters.bind(pattern.removeprefix('!').translate(_LIKE))}::text"


def _of_text(query: str, parameters: Parameters) -> Iterator[str]:
    asked = text_query.parse(query)
    if asked.included:
        yield f"({' OR '.join(_contains(term, parameters) for term in asked.included)})"
    for term in asked.excluded:
        yield f"NOT {_contains(term, parameters)}"
    for term in asked.required:
        yield _contains(term, parameters)


def _contains(term: str, parameters: Parameters) -> str:
    return f"(strpos({_TEXT}, {parameters.bind(term.lower())}::text) > 0)"
