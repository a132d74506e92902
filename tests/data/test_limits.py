"""Files that lie, or hold far too much: refused with one sentence, before anything is allocated or waited for."""

import io
import os
import socket
import struct
import tarfile
import zipfile
import zlib

import numpy as np
import pytest
from PIL import Image

from ddlab.data import files, limits, npz_file
from ddlab.data.cache import describe, load
from ddlab.data.messages import amount, shown
from ddlab.data.mnist import Mnist
from ddlab.data.own_image import own_image
from ddlab.data.source import Description
from ddlab.data.splits import mixed_order, stratified_split
from ddlab.experiment import DatasetSettings

IMAGES, LABELS = np.zeros((16, 8, 8), np.uint8), np.arange(16) % 2
pytestmark = pytest.mark.timeout(60)  # who opens a pipe waits for ever


def settings(path, name="folder", **others):
    return DatasetSettings(name=name, path=str(path), **others)


def refusal(asked):
    """What is said of a data set that can be neither described nor loaded: one short line."""
    with pytest.raises(ValueError) as said:
        describe(asked)
        load(asked)
    message = str(said.value)
    assert message.isprintable() and len(message) < 500, message
    return message


def head(shape, kind="|u1", version=1):
    text = f"{{'descr': {kind!r}, 'fortran_order': False, 'shape': {shape}, }}\n".encode()
    return b"\x93NUMPY" + bytes([version, 0]) + struct.pack("<H" if version == 1 else "<I", len(text)) + text


def write_npz(path, **members):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for key, content in members.items():
            archive.writestr(f"{key}.npy", content)
    return path


GOOD = {"images": head((16, 8, 8)) + IMAGES.tobytes(), "labels": head((16,)) + LABELS.astype(np.uint8).tobytes()}


@pytest.mark.parametrize("label", [10**12, 10**7, 2**62, -1, limits.MOST_CLASSES])
def test_a_label_makes_no_classes(tmp_path, label):
    labels = LABELS.astype(np.int64)
    labels[3] = label
    np.savez(tmp_path / "a.npz", images=IMAGES, labels=labels)
    message = refusal(settings(tmp_path / "a.npz"))
    assert "a.npz: labels has labels from" in message and str(label) in message and "30,000" in message


@pytest.mark.parametrize(
    ("members", "part"),
    [
        ({"images": head((10**12, 8, 8))}, "images takes 58.2 TiB"),
        ({"labels": head((10**12,), "<i8")}, "labels takes 7.3 TiB"),
        ({"images": head((16, 8, 8))}, "its header promises"),
        ({"labels": GOOD["labels"] + b"more"}, "its header promises"),
        ({"images": head((0x7FFF_FFFF_FFFF, 0x7FFF_FFFF_FFFF, 8), "<f16")}, "images takes"),
        ({"images": head((16, -8, 8))}, "the shape of an array is not valid"),
        ({"images": head((True, 8, 8))}, "the shape of an array is not valid"),
        ({"images": head("(" + "9" * 4000 + ", 8, 8)")}, "cannot be read as npz"),
        ({"images": head((16, 8, 8), "|O") + bytes(8 * 1024)}, "objects of Python"),
        ({"images": head((16, 8, 8), [("a", "|u1")]) + bytes(1024)}, "images has type"),
        ({"images": head((16, 8, 8), "|V8") + bytes(8 * 1024)}, "images has type"),
        ({"labels": head((16,), "<M8[s]") + bytes(128)}, "whole numbers"),
        ({"images": head((16, 8, 8), "nonsense")}, "cannot be read as npz"),
        ({"images": head("[" * 3000)}, "cannot be read as npz"),
        ({"images": head("1 if 1 else 2")}, "cannot be read as npz"),
        ({"images": head((16, 8, 8), version=3)}, "version 3.0"),
        ({"images": b"\x93NUMPY\x02\x00" + struct.pack("<I", 2**32 - 1) + bytes(10**6)}, "cannot be read as npz"),
        ({"images": b""}, "cannot be read as npz"),
        ({"classes": head((10**12,), "<U0")}, "cannot be read as npz"),
        ({"classes": head((2,), "<U10000000") + bytes(8 * 10**7)}, "classes takes 76.3 MiB"),
        ({"classes": head((2, 1), "<U1") + bytes(8)}, "a list of names"),
        ({"classes": head((40_000,), "|S1") + b"a" * 40_000}, "40,000 classes"),
        ({"classes": head((2,), "|S1") + b"\xff\xfe"}, "cannot be read as npz"),
    ],
)
def test_npz_headers_that_lie(tmp_path, members, part):
    assert part in refusal(settings(write_npz(tmp_path / "a.npz", **{**GOOD, **members})))


