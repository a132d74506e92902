"""Growth: time, bytes and memory of every strategy on one rank to a thousand, by formulas and by a simulation."""
