"""`python -m antiphon.services.recorder` runs the recorder."""

from antiphon.services.recorder.main import run
from antiphon.services.runtime.lifecycle import run_role

run_role("recorder", run)
