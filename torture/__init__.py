"""Attacks on the loader: faults at random instants, any bytes as input, bombs (docs/trust.md)."""
