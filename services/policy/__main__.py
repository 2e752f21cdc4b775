"""`python -m services.policy` runs the policy."""

from services.policy.main import run
from services.runtime.lifecycle import run_role

run_role("policy", run)
