"""The way of the most frequent writes past FastAPI's routing."""
