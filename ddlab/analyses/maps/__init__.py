"""Class activation maps of a run, their scores, and who can be asked for them."""
