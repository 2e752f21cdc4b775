"""The timekeeper: says that a time has come, where nobody else would."""
