"""Our top-level packages are ours alone."""

from importlib.metadata import packages_distributions
from importlib.util import find_spec
from pathlib import Path

import pytest

_REPOSITORY = Path(__file__).parents[2]
_OURS = ("events", "services", "projections")


@pytest.mark.parametrize("name", _OURS)
def test_the_import_name_leads_to_this_repository(name: str) -> None:
    spec = find_spec(name)
    assert spec is not None
    assert spec.origin == str(_REPOSITORY / name / "__init__.py")


@pytest.mark.parametrize("name", _OURS)
def test_no_installed_distribution_brings_a_package_of_that_name(name: str) -> None:
    assert set(packages_distributions().get(name, [])) <= {"antiphon"}
