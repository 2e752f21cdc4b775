"""Ten initial states, nine proposed ones, with and without force: Antiphon decides each as the genuine server does."""

import pytest

from tests.acceptance.conftest import Pair
from tests.acceptance.normal import difference
from tests.acceptance.transition_matrix import SUBJECTS, TYPES, Table, cells

pytestmark = pytest.mark.acceptance


def test_the_table_is_complete() -> None:
    assert len(set(cells())) == len(SUBJECTS) * len(TYPES) * (1 + 2 * len(TYPES))


def test_every_transition_comes_out_alike(pair: Pair) -> None:
    requests = [str(cell) for cell in cells()], Table
    expected, given = pair.answers("transitions", requests, lambda server: Table(server).outcomes())
    differences = {cell: difference(outcome, given[cell]) for cell, outcome in expected.items()}
    found = [f"--- {cell}\n{differs}" for cell, differs in differences.items() if differs]
    if found:
        pytest.fail(f"{len(found)} of {len(expected)} transitions:\n" + "\n".join(found), pytrace=False)
