"""Edits: their text, their pixels, on images, volumes and signals."""

import numpy as np
import pytest

from ddlab.analyses.what_if.edits import KINDS, Edit, read_edits, written
from ddlab.analyses.what_if.pixels import Material, apply_edits, changed_subimages
from ddlab.decomposition import Decomposition

CUTS = {
    1: Decomposition.from_grid((12,), (3,)),
    2: Decomposition.from_grid((8, 8), (2, 2)),
    3: Decomposition.from_grid((8, 8, 4), (2, 2, 2)),
}
OVERLAPPING = Decomposition.from_grid((8, 8), (2, 2), 1)
MEAN = np.array([7, 9], np.uint8)


def material(cut):
    return Material(cut, MEAN, np.random.default_rng(0).integers(0, 256, (3, 2, *cut.shape), dtype=np.uint8))


def edited(text, cut, image=0):
    of = material(cut)
    return of.images[image], apply_edits(of.images[image], read_edits(text, cut, 3), of)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "occlude:2",
        "occlude:all:zero",
        "brighten:1:-20,multiply:all:150",
        "shift:3:3:-2:zero",
        "swap:4:2",
        "exchange:1:4",
    ],
)
def test_a_text_is_read_and_written_alike(text):
    assert written(read_edits(text, CUTS[2], 3)) == text
    assert written(read_edits(text.replace(",", " , "), CUTS[2], 3)) == text


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("oclude:2", "edits: 'oclude:2': kind: unknown 'oclude'; did you mean 'occlude'"),
        ("occlude", "edits: 'occlude': place must be all or a subdomain from 1 to 4, got ''"),
        ("occlude:0", "place must be all or a subdomain from 1 to 4, got '0'"),
        ("occlude:²", "place must be all or a subdomain from 1 to 4, got '²'"),
        (f"occlude:{'9' * 5000}", "place must be all or a subdomain from 1 to 4, got '999"),
        ("occlude:1:black", r"must be occlude:PLACE\[:mean|zero\]"),
        ("brighten:1", "edits: 'brighten:1': must be brighten:PLACE:PERCENT"),
        ("brighten:1:101", "percent must be a whole number from -100 to 100, got '101'"),
        ("multiply:1:1.5", "percent must be a whole number from 0 to 400, got '1.5'"),
        ("shift:all:1", "must be shift:PLACE:ROWS:COLUMNS"),
        ("shift:1:4:0", "rows must be a whole number from -3 to 3, got '4'"),
        ("swap:1:3", "image must be a whole number from 0 to 2, got '3'"),
        ("exchange:all:1", "place must be a subdomain, got all"),
        ("occlude:1,,occlude:2", "edits: '': kind: unknown ''"),
        (",".join(["occlude:1"] * 33), "edits: at most 32 at once, got 33"),
    ],
)
def test_what_is_not_allowed_gets_a_sentence(text, message):
    with pytest.raises(ValueError, match=message) as refused:
        read_edits(text, CUTS[2], 3)
    assert len(str(refused.value)) < 400


def test_only_subdomains_of_one_size_change_places():
    cut = Decomposition.from_grid((8, 12), (1, 3), 1)
    assert read_edits("exchange:1:3", cut, 3)
    with pytest.raises(ValueError, match="both subdomains must have one size; that of 1 have 1, 3, got 2"):
        read_edits("exchange:1:2", cut, 3)


@pytest.mark.parametrize("axes", CUTS)
def test_nothing_leaves_an_image_as_it_was(axes):
    zeros = ":0" * axes
    for text in ("", "brighten:all:0", "multiply:all:100", f"shift:all{zeros}", "swap:2:0", "exchange:2:2"):
        image, after = edited(text, CUTS[axes])
        assert np.array_equal(image, after) and after is not image, text
    assert changed_subimages(image, after, CUTS[axes]) == []


