"""The command line: `antiphon start | stop | status | version`."""
