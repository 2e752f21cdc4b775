"""The processes of Antiphon, one folder per process."""
