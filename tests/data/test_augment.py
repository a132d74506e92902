"""Augmentation against a slow, obvious rewrite of it, in one, two and three dimensions."""

import numpy as np
import pytest
import torch

from ddlab.data.augment import augment, draw_angles, rotate

SHAPES = [(12,), (8, 10), (6, 4, 10)]


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def images(shape, count=64):
    return torch.randint(0, 256, (count, 3, *shape), generator=generator(1)).to(torch.uint8)


def candidates(image, flip, shift):
    """All images that may come out: shifted along each axis with repeated edges, mirrored or not."""
    spatial = image.shape[1:]
    most = [round(shift * side) for side in spatial]
    for mirrored in (False, True) if flip else (False,):
        source = np.flip(image, min(2, image.ndim - 1)) if mirrored else image  # the columns
        padded = np.pad(source, [(0, 0), *((m, m) for m in most)], mode="edge")
        for moves in np.ndindex(*(2 * m + 1 for m in most)):
            window = tuple(slice(move, move + side) for move, side in zip(moves, spatial, strict=True))
            yield padded[(slice(None), *window)]


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize(("flip", "shift"), [(True, 0.0), (False, 0.2), (True, 0.2)])
def test_every_image_is_a_flipped_and_shifted_one(shape, flip, shift):
    before = images(shape)
    after = augment(before, flip, shift, generator())
    assert after.shape == before.shape and after.dtype == torch.uint8
    used = set()
    for old, new in zip(before.numpy(), after.numpy(), strict=True):
        matches = [k for k, image in enumerate(candidates(old, flip, shift)) if (image == new).all()]
        assert matches, "an image came out that no flip and shift makes"
        used.add(matches[0])
    assert len(used) > 1, "all images were treated alike"


def test_nothing_asked_nothing_done():
    before = images((8, 8))
    assert torch.equal(augment(before, False, 0.0, generator()), before)


def test_the_generator_decides():
    one, same, other = (augment(images((8, 8)), True, 0.25, generator(seed)) for seed in (0, 0, 1))
    assert torch.equal(one, same) and not torch.equal(one, other)


def test_about_half_are_mirrored():
    before = images((4, 9), count=1000)
    after = augment(before, True, 0.0, generator())
    mirrored = (after == before.flip(-1)).flatten(1).all(1)
    kept = (after == before).flatten(1).all(1)
    assert (mirrored | kept).all() and 0.42 < mirrored.float().mean() < 0.58


def test_the_input_is_left_alone():
    before = images((8, 8))
    copy = before.clone()
    augment(before, True, 0.25, generator())
    assert torch.equal(before, copy)


@pytest.mark.parametrize("shape", [(9, 9), (8, 8), (9, 9, 3)], ids=str)
def test_a_quarter_turn_is_exact(shape):
    before = images(shape, count=4)
    after = rotate(before, torch.tensor([0.0, 90.0, 180.0, -90.0]))
    assert after.dtype == torch.uint8
    for image, turned, quarters in zip(before, after, (0, -1, 2, 1), strict=True):
        assert torch.equal(turned, torch.rot90(image, quarters, dims=(1, 2)))


def test_a_turn_of_a_long_image_keeps_lengths():
    """A point off the middle goes where trigonometry says, though the axes differ in length."""
    image = torch.zeros(1, 1, 21, 61, dtype=torch.uint8)
    image[0, 0, 10, 30 - 8 : 30 + 9] = 255
    turned = rotate(image, torch.tensor([90.0]))[0, 0]
    assert (turned[2:19, 30] > 250).all() and turned[10, 22:29].max() == 0


def test_angles_are_those_of_the_papers_recipe():
    angles = draw_angles(600, 20.0, generator())
    assert set(angles.tolist()) == {-20, -10, -5, 5, 10, 20}
    assert torch.equal(angles, draw_angles(600, 20.0, generator()))
