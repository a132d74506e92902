"""A run while it works: the balance of its ranks."""
