"""Commands and events of flow runs."""
