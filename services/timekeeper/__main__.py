"""`python -m services.timekeeper` runs the timekeeper."""

from services.runtime.lifecycle import run_role
from services.timekeeper.main import run

run_role("timekeeper", run)
