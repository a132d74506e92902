"""Composition: local networks put together to one global network, and a global network taken apart."""
