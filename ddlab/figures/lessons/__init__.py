"""Figures of lessons: an answer beside what happened."""
