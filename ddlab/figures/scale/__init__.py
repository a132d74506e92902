"""Growth drawn: time, bytes and memory of every strategy against the number of ranks."""
