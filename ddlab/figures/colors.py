"""The colours: one a strategy and one a class in every figure, all safe for the colour-blind."""

from plotly.colors import get_colorscale

from ddlab.registry.strategies import STRATEGIES

# Petroff 2021, "Accessible Color Sequences for Data Visualization": ten colours, readable on light and dark, in an
# order of our own: of the drawn shapes, the classes of vermilion objects come first and those of blue ones next.
CLASSES = (
    "#e76300",
    "#ffa90e",
    "#3f90da",
    "#92dadd",
    "#832db6",
    "#bd1f01",
    "#94a4a2",
    "#a96b59",
    "#b9ac70",
    "#717581",
)
SUBDOMAIN = "#ffffff"  # lines on images, drawn over a dark line so that they show on any image
EVIDENCE = "#ff2fd6"  # a colour that images rarely have
CHOSEN = "#00d5ff"  # the border of the subdomain that was chosen, over a dark line
TRAIN = "#9a9a9a"  # the training measure beside the validation measure in a strategy's own colour
PAPER = "#101820"  # published numbers, outlined in white so that they show on any bar
# Scales are written out: of some names plotly's JavaScript has another scale than its Python, or the reverse of it.
PROBABILITY = get_colorscale("Cividis")  # 0 to 1; made for the colour-blind (Nunez, Anderton, Renslow 2018)
SIGNED = get_colorscale("RdBu")  # around 0: red below, blue above
COUNT = get_colorscale("Blues")  # from none, almost white
DIFFERENCE = get_colorscale("YlOrRd")  # the darker the larger
PLACE = get_colorscale("Viridis")  # along an order
OTHER = "#7f7f7f"  # what is no strategy
WHISKER = "#7a8794"  # ends of an interval on a bar, seen on light and dark
SPARE = ("#44AA99", "#882255", "#661100", "#88CCEE", "#117733", "#DDCC77", "#332288")  # Tol 2021, "muted"
AGAINST, FOR = (202, 0, 32), (5, 90, 200)  # the same where the opacity tells how much: red and blue of equal weight


def strategy_color(name: str) -> str:
    """Return the colour of a strategy, of a stage (the local networks) or of another bar.

    A strategy that names no colour gets a free one, always the same as long as those before it stay.
    """
    if name not in STRATEGIES:
        return OTHER
    if color := STRATEGIES[name].color:
        return color
    taken = {entry.color.upper() for entry in STRATEGIES.values() if entry.color}
    free = [color for color in SPARE if color not in taken]
    unnamed = [other for other, entry in STRATEGIES.items() if not entry.color]
    return free[unnamed.index(name) % len(free)]


def class_color(index: int) -> str:
    """The colour of a class; from the eleventh on they repeat."""
    return CLASSES[index % len(CLASSES)]


def ink(color: str) -> str:
    """Black or white, whichever is read better on a hexadecimal colour."""
    red, green, blue = (int(color[place : place + 2], 16) for place in (1, 3, 5))
    return "#101820" if 0.299 * red + 0.587 * green + 0.114 * blue > 110 else "#ffffff"


def pale(color: str, share: float) -> str:
    """A hexadecimal colour mixed with white, of which ``share`` is the colour: what is read on it stays readable."""
    parts = (int(color[place : place + 2], 16) for place in (1, 3, 5))
    return "#" + "".join(f"{round(share * part + (1 - share) * 255):02x}" for part in parts)


def rgba(color: str, opacity: float) -> str:
    """A hexadecimal colour with an opacity from 0 to 1."""
    red, green, blue = (int(color[place : place + 2], 16) for place in (1, 3, 5))
    return f"rgba({red},{green},{blue},{opacity:g})"
