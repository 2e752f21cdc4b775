"""Documents: one decider for every resource that is created, changed and deleted as a whole."""
