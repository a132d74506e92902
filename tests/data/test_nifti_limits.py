"""NIfTI files and tables that lie, or hold far too much: one sentence each; honest ones are read as nibabel does."""

import gzip
import os

import nibabel as nib
import numpy as np
import pytest

from ddlab.data import files, limits
from ddlab.data.cache import describe, load
from ddlab.data.nifti import Nifti
from ddlab.data.nifti_file import open_volume
from ddlab.experiment import DatasetSettings

BODY = np.random.default_rng(0).integers(0, 200, (5, 6, 7))
pytestmark = pytest.mark.timeout(60)  # who opens a pipe waits for ever


def write(path, kind=np.int16, number=1, **fields):
    """A file whose header's fields are what no library lets one write."""
    image = (nib.Nifti1Image if number == 1 else nib.Nifti2Image)(BODY.astype(kind), np.diag([1.0, 2, 3, 1]))
    content = bytearray(image.to_bytes())
    size = image.header.sizeof_hdr
    raw = type(image.header)(bytes(content[:size]), check=False)
    for field, value in fields.items():
        raw[field] = value
    content[:size] = raw.binaryblock
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)
    return path


@pytest.mark.parametrize("number", [1, 2])
@pytest.mark.parametrize("kind", ["u1", "<i2", ">i2", "<i4", "<f4", ">f8"])
@pytest.mark.parametrize("scale", [(1, 0), (0.37, -24.1), (np.nan, np.nan), (0, 5), (-2.5, 1e6)])
def test_values_are_those_of_nibabel(tmp_path, monkeypatch, number, kind, scale):
    monkeypatch.setattr("ddlab.data.nifti_file.AT_ONCE", 50)  # in five parts
    path = write(tmp_path / "a.nii.gz", kind, number, scl_slope=scale[0], scl_inter=scale[1])
    expected = nib.as_closest_canonical(nib.load(path)).get_fdata(dtype=np.float32)
    np.testing.assert_array_equal(open_volume(path).voxels(), np.rot90(expected, axes=(0, 1)))


def dims(*sizes):
    return [len(sizes), *sizes, *[1] * (7 - len(sizes))]


LIES = [
    ({"dim": dims(1000, 1000, 1000)}, "1000×1000×1000 voxels, at most 268,435,456 are allowed; DDLAB_MOST_VOXELS"),
    ({"dim": dims(32767, 32767, 32767)}, "voxels, at most"),
    ({"dim": dims(5, 6, 300)}, "it ends after 210 of 9,000 voxels"),
    ({"dim": dims(-5, 6, 7)}, "it is empty"),
    ({"dim": [-3, 5, 6, 7, 1, 1, 1, 1]}, ""),
    ({"dim": [300, 5, 6, 7, 1, 1, 1, 1]}, ""),
    ({"pixdim": [1, -np.inf, 2, 3, 1, 1, 1, 1]}, "spacing is inf"),
    ({"scl_slope": np.inf}, "slope and intercept are inf"),
    ({"scl_slope": 1, "scl_inter": -np.inf}, "slope and intercept are 1 and -inf"),
    ({"scl_slope": 1, "scl_inter": np.nan}, "intercept"),
    ({"vox_offset": -352}, "begin at byte -352"),
    ({"vox_offset": np.inf}, "begin at byte inf"),
    ({"vox_offset": np.nan}, "begin at byte nan"),
    ({"vox_offset": 1e9}, "begin at byte 1e+09"),
    ({"magic": b"ni1"}, "it is not a NIfTI of one file: its magic word is 'ni1'"),
    ({"magic": b"\xff\n"}, "magic word"),
    ({"datatype": 32, "bitpix": 64}, "type complex"),
    ({"datatype": 128, "bitpix": 24}, "needs real numbers"),
    ({"datatype": 7777}, "7777"),
    ({"sizeof_hdr": 349}, "it is not a NIfTI"),
    ({"sform_code": 0, "qform_code": 1, "quatern_b": 1e30}, ""),
    ({"srow_x": [np.nan] * 4}, "affine is singular"),
]


