"""The policy process: commands in, events out."""
