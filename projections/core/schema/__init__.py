"""SQL files: `tables` and `derived` follow from the log; `lasting` has the migrations of all other tables."""
