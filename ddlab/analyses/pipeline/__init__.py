"""Pipelines: schedules side by side, and what more micro-batches gain."""
