"""Requests about artifacts."""

from __future__ import annotations

import re
from typing import Annotated, Any, Final
from uuid import UUID

from pydantic import AfterValidator

from antiphon.services.gateway.schemas.fields import StrictModel

#: Prefect truncates values of metadata to this length.
_LONGEST_METADATA: Final = 500


def _plain(key: str) -> str:
    if re.fullmatch("[a-z0-9-]*", key) is None:
        raise ValueError("Artifact key must only contain lowercase letters, numbers, and dashes.")
    return key


def _shortened(metadata: dict[str, str]) -> dict[str, str]:
    return {
        name: f"{text[:_LONGEST_METADATA]}..." if len(text) > _LONGEST_METADATA else text
        for name, text in metadata.items()
    }


Metadata = Annotated[dict[str, str], AfterValidator(_shortened)]


class ArtifactCreate(StrictModel):
    """Prefect's ArtifactCreate."""

    key: Annotated[str, AfterValidator(_plain)] | None = None
    type: str | None = None
    description: str | None = None
    data: dict[str, Any] | Any | None = None
    metadata_: Metadata | None = None
    flow_run_id: UUID | None = None
    task_run_id: UUID | None = None


class ArtifactUpdate(StrictModel):
    """Prefect's ArtifactUpdate: absent fields stay unchanged."""

    data: dict[str, Any] | Any | None = None
    description: str | None = None
    metadata_: Metadata | None = None