@pytest.mark.parametrize(
    ("names", "part"),
    [
        (["a\nb", "c"], r"'a\nb'; characters that cannot be shown"),
        (["\x1b[31m", "c"], "characters that cannot be shown"),
        (["x" * 5000, "c"], "…"),
        (["a", "a"], "2 classes 'a'"),
        (["", "a"], "of 0 characters"),
    ],
)
def test_names_of_classes(tmp_path, names, part):
    np.savez(tmp_path / "a.npz", images=IMAGES, labels=LABELS, classes=names)
    assert part in refusal(settings(tmp_path / "a.npz"))


def test_an_npz_is_unpacked_on_disk(tmp_path):
    with npz_file.unpacked(write_npz(tmp_path / "a.npz", **GOOD), "images") as images:
        assert isinstance(images, np.memmap) and images.shape == IMAGES.shape
    fortran = np.asfortranarray(np.random.default_rng(0).random((6, 5, 4)))
    np.savez(tmp_path / "b.npz", images=fortran)
    with npz_file.unpacked(tmp_path / "b.npz", "images") as images:
        np.testing.assert_array_equal(images, fortran)


def test_an_npz_that_is_a_bomb(tmp_path, monkeypatch):
    images = head((900, 100, 100)) + bytes(9 * 10**6)
    write_npz(tmp_path / "a.npz", images=images, labels=head((900,)) + bytes(450) + b"\1" * 450)
    assert describe(settings(tmp_path / "a.npz")).num_train == 720
    monkeypatch.setattr(limits, "FREE_BYTES", 2**20)
    monkeypatch.setenv("DDLAB_MOST_BYTES", str(2**20))
    os.utime(tmp_path / "a.npz", (1, 1))
    assert "images takes 8.6 MiB, a file of this size may hold 1.0 MiB" in refusal(settings(tmp_path / "a.npz"))


def test_an_image_of_an_npz_has_a_limit(tmp_path, monkeypatch):
    monkeypatch.setattr(limits, "MOST_IMAGE_BYTES", 2**12)
    images = head((16, 100, 100)) + bytes(16 * 10**4)
    assert "an image of images takes" in refusal(settings(write_npz(tmp_path / "a.npz", **{**GOOD, "images": images})))


# What a data set becomes


@pytest.mark.parametrize(
    ("channels", "shape", "count"),
    [(3, (32, 32), 60_000), (1, (28, 28), 70_000), (3, (180, 180), 3_670), (1, (128, 128, 64), 200)]
    + [(3, (224, 224), 50_000), (3, (224, 224), 101_000), (1, (512, 512, 300), 100)],
)
def test_real_data_sets_are_within_the_limits(channels, shape, count):
    assert Description(("a", "b"), channels, shape, count, 0, "", "").num_train == count


@pytest.mark.parametrize(
    ("channels", "shape", "count", "part"),
    [
        (3, (20_000, 20_000), 4, "size: an image of 3×20000×20000"),
        (1, (1000, 1000, 1000), 4, "volume: an image"),
        (1, (512, 512, 512), 1000, "1,000 images of 1×512×512×512 take 125.0 GiB in the cache; at most 64.0 GiB"),
    ],
)
def test_what_would_be_written_has_a_limit(channels, shape, count, part):
    with pytest.raises(ValueError) as refused:
        Description(("a", "b"), channels, shape, count, 0, "", "")
    assert part in str(refused.value)


