"""NIfTI files: one body is one tensor whatever its file's orientation; what cannot be used is named."""

import csv
import os
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from nibabel.orientations import axcodes2ornt, io_orientation, ornt_transform

from ddlab.data.cache import describe, load
from ddlab.data.ct_phantom import CtPhantom
from ddlab.data.drawn_scans import write_scans
from ddlab.data.mri_phantom import MriPhantom
from ddlab.data.nifti_file import open_volume, to_nifti
from ddlab.experiment import DatasetSettings

BODY = np.random.default_rng(0).integers(-1000, 1000, (5, 6, 7)).astype(np.int16)
SPACING = (1.0, 2.0, 3.0)


def save(path, voxels=BODY, spacing=SPACING, orientation="RAS"):
    path.parent.mkdir(parents=True, exist_ok=True)
    nib.save(to_nifti(voxels, spacing, orientation), path)
    return path


@pytest.mark.parametrize("orientation", ["RAS", "LPS", "LAS", "PIR", "SAL", "ILP"])
@pytest.mark.parametrize("suffix", [".nii", ".nii.gz"])
def test_one_body_is_one_tensor_in_any_orientation(tmp_path, orientation, suffix):
    volume = open_volume(save(tmp_path / f"a{suffix}", orientation=orientation))
    assert "".join(nib.aff2axcodes(volume.affine_in_file)) == orientation
    assert volume.shape == BODY.shape and volume.spacing == pytest.approx(SPACING)
    np.testing.assert_array_equal(volume.voxels(), BODY)


def test_axes_are_upright(tmp_path):
    """Independent of our own writer: the voxel farthest to the front, the left and the feet is the first one."""
    voxels = np.zeros((4, 5, 6), np.float32)
    voxels[0, 4, 0] = 1  # in RAS the first index is the left, the last of the second the front, the first the feet
    nib.save(nib.Nifti1Image(voxels, np.diag([2.0, 3.0, 4.0, 1.0])), tmp_path / "a.nii")
    volume = open_volume(tmp_path / "a.nii")
    assert volume.shape == (5, 4, 6) and volume.spacing == (3, 2, 4) and volume.voxels()[0, 0, 0] == 1
    np.testing.assert_array_equal(volume.voxels(), np.rot90(voxels, axes=(0, 1)))


def test_an_oblique_scan_goes_to_the_closest_axes(tmp_path):
    turn = nib.eulerangles.euler2mat(z=0.3, x=0.2)
    affine = nib.affines.from_matvec(turn @ np.diag([1, -2, 3]), [5, 6, 7])
    nib.save(nib.Nifti1Image(BODY, affine), tmp_path / "a.nii")
    expected = nib.apply_orientation(BODY, ornt_transform(io_orientation(affine), axcodes2ornt("PRS")))
    np.testing.assert_array_equal(open_volume(tmp_path / "a.nii").voxels(), expected)


def test_slope_and_intercept_count(tmp_path):
    image = to_nifti(BODY, SPACING)
    image.header.set_slope_inter(0.5, -24)
    nib.save(image, tmp_path / "a.nii")  # writes the voxels as they are, and how to scale them
    assert open_volume(tmp_path / "a.nii").header.get_slope_inter() == (0.5, -24)
    np.testing.assert_allclose(open_volume(tmp_path / "a.nii").voxels(), BODY * 0.5 - 24)


def test_voxels_that_are_no_numbers_get_the_lowest_value(tmp_path):
    voxels = BODY.astype(np.float32)
    voxels[0], voxels[1, 0, 0] = np.nan, np.inf
    read = open_volume(save(tmp_path / "a.nii", voxels)).voxels()
    lowest = voxels[np.isfinite(voxels)].min()
    assert (read[0] == lowest).all() and read[1, 0, 0] == lowest
    np.testing.assert_array_equal(read[2:], voxels[2:])


def test_a_sample_holds_every_second_voxel(tmp_path):
    volume = open_volume(save(tmp_path / "a.nii.gz", orientation="LPS"))
    assert len(volume.sample(2)) == 3 * 3 * 4 and set(volume.sample(1)) == set(BODY.ravel())


def header(path, field, value):
    """Write a header's field as no library lets one."""
    save(path)
    content = bytearray(path.read_bytes())
    raw = nib.Nifti1Header(bytes(content[:348]), check=False)
    raw[field] = value
    content[:348] = raw.binaryblock
    path.write_bytes(content)


