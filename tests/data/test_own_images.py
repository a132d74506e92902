"""The user's own images: folders, archives and npz; what is refused, each with a message that names file and rule."""

import io
import stat
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ddlab.data import limits
from ddlab.data.cache import describe, load
from ddlab.data.class_folders import decode
from ddlab.experiment import DatasetSettings

COLORS = {"cats": (200, 30, 30), "dogs": (30, 30, 200)}


def picture(color=(9, 9, 9), size=(30, 20), kind="PNG"):
    file = io.BytesIO()
    Image.new("RGB", size, color).save(file, kind)
    return file.getvalue()


def files(count=10, top=""):
    return {f"{top}{label}/{n}.png": picture(color) for label, color in COLORS.items() for n in range(count)}


def write_folder(path, contents):
    for name, content in contents.items():
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_bytes(content)
    path.mkdir(exist_ok=True)
    return path


def write_zip(path, contents):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in contents.items():
            archive.writestr(name, content)
    return path


def write_tar(path, contents):
    mode = {".gz": "w:gz", ".tgz": "w:gz", ".xz": "w:xz", ".bz2": "w:bz2"}.get(path.suffix, "w:")
    with tarfile.open(path, mode) as archive:
        for name, content in contents.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return path


def settings(path, **others):
    return DatasetSettings(name="folder", path=str(path), **{"size": 16, **others})


def refused(path, *parts):
    """Both looking and loading say why, in one sentence that holds all of these parts."""
    with pytest.raises(ValueError) as looked:
        describe(settings(path))
    message = str(looked.value)
    assert message.startswith("path: ") and all(part in message for part in parts), message
    with pytest.raises(ValueError):
        load(settings(path))


WRITERS = {
    "folder": write_folder,
    "a.zip": write_zip,
    "a.tar": write_tar,
    "a.tar.gz": write_tar,
    "a.tgz": write_tar,
    "a.tar.xz": write_tar,
}


