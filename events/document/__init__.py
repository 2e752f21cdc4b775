"""Commands and events of documents: resources that are created, changed and deleted as a whole."""
