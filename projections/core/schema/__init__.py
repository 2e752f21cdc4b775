"""SQL files: a rebuild creates `tables` and `derived` from the log; `lasting` has the migrations of the others."""
