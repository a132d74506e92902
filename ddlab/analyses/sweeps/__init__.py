"""Sweeps: many decompositions, first radii or learning rates."""
