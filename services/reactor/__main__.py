"""`python -m antiphon.services.reactor` runs the reactor."""

from antiphon.services.reactor.main import run
from antiphon.services.runtime.lifecycle import run_role

run_role("reactor", run)
