"""The parts that all deciders share. Pure."""
