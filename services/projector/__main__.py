"""`python -m services.projector` runs the projector."""

from services.projector.main import run
from services.runtime.lifecycle import run_role

run_role("projector", run)