def test_limits_can_be_changed(monkeypatch):
    monkeypatch.setenv("DDLAB_MOST_BYTES", "1000")
    with pytest.raises(ValueError, match=r"at most 1,000 bytes are allowed \(DDLAB_MOST_BYTES\)"):
        Description(("a", "b"), 1, (10, 10), 11, 0, "", "")
    for wrong in ("0", "-5", "many", "9" * 5000, "1e9"):
        monkeypatch.setenv("DDLAB_MOST_BYTES", wrong)
        with pytest.raises(ValueError, match="DDLAB_MOST_BYTES: needs a whole number above 0") as refused:
            limits.most_bytes()
        assert len(str(refused.value)) < 200


# What is no file


def picture(kind="PNG", size=(8, 8), **options):
    file = io.BytesIO()
    Image.new("RGB", size).save(file, kind, **options)
    return file.getvalue()


def class_folders(path, content=None, suffix="png"):
    for label in ("cats", "dogs"):
        (path / label).mkdir(parents=True)
        for number in range(3):
            (path / label / f"{number}.{suffix}").write_bytes(picture() if content is None else content)
    return path


def pipe(path):
    os.mkfifo(path)


def link_to_pipe(path):
    os.mkfifo(path.with_name("pipe"))
    path.symlink_to(path.with_name("pipe"))


def link_to_device(path):
    path.symlink_to("/dev/zero")


def a_socket(path):
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(os.path.relpath(path))  # a path of sockets is short


ODD = pytest.mark.parametrize("make", [pipe, link_to_pipe, link_to_device, a_socket])


@ODD
def test_no_file_among_the_images(tmp_path, make):
    make(class_folders(tmp_path / "mine") / "cats" / "odd.png")
    assert refusal(settings(tmp_path / "mine")) == "path: mine cannot be read (its cats/odd.png is not a file)"


@ODD
@pytest.mark.parametrize("name", ["a", "a.npz", "a.zip", "a.tar", "a.tar.gz", "a.png"])
def test_no_file_in_place_of_an_archive(tmp_path, make, name):
    make(tmp_path / name)
    message = refusal(settings(tmp_path / name))
    assert f"{name} cannot be read" in message and "not a file" in message


@ODD
@pytest.mark.parametrize("shape", [(8, 8), (8, 8, 8)])
def test_no_file_in_place_of_an_own_image(tmp_path, make, shape):
    path = tmp_path / "own.nii"
    make(path)
    with pytest.raises(ValueError, match=r"^image: there is no file 'own\.nii'$"):
        own_image(path, Description(("a", "b"), 1, shape, 1, 1, "", ""))


