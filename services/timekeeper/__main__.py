"""`python -m antiphon.services.timekeeper` runs the timekeeper."""

from antiphon.services.runtime.lifecycle import run_role
from antiphon.services.timekeeper.main import run

run_role("timekeeper", run)
