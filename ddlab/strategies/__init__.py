"""Strategies: ways to get a classifier. One file a strategy; each gives the stages that lead there."""