def test_a_file_is_opened_only_where_it_is_one(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for path, kind in ((tmp_path / "pipe", "a pipe"), (tmp_path, "a folder")):
        with pytest.raises(OSError, match=f"it is {kind}, not a file"):
            files.open_file(path)


def sparse(path):
    path.touch()
    os.truncate(path, 10**12)


@pytest.mark.parametrize("name", ["a.npz", "a.zip", "a.tar", "a.tar.gz", "a.tar.bz2", "a.tar.xz", "a.csv"])
def test_a_terabyte_of_nothing(tmp_path, name):
    sparse(tmp_path / name)
    refusal(settings(tmp_path / name, "nifti" if name == "a.csv" else "folder"))


def test_an_image_file_of_a_terabyte(tmp_path):
    sparse(class_folders(tmp_path / "mine") / "cats" / "large.png")
    message = refusal(settings(tmp_path / "mine"))
    assert "cats/large.png cannot be read (it has 931.3 GiB" in message or "0.9 TiB" in message


@pytest.mark.parametrize(
    ("path", "part"),
    [
        ("~nosuchuser/x", "a user who is not known"),
        ("x" * 5000, "is too long"),
        ("a\0b", "has a character 0"),
        ("a\nb", r"a\nb is not there"),
    ],
)
@pytest.mark.parametrize("name", ["folder", "nifti", "mosmed"])
def test_paths_that_cannot_be(path, part, name):
    message = refusal(settings(path, name))
    assert part in message or name == "mosmed" and "is not there" in message


# Folders and archives


def test_a_folder_with_too_many_files(tmp_path, monkeypatch):
    path = class_folders(tmp_path / "mine")
    for number in range(12):
        (path / "cats" / f"link{number}").symlink_to(path)  # 12 ** 8 folders
    monkeypatch.setenv("DDLAB_MOST_FILES", "2000")
    assert "more than 2,000 files and folders; DDLAB_MOST_FILES changes" in refusal(settings(path))


def test_names_that_are_no_text(tmp_path):
    path = class_folders(tmp_path / "mine")
    (path / "cats" / os.fsdecode(b"\xff.png")).write_bytes(picture())
    assert len(load(settings(path)).train) == 5
    (path / "dogs").rename(path / os.fsdecode(b"\xff"))
    assert r"names a class '\udcff'" in refusal(settings(path))


def test_long_names_are_cut(tmp_path):
    path = class_folders(tmp_path / "mine")
    (path / "cats" / ("x" * 240 + ".png")).write_bytes(b"no image")
    assert "x…x" in refusal(settings(path))


def progressive(scans):
    content = picture("JPEG", (64, 64), progressive=True)
    last = content.rfind(b"\xff\xda")
    return content[:-2] + content[last:-2] * scans + content[-2:]


def png_of(width, height):
    body = b""
    for name, content in (
        (b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)),
        (b"IDAT", zlib.compress(bytes(1000))),
        (b"IEND", b""),
    ):
        body += struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))
    return b"\x89PNG\r\n\x1a\n" + body


