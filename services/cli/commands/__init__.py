"""The commands and their options; each imports its work when it runs, so that `--help` answers at once."""
