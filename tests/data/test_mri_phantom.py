"""Drawn heads: what differs between the classes, where, and that no number of a whole head tells it."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.ndimage import binary_dilation

from ddlab.data.brain import brain_grid, draw_brain, make_brain
from ddlab.data.cache import describe
from ddlab.data.mri_phantom import MriPhantom
from ddlab.experiment import DatasetSettings

SHAPE = (40, 32, 32)


def read(count, shape, split="train", **others):
    asked = DatasetSettings(name="mri_phantom", volume=shape, train_images=count, validation_images=count, **others)
    blocks = list(MriPhantom().read(asked, split))
    return [np.concatenate([getattr(block, part) for block in blocks]) for part in ("images", "labels", "masks")]


@pytest.fixture(scope="module")
def heads():
    """Bytes ``(M, H, W, D)``, classes and masks of 160 heads."""
    images, labels, masks = read(160, SHAPE)
    return images[:, 0], labels, masks


def pairs(count, shape=SHAPE):
    """Every head twice: healthy and ill, with the same noise; and the mask."""
    for seed in range(count):
        drawn = []
        for is_ill in (False, True):
            rng = np.random.default_rng(seed)
            drawn.append(draw_brain(make_brain(rng, is_ill), brain_grid(shape), rng))
        yield drawn[0][0], drawn[1][0], drawn[1][1] > 0


def test_its_defaults():
    described = describe(DatasetSettings(name="mri_phantom"))
    assert (described.shape, described.num_train, described.num_validation) == (SHAPE, 400, 100)
    assert (described.values, described.unit, described.spacing) == ((0, 1200), "a.u.", (4.8, 5, 4.75))
    assert described.classes == ("healthy", "atrophy") and described.has_masks


def test_an_atrophy_changes_its_place_alone_and_makes_it_darker():
    for healthy, ill, mask in pairs(12):
        np.testing.assert_array_equal(ill[~mask], healthy[~mask])
        assert (healthy - ill)[mask].mean() > 100, "fluid has 190, grey matter 610, but for the voxels at its border"
        assert (np.abs(healthy - ill)[mask] > 5).mean() > 0.75


def test_one_side_or_both_are_ill_and_healthy_heads_show_nothing(heads):
    _, labels, masks = heads
    left, right = (half.any(axis=(1, 2, 3)) for half in (masks[:, :, :16], masks[:, :, 16:]))
    np.testing.assert_array_equal(left | right, labels == 1)
    kinds, counts = np.unique(np.stack([left, right])[:, labels == 1], axis=1, return_counts=True)
    assert kinds.T.tolist() == [[False, True], [True, False], [True, True]] and counts.min() > 10
    assert 0.005 < masks[labels == 1].mean() < 0.015


@pytest.mark.parametrize("shape", [(16, 16, 8), (8, 8, 8), (24, 20, 30)], ids=str)
def test_every_atrophy_is_marked_on_every_grid(shape):
    _, labels, masks = read(60, shape, "validation", seed=1)
    np.testing.assert_array_equal(masks.any(axis=(1, 2, 3)), labels == 1)


def test_tissue_has_its_brightness():
    """An upright head of the usual size, without furrows: the mean of twenty, so that the noise is small."""
    rng = np.random.default_rng(0)
    upright = {
        "turn": np.eye(3),
        "shift": np.zeros(3),
        "bias": np.zeros((3, 3, 3)),
        "gain": 1.0,
        "ventricles": np.ones(2),
    }
    flat = {"folds": np.array([[0, 0, 0, np.pi / 2]]), "furrows": 0.0, "places": np.zeros((2, 3))}
    brain = replace(make_brain(rng, False), **upright, **flat)
    voxels = np.mean([draw_brain(brain, brain_grid((96, 80, 76)), rng)[0] for _ in range(8)], axis=0)

    def at(y, x, z):
        return voxels[int((y + 96) / 2), int((x + 80) / 2), int((z + 76) / 2)]

    assert at(0, 30, -21) == pytest.approx(610, abs=30), "hippocampus"
    assert at(-8, 9, 19) == pytest.approx(190, abs=30), "ventricle"
    assert at(-30, 35, 25) == pytest.approx(820, abs=30), "white matter"
    assert at(0, 0, 73) == pytest.approx(780, abs=30) and at(-94, -78, 74) < 60, "scalp and air"


def numbers_of(images):
    """Mean, deviation, median, shares of fluid, of bright tissue and of all tissue of whole heads: ``(M, 6)``."""
    flat = images.reshape(len(images), -1).astype(float)
    shares = [(flat > low) & (flat <= high) for low, high in ((12, 60), (140, 255), (20, 255))]
    return np.column_stack([flat.mean(1), flat.std(1), np.median(flat, 1), *(share.mean(1) for share in shares)])


def test_no_number_of_a_whole_head_tells_the_class(heads):
    """The best threshold of each number on half of the heads is hardly better than chance on the others."""
    images, labels, _ = heads
    chosen, judged = slice(0, 80), slice(80, 160)
    for number in numbers_of(images).T:
        rules = [(sign, cut) for cut in number[chosen] for sign in (-1, 1)]
        right = [((sign * number[chosen] > sign * cut) == labels[chosen]).mean() for sign, cut in rules]
        sign, cut = rules[int(np.argmax(right))]
        assert ((sign * number[judged] > sign * cut) == labels[judged]).mean() < 0.65


def test_brightness_and_size_together_do_not_tell_it_either(heads):
    """The linear rule that is best for half of the heads, of the mean and the share of tissue."""
    images, labels, _ = heads
    known = np.column_stack([numbers_of(images)[:, [0, 5]], np.ones(160)])
    weights = np.linalg.lstsq(known[:80], 2.0 * labels[:80] - 1, rcond=None)[0]
    assert ((known[80:] @ weights > 0) == labels[80:]).mean() < 0.65


def test_the_place_tells_the_class(heads):
    """One threshold: how dark the darker of both places is, beside the brain around it."""
    images, labels, masks = heads
    places = masks[labels == 1].mean(axis=0) > 0.25
    sides = [
        np.where(np.arange(32)[None, :, None] < 16, places, False),
        np.where(np.arange(32)[None, :, None] >= 16, places, False),
    ]
    around = binary_dilation(places, iterations=4) & ~places
    darker = np.min([images[:, side].mean(1) / images[:, around].mean(1) for side in sides], axis=0)
    best = max(((darker < cut) == labels).mean() for cut in darker)
    assert best > 0.9
