"""Variables as programs and the command line use them."""

import subprocess
import sys

from prefect.variables import Variable

from tests.acceptance.say import say, say_error


def command(*words: str) -> None:
    """Run one of Prefect's commands about variables."""
    line = [sys.executable, "-m", "prefect", "--no-prompt", "variable", *words]
    done = subprocess.run(line, capture_output=True, text=True, check=False)  # noqa: S603
    say(f"variable {' '.join(words)}", [done.returncode, done.stdout.strip()])


if __name__ == "__main__":
    Variable.set("scenario-object", {"x": [1, None]}, tags=["a"])
    say("value", Variable.get("scenario-object"))
    say("none", Variable.get("scenario-none", default="default"))
    say_error("set again", lambda: Variable.set("scenario-object", 1))
    Variable.set("scenario-object", "text", overwrite=True)
    say("overwritten", Variable.get("scenario-object"))
    say_error("bad name", lambda: Variable.set("Scenario", 1))
    command("set", "scenario-line", "5", "--tag", "b")
    command("get", "scenario-line")
    say("of the command line", Variable.get("scenario-line"))
    command("unset", "scenario-line")
    say("unset", [Variable.unset("scenario-object"), Variable.unset("scenario-object")])
