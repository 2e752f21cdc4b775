"""What was looked at, what was found, and what to do about it."""

from __future__ import annotations

from enum import StrEnum

from pydantic import BaseModel


class Severity(StrEnum):
    """How bad it is."""

    OK = "ok"
    WARNING = "warning"
    PROBLEM = "problem"


class Finding(BaseModel):
    """One thing that was looked at; `advice` says what to do where it is not well."""

    subject: str
    severity: Severity
    found: str
    advice: str = ""


def ok(subject: str, found: str) -> Finding:
    """Nothing to do."""
    return Finding(subject=subject, severity=Severity.OK, found=found)


def judged(subject: str, found: str, *, is_well: bool, advice: str, severity: Severity = Severity.PROBLEM) -> Finding:
    """`advice` is only given where it is not well."""
    return ok(subject, found) if is_well else Finding(subject=subject, severity=severity, found=found, advice=advice)
