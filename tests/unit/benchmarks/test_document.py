"""Benchmarks leave each other's parts of the document alone."""

from tests.benchmarks.document import table, with_main, with_part


def test_parts_are_put_in_their_order_and_replaced() -> None:
    text = with_part("# Benchmarks\n\nmain\n", "growth", "## Growth\n\none")
    text = with_part(text, "queries", "## Queries\n")
    assert text == (
        "# Benchmarks\n\nmain\n\n<!-- part: queries -->\n## Queries\n\n<!-- part: growth -->\n## Growth\n\none\n"
    )
    again = with_part(text, "queries", "## Queries\n\ntwo")
    assert again == text.replace("## Queries\n", "## Queries\n\ntwo\n")
    assert with_part(again, "queries", "## Queries\n") == text


def test_another_main_part_keeps_the_others() -> None:
    text = with_part("# Benchmarks\n\nold\n", "writes", "## Writes")
    assert with_main(text, "# Benchmarks\n\nnew\n") == "# Benchmarks\n\nnew\n\n<!-- part: writes -->\n## Writes\n"
    assert with_main("", "# Benchmarks") == "# Benchmarks\n"


def test_tables_are_aligned() -> None:
    assert table(["a", "long"], [["1", "2"]]) == "| a | long |\n| --- | ---- |\n| 1 | 2    |"