@pytest.mark.parametrize("name", WRITERS)
@pytest.mark.parametrize("top", ["", "./", "flowers/", "deep/er/"])
def test_class_folders_wherever_they_lie(tmp_path, name, top):
    path = WRITERS[name](tmp_path / name, files(top=top) | {f"{top}README.txt": b"hello", "__MACOSX/cats/1.png": b""})
    before = {p for p in tmp_path.rglob("*") if "home" not in p.parts}
    dataset = load(settings(path))
    assert dataset.description.classes == ("cats", "dogs")
    assert (len(dataset.train), len(dataset.validation)) == (16, 4)
    for split in (dataset.train, dataset.validation):
        assert np.bincount(split.labels).tolist() == [len(split) // 2] * 2
        for image, label in zip(split.images, split.labels, strict=True):
            assert image.shape == (3, 16, 16)
            np.testing.assert_array_equal(image[:, 8, 8], list(COLORS.values())[label])
    assert {p for p in tmp_path.rglob("*") if "home" not in p.parts} == before, "something was unpacked"


@pytest.mark.parametrize("held_out", ["val", "validation", "test"])
def test_split_folders(tmp_path, held_out):
    path = write_folder(tmp_path / "mine", files(6, "train/") | files(3, f"{held_out}/"))
    described = describe(settings(path))
    assert (described.num_train, described.num_validation) == (12, 6)


def test_a_class_missing_in_a_split_folder(tmp_path):
    contents = files(6, "train/") | {"val/cats/1.png": picture(), "val/cats/2.png": picture()}
    refused(write_folder(tmp_path / "mine", contents), "'dogs'", "validation")


def test_relative_paths_start_at_the_data_home(tmp_path, monkeypatch):
    monkeypatch.setenv("DDLAB_DATA", str(tmp_path))
    write_folder(tmp_path / "mine", files())
    assert describe(settings("mine")).classes == ("cats", "dogs")


def test_limits_keep_the_balance(tmp_path):
    path = write_folder(tmp_path / "mine", files(20))
    dataset = load(settings(path, train_images=8, validation_images=4))
    assert np.bincount(dataset.train.labels).tolist() == [4, 4]
    assert np.bincount(dataset.validation.labels).tolist() == [2, 2]


def test_no_path():
    with pytest.raises(ValueError, match="path: data set 'folder' needs the folder"):
        describe(DatasetSettings(name="folder"))


def test_missing(tmp_path):
    refused(tmp_path / "nothing", "nothing is not there")


def test_another_kind_of_file(tmp_path):
    (tmp_path / "a.rar").write_bytes(b"")
    refused(tmp_path / "a.rar", "a.rar is none of", ".zip")


@pytest.mark.parametrize(
    ("contents", "parts"),
    [
        ({}, ["holds no images"]),
        ({"cats/a.txt": b""}, ["holds no images"]),
        ({"1.png": picture(), "2.png": picture()}, ["none in a folder of its class", "at least 2 classes"]),
        ({f"cats/{n}.png": picture() for n in range(9)}, ["only 'cats'", "at least 2 classes"]),
        (
            {"cats/1.png": picture(), "cats/2.png": picture(), "dogs/1.png": picture()},
            ["3 images", "'dogs' only 1", "at least 2 of every class"],
        ),
    ],
    ids=["empty", "no images", "no class folders", "one class", "three images"],
)
@pytest.mark.parametrize("name", ["folder", "a.zip", "a.tar.gz"])
def test_too_little(tmp_path, name, contents, parts):
    refused(WRITERS[name](tmp_path / name, contents), name, *parts)


@pytest.mark.parametrize("name", ["folder", "a.zip", "a.tar.gz"])
@pytest.mark.parametrize("broken", [b"", b"not an image", picture((1, 2, 3), (64, 64), "JPEG")[:-300]])
def test_a_broken_image_is_named(tmp_path, name, broken):
    path = WRITERS[name](tmp_path / name, files() | {"dogs/broken.jpg": broken})
    with pytest.raises(ValueError, match=r"path: the image dogs/broken.jpg cannot be read") as refusal:
        load(settings(path))
    assert "BytesIO" not in str(refusal.value)


@pytest.mark.parametrize("evil", ["../evil.png", "cats/../../evil.png", "/evil.png", "..\\evil.png", "C:/evil.png"])
@pytest.mark.parametrize("name", ["a.zip", "a.tar", "a.tar.gz"])
def test_members_that_lead_out(tmp_path, name, evil):
    refused(WRITERS[name](tmp_path / name, files() | {evil: picture()}), name, "leads out of the archive")


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE, tarfile.CHRTYPE])
def test_links_and_devices_in_a_tar(tmp_path, kind):
    path = write_tar(tmp_path / "a.tar", files())
    with tarfile.open(path, "a") as archive:
        member = tarfile.TarInfo("cats/link.png")
        member.type, member.linkname = kind, "/etc/passwd"
        archive.addfile(member)
    refused(path, "'cats/link.png' is a link or a device")


def test_a_link_in_a_zip(tmp_path):
    path = write_zip(tmp_path / "a.zip", files())
    with zipfile.ZipFile(path, "a") as archive:
        member = zipfile.ZipInfo("cats/link.png")
        member.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(member, "/etc/passwd")
    refused(path, "'cats/link.png' is a link")


@pytest.mark.parametrize("name", ["a.zip", "a.tar.gz"])
def test_bombs(tmp_path, name, monkeypatch):
    monkeypatch.setattr(limits, "FREE_BYTES", 2**20)
    path = WRITERS[name](tmp_path / name, files() | {"cats/bomb.png": bytes(8 * 2**20)})
    refused(path, f"{name} is refused", "grow")


def test_too_many_members(tmp_path, monkeypatch):
    monkeypatch.setenv("DDLAB_MOST_FILES", "10")
    refused(write_zip(tmp_path / "a.zip", files()), "11 members")


def test_images_with_too_many_pixels(tmp_path, monkeypatch):
    monkeypatch.setattr(limits, "MOST_PIXELS", 10_000)
    path = write_folder(tmp_path / "mine", files() | {"cats/huge.png": picture(size=(200, 200))})
    with pytest.raises(ValueError, match="huge.png cannot be read .it has 200×200 px"):
        load(settings(path))


@pytest.mark.parametrize("name", ["a.zip", "a.tar", "a.tar.gz"])
def test_an_archive_cut_in_half(tmp_path, name):
    path = WRITERS[name](tmp_path / name, files(30))
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2 - 100])
    refused(path, f"{name} cannot be read")


def test_the_largest_centred_square_is_taken():
    stripes = Image.new("RGB", (60, 20), (255, 0, 0))
    stripes.paste((0, 255, 0), (20, 0, 40, 20))
    file = io.BytesIO()
    stripes.save(file, "PNG")
    image = decode(lambda name: file.getvalue(), "x", 10)
    assert (image[1] > 230).all() and (image[0] < 25).all()  # interpolation looks a pixel beyond the cut


