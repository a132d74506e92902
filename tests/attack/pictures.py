"""Hostile images, volumes, and folders of them; makers are as in :mod:`tests.attack.packed`."""

import gzip
import io
import math
import os
import socket
import struct
import zlib
from pathlib import Path
from random import Random
from typing import Any

import nibabel as nib
import numpy as np
from PIL import Image

from tests.attack.packed import MIB, Made, choose, gzipped, members, picture, zeros

SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".tif", ".tiff", ".ppm", ".pgm")
KINDS = ("PNG", "JPEG", "BMP", "GIF", "WEBP", "TIFF", "PPM")
SAYINGS = (
    b"",
    b"<html>",
    b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\n",
    b"%PDF-1.4\n",
    b"GIF89a",
    b"BM",
)
SAYINGS += (
    b"P6 999999999 1 255\n",
    b"P6 -1 -1 255\n",
    b"P5 9 9 0\n",
    b"P1 9 9 2 2 2",
    b"P6 #" + b"x" * 5000,
    b"P7\nWIDTH 9\n",
    b"Pf 9 9 nan\n",
)
SAYINGS += (
    b"II*\0\x08\0\0\0\0\0",
    b"II*\0\x08\0\0\0\1\0" + b"\xff" * 12 + b"\x08\0\0\0",
    b"\x89PNG\r\n\x1a\n",
    b"RIFF\xff\xff\xff\xffWEBPVP8X",
)


def png(width: int, height: int, rows: bytes, depth: int = 8, color: int = 0) -> bytes:
    """A PNG of any size and content."""
    head = struct.pack(">IIBBBBB", width & 0xFFFFFFFF, height & 0xFFFFFFFF, depth, color, 0, 0, 0)
    chunks = ((b"IHDR", head), (b"IDAT", rows), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data)) for name, data in chunks
    )


def odd_image(rng: Random) -> tuple[str, bytes]:
    """An image that is huge, empty, animated, deep, of another format, or none: what it is, and its bytes."""
    wide, high = (rng.choice((0, 1, 60_000, 2**31)) for _ in range(2))
    depth, color = rng.choice((1, 8, 16)), rng.choice((0, 2, 3, 6))
    mode, kind = rng.choice(("I;16", "I", "F", "CMYK", "1", "LAB", "RGBA", "P", "L")), rng.choice(KINDS)
    value, saying = rng.choice((float("nan"), float("inf"), -1e30, 1e30)), rng.choice(SAYINGS)
    frames = {"save_all": True, "append_images": [Image.new("RGB", (14, 10))] * 20}
    return choose(
        rng,
        {
            f"a PNG of {wide}x{high}": lambda: png(wide, high, b"\x78\x9c" + zeros(MIB)),
            f"a PNG bomb, {depth} bit, color {color}": lambda: png(
                9999, 9999, b"\x78\x9c" + zeros(99 * MIB), depth, color
            ),
            "a tiny or thin image": lambda: picture(size=rng.choice(((1, 1), (1, 5000), (5000, 1), (3, 2)))),
            "an animation": lambda: _saved(rng.choice(("GIF", "WEBP", "TIFF", "PNG")), "RGB", **frames),
            f"a TIFF of {mode}": lambda: _saved("TIFF", mode),
            f"a TIFF of {value}": lambda: _floats(value),
            "an image turned by EXIF": lambda: _saved(
                rng.choice(("PNG", "JPEG", "WEBP", "TIFF")), "RGB", exif=_exif(rng.choice((0, 5, 8, 9, 65535)))
            ),
            f"a file that begins {saying[:24]!r}": lambda: saying + rng.randbytes(rng.choice((0, 40))),
            "random bytes": lambda: rng.randbytes(rng.choice((1, 100, 5000))),
            f"a damaged {kind}": lambda: damaged(rng, picture(kind=kind)),
        },
    )


def _saved(kind: str, mode: str, **settings: Any) -> bytes:
    file = io.BytesIO()
    Image.new(mode, (14, 10)).save(file, kind, **settings)
    return file.getvalue()


def _floats(value: float) -> bytes:
    file = io.BytesIO()
    Image.fromarray(np.full((8, 8), value, np.float32)).save(file, "TIFF")
    return file.getvalue()


def _exif(orientation: int) -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112] = orientation
    return exif


