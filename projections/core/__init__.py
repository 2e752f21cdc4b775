"""Tables, statements and changes: the ground that all read models stand on."""
