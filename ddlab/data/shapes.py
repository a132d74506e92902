"""Drawn data sets whose evidence is known: which subdomain shows what, and what is therefore possible at best.

Every variant is a table of outcomes: which objects there are, in which of the four subdomains of the 2×2 grid (0 upper
left, 1 upper right, 2 lower left, 3 lower right), the class, and the probability. An image is drawn from the table, so
the table *is* the generative model, and the Bayes-optimal accuracy of each strategy follows from it by enumeration
(``BAYES_ACCURACY``; derived in the docstrings). Where exactly an object lies, its size and the background say nothing
about the class. Image i depends on the seed, the split and i alone; classes come in fixed shares, exact in every
hundred images.

Symbols: N = 4 subdomains, K classes, p(k) the prior of class k, p_s(k) the most that the local network of subdomain s
can know: the posterior of class k given what its subimage shows.
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
BLOCK = 250  # images drawn at a time; small blocks stay in the processor's cache
GAP = 1.5 / 32  # between an object and the border of its subdomain, as a share of the side
RADII = (0.145, 0.18)
ACROSS = 0.04  # how far an object that lies across a border may move from it: both sides always see what it is
LOOKS = 1 + 4 * 2  # numbers of a scene: its outcome; row, column, radius and angle of up to two objects
KINDS = {"vermilion disc": (0, 0), "vermilion cross": (1, 0), "blue disc": (0, 1), "blue cross": (1, 1)}

BAYES_ACCURACY: dict[str, dict[str, float]] = {
    "shapes_local": {"global": 1.0, "average": 1.0, "majority": 0.4, "cnn_dnn": 1.0, "coherent": 1.0, "transfer": 1.0},
    "shapes_pairs": {"global": 1.0, "average": 1.0, "majority": 0.62, "cnn_dnn": 1.0, "coherent": 1.0, "transfer": 1.0},
    "shapes_relation": {
        "global": 1.0,
        "average": 0.5,
        "majority": 0.5,
        "cnn_dnn": 0.5,
        "coherent": 1.0,
        "transfer": 1.0,
    },
}


@dataclass(frozen=True)
class Outcome:
    """A possible image: with this probability the class is ``label`` and there are these objects.

    Parameters
    ----------
    objects
        Of each object its kind, a key of ``KINDS``, and the subdomains it lies in: one, or two neighbours.
    """

    probability: float
    label: int
    objects: tuple[tuple[str, tuple[int, ...]], ...]


class Shapes(Source):
    """Images drawn from a table of outcomes."""

    classes: ClassVar[tuple[str, ...]]
    relevant = (*Source.relevant, "seed")

    @staticmethod
    @abstractmethod
    def outcomes() -> tuple[Outcome, ...]:
        """List all possible images; the probabilities add up to 1 and those of a class to a whole percentage."""

    def describe(self, settings: "DatasetSettings") -> Description:
        """Describe square colour images with masks; the settings' limits say how many are drawn."""
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
        objects = _objects([outcomes[number] for number in chosen], numbers[:, 1:LOOKS])
        images, masks = draw(objects, textures(numbers[:, LOOKS:], size))
        return Split(images, labels, masks)


def _labels(indices: np.ndarray, outcomes: tuple[Outcome, ...]) -> np.ndarray:
    """Deal classes by their shares, mixed: image i takes place 10·(last digit) + (last digit but one) of a hundred."""
    shares = np.zeros(1 + max(outcome.label for outcome in outcomes))
    for outcome in outcomes:
        shares[outcome.label] += outcome.probability
    ends = np.round(100 * np.cumsum(shares))
    places = 10 * (indices % 10) + indices // 10 % 10
    labels: np.ndarray = np.searchsorted(ends, places, side="right").astype(np.int64)
    return labels


def _choose(outcomes: tuple[Outcome, ...], labels: np.ndarray, numbers: np.ndarray) -> np.ndarray:
    """Choose outcomes of the given classes by their probability, from uniform numbers; indices ``(M,)``."""
    chosen = np.empty(len(labels), dtype=np.int64)
    for label in np.unique(labels):
        candidates = [index for index, outcome in enumerate(outcomes) if outcome.label == label]
        ends = np.cumsum([outcomes[index].probability for index in candidates])
        members = labels == label
        places = np.searchsorted(ends, numbers[members] * ends[-1], side="right")
        chosen[members] = np.asarray(candidates)[np.minimum(places, len(candidates) - 1)]
    return chosen


def _objects(outcomes: list[Outcome], numbers: np.ndarray) -> Objects:
    """Place, size and turn the objects of each image by uniform numbers ``(M, 8)``.

    An object moves freely within its subdomain, without touching the border; one across a border stays close to it.
    """
    looks = np.array([[KINDS[kind] for kind, _ in outcome.objects] for outcome in outcomes])
    # First and last subdomain of every object, as (row, column): (M, O, 2, 2).
    ends = np.array([[[divmod(places[0], 2), divmod(places[-1], 2)] for _, places in o.objects] for o in outcomes])
    num_objects = looks.shape[1]
    down, right, size, turn = numbers[:, : 4 * num_objects].reshape(len(outcomes), 4, num_objects).swapaxes(0, 1)
    radii = RADII[0] + size * (RADII[1] - RADII[0])
    across = ends[..., 0, :] != ends[..., 1, :]
    reach = np.where(across, ACROSS, 0.25 - GAP - radii[..., None])
    centers = 0.25 + ends.mean(axis=2) / 2 + (2 * np.stack([down, right], axis=-1) - 1) * reach
    return Objects(looks[..., 0], looks[..., 1], centers, radii, turn * (np.pi / 2))


