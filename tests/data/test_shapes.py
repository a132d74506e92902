"""Drawn data sets: the Bayes bounds by exact enumeration, and images that are what the tables of outcomes say."""

from fractions import Fraction

import numpy as np
import pytest

from ddlab.aggregators import average, majority
from ddlab.data.drawing import COLORS
from ddlab.data.shapes import BAYES_ACCURACY, KINDS, ShapesLocal, ShapesPairs, ShapesRelation
from ddlab.decomposition import Decomposition
from ddlab.experiment import DatasetSettings

VARIANTS = {"shapes_local": ShapesLocal, "shapes_pairs": ShapesPairs, "shapes_relation": ShapesRelation}
every_variant = pytest.mark.parametrize("name", VARIANTS)


def read(name, split="train", **settings):
    settings = DatasetSettings(name=name, **settings)
    blocks = list(VARIANTS[name]().read(settings, split))
    return [np.concatenate([getattr(block, part) for block in blocks]) for part in ("images", "labels", "masks")]


def kinds_seen(outcome):
    """The kind of object that each of the four subdomains shows, or None."""
    kinds = {place: kind for kind, places in outcome.objects for place in places}
    return tuple(kinds.get(place) for place in range(4))


def grouped(outcomes, seen):
    """Class probabilities of every value of ``seen(outcome)``, as exact fractions, not normalised."""
    groups = {}
    classes = 1 + max(outcome.label for outcome in outcomes)
    for outcome in outcomes:
        group = groups.setdefault(seen(outcome), [Fraction(0)] * classes)
        group[outcome.label] += Fraction(outcome.probability).limit_denominator(10_000)
    return groups


def posteriors(outcomes):
    """What the local network of each subdomain can know at best, for each thing it may see."""
    tables = []
    for place in range(4):
        groups = grouped(outcomes, lambda outcome, place=place: kinds_seen(outcome)[place])
        tables.append({seen: [part / sum(group) for part in group] for seen, group in groups.items()})
    return tables


def best_accuracy(outcomes, seen):
    """Of the best rule that knows ``seen(outcome)``: where this value is seen, name its most probable class."""
    return float(sum(max(group) for group in grouped(outcomes, seen).values()))


def accuracy_of(outcomes, decide):
    """Of a rule on the stack ``(1, N, K)`` of exact posteriors; decisions among exact ties count as one part each."""
    tables, total = posteriors(outcomes), 0.0
    for outcome in outcomes:
        exact = [table[seen] for table, seen in zip(tables, kinds_seen(outcome), strict=True)]
        total += outcome.probability * decide(np.array(exact, dtype=float)[None], outcome.label)
    return total


def average_is_right(stack, label):
    scores = average(stack)[0]
    winners = np.flatnonzero(np.isclose(scores, scores.max()))
    return (label in winners) / len(winners)


def majority_is_right(stack, label):
    """Mean over ways to break exact ties of the local networks: each prefers some class by a hair."""
    rng = np.random.default_rng(0)
    tipped = stack + 1e-9 * rng.random((200, *stack.shape[1:]))
    return (majority(tipped).decisions_M == label).mean()


@every_variant
def test_bayes_accuracy_by_enumeration(name):
    outcomes = VARIANTS[name].outcomes()
    tables = posteriors(outcomes)
    bounds = {
        "global": best_accuracy(outcomes, lambda outcome: outcome.objects),
        "cnn_dnn": best_accuracy(
            outcomes, lambda outcome: tuple(tuple(t[s]) for t, s in zip(tables, kinds_seen(outcome), strict=True))
        ),
        "average": accuracy_of(outcomes, average_is_right),
        "majority": accuracy_of(outcomes, majority_is_right),
    }
    exact = {"global", "cnn_dnn", "average"} | ({"majority"} if name != "shapes_relation" else set())
    for strategy, bound in bounds.items():
        tolerance = 1e-6 if strategy in exact else 0.03  # ties broken by lot
        assert BAYES_ACCURACY[name][strategy] == pytest.approx(bound, abs=tolerance), strategy