def damaged(rng: Random, content: bytes) -> bytes:
    """Cut short, with other bytes, with a piece twice, or with a piece missing."""
    raw = bytearray(content)
    for _ in range(rng.choice((1, 1, 3, 20))):
        at, length = rng.randrange(len(raw)), rng.choice((1, 4, 60))
        match rng.randrange(5):
            case 0 if len(raw) > 2:
                del raw[max(1, at) :]
            case 1:
                raw[at:at] = raw[at : at + length]
            case 2 if len(raw) > 70:
                del raw[at : at + length]
            case 3:
                raw[at : at + 4] = rng.choice((b"\xff\xff\xff\xff", bytes(4), b"\x7f\xff\xff\xff", b"\x80\0\0\0"))
            case _:
                raw[at] ^= 1 << rng.randrange(8)
    return bytes(raw)


# ---- volumes


FIELDS = {  # of a NIfTI-1 header: place and type
    "sizeof_hdr": (0, "<i"),
    "datatype": (70, "<h"),
    "bitpix": (72, "<h"),
    "vox_offset": (108, "<f"),
    "scl_slope": (112, "<f"),
    "scl_inter": (116, "<f"),
    "xyzt_units": (123, "<B"),
    "qform_code": (252, "<h"),
    "sform_code": (254, "<h"),
    "magic": (344, "<i"),
    **{f"dim{n}": (40 + 2 * n, "<h") for n in range(8)},
    **{f"pixdim{n}": (76 + 4 * n, "<f") for n in range(8)},
    **{f"quatern{n}": (256 + 4 * n, "<f") for n in range(6)},
    **{f"srow{n}": (280 + 4 * n, "<f") for n in range(12)},
}
ODD = {
    "f": (0.0, -1.0, float("nan"), float("inf"), float("-inf"), 1e38, -1e38, 1e-45, 352.5, 1e6),
    "h": (0, -1, 1, 7, 8, 2, 16, 64, 128, 256, 1536, 32767, -32768, 9999),
    "i": (0, -1, 348, 540, 1543569408, 0x0031696E, 2**31 - 1),
    "B": (0, 7, 255),
}


def volume(value: int = 100, shape: tuple[int, ...] = (6, 5, 4)) -> bytes:
    """A small good NIfTI file."""
    voxels = np.arange(np.prod(shape), dtype=np.int16).reshape(shape) + value
    return nib.Nifti1Image(voxels, np.diag([1.0, 2.0, 3.0, 1.0])).to_bytes()


def odd_volume(rng: Random) -> tuple[str, str, bytes]:
    """A volume whose header is absurd, which is endless, or damaged: what is odd, its suffix, its bytes."""
    raw = bytearray(volume(rng.randrange(99)))
    packed = rng.random() < 0.5
    if rng.random() < 0.7:
        chosen = {
            name: rng.choice(ODD[FIELDS[name][1][1]]) for name in rng.sample(list(FIELDS), rng.choice((1, 1, 2, 4)))
        }
        for name, value in chosen.items():
            struct.pack_into(FIELDS[name][1], raw, FIELDS[name][0], value)
        told = ", ".join(f"{name} = {value:g}" for name, value in chosen.items())
    elif rng.random() < 0.5:
        extents = rng.choice(((1000, 1000, 1000), (32767, 32767, 2), (2000, 2000, 500), (400, 400, 400)))
        struct.pack_into("<hhhh", raw, 40, 3, *extents)
        content = gzipped(zeros(min(2 * math.prod(extents), 5000 * MIB), bytes(raw[:352])))
        return f"{extents} voxels in {len(content) / MIB:.1f} MiB", ".nii.gz", content
    else:
        raw, told = bytearray(damaged(rng, bytes(raw))), "damaged"
    content = gzip.compress(bytes(raw)) if packed else bytes(raw)
    if packed and rng.random() < 0.2:
        content, told = damaged(rng, content), f"{told}, damaged gz"
    return told, ".nii.gz" if packed != (rng.random() < 0.05) else ".nii", content


ROWS = tuple(f"v{n}.nii,{'dark bright'.split()[n % 2]}" for n in range(6))
ODD_ROWS = (
    "\0",
    "a\0b.nii,dark",
    "x" * 200_000 + ",dark",
    '"' + "y" * 200_000,
    "../v0.nii,dark",
    "/etc/passwd,dark",
    ".,dark",
)
ODD_ROWS += (
    "x" * 5000 + ".nii,dark",
    "sub,dark",
    "v0.nii",
    "v0.nii,",
    ",,,,,",
    '"',
    "v1.nii,dark,later",
    "\ufeff",
    "v0,\ud800",
    "é.nii,é",
)
ODD_ROWS += (
    "v0.nii,![x](http://attack.invalid/x.png)",
    "~root/x.nii,dark",
    "v0.nii," + "9" * 5000,
    "v0.nii,\u0664",
    "v0.nii,²",
)
HEADS = (
    "file,label",
    "file;label",
    "FILE\tLABEL",
    "file,label,split",
    "name,class",
    "file",
    "",
    "file,file",
    "label",
    "\0",
    "\ufefffile,label",
)


