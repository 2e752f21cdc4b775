"""`python -m antiphon.services.projector` runs the projector."""

from antiphon.services.projector.main import run
from antiphon.services.runtime.lifecycle import run_role

run_role("projector", run)
