"""Exceptions with U+0000 in their text.

The genuine server fails to store the character, with a 503 that makes the SDK ask again and again, so there the text is
without it: what is left behind must be the same.
"""

import httpx
from prefect import flow, task
from prefect.settings import PREFECT_API_URL, PREFECT_LOGGING_TO_API_ENABLED, temporary_settings
from prefect.states import Failed

from tests.acceptance.say import say

_IS_ANTIPHON = httpx.get(PREFECT_API_URL.value().removesuffix("/api") + "/livez").is_success
TEXT = "before\0after" if _IS_ANTIPHON else "beforeafter"


@task(task_run_name="broken")
def broken() -> None:
    raise RuntimeError(TEXT)


@flow(name="nul-in-exceptions: caught", flow_run_name="caught")
def caught() -> str:
    try:
        broken()
    except RuntimeError as error:
        return str(error == TEXT)
    return "nothing to catch"


@flow(name="nul-in-exceptions: not caught", flow_run_name="not-caught")
def not_caught() -> None:
    broken()


@flow(name="nul-in-exceptions: raised by the flow", flow_run_name="raised-by-the-flow")
def raised() -> None:
    raise ValueError(TEXT)


@flow(name="nul-in-exceptions: returned", flow_run_name="returned")
def returned(parameter: str) -> object:
    return Failed(message=parameter)


if __name__ == "__main__":
    # Log lines hold the text as Python quotes it.
    with temporary_settings({PREFECT_LOGGING_TO_API_ENABLED: False}):
        for ends, run in (("caught", caught), ("not caught", not_caught), ("raised", raised)):
            say(ends, run(return_state=True).type.value)
        say("returned", returned(TEXT, return_state=True).type.value)