@pytest.mark.parametrize(
    ("content", "part"),
    [
        (progressive(1000), "more than 500 passes"),
        (png_of(1, 60_000_000), "1×60000000 px"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n%%EndComments\n", "damaged, or not an image"),
    ],
    ids=["scans", "rows", "a program"],
)
def test_images_that_take_time_or_memory(tmp_path, content, part):
    assert part in refusal(settings(class_folders(tmp_path / "mine", content, "jpg")))


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_methods_that_unpack_all_at_once(tmp_path, method):
    for name in ("a.zip", "a.npz"):
        with zipfile.ZipFile(tmp_path / name, "w", method) as archive:
            for member in ("cats/1.png", "cats/2.png", "dogs/1.png", "dogs/2.png"):
                archive.writestr(member, picture())
            for key, content in GOOD.items():
                archive.writestr(f"{key}.npy", content)
        assert "another method than deflate" in refusal(settings(tmp_path / name))


def test_a_list_of_members_that_is_too_long(tmp_path, monkeypatch):
    monkeypatch.setattr(limits, "MOST_DIRECTORY_BYTES", 1000)
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        for number in range(100):
            archive.writestr(f"cats/{number}.png", b"")
    assert "its lists take more than 1,000 bytes" in refusal(settings(tmp_path / "a.zip"))


def test_a_member_without_a_name(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("cats/1.png", b"")
        archive.writestr(zipfile.ZipInfo(""), b"")
    assert "only 'cats'" in refusal(settings(tmp_path / "a.zip"))


def test_a_tar_that_leads_back(tmp_path):
    member = tarfile.TarInfo("cats/1.png").tobuf()
    header = bytearray(member[:124] + b"\xff" * 10 + b"\xfe\x00" + member[136:512])  # it is -512 bytes long
    header[148:156] = b"%06o\0 " % (sum(header[:148]) + 256 + sum(header[156:]))
    (tmp_path / "a.tar").write_bytes(bytes(header) + bytes(1024))
    assert "cats/1.png' has a negative size" in refusal(settings(tmp_path / "a.tar"))


def test_a_tar_with_holes(tmp_path):
    member = tarfile.TarInfo("cats/1.png")
    member.type, member.size = tarfile.GNUTYPE_SPARSE, 0
    with tarfile.open(tmp_path / "a.tar", "w", format=tarfile.GNU_FORMAT) as archive:
        archive.addfile(member)
    assert "stored with holes" in refusal(settings(tmp_path / "a.tar"))


# Orders


def test_orders_are_those_of_a_loop_over_classes():
    """An independent answer: the loop that took a pass over all labels for every class."""
    labels = np.random.default_rng(1).integers(0, 40, 1000)
    rng, place = np.random.default_rng(7), np.empty(1000)
    for label in np.unique(labels):
        members = np.flatnonzero(labels == label)
        place[rng.permutation(members)] = (np.arange(len(members)) + rng.random()) / len(members)
    order = np.argsort(place, kind="stable")
    np.testing.assert_array_equal(mixed_order(labels, 7), order)
    held_out = np.concatenate(
        [members[: max(1, round(0.2 * len(members)))] for k in range(40) for members in [order[labels[order] == k]]]
    )
    assert set(stratified_split(labels, 7)[1]) == set(held_out)


def test_as_many_classes_as_there_may_be(tmp_path):
    """30,000 classes of 16 images take a second, not a pass over all labels for each."""
    count = limits.MOST_CLASSES
    labels = np.repeat(np.arange(count, dtype=np.uint16), 16)
    np.savez(tmp_path / "a.npz", images=np.zeros((len(labels), 1, 1), np.uint8), labels=labels)
    assert describe(settings(tmp_path / "a.npz", size=8)).num_classes == count


# Messages


def test_what_messages_show():
    assert shown("cats") == "cats" and shown("a\nb\udcff\x1b") == r"a\nb\udcff\x1b"
    assert len(shown("x" * 10**6)) == 81 and shown("ab" * 50, 4) == "ab…ab"
    assert [amount(size) for size in (5, 2**20, 3 * 2**29, 2**44)] == ["5 bytes", "1.0 MiB", "1.5 GiB", "16.0 TiB"]
    assert amount(10**2000) == "more than 2⁸⁰ bytes"  # as a damaged header may say; no float can hold it


def test_the_command_line_says_one_sentence(ddlab, tmp_path):
    os.mkfifo(class_folders(tmp_path / "mine") / "cats" / "odd.png")
    for arguments in (
        ("check", tmp_path / "mine"),
        ("check", tmp_path / "a\nb"),
        ("prepare", '{"name": ' + "[" * 100_000),
        ("prepare", '{"name": "folder", "path": "~nosuchuser/x"}'),
        ("prepare", '{"name": "folder", "path": "' + "x" * 5000 + '"}'),
    ):
        code, output, said = ddlab("data", *arguments)
        assert code == 2 and output == "" and said.count("\n") == 1 and len(said) < 500, said


# Official files


class Found:
    def __init__(self, count, labels):
        self.data, self.targets = np.zeros((count, 28, 28), np.uint8), labels


@pytest.mark.parametrize(
    ("found", "part"),
    [
        (Found(10, [0] * 10), "hold 10 images and 10 labels of the train split, not 60000"),
        (Found(60_000, [77] * 60_000), "labels from 77 to 77; needs 0 to 9"),
        (AssertionError("no magic"), "cannot be used (no magic)"),
    ],
    ids=["few", "labels", "damaged"],
)
def test_official_files_that_are_others(tmp_path, monkeypatch, found, part):
    def opened(self, split, download=False):
        if isinstance(found, Exception):
            raise found
        return found

    monkeypatch.setenv("DDLAB_DATA", str(tmp_path))
    monkeypatch.setattr(Mnist, "open", opened)
    for name in Mnist.files:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"")
    asked = DatasetSettings(name="mnist")
    with pytest.raises(ValueError) as refused:
        list(Mnist().read(asked, "train"))
    assert part in str(refused.value)
    (tmp_path / Mnist.files[0]).unlink()
    os.mkfifo(tmp_path / Mnist.files[0])
    assert "it is a pipe, not a file" in refusal(asked)
