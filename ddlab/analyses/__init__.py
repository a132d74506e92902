"""Analyses: pure functions of a run (and an image) that give tables and small records; one folder a question.

Arrays carry their shape: M or V images, N subdomains, K classes.
"""
