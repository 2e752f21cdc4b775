"""Commands and events of task runs."""
