"""Augmentation against a slow, obvious rewrite of it, in one, two and three dimensions."""

import numpy as np
import pytest
import torch

from ddlab.data.augment import draw_angles, draw_sources, draw_zooms, move, rotate, zoom

SHAPES = [(12,), (8, 10), (6, 4, 10)]


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def images(shape, count=64):
    return torch.randint(0, 256, (count, 3, *shape), generator=generator(1)).to(torch.uint8)


def augment(images, flip, shift, generator):
    return move(images, draw_sources(len(images), images.shape[2:], flip, shift, generator))


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


def test_angles_may_be_any():
    angles = draw_angles(600, 20.0, generator(), "any")
    assert len(angles.unique()) > 590 and -20 <= angles.min() < -19 and 19 < angles.max() <= 20
    assert abs(angles.mean()) < 2


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_a_zoom_interpolates_along_every_axis(shape):
    """Against numpy's interpolation, one axis and image after the other, which repeats the edge too."""
    before = images(shape, count=3)
    factors = draw_zooms(3, len(shape), 0.3, generator())
    for image, zoomed, factor in zip(before.double().numpy(), zoom(before, factors).numpy(), factors, strict=True):
        for axis, times in enumerate(factor.tolist(), start=1):
            at = np.arange(image.shape[axis])
            middle = at.mean()
            source = middle + (at - middle) / times
            image = np.apply_along_axis(lambda line, at=at, source=source: np.interp(source, at, line), axis, image)
        np.testing.assert_allclose(zoomed, image, atol=0.51)


def test_a_zoom_makes_things_longer_about_the_middle():
    image = torch.zeros(2, 1, 21, 41, dtype=torch.uint8)
    image[:, :, 6:15, 10:31] = 255
    longer, shorter = zoom(image, torch.tensor([[4 / 3, 1.0], [1.0, 2 / 3]]))[:, 0] > 127
    assert longer.any(1).sum() == 13 and longer[4:17, 10:31].all() and longer.any(0).sum() == 21
    assert shorter.any(0).sum() == 15 and shorter[6:15, 13:28].all() and shorter.any(1).sum() == 9


def test_a_zoom_by_nothing_is_nothing_and_factors_are_even():
    before = images((9, 8, 5), count=4)
    after = zoom(before, torch.ones(4, 3))
    assert after.dtype == torch.uint8 and torch.equal(after, before)
    factors = draw_zooms(2000, 2, 0.1, generator())
    assert 0.9 <= factors.min() < 0.901 and 1.099 < factors.max() <= 1.1
    assert abs(factors.mean() - 1) < 0.005 and abs(np.corrcoef(factors.T)[0, 1]) < 0.1
    assert torch.equal(factors, draw_zooms(2000, 2, 0.1, generator()))
