"""Acceptance: whole servers, spoken to from outside and compared with the genuine one."""
