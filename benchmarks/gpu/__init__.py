"""What only a GPU shows, by one command: ``make gpu``; see :mod:`benchmarks.gpu.__main__`."""
