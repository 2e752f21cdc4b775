"""The checks of `antiphon doctor`."""
