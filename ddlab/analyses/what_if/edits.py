"""Edits of an image as one short text: ``occlude:2,shift:all:3:-2``.

Edits are separated by commas and done one after the other. Each is ``KIND:PLACE`` with its numbers: the place is the
number of a subdomain, from 1, or ``all`` for the whole image. Where an edit leaves pixels empty they get the ``mean``
of the training images, or ``zero`` where that is its last word.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from ddlab.decomposition import Decomposition
from ddlab.registry import shortened, unknown
from ddlab.written import percent

WHOLE = "all"
FILLS = ("mean", "zero")
MOST = 32  # edits of one image
AXES = {1: ("samples",), 2: ("rows", "columns"), 3: ("rows", "columns", "layers")}
WAYS = {"samples": ("earlier", "later"), "rows": ("up", "down"), "columns": ("left", "right")}
WAYS |= {"layers": ("down", "up")}


@dataclass(frozen=True)
class Kind:
    """A kind of edit.

    Parameters
    ----------
    doing
        Its title as a noun, to begin a sentence with.
    numbers
        What follows the place, in words; of a shift, a number for every axis.
    fills
        Whether it leaves pixels empty, and so may say what they get.
    """

    title: str
    doing: str
    description: str
    numbers: tuple[str, ...] = ()
    fills: bool = False


KINDS: dict[str, Kind] = {
    "occlude": Kind("Occlude", "Occluding", "Nothing of it is left: all of its pixels are filled.", fills=True),
    "brighten": Kind(
        "Brighten or darken", "Brightening", "A share of the whole range of values is added.", ("percent",)
    ),
    "multiply": Kind("Multiply", "Multiplying", "Every value is multiplied by a percentage of itself.", ("percent",)),
    "shift": Kind("Shift", "Shifting", "By whole pixels; what comes in is filled.", ("axes",), fills=True),
    "swap": Kind("Take from another image", "Taking", "The same place of another image is put there.", ("image",)),
    "exchange": Kind("Exchange two", "Exchanging", "Two subdomains of one size change places.", ("subdomain",)),
}
LIMITS = {"brighten": (-100, 100), "multiply": (0, 400)}  # percent


@dataclass(frozen=True)
class Edit:
    """One edit.

    Parameters
    ----------
    kind
        One of ``KINDS``.
    place
        The subdomain, from 1; 0: the whole image.
    numbers
        Percent, pixels along every axis, another image or another subdomain.
    fill
        What empty pixels get, one of ``FILLS``.
    """

    kind: str
    place: int
    numbers: tuple[int, ...] = ()
    fill: str = FILLS[0]

    def __str__(self) -> str:
        fill = [] if self.fill == FILLS[0] else [self.fill]
        return ":".join([self.kind, str(self.place or WHOLE), *map(str, self.numbers), *fill])

    def at(self, place: int) -> "Edit":
        """Return the same edit at another place."""
        return replace(self, place=place)

    @property
    def where(self) -> str:
        """The place in words."""
        return f"subdomain {self.place}" if self.place else "the whole image"

    def told(self, doing: bool = False) -> str:
        """Say what the edit does: as an order, or ``doing`` it."""
        verb = KINDS[self.kind].doing if doing else KINDS[self.kind].title
        return f"{_verb(self, verb, doing)}{' with zeros' * (self.fill == 'zero')}"


def written(edits: Sequence[Edit]) -> str:
    """Return the text that :func:`read_edits` reads."""
    return ",".join(map(str, edits))


def read_edits(text: str, decomposition: Decomposition, num_images: int) -> tuple[Edit, ...]:
    """Read edits of an image that is cut in this way; an empty text is no edit.

    Parameters
    ----------
    num_images
        Those that a subimage can be taken from.

    Raises
    ------
    ValueError
        If a kind, a place or a number is not allowed; names the edit, the rule, the value and the choices.
    """
    items = [item.strip() for item in text.split(",")] if text.strip() else []
    if len(items) > MOST:
        raise ValueError(f"edits: at most {MOST} at once, got {len(items)}")
    return tuple(_read(item, decomposition, num_images) for item in items)


def ranges_of(kind: str, place: int, decomposition: Decomposition, num_images: int) -> dict[str, tuple[int, int]]:
    """Return the numbers that an edit needs, by name, and between which values each must be."""
    shape = decomposition.subdomains[place - 1].shape if place else decomposition.shape
    ranges: dict[str, tuple[int, int]] = {}
    for name in KINDS[kind].numbers:
        if name == "axes":
            ranges |= {axis: (1 - extent, extent - 1) for axis, extent in zip(AXES[len(shape)], shape, strict=True)}
        elif name == "percent":
            ranges[name] = LIMITS[kind]
        else:
            ranges[name] = (0, num_images - 1) if name == "image" else (1, len(decomposition))
    return ranges


# ---- reading one


def _read(item: str, decomposition: Decomposition, num_images: int) -> Edit:
    name, *words = item.split(":")
    if name not in KINDS:
        raise ValueError(unknown(f"edits: {shortened(item)}: kind", name, KINDS))
    kind, place = KINDS[name], _place(item, words[:1], decomposition)
    fill = words.pop() if kind.fills and len(words) > 1 and words[-1] in FILLS else FILLS[0]
    ranges = ranges_of(name, place, decomposition, num_images)
    if len(words) - 1 != len(ranges):
        raise ValueError(f"edits: {shortened(item)}: must be {_usage(name, ranges)}")
    given = zip(words[1:], ranges.items(), strict=True)
    edit = Edit(name, place, tuple(_number(item, word, *about) for word, about in given), fill)
    _check_exchange(item, edit, decomposition)
    return edit


def _place(item: str, words: Sequence[str], decomposition: Decomposition) -> int:
    given = words[0] if words else ""
    if given == WHOLE:
        return 0
    if not given.isascii() or not given.isdigit() or not 1 <= int(given[:9]) <= len(decomposition):
        raise ValueError(
            f"edits: {shortened(item)}: place must be {WHOLE} or a subdomain from 1 to {len(decomposition)}, got "
            f"{shortened(given)}"
        )
    return int(given)


def _number(item: str, word: str, name: str, limits: tuple[int, int]) -> int:
    low, high = limits
    digits = word.removeprefix("-")
    number = int(word[:10]) if digits.isascii() and digits.isdigit() else None
    if number is None or not low <= number <= high:
        raise ValueError(
            f"edits: {shortened(item)}: {name} must be a whole number from {low} to {high}, got {shortened(word)}"
        )
    return number


def _check_exchange(item: str, edit: Edit, decomposition: Decomposition) -> None:
    if edit.kind != "exchange":
        return
    if not edit.place:
        raise ValueError(f"edits: {shortened(item)}: place must be a subdomain, got {WHOLE}")
    shapes = [box.shape for box in decomposition]
    if shapes[edit.place - 1] != shapes[edit.numbers[0] - 1]:
        equal = [number for number, shape in enumerate(shapes, 1) if shape == shapes[edit.place - 1]]
        raise ValueError(
            f"edits: {shortened(item)}: both subdomains must have one size; that of {edit.place} have "
            f"{', '.join(map(str, equal))}, got {edit.numbers[0]}"
        )


def _usage(name: str, ranges: dict[str, tuple[int, int]]) -> str:
    fill = f"[:{'|'.join(FILLS)}]" if KINDS[name].fills else ""
    return ":".join([name, "PLACE", *(axis.upper() for axis in ranges)]) + fill


# ---- in words


def _verb(edit: Edit, verb: str, doing: bool) -> str:
    """Begin a sentence about an edit."""
    if edit.kind == "brighten":
        more = edit.numbers[0]
        base = "Darken" if more < 0 else "Brighten"
        return f"{base}{'ing' * doing} {edit.where} by {percent(abs(more) / 100, 0)}"
    if edit.kind == "multiply":
        return f"{verb} {edit.where} by {edit.numbers[0] / 100:g}"
    if edit.kind == "shift":
        return f"{verb} {edit.where} by {' and '.join(_ways(edit.numbers)) or 'nothing'}"
    if edit.kind == "swap":
        return f"{'Taking' if doing else 'Take'} {edit.where} from image {edit.numbers[0]}"
    if edit.kind == "exchange":
        return f"{verb.removesuffix(' two')} subdomains {edit.place} and {edit.numbers[0]}"
    return f"{verb} {edit.where}"


def _ways(numbers: Sequence[int]) -> Iterator[str]:
    for axis, number in zip(AXES[len(numbers)], numbers, strict=True):
        if number:
            word = axis if abs(number) > 1 else axis.removesuffix("s")
            yield f"{abs(number)} {word} {WAYS[axis][number > 0]}"
