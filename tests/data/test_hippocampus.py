"""The Decathlon's hippocampus task: pairs, a class derived from the masks, volumes that are cut and never zoomed."""

import os

import nibabel as nib
import numpy as np
import pytest

from ddlab.data.cache import describe, load
from ddlab.data.hippocampus import SHAPE
from ddlab.data.volumes import as_bytes, centred, own_window
from ddlab.experiment import DatasetSettings
from tests.data.made_hippocampus import COUNT, write, write_table


def settings(path=None, **others):
    return DatasetSettings(name="hippocampus", path=path and str(path), **others)


@pytest.fixture
def folder(tmp_path):
    write(tmp_path / "Task04_Hippocampus")
    return tmp_path / "Task04_Hippocampus"


@pytest.mark.parametrize("seed", [0, 1, 4])
def test_the_class_is_a_mask_above_the_training_median(folder, seed):
    dataset = load(settings(folder, seed=seed))
    assert dataset.description.classes == ("small", "large") and dataset.description.shape == SHAPE
    train, validation = dataset.train, dataset.validation
    assert (len(train), len(validation)) == (20, 4)
    sizes, others = (split.masks.sum(axis=(1, 2, 3)) for split in (train, validation))
    assert sorted([*sizes, *others]) == [2 * (40 + number) for number in range(COUNT)], "no mask is cut or zoomed"
    np.testing.assert_array_equal(train.labels, sizes > np.median(sizes))
    np.testing.assert_array_equal(validation.labels, others > np.median(sizes))
    assert np.bincount(train.labels).tolist() == [10, 10]


def test_every_volume_has_its_own_window(folder):
    """Scanners differ by a factor of 1000 here: with one window most volumes would be black or white."""
    dataset = load(settings(folder, volume=(12, 12, 12)))
    assert (dataset.description.values, dataset.description.unit) == ((0.5, 99.5), "percentile")
    images = dataset.train.images.reshape(20, -1)
    assert (80 < images.mean(axis=1)).all() and (images.mean(axis=1) < 190).all() and (images.std(axis=1) > 30).all()
    one = load(settings(folder, volume=(12, 12, 12), window=(0, 600)))
    assert one.description.values == (0, 600) and one.description.unit == ""
    assert (one.train.images.reshape(20, -1).mean(axis=1) > 240).any()


def test_masks_lie_on_what_they_mark(folder):
    """In the made volumes tissue is brighter by 90 inside; a scanner of factor 1 shows it."""
    dataset = load(settings(folder, window=(0, 600)))
    inside, brightest = [], []
    for image, mask in zip(dataset.train.images[:, 0], dataset.train.masks, strict=True):
        if image.max() < 255:
            inside.append(image[mask == 1].mean())
            brightest.append(image[(mask == 0) & (image > 30)].mean())
    assert len(inside) >= 3 and np.mean(inside) > np.mean(brightest) + 20


def test_the_table_says_which_files_belong_together(folder):
    write_table(folder, range(10))
    described = describe(settings(folder))
    assert described.num_train + described.num_validation == 10
    (folder / "dataset.json").unlink()
    described = describe(settings(folder))
    assert described.num_train + described.num_validation == COUNT, "without it all of them"


@pytest.mark.parametrize("name", ["Task04_Hippocampus", "hippocampus"])
def test_it_is_found_in_the_data_home(tmp_path, monkeypatch, name):
    monkeypatch.setenv("DDLAB_DATA", str(tmp_path))
    write(tmp_path / name, table=False)
    if name == "hippocampus":
        (tmp_path / name / "imagesTr").rename(tmp_path / name / "images")
        (tmp_path / name / "labelsTr").rename(tmp_path / name / "labels")
    assert describe(settings()).num_train == 20


def lose_a_mask(folder):
    (folder / "labelsTr" / "hippocampus_003.nii.gz").unlink()


def cut_a_mask(folder):
    path = folder / "labelsTr" / "hippocampus_003.nii.gz"
    nib.save(nib.Nifti1Image(np.ones((5, 6, 7), np.uint8), np.eye(4)), path)


def break_the_table(folder):
    (folder / "dataset.json").write_text('{"training": [{"image": 3')


def lead_away(folder):
    (folder / "dataset.json").write_text('{"training": [{"image": "../a.nii.gz", "label": "./labelsTr/b.nii.gz"}]}')


def keep_one(folder):
    write_table(folder, range(1))


BAD = {
    lose_a_mask: "labelsTr/hippocampus_003.nii.gz is not there; every image needs its mask",
    cut_a_mask: r"mask hippocampus_003.nii.gz has 6×5×7 voxels, its volume ",
    break_the_table: "dataset.json cannot be read as JSON",
    lead_away: r"dataset.json names ../a.nii.gz; needs files in its folder",
    keep_one: "0 volumes of class 'large'; needs at least 2|1 volumes of class 'small'",
}


@pytest.mark.parametrize("damage", BAD, ids=lambda damage: damage.__name__)
def test_what_cannot_be_used_is_named(folder, damage):
    damage(folder)
    with pytest.raises(ValueError, match=rf"^path: .*{BAD[damage]}"):
        load(settings(folder, volume=(12, 12, 12)))


def test_another_folder_is_not_it(tmp_path):
    (tmp_path / "other").mkdir()
    with pytest.raises(ValueError, match=r"other/imagesTr is not there; put the folder Task04_Hippocampus"):
        describe(settings(tmp_path / "other"))


def test_the_middle_is_cut_out_or_surrounded():
    volume = np.arange(24.0).reshape(2, 3, 4)
    np.testing.assert_array_equal(centred(volume, (2, 1, 2)), volume[:, 1:2, 1:3])
    padded = centred(volume, (5, 3, 4))
    np.testing.assert_array_equal(padded[1:3], volume)
    assert (padded[[0, 3, 4]] == 0).all() and padded.shape == (5, 3, 4)
    values = np.linspace(-3, 7, 200).reshape(4, 5, 10)
    assert own_window(values) == pytest.approx((-3 + 0.05, 7 - 0.05), abs=0.01)
    assert as_bytes(np.full((2, 2, 2), 5.0, np.float32), (0, 10), (4, 2, 2), "centre")[:, 0, 0].tolist() == [128] * 4


def test_the_real_volumes():
    if not os.path.isdir(os.path.join(os.environ.get("DDLAB_DATA", ""), "hippocampus")):
        pytest.skip("DDLAB_DATA has no folder hippocampus")
    described = describe(settings())
    assert (described.num_train, described.num_validation, described.spacing) == (208, 52, (1, 1, 1))
    few = load(settings(train_images=40, validation_images=20))
    assert np.bincount(few.train.labels).tolist() == [20, 20] and np.bincount(few.validation.labels).tolist() == [
        10,
        10,
    ]
    sizes = few.train.masks.sum(axis=(1, 2, 3))
    assert sizes[few.train.labels == 1].min() > 3250 > sizes[few.train.labels == 0].min(), "the median is about 3326"
    darker = few.train.images[:, 0][few.train.masks == 0].mean() < few.train.images[:, 0][few.train.masks == 1].mean()
    assert darker, "padding and fluid are darker than a hippocampus"
