"""Hostile images, and folders of them; makers are as in :mod:`tests.attack.packed`."""

import io
import os
import socket
import struct
import zlib
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
from PIL import Image

from tests.attack.packed import MIB, Made, choose, members, picture, zeros

SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".tif", ".tiff", ".ppm", ".pgm")
KINDS = ("PNG", "JPEG", "BMP", "GIF", "WEBP", "TIFF", "PPM")
SAYINGS = (
    *(b"", b"<html>", b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\n", b"%PDF-1.4\n"),
    *(b"GIF89a", b"BM", b"P6 999999999 1 255\n", b"P6 -1 -1 255\n", b"P5 9 9 0\n", b"P1 9 9 2 2 2"),
    *(b"P6 #" + b"x" * 5000, b"P7\nWIDTH 9\n", b"Pf 9 9 nan\n", b"II*\0\x08\0\0\0\0\0"),
    *(b"II*\0\x08\0\0\0\1\0" + b"\xff" * 12 + b"\x08\0\0\0", b"\x89PNG\r\n\x1a\n", b"RIFF\xff\xff\xff\xffWEBPVP8X"),
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
            odd = b"\xff.png|\n.png|" + "é\u202e.png".encode() + b"|![x](http:x).png|\\.png|" + b"x" * 251 + b".png"
            name = os.fsdecode(rng.choice(odd.split(b"|")))
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