@every_variant
def test_probabilities_add_up(name):
    outcomes = VARIANTS[name].outcomes()
    assert sum(outcome.probability for outcome in outcomes) == pytest.approx(1)
    assert 1 + max(outcome.label for outcome in outcomes) == len(VARIANTS[name].classes)


@every_variant
def test_classes_come_in_their_shares(name):
    _, labels, _ = read(name, train_images=300)
    groups = grouped(VARIANTS[name].outcomes(), lambda outcome: None)[None]
    for hundred in labels.reshape(3, 100):
        assert np.bincount(hundred).tolist() == [100 * share for share in groups]


@every_variant
@pytest.mark.parametrize("size", [32, 64])
def test_masks_show_the_objects_and_nothing_else(name, size):
    images, labels, masks = read(name, train_images=100, size=size)
    assert images.shape == (100, 3, size, size) and images.dtype == np.uint8
    assert set(np.unique(masks)) == {0, 1}
    # Colourful pixels are the objects': the backgrounds are nearly grey.
    spread = images.astype(int).max(axis=1) - images.astype(int).min(axis=1)
    assert spread[masks == 0].max() < 60
    assert (masks[spread >= 60] == 1).all()
    inside = masks.sum(axis=(1, 2)) / size**2
    assert 0.02 < inside.min() and inside.max() < 0.25


@every_variant
def test_every_subdomain_shows_what_an_outcome_says(name):
    images, labels, masks = read(name, train_images=200)
    allowed = {(outcome.label, tuple(colors_seen(outcome))) for outcome in VARIANTS[name].outcomes()}
    grid = Decomposition.from_grid((32, 32), (2, 2))
    shown = [colors_shown(image, mask) for image, mask in zip(grid.split(images), grid.split(masks), strict=True)]
    assert set(zip(labels.tolist(), zip(*shown, strict=True), strict=True)) <= allowed


def colors_seen(outcome):
    return [None if kind is None else KINDS[kind][1] for kind in kinds_seen(outcome)]


def colors_shown(images, masks):
    """Index of the one colour in each subimage, or None where no object is."""
    shown = []
    for image, mask in zip(images, masks, strict=True):
        pixels = image[:, mask == 1].astype(float)
        mean = pixels.mean(axis=1) if pixels.size else None
        shown.append(None if mean is None else int(np.linalg.norm(COLORS - mean, axis=1).argmin()))
    return shown


@pytest.mark.parametrize("name", ["shapes_local", "shapes_relation"])
def test_objects_keep_off_the_borders_of_subdomains(name):
    _, _, masks = read(name, train_images=500)
    for border in (masks[:, [0, 15, 16, 31], :], masks[:, :, [0, 15, 16, 31]]):
        assert border.sum() == 0


def test_the_object_of_local_lies_in_each_subdomain_equally_often():
    _, _, masks = read("shapes_local", train_images=1000)
    grid = Decomposition.from_grid((32, 32), (2, 2))
    holds = np.array([part.any(axis=(1, 2)) for part in grid.split(masks)])
    assert (holds.sum(axis=0) == 1).all()
    assert holds.mean(axis=1) == pytest.approx([0.25] * 4, abs=0.04)


def test_discs_are_round_and_crosses_are_not():
    _, labels, masks = read("shapes_local", train_images=200)
    area = masks.sum(axis=(1, 2))
    boxes = np.array([np.ptp(np.argwhere(mask), axis=0) + 1 for mask in masks]).prod(axis=1)
    disc = np.isin(labels, [0, 2])
    assert (area / boxes)[disc].min() > (area / boxes)[~disc].mean()


def test_limits_may_exceed_the_default():
    described = ShapesLocal().describe(DatasetSettings(train_images=9000))
    assert (described.num_train, described.num_validation) == (9000, 1000)


def test_a_size_that_is_not_drawn():
    with pytest.raises(ValueError, match="size: drawn images have 32, 64, 128 px a side, got 40"):
        ShapesLocal().describe(DatasetSettings(size=40))