class ShapesLocal(Shapes):
    """One object inside one random subdomain; its shape and colour are the class (K = 4, priors 0.4, 0.2, 0.2, 0.2).

    Notes
    -----
    The object's place says nothing about its class. So the network that sees it is certain, p_s = 1 for the class k,
    and the three that see nothing can only know the priors.

    global
        Sees the object: **1**.
    average
        The true class gets (1 + 3·p(k))/4 >= 0.4, any other at most 3·0.4/4 = 0.3: **1**.
    majority
        The three networks that see nothing all name class 0, the most frequent, and outvote the one that knows. The
        decision is class 0, always, and right with probability p(0): **0.4**. The tie rule is never needed.
    CNN-DNN, coherent, transfer
        The network that is certain, wherever it is, determines the class: **1**.
    """

    classes = tuple(KINDS)

    @staticmethod
    @cache
    def outcomes() -> tuple[Outcome, ...]:
        """List four kinds in four places."""
        priors = (0.4, 0.2, 0.2, 0.2)
        return tuple(
            Outcome(priors[label] / 4, label, ((kind, (place,)),))
            for (label, kind), place in product(enumerate(KINDS), range(4))
        )


class ShapesPairs(Shapes):
    """The class is the ordered pair of the left and the right object (K = 4, priors 0.31, 0.19, 0.31, 0.19).

    Notes
    -----
    Each object is a vermilion disc or a blue cross, independently: the left one with probability 1/2 each, the right
    one a disc with probability r = 0.62. Each lies across the border of the two subdomains on its side, so both of them
    see which it is: every local network knows one half of the class, nothing of the other. For the true class (a, b):

    - the two left networks know p_s(a, b') = p(b') for both b', zero elsewhere;
    - the two right networks know p_s(a', b) = 1/2 for both a', zero elsewhere.

    global
        Sees both: **1**.
    average
        Four times the mean is 2·p(b) + 1 for the true class, 2·p(b') for (a, b') and 1 for (a', b). The closest case is
        b = cross: 1.76 against 1.24, a distance of 0.13 in the mean: **1**.
    majority
        Both left networks name (a, disc), with probability r. The right networks name (a', b) with a' arbitrary, since
        1/2 ties with 1/2. Either they differ, and (a, disc) wins with two votes or three, or they agree, and the vote
        is 4:0 or ties 2:2; then, by the tie rule, the left networks win, as r > 1/2. So the decision is (a, disc)
        whatever b is, right with probability r: **0.62**. The right object does not count at all.
    CNN-DNN, coherent, transfer
        The support of the left posteriors determines a, that of the right ones b: **1**.

    Nearby priors do worse as a lesson: the closer r is to 1/2, the more do a trained network's errors decide the votes;
    the closer to 3/4, the smaller is the distance of the average.
    """

    classes = ("disc, disc", "disc, cross", "cross, disc", "cross, cross")

    @staticmethod
    @cache
    def outcomes() -> tuple[Outcome, ...]:
        """List two kinds on the left with two on the right."""
        kinds = {"vermilion disc": 0.62, "blue cross": 0.38}
        return tuple(
            Outcome(kinds[right] / 2, label, ((left, (0, 2)), (right, (1, 3))))
            for label, (left, right) in enumerate(product(kinds, repeat=2))
        )


class ShapesRelation(Shapes):
    """Two objects in different subdomains; the class is whether they have the same colour (K = 2, priors 0.5, 0.5).

    Notes
    -----
    Given either class, each object is vermilion or blue with probability 1/2, and its shape and place are independent
    of the class. So whatever a single subdomain shows (no object, or one of either colour), the posterior is exactly
    (1/2, 1/2): local probabilities carry no information, and nothing that is computed from them can know more.

    global
        Sees both colours: **1**.
    average, majority, CNN-DNN
        Every function of N constant vectors is constant, or arbitrary at ties: **0.5**.
    coherent, transfer
        One number a subdomain is enough to say "nothing", "vermilion" or "blue", and the DNN compares them: **1**.
        Whether training gets there is another question: local networks that were trained on their own until they knew
        their images by heart say so little of the colours that the coherent model does not recover from them.

    That is the honest limit of deciding from local probabilities: only networks that are trained as one can tell.
    """

    classes = ("same colour", "different colours")

    @staticmethod
    @cache
    def outcomes() -> tuple[Outcome, ...]:
        """List six pairs of places, four kinds in each; all equally likely."""
        return tuple(
            Outcome(1 / 96, int(KINDS[first][1] != KINDS[second][1]), ((first, (here,)), (second, (there,))))
            for (here, there), first, second in product(combinations(range(4), 2), KINDS, KINDS)
        )