def truncated(path):
    content = save(path).read_bytes()
    path.write_bytes(content[: len(content) * 2 // 3])


BAD = {
    "no bytes": (lambda path: path.write_bytes(b""), "0 bytes"),
    "no NIfTI": (lambda path: path.write_bytes(b"hello" * 100), "cannot be used"),
    "truncated": (truncated, "cannot be used"),
    "4-D": (lambda path: nib.save(nib.Nifti1Image(np.zeros((3, 4, 5, 2)), np.eye(4)), path), "has 4 axes"),
    "2-D": (lambda path: nib.save(nib.Nifti1Image(np.zeros((3, 4)), np.eye(4)), path), "has 2 axes"),
    "no extent": (lambda path: header(path, "dim", [3, 0, 6, 7, 1, 1, 1, 1]), "it is empty"),
    "spacing 0": (lambda path: header(path, "pixdim", [1, 0, 2, 3, 1, 1, 1, 1]), "spacing is 0.0, 2.0, 3.0 mm"),
    "spacing NaN": (lambda path: header(path, "pixdim", [1, 2, np.nan, 3, 1, 1, 1, 1]), "spacing is 2.0, nan"),
    "all NaN": (lambda path: save(path, np.full((3, 4, 5), np.nan, np.float32)), "none of its voxels"),
    "complex": (lambda path: save(path, np.zeros((3, 4, 5), np.complex64)), "type complex64"),
    "singular": (lambda path: header(path, "srow_x", [0, 0, 0, 0]), "affine is singular"),
}


@pytest.mark.parametrize("kind", BAD)
def test_a_file_that_cannot_be_used_is_named(tmp_path, kind):
    make, part = BAD[kind]
    make(tmp_path / "scan7.nii")
    with pytest.raises(ValueError, match="scan7.nii cannot be used") as refusal:
        open_volume(tmp_path / "scan7.nii").voxels()
    assert part in str(refusal.value)


def test_a_compressed_file_cut_in_half(tmp_path):
    content = save(tmp_path / "scan7.nii.gz", np.random.default_rng(0).normal(size=(20, 20, 20))).read_bytes()
    (tmp_path / "scan7.nii.gz").write_bytes(content[: len(content) // 2])
    with pytest.raises(ValueError, match="scan7.nii.gz cannot be used"):
        open_volume(tmp_path / "scan7.nii.gz").voxels()


def test_further_axes_of_one_entry_do_no_harm(tmp_path):
    nib.save(nib.Nifti1Image(BODY[..., None], np.diag([1.0, 1, 1, 1])), tmp_path / "a.nii")
    assert open_volume(tmp_path / "a.nii").shape == (6, 5, 7)


# A folder with labels.csv


def settings(path, **others):
    return DatasetSettings(name="nifti", path=str(path), **others)


def folder(path, lines, count=10, suffix=".nii.gz"):
    """Volumes v0, v1, ... of which the odd ones are bright, and a CSV."""
    for number in range(count):
        voxels = np.full((8 + 2 * (number % 2), 8, 6), 100 + 100 * (number % 2), np.int16)
        voxels[:4] = 0
        save(path / f"v{number}{suffix}", voxels, orientation=("RAS", "LPS")[number % 2])
    (path / "labels.csv").write_text("\n".join(lines), encoding="utf-8-sig")
    return path


ROWS = [f"v{n}.nii.gz,{'dark bright'.split()[n % 2]}" for n in range(10)]


@pytest.mark.parametrize(
    "lines",
    [
        ["file,label", *ROWS],
        ["Image;Class;remark", *(f"{row.replace(',', ';')};x" for row in ROWS), ""],
        ["NAME\tLABEL", *(row.replace(".nii.gz,", "\t") for row in ROWS)],
        ["label,file", *(",".join(row.split(",")[::-1]) for row in ROWS)],
    ],
    ids=["commas", "semicolons", "tabs, no suffix", "other order"],
)
def test_a_folder_with_labels(tmp_path, lines):
    dataset = load(settings(folder(tmp_path, lines), window=(0, 255)))
    described = dataset.description
    assert described.classes == ("bright", "dark") and described.shape == (9, 8, 6)
    assert described.spacing == pytest.approx((1.0, 2.0, 3.0), rel=0.2)
    assert (len(dataset.train), len(dataset.validation)) == (8, 2)
    assert (dataset.train.images[:, 0, -1, 3, 3] == np.where(dataset.train.labels == 0, 200, 100)).all()
    assert (dataset.train.images[:, 0, 0] == 0).all()


def test_splits_of_the_table(tmp_path):
    rows = [f"{row},{'train' if n < 6 else 'Test'}" for n, row in enumerate(ROWS)]
    described = describe(settings(folder(tmp_path, ["file,label,split", *rows])))
    assert (described.num_train, described.num_validation) == (6, 4)


def test_the_window_is_found_from_the_training_volumes(tmp_path):
    described = describe(settings(folder(tmp_path, ["file,label", *ROWS])))
    assert described.values == (0, 200)


@pytest.mark.parametrize(
    ("lines", "parts"),
    [
        (["file,label", *ROWS[:-1]], ["v9.nii.gz has no row in labels.csv"]),
        (["file,label", *ROWS, "v77.nii.gz,dark"], ["labels.csv, line 12", "v77.nii.gz is not there"]),
        (["file,label", *ROWS[:-1], "v9.nii.gz,"], ["line 11", "v9.nii.gz has no label"]),
        (["file,label", *ROWS[:-1], "v9.nii.gz"], ["line 11", "1 columns"]),
        (["file,label", *ROWS, ROWS[3]], ["v3.nii.gz has two rows"]),
        (["file,label", *ROWS[:-1], "v9.nii.gz,rare"], ["1 volumes of class 'rare'", "at least 2"]),
        (["file,age", *ROWS], ["no column 'label'", "file, age"]),
        (["file,label,split", *(f"{row},train" for row in ROWS)], ["'bright'", "validation split"]),
        (["file,label,split", *(f"{row},later" for row in ROWS)], ["line 2", "'later'", "training"]),
        (["file,label", *ROWS[:-1], "../v9.nii.gz,dark"], ["line 11", "a file in its folder"]),
        (["file,label", *(row.replace("bright", "dark") for row in ROWS)], ["at least 2 classes", "dark"]),
        ([""], ["no column 'file'", "none"]),
    ],
)
def test_tables_that_cannot_be_used(tmp_path, lines, parts):
    path = folder(tmp_path, lines)
    with pytest.raises(ValueError, match="^path: ") as refusal:
        describe(settings(path))
    assert all(part in str(refusal.value) for part in parts), str(refusal.value)


def test_a_broken_volume_of_a_folder_is_named(tmp_path):
    path = folder(tmp_path, ["file,label", *ROWS])
    (path / "v4.nii.gz").write_bytes(b"")
    with pytest.raises(ValueError, match="v4.nii.gz cannot be used .it is empty"):
        describe(settings(path))


def test_no_table(tmp_path):
    with pytest.raises(ValueError, match="holds no labels.csv"):
        describe(settings(tmp_path))
    with pytest.raises(ValueError, match="nothing is not there"):
        describe(settings(tmp_path / "nothing"))
    with pytest.raises(ValueError, match="'nifti' needs the folder"):
        describe(DatasetSettings(name="nifti"))


@pytest.mark.parametrize("source", [CtPhantom(), MriPhantom()], ids=["ct_phantom", "mri_phantom"])
def test_written_phantoms_come_back(tmp_path, source):
    name = {CtPhantom: "ct_phantom", MriPhantom: "mri_phantom"}[type(source)]
    asked = DatasetSettings(name=name, volume=(16, 16, 8), train_images=4, validation_images=4)
    write_scans(tmp_path / "p", source, asked, lambda done, total: None)
    back = load(settings(tmp_path / "p", window=source.window))
    (drawn,) = source.read(asked, "train")
    assert back.description.spacing == pytest.approx(source.grid((16, 16, 8)).spacing) and back.description.has_masks

    def content(split, classes):
        triples = zip(split.images, split.masks, split.labels, strict=True)
        return {(image.tobytes(), mask.tobytes(), classes[label]) for image, mask, label in triples}

    assert content(drawn, source.classes) == content(back.train, back.description.classes)
    assert drawn.masks.any() and len(back.train) == 4
    with pytest.raises(ValueError, match="labels.csv is there already"):
        write_scans(tmp_path / "p", source, asked, lambda done, total: None)


def test_written_masks_lie_where_their_scans_do(tmp_path):
    asked = DatasetSettings(name="mri_phantom", volume=(16, 16, 8), train_images=6, validation_images=2)
    write_scans(tmp_path, MriPhantom(), asked, lambda done, total: None)
    paths = sorted(tmp_path.glob("*.nii.gz"))
    assert len(paths) == 8
    for path in paths:
        image, mask = nib.load(path), nib.load(tmp_path / "masks" / path.name)
        np.testing.assert_array_equal(image.affine, mask.affine)
        assert image.shape == mask.shape and set(np.unique(mask.get_fdata())) <= {0, 1}


MASKED = ["file,label,mask", *(f"{row},{'there/m1' if n == 1 else ''}" for n, row in enumerate(ROWS))]


def test_masks_of_a_table_are_evidence(tmp_path):
    """Of one volume, in another orientation than that; volumes without one have none."""
    mask = np.zeros((10, 8, 6), np.uint8)
    mask[:5, :4] = 3  # the front left quarter
    save(tmp_path / "there" / "m1.nii.gz", mask, orientation="SPL")
    dataset = load(settings(folder(tmp_path, MASKED), window=(0, 255)))
    assert dataset.description.has_masks
    masks = np.concatenate([dataset.train.masks, dataset.validation.masks])
    (marked,) = masks[masks.any(axis=(1, 2, 3))]
    assert marked[:4, :4].all() and not marked[5:].any() and not marked[:, 4:].any(), "the zoom takes 10 rows to 9"


def test_a_table_without_a_mask_has_no_evidence(tmp_path):
    empty = [MASKED[0], *(row.replace("there/m1", "") for row in MASKED[1:])]
    assert not describe(settings(folder(tmp_path, empty))).has_masks


def test_a_mask_of_another_shape_is_refused(tmp_path):
    save(tmp_path / "there" / "m1.nii.gz", np.ones((10, 8, 7), np.uint8))
    with pytest.raises(ValueError, match="path: the mask m1.nii.gz has 10×8×7 voxels, its volume 10×8×6"):
        load(settings(folder(tmp_path, MASKED)))


def test_a_mask_that_is_not_there_is_named(tmp_path):
    with pytest.raises(ValueError, match="labels.csv, line 3: the file there/m1 is not there"):
        describe(settings(folder(tmp_path, MASKED)))


def test_another_mask_is_another_cache(tmp_path):
    path = save(tmp_path / "there" / "m1.nii.gz", np.ones((10, 8, 6), np.uint8))
    asked = settings(folder(tmp_path, MASKED))
    before = load(asked).train.masks.sum() + load(asked).validation.masks.sum()
    save(path, np.zeros((10, 8, 6), np.uint16))
    assert load(asked).train.masks.sum() + load(asked).validation.masks.sum() == 0 < before


# MosMedData's layout


@pytest.mark.parametrize("grades", [["CT-0", "CT-23"], ["CT-0", "CT-1", "CT-2"]])
@pytest.mark.parametrize("below", ["", "studies"])
def test_mosmed(tmp_path, monkeypatch, grades, below):
    monkeypatch.setenv("DDLAB_DATA", str(tmp_path))
    for grade in grades:
        for number in range(10):
            voxels = np.full((20, 24, 10), -1000 if grade == "CT-0" else 400, np.int16)
            voxels[:10] = -300
            voxels[10:, :, 0] = 1000
            voxels[-1, -1, -1] = 100 * number - 1000  # a corner stays what it is, whatever the zoom
            save(tmp_path / "mosmed" / below / grade / f"study_{number:04d}.nii.gz", voxels, orientation="LPS")
    dataset = load(DatasetSettings(name="mosmed", volume=(16, 16, 8)))
    described = describe(DatasetSettings(name="mosmed"))
    assert (described.shape, described.classes) == ((128, 128, 64), ("normal", "pneumonia"))
    assert (described.values, described.unit) == ((-1000, 400), "HU")
    assert described.spacing == pytest.approx((20 / 128, 2 * 24 / 128, 3 * 10 / 64))
    assert (described.num_train, described.num_validation) == (7 * len(grades), 3 * len(grades))
    for split, numbers in ((dataset.train, range(7)), (dataset.validation, range(7, 10))):
        corners = {round(100 * number * 255 / 1400) for number in numbers}
        assert set(split.images[:, 0, -1, -1, -1].tolist()) == corners, "the first 70 % by name are for training"
        assert (split.images[:, 0, -1, 5, -1] == 255 * split.labels).all()
        assert (split.images[:, 0, 0] == round(700 * 255 / 1400)).all()


def test_mosmed_without_the_ill(tmp_path):
    for number in range(4):
        save(tmp_path / "CT-0" / f"study_{number}.nii.gz")
    with pytest.raises(ValueError, match="0 volumes of class 'pneumonia'"):
        describe(DatasetSettings(name="mosmed", path=str(tmp_path)))


# Real data


def test_hippocampi_labelled_by_their_masks(tmp_path):
    """260 real crops of several types and extents; the label is derived: is the mask larger than the median?"""
    real = Path(os.environ.get("DDLAB_DATA", "")) / "hippocampus"
    if not os.environ.get("DDLAB_DATA") or not real.is_dir():
        pytest.skip("DDLAB_DATA has no hippocampus")
    masks = sorted((real / "labels").glob("*.nii.gz"))
    sizes = np.array([(np.asarray(nib.load(mask).dataobj) > 0).sum() for mask in masks])
    assert np.median(sizes) == 3326.5 and len(sizes) == 260
    (tmp_path / "images").symlink_to(real / "images")
    with (tmp_path / "labels.csv").open("w", newline="") as file:
        labels = np.where(sizes > 3326.5, "large", "small")
        names = [(f"images/{mask.name}", label) for mask, label in zip(masks, labels, strict=True)]
        csv.writer(file).writerows([("file", "label"), *names])
    dataset = load(settings(tmp_path, volume=(32, 32, 32)))
    assert (len(dataset.train), len(dataset.validation)) == (208, 52)
    assert dataset.train.images.std() > 20 and dataset.description.spacing[0] > 0.9
    assert describe(settings(tmp_path)).shape == (50, 35, 36)
