"""Compare strategies: accuracy, cost, communication, choosing, and the papers' tables."""
