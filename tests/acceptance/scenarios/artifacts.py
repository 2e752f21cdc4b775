"""Artifacts as flows make them, and as programs and the command line find them again."""

import subprocess
import sys

from prefect import flow, task
from prefect.artifacts import (
    Artifact,
    create_link_artifact,
    create_markdown_artifact,
    create_progress_artifact,
    create_table_artifact,
    update_progress_artifact,
)

from tests.acceptance.say import say, say_error


@task(task_run_name="measure")
def measure() -> None:
    made = create_progress_artifact(progress=0.0, key="scenario-progress", description="so far")
    update_progress_artifact(made, progress=75.0)
    create_table_artifact(table=[{"name": "one", "age": 1}, {"name": "two", "age": None}], key="scenario-table")


@flow(name="artifacts: report", flow_run_name="{name}", persist_result=True)
def report(name: str) -> str:
    create_markdown_artifact(f"# {name}", key="scenario-report", description="a report")
    create_link_artifact("http://127.0.0.1/", link_text="here")
    measure()
    return name


def command(*words: str) -> None:
    """Run one of Prefect's commands about artifacts."""
    line = [sys.executable, "-m", "prefect", "--no-prompt", "artifact", *words]
    done = subprocess.run(line, capture_output=True, text=True, check=False)  # noqa: S603
    say(f"artifact {' '.join(words)}", [done.returncode, done.stdout.strip()])


def shown(key: str) -> object:
    """What is found under a key."""
    found = Artifact.get(key)
    return found and [found.type, found.description, found.data, found.metadata_]


if __name__ == "__main__":
    report("first")
    report("second")
    for key in ("scenario-report", "scenario-table", "scenario-progress", "scenario-none"):
        say(key, shown(key))
    found, is_new = Artifact.get_or_create("scenario-report", description="other", data="x")
    say("found", [found.data, is_new])
    say_error("bad key", lambda: create_markdown_artifact("x", key="Scenario Report"))
    command("inspect", "scenario-report", "--output", "json")
    command("delete", "scenario-table")
    say("deleted", shown("scenario-table"))
