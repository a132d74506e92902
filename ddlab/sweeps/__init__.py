"""Sweeps: many experiments that differ in one thing, such as the decomposition or the first radius."""
