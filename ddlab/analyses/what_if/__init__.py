"""Edits of an image, and the answers of a run's networks and strategies before and after them."""
