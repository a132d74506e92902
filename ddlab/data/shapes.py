"""Drawn data sets whose evidence is known: which subdomain holds what, and what is therefore possible at best.

Every variant is a table of outcomes: what the four subdomains of the 2×2 grid (upper left, upper right, lower left,
lower right) hold, the class, and the probability. An image is drawn from the table, so the table *is* the generative
model, and the Bayes-optimal accuracy of each strategy follows from it by enumeration. Objects never touch the border of
a subdomain; where they lie within it, their size and the background say nothing about the class. Image i depends on
the seed, the split and i alone; classes come in fixed shares, exact in every hundred images.

Symbols: k class, K classes, p(k) prior, p_s(k) what the local network of subdomain s can know at best: the posterior of
the class given what its subimage shows.
"""

from abc import abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import combinations, product
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from ddlab.data.drawing import Objects, draw, num_texture_numbers, textures
from ddlab.data.source import SPLITS, Description, Source, Split, SplitName

if TYPE_CHECKING:
    from ddlab.experiment import DatasetSettings

SIZES = (32, 64, 128)
NUM_TRAIN, NUM_VALIDATION = 4000, 1000
BLOCK = 500  # images drawn at a time
GAP = 1.5 / 32  # between an object and the border of its subdomain, as a share of the side
RADII = (0.145, 0.18)
LOOKS = 1 + 4 * 2  # numbers of a scene: its outcome; row, column, radius and angle of up to two objects
KINDS = {"vermilion disc": (0, 0), "vermilion cross": (1, 0), "blue disc": (0, 1), "blue cross": (1, 1)}

BAYES_ACCURACY: dict[str, dict[str, float]] = {
    "shapes_local": {"global": 1.0, "average": 1.0, "majority": 0.4, "cnn_dnn": 1.0},
    "shapes_pairs": {"global": 1.0, "average": 1.0, "majority": 0.3, "cnn_dnn": 1.0},
    "shapes_relation": {"global": 1.0, "average": 0.5, "majority": 0.5, "cnn_dnn": 0.5},
}


@dataclass(frozen=True)
class Outcome:
    """What can happen: with this probability the class is ``label`` and the four subdomains hold ``seen``.

    Parameters
    ----------
    seen
        A kind of object (a key of ``KINDS``), or None, for each subdomain in row-major order.
    """

    probability: float
    label: int
    seen: tuple[str | None, str | None, str | None, str | None]


class Shapes(Source):
    """Images drawn from a table of outcomes."""

    classes: ClassVar[tuple[str, ...]]
    relevant = (*Source.relevant, "seed")

    @staticmethod
    @abstractmethod
    def outcomes() -> tuple[Outcome, ...]:
        """Everything that can happen; the probabilities add up to 1 and those of a class to a whole percentage."""

    def describe(self, settings: "DatasetSettings") -> Description:
        """Square colour images with masks; the settings' limits say how many are drawn."""
        size = settings.size or SIZES[0]
        if size not in SIZES:
            raise ValueError(f"size: drawn images have {', '.join(map(str, SIZES))} px a side, got {size}")
        return Description(
            classes=self.classes,
            channels=3,
            shape=(size, size),
            num_train=settings.train_images or NUM_TRAIN,
            num_validation=settings.validation_images or NUM_VALIDATION,
            source=f"Drawn by ddlab from seed {settings.seed}",
            licence="none needed: the images are made here",
            has_masks=True,
        )

    def read(self, settings: "DatasetSettings", split: SplitName) -> Iterator[Split]:
        """Draw the images in blocks."""
        description = self.describe(settings)
        count = description.num_train if split == "train" else description.num_validation
        for start in range(0, count, BLOCK):
            indices = np.arange(start, min(start + BLOCK, count))
            yield self._draw(indices, (settings.seed, SPLITS.index(split)), description.shape[0])

    def _draw(self, indices: np.ndarray, stream: tuple[int, int], size: int) -> Split:
        length = LOOKS + num_texture_numbers(size)
        numbers = np.stack([np.random.default_rng((*stream, int(i))).random(length, np.float32) for i in indices])
        outcomes = self.outcomes()
        labels = _labels(indices, outcomes)
        chosen = _choose(outcomes, labels, numbers[:, 0])
        objects = _objects([outcomes[number].seen for number in chosen], numbers[:, 1:LOOKS])
        images, masks = draw(objects, textures(numbers[:, LOOKS:], size))
        return Split(images, labels, masks)


def _labels(indices: np.ndarray, outcomes: tuple[Outcome, ...]) -> np.ndarray:
    """Classes in their shares, mixed: image i takes place 10·(last digit) + (last digit but one) of a hundred."""
    shares = np.zeros(1 + max(outcome.label for outcome in outcomes))
    for outcome in outcomes:
        shares[outcome.label] += outcome.probability
    ends = np.round(100 * np.cumsum(shares))
    places = 10 * (indices % 10) + indices // 10 % 10
    return np.searchsorted(ends, places, side="right").astype(np.int64)