@pytest.mark.parametrize("suffix", [".nii", ".nii.gz"])
@pytest.mark.parametrize(("fields", "part"), LIES, ids=[str(fields)[:40] for fields, _ in LIES])
def test_headers_that_lie(tmp_path, suffix, fields, part):
    path = write(tmp_path / f"scan7{suffix}", **fields)
    with pytest.raises(ValueError, match="^path: the volume scan7.nii.* cannot be used ") as refused:
        open_volume(path).voxels()
    message = str(refused.value)
    assert part in message and message.isprintable() and len(message) < 300


def test_the_second_version_knows_larger_numbers(tmp_path):
    for sizes in ([2**40, 2**40, 2**40], [2**62, 4, 4]):
        with pytest.raises(ValueError, match="voxels, at most 268,435,456 are allowed"):
            open_volume(write(tmp_path / "a.nii", number=2, dim=dims(*sizes)))


def test_the_limit_of_voxels_can_be_changed(tmp_path, monkeypatch):
    path = write(tmp_path / "a.nii")
    monkeypatch.setenv("DDLAB_MOST_VOXELS", "209")
    with pytest.raises(ValueError, match="5×6×7 voxels, at most 209 are allowed"):
        open_volume(path)
    monkeypatch.setenv("DDLAB_MOST_VOXELS", "210")
    assert open_volume(path).shape == (6, 5, 7)


def test_extensions_are_not_read(tmp_path):
    """Two gigabytes of them, says the file."""
    path = write(tmp_path / "a.nii")
    content = bytearray(path.read_bytes())
    content[348:360] = b"\1\0\0\0" + (2**31 - 16).to_bytes(4, "little") + (4).to_bytes(4, "little")
    path.write_bytes(content)
    assert open_volume(path).voxels().shape == (6, 5, 7)


def test_values_that_no_scanner_writes(tmp_path):
    body = BODY.astype(np.float64) + 1
    body[0, 0, 0], body[1, 1, 1] = 1e300, -1e38
    nib.save(nib.Nifti1Image(body, np.eye(4)), tmp_path / "a.nii")
    voxels = open_volume(tmp_path / "a.nii").voxels()
    assert voxels.min() >= 1 and voxels.max() <= 201 and (voxels == voxels.min()).sum() >= 3


@pytest.mark.parametrize("start", [b"", b"x"])
def test_a_gzip_of_nothing(tmp_path, monkeypatch, start):
    """A terabyte of zeros after the first member."""
    monkeypatch.setattr(files, "MOST_SMALL_READS", 10_000)
    (tmp_path / "a.nii.gz").write_bytes(gzip.compress(start))
    os.truncate(tmp_path / "a.nii.gz", 10**12)
    with pytest.raises(ValueError, match="a.nii.gz cannot be used .it is made of too many parts, or of zeros"):
        open_volume(tmp_path / "a.nii.gz")


def test_many_members_are_no_harm(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "MOST_SMALL_READS", 2000)
    content = write(tmp_path / "a.nii").read_bytes()
    blocks = [gzip.compress(content[start : start + 50]) for start in range(0, len(content), 50)]
    (tmp_path / "a.nii.gz").write_bytes(b"".join(blocks) + bytes(100))
    assert open_volume(tmp_path / "a.nii.gz").voxels().shape == (6, 5, 7)


# Tables


def folder(path, text, count=6):
    path.mkdir(exist_ok=True)
    for number in range(count):
        write(path / f"v{number}.nii")
    (path / "labels.csv").write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


ROWS = "".join(f"v{number}.nii,{'ab'[number % 2]}\n" for number in range(6))


def said_of(path):
    with pytest.raises(ValueError, match="^path: ") as refused:
        describe(DatasetSettings(name="nifti", path=str(path)))
    message = str(refused.value)
    assert message.isprintable() and len(message) < 400, message
    return message


