"""Networks cut across their layers: partition, schedules, simulation."""
