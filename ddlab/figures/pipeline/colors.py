"""The colours of schedules and of ranks; those of passes are in ``schedule.py``."""

from ddlab.figures.colors import CLASSES, OTHER

# Tol 2021, "bright": safe for the colour-blind, and no strategy's.
SCHEDULES = {"gpipe": "#4477AA", "1f1b": "#228833", "interleaved": "#CCBB44", "zero_bubble": "#EE6677"}
# Without the blue, yellow and violet of the passes, and a green of Tol 2021, so that eight ranks differ;
# red is the last, since it looks like a fault.
RANKS = (*(CLASSES[place] for place in (0, 3, 7, 8, 9, 6)), "#44AA99", CLASSES[5])


def schedule_color(name: str) -> str:
    """Return the colour of a schedule; grey for the sequential one."""
    return SCHEDULES.get(name, OTHER)


def rank_color(rank: int) -> str:
    """The colour of a rank; they repeat, and neighbours differ."""
    return RANKS[rank % len(RANKS)]
