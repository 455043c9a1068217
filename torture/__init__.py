"""Attacks on the loader: faults at random instants, any bytes as input, bombs. ``python -m torture``, docs/trust.md."""
