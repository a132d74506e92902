"""Volumes: the drawn chests, npz files of volumes, and blocks that stay small however large volumes are."""

import os
import tracemalloc

import numpy as np
import pytest

from ddlab.data.cache import describe, load
from ddlab.data.chest import chest_grid, make_chest
from ddlab.data.ct_phantom import CtPhantom
from ddlab.data.drawn_scans import ORIENTATIONS
from ddlab.data.nifti_file import parse_volume, to_nifti
from ddlab.data.overview import class_balance
from ddlab.data.volumes import BLOCK_BYTES, as_bytes, blocks
from ddlab.experiment import DatasetSettings


def phantom(volume=(32, 32, 16), **others):
    return DatasetSettings(name="ct_phantom", volume=volume, **others)


@pytest.fixture(scope="module")
def scans():
    """HU and masks of 60 chests."""
    drawn = [CtPhantom().scan(0, "train", index, chest_grid((32, 32, 16))) for index in range(60)]
    return np.stack([parse_volume(image.to_bytes(), "x").voxels() for image, _ in drawn]), np.stack(
        [mask for _, mask in drawn]
    )


def test_the_papers_numbers_are_the_defaults():
    described = describe(DatasetSettings(name="ct_phantom"))
    assert (described.shape, described.num_train, described.num_validation) == ((128, 128, 64), 140, 60)
    assert (described.values, described.unit, described.spacing) == ((-1000, 400), "HU", (2.75, 2.75, 5))
    assert class_balance(load(phantom((8, 8, 8), train_images=20, validation_images=4)))["train"].tolist() == [10, 10]


def test_tissue_has_its_hounsfield_units(scans):
    voxels, masks = scans
    assert voxels[:, 0, 0].mean() == pytest.approx(-1000, abs=5), "air in the corners"
    middle = voxels[:, 14:17, 15:17, 5]
    assert 0 < np.median(middle) < 80, "soft tissue between the lungs"
    healthy = voxels[(masks == 0) & (voxels < -700) & (voxels > -950)]
    assert -870 < np.median(healthy) < -790
    assert -620 < np.median(voxels[masks == 1]) < -320
    assert (voxels.reshape(60, -1).max(axis=1) > 450).all(), "bone"
    np.testing.assert_array_equal(voxels, np.round(voxels))


@pytest.mark.parametrize("shape", [(16, 16, 8), (32, 32, 16), (40, 24, 12), (8, 8, 8)], ids=str)
def test_every_lesion_is_seen_on_every_grid(shape):
    masks = [CtPhantom().scan(1, "validation", index, chest_grid(shape))[1] for index in range(80)]
    assert [bool(mask.any()) for mask in masks] == [False, True] * 40
    assert np.mean([mask.mean() for mask in masks[1::2]]) < 0.1


def test_lesions_leave_subdomains_without_evidence():
    """Of the four subdomains of a 2×2×1 grid, many see no lesion of an ill chest: what makes the local task hard."""
    masks = np.stack([CtPhantom().scan(2, "train", index, chest_grid((32, 32, 16)))[1] for index in range(1, 120, 2)])
    seen = masks.reshape(-1, 2, 16, 2, 16, 16).any(axis=(2, 4, 5))
    assert 0.35 < seen.mean() < 0.65


def test_one_number_does_not_tell_the_class(scans):
    voxels, _ = scans
    means = voxels.mean(axis=(1, 2, 3))
    cuts = [(means > cut).astype(int) for cut in means]
    assert max((cut == np.arange(60) % 2).mean() for cut in cuts) < 0.75


def test_files_have_orientations_of_many_kinds():
    import nibabel as nib

    kinds = {
        "".join(nib.aff2axcodes(CtPhantom().scan(0, "train", index, chest_grid((8, 8, 8)))[0].affine))
        for index in range(60)
    }
    assert kinds == set(ORIENTATIONS)


def test_another_window_of_the_phantom():
    wide, narrow = (load(phantom(train_images=2, validation_images=2, window=w)) for w in (None, (-1000, -400)))
    assert narrow.description.values == (-1000, -400)
    assert narrow.train.images.mean() > wide.train.images.mean()
    with pytest.raises(ValueError, match="window: its first value must be below its second, got 5 and 5"):
        describe(phantom(window=(5, 5)))


