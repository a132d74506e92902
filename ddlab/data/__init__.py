"""Data sets: one file a kind of source, decoded once into a memory-mapped cache of bytes."""
