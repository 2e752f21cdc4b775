"""The projector: builds the read models from the log."""
