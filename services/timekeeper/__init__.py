"""The timekeeper: publishes commands whose time has come."""
