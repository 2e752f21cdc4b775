"""The query language of text searches: `word -not +must "a phrase"` (docs/prefect/queries.md section 7)."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class TextQuery:
    """A parsed query: a text must contain one of `included`, none of `excluded` and all of `required`."""

    included: tuple[str, ...]
    excluded: tuple[str, ...]
    required: tuple[str, ...]

    def matches(self, text: str) -> bool:
        """Whether a text matches, regardless of case."""
        lowered = text.lower()
        return (
            (not self.included or any(term.lower() in lowered for term in self.included))
            and not any(term.lower() in lowered for term in self.excluded)
            and all(term.lower() in lowered for term in self.required)
        )


def parse(query: str) -> TextQuery:
    """Parse a query. Every text is valid: an unclosed quote ends with the text, a lone prefix is ignored."""
    terms: dict[str, list[str]] = {"": [], "-": [], "+": []}
    rest = query.strip()
    while rest:
        sign = ""
        if rest[0] in "-!+":
            sign = "+" if rest[0] == "+" else "-"
            rest = rest[1:]
        term, rest = _quoted(rest[1:]) if rest.startswith('"') else _word(rest)
        if term:
            terms[sign].append(term)
        rest = rest.lstrip()
    return TextQuery(tuple(terms[""]), tuple(terms["-"]), tuple(terms["+"]))


def _word(text: str) -> tuple[str, str]:
    for index, character in enumerate(text):
        if character.isspace():
            return text[:index], text[index:]
    return text, ""


def _quoted(text: str) -> tuple[str, str]:
    found = []
    index = 0
    while index < len(text):
        character = text[index]
        if character == "\\" and text[index + 1 : index + 2] in ('"', "\\"):
            found.append(text[index + 1])
            index += 2
            continue
        if character == '"':
            return "".join(found), text[index + 1 :]
        found.append(character)
        index += 1
    return "".join(found), ""