@pytest.mark.parametrize("mode", ["L", "P", "RGBA", "CMYK", "1", "I;16"])
def test_every_mode_becomes_three_channels(mode):
    values = np.full((8, 8), 40_000, np.uint16) if mode == "I;16" else None
    image = Image.fromarray(values) if mode == "I;16" else Image.new("RGB", (8, 8), (255, 255, 255)).convert(mode)
    file = io.BytesIO()
    image.save(file, "TIFF")
    decoded = decode(lambda name: file.getvalue(), "x", 8)
    assert decoded.shape == (3, 8, 8)
    assert decoded.min() == decoded.max() == (156 if mode == "I;16" else 255)


def arrays(count=20, kind=np.uint8, shape=(12, 10)):
    labels = np.arange(count) % 2
    images = (labels[:, None, None, None] * np.ones((count, *shape, 3))).astype(kind)
    return images, labels


@pytest.mark.parametrize(
    "keys",
    [
        ("images", "labels"),
        ("x_train", "y_train", "x_test", "y_test"),
        ("train_images", "train_labels", "val_images", "val_labels"),
    ],
)
def test_npz(tmp_path, keys):
    parts = [part for _ in keys[::2] for part in arrays()]
    np.savez_compressed(tmp_path / "a.npz", **dict(zip(keys, parts, strict=True)))
    dataset = load(settings(tmp_path / "a.npz", size=None))
    assert dataset.description.classes == ("0", "1") and dataset.description.shape == (10, 10)
    assert (len(dataset.train), len(dataset.validation)) == ((16, 4) if len(keys) == 2 else (20, 20))
    np.testing.assert_array_equal(dataset.train.images[:, 0, 0, 0], dataset.train.labels)


def test_npz_of_grey_numbers_with_named_classes(tmp_path):
    images, labels = arrays(kind=np.float32)
    np.savez(tmp_path / "a.npz", images=images[..., 0], labels=labels[:, None], classes=["no", "yes"])
    dataset = load(settings(tmp_path / "a.npz"))
    assert dataset.description.classes == ("no", "yes") and dataset.train.images.shape == (16, 1, 16, 16)
    np.testing.assert_array_equal(dataset.train.images[:, 0, 3, 3], 255 * dataset.train.labels)


IMAGES, LABELS = arrays()


@pytest.mark.parametrize(
    ("contents", "parts"),
    [
        ({"pictures": IMAGES}, ["holds pictures", "images, labels"]),
        ({"images": IMAGES}, ["needs one of"]),
        ({"images": IMAGES[0, 0], "labels": LABELS}, ["images has shape", "(M, H, W)"]),
        ({"images": IMAGES, "labels": LABELS[:5]}, ["labels has shape (5,)", "20 whole numbers"]),
        ({"images": IMAGES, "labels": LABELS * 0.5}, ["float64", "whole numbers"]),
        ({"images": IMAGES, "labels": LABELS * 0}, ["has 1 classes", "at least 2"]),
        ({"images": IMAGES[:3], "labels": LABELS[:3]}, ["1 images of class '1'", "at least 2"]),
        ({"images": IMAGES, "labels": np.array([{}] * 20)}, ["cannot be read as npz", "objects of Python"]),
        ({"x_train": IMAGES, "y_train": LABELS, "x_val": IMAGES[:, 2:], "y_val": LABELS}, ["different shapes"]),
    ],
)
def test_npz_that_cannot_be_used(tmp_path, contents, parts):
    np.savez(tmp_path / "a.npz", **contents)
    refused(tmp_path / "a.npz", "a.npz", *parts)


def test_npz_with_other_numbers(tmp_path):
    np.savez(tmp_path / "a.npz", images=IMAGES * 700.0, labels=LABELS)
    with pytest.raises(ValueError, match="float64 and values 0.0 to 700.0; needs bytes, or numbers from 0 to 1"):
        load(settings(tmp_path / "a.npz"))


def test_npz_that_is_none(tmp_path):
    (tmp_path / "a.npz").write_bytes(b"no zip")
    refused(tmp_path / "a.npz", "a.npz cannot be read as npz")
    refused(Path(tmp_path / "b.npz"), "b.npz is not there")
