"""The result of one check."""

from __future__ import annotations

from enum import StrEnum

from pydantic import BaseModel


class Severity(StrEnum):
    """The severity of a finding."""

    OK = "ok"
    WARNING = "warning"
    PROBLEM = "problem"


class Finding(BaseModel):
    """The result of one check, with advice unless it is ok."""

    subject: str
    severity: Severity
    found: str
    advice: str = ""


def ok(subject: str, found: str) -> Finding:
    """A good result."""
    return Finding(subject=subject, severity=Severity.OK, found=found)


def judged(subject: str, found: str, *, is_well: bool, advice: str, severity: Severity = Severity.PROBLEM) -> Finding:
    """A good result, or a bad one with advice."""
    return ok(subject, found) if is_well else Finding(subject=subject, severity=severity, found=found, advice=advice)
