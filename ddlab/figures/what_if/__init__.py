"""Decisions and local probabilities before and after edits of an image."""
