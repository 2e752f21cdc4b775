"""The command line: `antiphon start`, what runs, what the log tells, and what keeps it well."""
