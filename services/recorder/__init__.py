"""The recorder: turns the task-run events of clients into commands."""