def odd_volumes(rng: Random, folder: Path) -> Made:
    """A folder of volumes with a CSV, one thing of it absurd."""
    for n in range(6):
        (folder / f"v{n}.nii").write_bytes(volume(50 * n))
    (folder / "sub").mkdir()
    rows, head, table, coding = list(ROWS), "file,label", folder / "labels.csv", "utf-8"
    match rng.randrange(5):
        case 0:
            head = rng.choice(HEADS)
            told = f"a table that begins {head!a}"
        case 1:
            rows.insert(rng.randrange(7), rng.choice(ODD_ROWS))
            told = f"a table with {max(rows, key=len)[:60]!a}" if len(max(rows, key=len)) > 99 else f"a table {rows!a}"
        case 2:
            n, (told, suffix, content) = rng.randrange(6), odd_volume(rng)
            (folder / f"v{n}.nii").unlink()
            (folder / f"v{n}{suffix}").write_bytes(content)
            rows[n] = rows[n].replace(".nii", suffix)
        case 3:
            told = f"a volume is {make_odd(rng, folder / 'v0.nii')}"
        case _:
            coding = rng.choice(("utf-16", "latin-1", "utf-8"))
            head, *rows = damaged(rng, "\n".join([head, *rows]).encode()).decode("latin-1").split("\n")
            told = f"a damaged table in {coding}"
    table.write_bytes("\n".join([head, *rows]).encode(coding, "surrogatepass"))
    if rng.random() < 0.1:
        told = f"the table is {make_odd(rng, table)}"
    return rng.choice((folder, table)), told


def odd_studies(rng: Random, folder: Path) -> Made:
    """Folders as MosMedData's, one study absurd."""
    for grade in ("CT-0", "CT-1"):
        (folder / grade).mkdir()
        for n in range(4):
            (folder / grade / f"study_{n}.nii").write_bytes(volume(50 * n))
    told, suffix, content = odd_volume(rng)
    place = folder / rng.choice(("CT-0", "CT-1")) / f"study_{rng.choice('09')}{suffix}"
    place.write_bytes(content)
    if rng.random() < 0.2:
        told = f"a study is {make_odd(rng, place)}"
    return folder, told


# ---- folders


def odd_folder(rng: Random, folder: Path) -> Made:
    """Class folders with something among the images that is none."""
    for name, content in members().items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(content)
    match rng.randrange(4):
        case 0:
            return folder, f"an image is {make_odd(rng, folder / 'cats' / '0.png')}"
        case 1:
            place = rng.choice(("cats", "dogs", "birds", "birds.png"))
            return folder, f"{place} is {make_odd(rng, folder / place)}"
        case 2:
            names = (
                b"\xff.png",
                b"\n.png",
                "é\u202e.png".encode(),
                b"x" * 251 + b".png",
                b"![x](http:x).png",
                b"\\.png",
            )
            name = os.fsdecode(rng.choice(names))
        case _:
            name = f"odd{rng.choice(SUFFIXES)}"
    told, content = odd_image(rng)
    (folder / "cats" / name).write_bytes(content)
    return folder, f"{name[:30]!a} is {told}"


def make_odd(rng: Random, path: Path) -> str:
    """Put something else in the place of a file: a pipe, a socket, a loop, an endless device, nothing."""
    if path.is_file():
        path.unlink()
    elif path.is_dir():
        path.rename(path.with_name("another"))
    told, _ = choose(
        rng,
        {
            "a pipe": lambda: os.mkfifo(path),
            "a socket": lambda: _socket(path),
            "a link to itself": lambda: path.symlink_to(path),
            "a link to its folder": lambda: path.symlink_to(path.parent),
            "a link to an endless device": lambda: path.symlink_to("/dev/zero"),
            "a link to nowhere": lambda: path.symlink_to("nowhere"),
            "a folder": lambda: (path / "x" / "y").mkdir(parents=True),
            "empty": path.touch,
        },
    )
    return told


def _socket(path: Path) -> None:
    here = os.getcwd()
    os.chdir(path.parent)  # the name of a socket must be short
    try:
        with socket.socket(socket.AF_UNIX) as server:
            server.bind(path.name)
    finally:
        os.chdir(here)
