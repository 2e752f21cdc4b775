"""`python -m antiphon.services.gateway` runs the gateway."""

from antiphon.services.gateway.main import run
from antiphon.services.runtime.lifecycle import run_role

run_role("gateway", run)
