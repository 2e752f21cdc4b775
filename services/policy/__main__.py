"""`python -m antiphon.services.policy` runs the policy."""

from antiphon.services.policy.main import run
from antiphon.services.runtime.lifecycle import run_role

run_role("policy", run)
