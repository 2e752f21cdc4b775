"""`python -m services.reactor` runs the reactor."""

from services.reactor.main import run
from services.runtime.lifecycle import run_role

run_role("reactor", run)
