"""How the scenario programs say a result: their output is compared as well."""

import sys
from collections.abc import Callable


def say(label: str, value: object = "") -> None:
    """Print a line that both servers must make the program print."""
    sys.stdout.write(f"{label}: {value}\n")


def say_error(label: str, action: Callable[[], object]) -> None:
    """Do something that the server should refuse, and print how the SDK reports it."""
    try:
        action()
    except Exception as error:  # noqa: BLE001 - whatever it is, it is printed and compared
        first_line = str(error).splitlines()[0] if str(error) else ""
        say(label, f"{type(error).__name__}: {first_line}")
    else:
        say(label, "no error")