def _choose(outcomes: tuple[Outcome, ...], labels: np.ndarray, numbers: np.ndarray) -> np.ndarray:
    """Indices ``(M,)`` of outcomes of the given classes, by their probability, from uniform numbers."""
    chosen = np.empty(len(labels), dtype=np.int64)
    for label in np.unique(labels):
        candidates = [index for index, outcome in enumerate(outcomes) if outcome.label == label]
        ends = np.cumsum([outcomes[index].probability for index in candidates])
        members = labels == label
        places = np.searchsorted(ends, numbers[members] * ends[-1], side="right")
        chosen[members] = np.asarray(candidates)[np.minimum(places, len(candidates) - 1)]
    return chosen


def _objects(seen: list[tuple[str | None, ...]], numbers: np.ndarray) -> Objects:
    """Put the objects of each image somewhere inside their subdomains, turned and sized by the numbers."""
    places = np.array([[place for place, kind in enumerate(kinds) if kind] for kinds in seen])
    looks = np.array([[KINDS[kind] for kind in kinds if kind] for kinds in seen])
    num_objects = places.shape[1]
    down, right, size, turn = numbers[:, : 4 * num_objects].reshape(len(seen), 4, num_objects).swapaxes(0, 1)
    radii = RADII[0] + size * (RADII[1] - RADII[0])
    room = 0.5 - 2 * (radii + GAP)
    rows = (places // 2) / 2 + radii + GAP + down * room
    columns = (places % 2) / 2 + radii + GAP + right * room
    return Objects(looks[..., 0], looks[..., 1], np.stack([rows, columns], axis=-1), radii, turn * (np.pi / 2))


def _alone(place: int, kind: str) -> tuple[str | None, ...]:
    return tuple(kind if place == here else None for here in range(4))


class ShapesLocal(Shapes):
    """One object inside one random subdomain; its shape and colour are the class (K = 4, priors 0.4, 0.2, 0.2, 0.2).

    Notes
    -----
    The object's place says nothing about its class. So the network that sees it is certain, p_s = 1 for the class k,
    and the three that see nothing can only know the priors.

    - global, CNN-DNN: the certain network, wherever it is, decides: **1**.
    - average: the class gets (1 + 3·p(k))/4 >= 0.4, any other at most 3·0.4/4 = 0.3: **1**.
    - majority: the three networks that see nothing all name class 0, the most frequent, and outvote the one that
      knows; it is right only where the class is 0: **0.4**. The tie rule is never needed.
    """

    classes = tuple(KINDS)

    @staticmethod
    @cache
    def outcomes() -> tuple[Outcome, ...]:
        """Four kinds in four places."""
        priors = (0.4, 0.2, 0.2, 0.2)
        return tuple(
            Outcome(priors[label] / 4, label, _alone(place, kind))  # type: ignore[arg-type]
            for (label, kind), place in product(enumerate(KINDS), range(4))
        )


class ShapesPairs(Shapes):
    """The class is the ordered pair of a left and a right object (K = 4)."""

    classes = ("disc, disc", "disc, cross", "cross, disc", "cross, cross")

    @staticmethod
    @cache
    def outcomes() -> tuple[Outcome, ...]:
        """Four pairs, two places for each half."""
        priors = (0.3, 0.25, 0.25, 0.2)
        kinds = ("vermilion disc", "blue cross")
        outcomes = []
        for (label, (left, right)), up_left, up_right in product(
            enumerate(product(kinds, repeat=2)), (True, False), (True, False)
        ):
            upper = (left if up_left else None, right if up_right else None)
            lower = (None if up_left else left, None if up_right else right)
            outcomes.append(Outcome(priors[label] / 4, label, (*upper, *lower)))
        return tuple(outcomes)


class ShapesRelation(Shapes):
    """Two objects in different subdomains; the class is whether they have the same colour (K = 2, priors 0.5, 0.5).

    Notes
    -----
    Given either class, each object is vermilion or blue with probability 1/2, and its shape and place are independent of
    the class. So whatever a single subdomain shows (no object, or one of either colour), the posterior is exactly
    (1/2, 1/2): local probabilities carry no information, and nothing that is computed from them can know more.

    - global: sees both colours: **1**.
    - average, majority, CNN-DNN: every function of N constant vectors is constant (or arbitrary, at ties): **0.5**.

    That is the honest limit of deciding from local probabilities: only a network that is trained as one can tell.
    """

    classes = ("same colour", "different colours")

    @staticmethod
    @cache
    def outcomes() -> tuple[Outcome, ...]:
        """Six pairs of places, four colourings, four pairs of shapes; all equally likely."""
        outcomes = []
        for places, kinds in product(combinations(range(4), 2), product(KINDS, repeat=2)):
            holds = dict(zip(places, kinds, strict=True))
            label = int(KINDS[kinds[0]][1] != KINDS[kinds[1]][1])
            seen = (holds.get(0), holds.get(1), holds.get(2), holds.get(3))
            outcomes.append(Outcome(1 / 96, label, seen))
        return tuple(outcomes)
