"""The pause before a restart."""

from antiphon.services.cli.pause import GrowingPause


def test_the_pause_doubles_up_to_ten_seconds() -> None:
    pause = GrowingPause()
    assert [pause.after(0) for _ in range(8)] == [0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 10.0, 10.0]


def test_a_long_life_starts_over() -> None:
    pause = GrowingPause()
    for _ in range(5):
        pause.after(29.9)
    assert pause.after(30) == 0.2
    assert pause.after(1) == 0.4
