"""`python -m services.recorder` runs the recorder."""

from services.recorder.main import run
from services.runtime.lifecycle import run_role

run_role("recorder", run)
