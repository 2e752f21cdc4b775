"""What is installed is one package, `antiphon`; its folders lie at the top level of the repository."""

from importlib.util import find_spec
from pathlib import Path

import pytest

_REPOSITORY = Path(__file__).parents[2]
_FOLDERS = ("events", "services", "projections")


@pytest.mark.parametrize("name", _FOLDERS)
def test_a_folder_is_imported_as_a_part_of_the_package(name: str) -> None:
    spec = find_spec(f"antiphon.{name}")
    assert spec is not None
    assert spec.origin is not None
    assert Path(spec.origin).resolve() == _REPOSITORY / name / "__init__.py"


@pytest.mark.parametrize("name", _FOLDERS)
def test_no_top_level_name_is_taken_by_what_is_installed(name: str) -> None:
    assert not (_REPOSITORY / "src" / name).exists()
