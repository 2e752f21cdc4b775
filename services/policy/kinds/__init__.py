"""One decider for each kind of aggregate. Pure."""