@pytest.mark.parametrize("axes", CUTS)
def test_an_edit_stays_in_its_place(axes):
    cut, ones = CUTS[axes], ":1" * axes
    for text in ("occlude:2", "brighten:2:40", "multiply:2:50", f"shift:2{ones}", "swap:2:1"):
        image, after = edited(text, cut)
        assert changed_subimages(image, after, cut) == [2], text


def test_what_overlaps_changes_with_it():
    image, after = edited("occlude:1", OVERLAPPING)
    assert changed_subimages(image, after, OVERLAPPING) == [1, 2, 3, 4]
    corner = image.copy()
    corner[:, 0, 0] += 1
    assert changed_subimages(image, corner, OVERLAPPING) == [1]


def test_the_pixels_are_those_that_the_words_say():
    cut = CUTS[2]
    image, after = edited("occlude:1", cut)
    assert np.array_equal(after[:, :4, :4], np.broadcast_to(MEAN[:, None, None], (2, 4, 4)))
    assert edited("occlude:1:zero", cut)[1][:, :4, :4].max() == 0
    wide = image.astype(int)
    assert np.array_equal(edited("brighten:all:20", cut)[1], np.minimum(wide + 51, 255))
    assert np.array_equal(edited("brighten:all:-20", cut)[1], np.maximum(wide - 51, 0))
    assert np.array_equal(edited("multiply:all:200", cut)[1], np.minimum(2 * wide, 255))
    after = edited("shift:all:3:-2:zero", cut)[1]
    assert (
        np.array_equal(after[:, 3:, :-2], image[:, :-3, 2:]) and not after[:, :3].any() and not after[:, :, -2:].any()
    )
    after = edited("swap:4:2", cut)[1]
    assert np.array_equal(after[:, 4:, 4:], material(cut).images[2][:, 4:, 4:])
    after = edited("exchange:1:4", cut)[1]
    assert np.array_equal(after[:, :4, :4], image[:, 4:, 4:]) and np.array_equal(after[:, 4:, 4:], image[:, :4, :4])


@pytest.mark.parametrize("axes", CUTS)
def test_a_shift_and_its_opposite_lose_nothing_but_the_rim(axes):
    cut = CUTS[axes]
    image = np.zeros((2, *cut.shape), np.uint8)
    inside = (slice(None), *(slice(1, -1) for _ in cut.shape))
    image[inside] = material(cut).images[0][inside]
    there, back = ":".join(["1", *["-1"] * (axes - 1)]), ":".join(["-1", *["1"] * (axes - 1)])
    edits = read_edits(f"shift:all:{there}:zero,shift:all:{back}:zero", cut, 3)
    assert np.array_equal(apply_edits(image, edits, material(cut)), image)
    assert not np.array_equal(apply_edits(image, edits[:1], material(cut)), image)


def test_several_images_are_edited_alike():
    of, edits = material(CUTS[2]), read_edits("shift:all:1:1,brighten:2:10", CUTS[2], 3)
    together = apply_edits(of.images, edits, of)
    for image, after in zip(of.images, together, strict=True):
        assert np.array_equal(apply_edits(image, edits, of), after)


def test_every_kind_is_told_as_an_order_and_as_what_is_done():
    numbers = {"brighten": (-20,), "multiply": (150,), "shift": (3, -1), "swap": (2,), "exchange": (4,)}
    edits = [Edit(kind, 1, numbers.get(kind, ())) for kind in KINDS]
    assert [edit.told() for edit in edits] == [
        "Occlude subdomain 1",
        "Darken subdomain 1 by 20\u00a0%",
        "Multiply subdomain 1 by 1.5",
        "Shift subdomain 1 by 3 rows down and 1 column left",
        "Take subdomain 1 from image 2",
        "Exchange subdomains 1 and 4",
    ]
    assert [edit.told(doing=True).split()[0] for edit in edits] == [
        "Occluding", "Darkening", "Multiplying", "Shifting", "Taking", "Exchanging"
    ]  # fmt: skip
    assert Edit("occlude", 0, (), "zero").told() == "Occlude the whole image with zeros"
