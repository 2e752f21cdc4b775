"""`python -m services.gateway` runs the gateway."""

from services.gateway.main import run
from services.runtime.lifecycle import run_role

run_role("gateway", run)
