"""The ranks of a run: what each of them does while it works, and how evenly the work is shared."""
