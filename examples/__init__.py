"""Networks composed outside of the lab's loop: each a page of code that trains in seconds and prints a table."""
