"""Flow runs: their fold, their rules and their decider."""
