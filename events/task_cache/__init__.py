"""Events of the task cache."""
