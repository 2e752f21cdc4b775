"""The schema of the read models, as numbered SQL files."""