@pytest.mark.parametrize(
    ("text", "part"),
    [
        (
            f'file,label\n{ROWS}v6,"{"x" * 200_000}"\n',
            "labels.csv cannot be read as CSV (field larger than field limit",
        ),
        (f"file,label\n{ROWS}v\0,a\n", r"line 8: the file v\x00 is not there"),
        (f"file,label\n{ROWS}".replace(",a", ",a\0"), r"'a\x00'; characters that cannot be shown"),
        (f"file,label\n{ROWS}".replace(",a", ",a\x1b[31m"), r"'a\x1b[31m'"),
        (f"file,label\n{ROWS}".replace(",a", "," + "a" * 5000), "of 5,000 characters"),
        (f"file,label\n{ROWS}{'x' * 100_000},a\n", "line 8: the file xxxxx"),
        ("file,label" + "," * 10**6 + "\n" + ROWS, "1,000,002 columns; at most 1,000 are allowed"),
        ("," * 10**6, "columns; at most 1,000"),
        ("name" * 10**4, "names name"),
        (b"\xff\xfef\0i\0l\0e\0", "cannot be read as CSV ('utf-8'"),
        (f"file,label,split\n{ROWS.replace(chr(10), ',' + 'y' * 10**5 + chr(10))}", "the split is 'yyy"),
    ],
    ids=["field", "NUL in a name", "NUL", "escape", "long", "file", "columns", "head", "names", "UTF-16", "split"],
)
def test_tables_that_hold_anything(tmp_path, text, part):
    assert part in said_of(folder(tmp_path / "t", text))


def test_a_table_that_is_too_large(tmp_path, monkeypatch):
    path = folder(tmp_path / "t", "file,label\n" + ROWS * 3)
    monkeypatch.setenv("DDLAB_MOST_FILES", "10")
    assert "more than 10 rows; DDLAB_MOST_FILES changes the limit" in said_of(path)
    monkeypatch.setattr(limits, "MOST_TABLE_BYTES", 50)
    assert "labels.csv cannot be read as CSV (it has 173 bytes; at most 50 bytes" in said_of(path)


def test_many_rows_take_no_time_of_their_squares(tmp_path):
    """10,000 files, two of each class; a pass over all of them for each would take minutes."""
    path = folder(tmp_path / "t", "file,label\n" + "".join(f"v{n}.nii,c{n // 2}\n" for n in range(10_000)), count=1)
    for number in range(1, 10_000):
        os.link(path / "v0.nii", path / f"v{number}.nii")
    listing = Nifti().source(DatasetSettings(name="nifti", path=str(path))).listing
    assert len(listing.classes) == 5000 and len(listing.paths["train"]) == 5000


@pytest.mark.parametrize("where", ["row", "table", "study"])
def test_pipes_among_the_volumes(tmp_path, where):
    if where == "study":
        for grade in ("CT-0", "CT-1"):
            (tmp_path / grade).mkdir()
            for number in range(4):
                os.mkfifo(tmp_path / grade / f"study_{number}.nii.gz")
        with pytest.raises(ValueError, match=r"study_\d.nii.gz cannot be used .it is a pipe, not a file"):
            load(DatasetSettings(name="mosmed", path=str(tmp_path)))
        return
    path = folder(tmp_path / "t", f"file,label\n{ROWS}pipe.nii,a\n")
    os.mkfifo(path / "pipe.nii")
    if where == "row":
        assert "line 8: the file pipe.nii is not there, or not a file" in said_of(path)
    else:
        os.mkfifo(path / "pipe.csv")
        assert "pipe.csv cannot be read as CSV (it is a pipe, not a file)" in said_of(path / "pipe.csv")


def test_other_kinds_of_volumes_are_not_opened(tmp_path):
    """Nibabel would read them, each with a library of its own."""
    path = folder(tmp_path / "t", f"file,label\n{ROWS}x.gii,a\n")
    (path / "x.gii").write_text("<?xml version='1.0'?><!DOCTYPE GIFTI [<!ENTITY a 'aaaa'>]><GIFTI/>")
    assert "the volume x.gii cannot be used (it is not a NIfTI (.nii, .nii.gz))" in said_of(path)
