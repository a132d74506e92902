"""One image of the user's own: fitted to the data set's, and refused with a sentence where it cannot be used."""

import struct
import zlib

import nibabel as nib
import numpy as np
import pytest
from PIL import Image

from ddlab.data import own_image as module
from ddlab.data.own_image import own_affine, own_image
from ddlab.data.source import Description


def description(shape=(16, 24), channels=3, **settings):
    return Description(("a", "b"), channels, shape, 4, 4, "made", "none", **settings)


def test_the_largest_centred_part_is_taken(tmp_path):
    pixels = np.zeros((40, 40, 3), np.uint8)
    pixels[:, :20] = (255, 0, 0)
    pixels[:5] = pixels[-5:] = (0, 255, 0)  # cut off: the data set's images are wider than high
    Image.fromarray(pixels).save(tmp_path / "own.png")
    found = own_image(tmp_path / "own.png", description())
    assert found.shape == (3, 16, 24) and found.dtype == np.uint8
    assert found[0, 8, 2] == 255 and found[0, 8, 22] == 0 and found[1].max() < 20
    gray = own_image(tmp_path / "own.png", description(channels=1))
    assert gray.shape == (1, 16, 24) and gray[0, 8, 2] == 76  # the luminance of red


def bomb(path, width=25_000, height=20_000):
    """A PNG whose header promises 500 megapixels."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(b"\0" * 1000)), (b"IEND", b""))
    body = b"".join(struct.pack(">I", len(d)) + n + d + struct.pack(">I", zlib.crc32(n + d)) for n, d in chunks)
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + body)


def corrupt(path):
    Image.effect_noise((64, 64), 50).save(path, "PNG")
    path.write_bytes(path.read_bytes()[:300])


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (bomb, r"^image: the image own\.png cannot be read .*(500000000 pixels|25000×20000 px)"),
        (corrupt, r"own\.png cannot be read"),
        (lambda path: path.write_text("not an image"), r"own\.png cannot be read .it is damaged, or not an image"),
        (lambda path: None, r"image: there is no file 'own\.png'"),
    ],
)
def test_what_cannot_be_used_gets_a_sentence(tmp_path, make, message):
    make(tmp_path / "own.png")
    with pytest.raises(ValueError, match=message) as error:
        own_image(tmp_path / "own.png", description())
    assert "\n" not in str(error.value)


VOLUME = {"shape": (8, 8, 4), "channels": 1}


@pytest.mark.parametrize(
    ("name", "array", "message"),
    [
        ("own.png", None, r"needs a NIfTI file \(\.nii, \.nii\.gz\), got own\.png"),
        ("own.nii", None, r"the volume own\.nii cannot be used"),
        ("own.nii", np.zeros((4, 4, 4, 3)), "it has 4 axes"),
        ("own.nii", np.full((4, 4, 4), 7.0), "own.nii is empty: all of its voxels are 7"),
        ("own.nii", np.arange(512.0).reshape(8, 8, 8), "8×8×8 voxels, at most 500 are allowed"),
    ],
)
def test_so_does_a_volume(tmp_path, monkeypatch, name, array, message):
    monkeypatch.setenv("DDLAB_MOST_VOXELS", "500")
    path = tmp_path / name
    if array is None:
        path.write_bytes(b"no volume at all")
    else:
        nib.save(nib.Nifti1Image(array, np.eye(4)), path)
    with pytest.raises(ValueError, match=message):
        own_image(path, description(**VOLUME))


def test_a_volume_gets_the_window_of_the_data_set_or_its_own(tmp_path):
    values = np.linspace(-2000, 400, 64).reshape(4, 4, 4)
    nib.save(nib.Nifti1Image(values, np.eye(4)), tmp_path / "own.nii")
    chest = own_image(tmp_path / "own.nii", description(**VOLUME, values=(-1000, 400), unit="HU"))
    assert chest.shape == (1, 8, 8, 4) and chest.min() == 0 and chest.max() == 255
    assert (chest == 0).mean() > 0.2  # what is below the window
    assert (own_image(tmp_path / "own.nii", description(**VOLUME)) == 0).mean() < 0.1


def test_signals_cannot_be_read():
    with pytest.raises(ValueError, match="signals of one axis"):
        own_image(module.Path(__file__), description(shape=(64,), channels=1))


def test_a_volume_is_cut_where_the_data_set_cuts_and_keeps_its_place(tmp_path):
    """Its own window, too; and the matrix takes each voxel where the file's takes it."""
    voxels = np.zeros((8, 6, 10), np.float32)  # RAS: left to right, back to front, feet to head
    voxels[3, 4, 2] = 500.0
    affine = np.diag([2.0, 3.0, 4.0, 1.0])
    affine[:3, 3] = (-7, 11, 5)
    nib.save(nib.Nifti1Image(voxels, affine), tmp_path / "own.nii")
    about = description((9, 4, 7), 1, fit="centre", unit="percentile", values=(0.5, 99.5))
    found = own_image(tmp_path / "own.nii", about)
    assert found.shape == (1, 9, 4, 7)
    (place,) = np.argwhere(found[0])
    np.testing.assert_allclose(own_affine(tmp_path / "own.nii", about) @ [*place, 1], affine @ [3, 4, 2, 1])
    zoomed = own_affine(tmp_path / "own.nii", description((11, 15, 19), 1))
    np.testing.assert_allclose(zoomed @ [0, 0, 0, 1], affine @ [0, 5, 0, 1])  # our first row is the front
    np.testing.assert_allclose(zoomed @ [10, 14, 18, 1], affine @ [7, 0, 9, 1])