def test_values_are_clipped_before_they_are_interpolated():
    """As in Keras' example: metal beside air gives half of the window, not the white that its mean would be."""
    voxels = np.array([-1000.0, 3000.0], np.float32).reshape(2, 1, 1)
    assert as_bytes(voxels, (-1000, 400), (3, 1, 1)).ravel().tolist() == [0, 128, 255]


def test_all_lesions_of_a_chest_lie_in_one_lung():
    chests = [make_chest(np.random.default_rng(seed), is_ill=True) for seed in range(40)]
    sides = [{bool(chest.own(*lesion.center)[1] > 0) for lesion in chest.lesions} for chest in chests]
    assert {len(chest.lesions) for chest in chests} == {1, 2, 3, 4}
    assert all(len(side) == 1 for side in sides) and set.union(*sides) == {False, True}


def test_too_few_voxels():
    with pytest.raises(ValueError, match="volume: needs at least 4 voxels"):
        describe(phantom((32, 32, 2)))


@pytest.mark.parametrize("item", [1, 1000, 128 * 128 * 64, 512 * 512 * 400])
def test_blocks_hold_few_bytes(item):
    ranges = list(blocks(100, item))
    assert [index for block in ranges for index in block] == list(range(100))
    assert all(len(block) == 1 or len(block) * item <= BLOCK_BYTES for block in ranges)


def test_memory_does_not_grow_with_the_number_of_volumes(monkeypatch):
    """Sixty volumes of 128×128×64 through the cache, drawn cheaply: 60 MiB and as much again of masks."""

    def cheap(self, seed, split, index, grid):
        return to_nifti(np.full(grid.shape, index, np.int16), grid.spacing), np.zeros(grid.shape, np.uint8)

    monkeypatch.setattr(CtPhantom, "scan", cheap)
    tracemalloc.start()
    dataset = load(phantom((128, 128, 64), train_images=56, validation_images=4))
    batch = dataset.train.images[[3, 50]]
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert dataset.train.images.nbytes == 56 * 2**20 and batch.shape == (2, 1, 128, 128, 64)
    assert dataset.train.images[50, 0, 0, 0, 0] == round((50 + 1000) * 255 / 1400)
    assert peak < 100 * 2**20 and isinstance(dataset.train.images, np.memmap)


@pytest.mark.parametrize("kind", [np.uint8, np.float32])
def test_npz_of_volumes(tmp_path, kind):
    labels = np.arange(20) % 2
    volumes = np.zeros((20, 6, 8, 10), kind)
    volumes[:, :3] = labels[:, None, None, None]
    np.savez(tmp_path / "a.npz", images=volumes, labels=labels)
    settings = DatasetSettings(name="folder", path=str(tmp_path / "a.npz"))
    dataset = load(settings)
    assert dataset.description.shape == (6, 8, 10) and dataset.description.channels == 1
    one = 255 if kind is np.float32 else 1
    np.testing.assert_array_equal(dataset.train.images[:, 0, 0, 3, 3], dataset.train.labels * one)
    assert (dataset.train.images[:, 0, 3:] == 0).all()
    half = load(settings.model_copy(update={"volume": (12, 4, 5)}))
    assert half.train.images.shape == (16, 1, 12, 4, 5)
    np.testing.assert_array_equal(half.train.images[:, 0, 0, 3, 3], dataset.train.labels * one)


def test_adrenal_glands():
    if not os.path.exists(os.path.join(os.environ.get("DDLAB_DATA", ""), "adrenalmnist3d_64.npz")):
        pytest.skip("DDLAB_DATA has no adrenalmnist3d_64.npz")
    described = describe(DatasetSettings(name="adrenalmnist3d"))
    assert (described.num_train, described.num_validation, described.shape) == (1188, 298, (64, 64, 64))
    small = load(DatasetSettings(name="adrenalmnist3d", volume=(32, 32, 32), train_images=100, validation_images=50))
    table = class_balance(small)
    assert table["class"].tolist() == ["normal", "hyperplasia"]
    assert table["train"].tolist() == pytest.approx([100 * 929 / 1188, 100 * 259 / 1188], abs=1)
    assert table["validation"].tolist() == pytest.approx([50 * 229 / 298, 50 * 69 / 298], abs=1)
    assert 0.01 < small.mean[0] < 0.03
