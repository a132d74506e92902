"""``python -m ddlab``."""

from ddlab.cli import main

if __name__ == "__main__":
    main()
