"""Machines and what they do at best: operations and bytes a second, measured here or from a data sheet."""
