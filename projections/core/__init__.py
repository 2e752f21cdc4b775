"""Tables, statements and row changes, which all read models share."""
