"""Tests of Antiphon, from pure units to the processes spoken to over HTTP."""
