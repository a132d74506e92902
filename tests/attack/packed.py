"""Hostile archives and streams that are small on disk and endless in memory.

Makers write something into a folder, and give its path and what is odd about it.
"""

import bz2
import gzip
import io
import lzma
import os
import stat
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path
from random import Random
from typing import TypeVar

from PIL import Image

MIB = 2**20
OUT = ("../x.png", "a/../../x.png", "/tmp/x.png", "..\\x.png", "C:/x.png", "\\\\host\\x.png", "a/..", "//x.png")
NAMES = (
    *("a/x" * 1500 + ".png", "a/\0.png", "a/é\u202e.png", "a//b///c.png", "a/" * 400 + "x.png", "a/.png", "."),
    *("a/b.png/", "x" * 60_000 + ".png", "a/con.png", "a/![x](http:x).png", "a/\n.png", "__MACOSX/a/x.png"),
    *("a/x.PNG", " / .png"),
)
T = TypeVar("T")
Made = tuple[Path, str]


def choose(rng: Random, choices: Mapping[str, Callable[[], T]]) -> tuple[str, T]:
    """Do one of several named things; gives its name and what came of it."""
    told = rng.choice(list(choices))
    return told, choices[told]()


def picture(color: int = 9, size: tuple[int, int] = (12, 9), kind: str = "PNG") -> bytes:
    """A small good image."""
    file = io.BytesIO()
    Image.new("RGB", size, (color, 99, 255 - color)).save(file, kind)
    return file.getvalue()


def members(count: int = 4) -> dict[str, bytes]:
    """Class folders that a data set can be made of."""
    return {f"{label}/{n}.png": picture(40 * n) for label in ("cats", "dogs") for n in range(count)}


def zeros(size: int, begin: bytes = b"") -> bytes:
    """A deflate stream of ``begin`` and ``size`` zeros: a kilobyte for every MiB, made without compressing them."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    head = packer.compress(begin) + packer.flush(zlib.Z_FULL_FLUSH)
    block = packer.compress(bytes(MIB)) + packer.flush(zlib.Z_FULL_FLUSH)
    return head + block * (size // MIB) + packer.compress(bytes(size % MIB)) + packer.flush()


def gzipped(stream: bytes) -> bytes:
    """A deflate stream as a gzip file whose checksum is wrong: who gets that far has read too much."""
    return b"\x1f\x8b\x08\0\0\0\0\0\0\xff" + stream + bytes(8)


# ---- zip

Entry = tuple[str, bytes, int, dict[str, int]]  # name, stream, method; size, packed, crc, flags, offset, mode


def write_zip(path: Path, contents: dict[str, bytes]) -> Path:
    """Write a zip."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in contents.items():
            archive.writestr(name, content)
    return path


def raw_zip(path: Path, entries: list[Entry]) -> Path:
    """Write a zip whose headers say whatever they like."""
    body, directory = b"", b""
    for name, stream, method, says in entries:
        raw = name.encode("utf-8", "surrogatepass")[:65_000]
        sizes = (says.get("crc", 0), says.get("packed", len(stream)), says.get("size", len(stream)))
        common = struct.pack("<HHHHIII", says.get("flags", 0x800), method, 0, 33, *(s & 0xFFFFFFFF for s in sizes))
        offset = says.get("offset", len(body)) & 0xFFFFFFFF
        body += b"PK\3\4\x14\0" + common + struct.pack("<HH", len(raw), 0) + raw + stream
        fixed = struct.pack("<HHHHHII", len(raw), 0, 0, 0, 0, says.get("mode", 0) << 16, offset)
        directory += b"PK\1\2\x14\3\x14\0" + common + fixed + raw
    end = struct.pack("<HHHHIIH", 0, 0, len(entries), len(entries), len(directory), len(body), 0)
    path.write_bytes(body + directory + b"PK\5\6" + end)
    return path


def stored(name: str, content: bytes, **says: int) -> Entry:
    """A member as it is, but for what its headers say."""
    return name, content, 0, {"crc": zlib.crc32(content), **says}


def odd_zip(rng: Random, folder: Path) -> Made:
    """A zip with good members, and one that is not."""
    good = [stored(name, content) for name, content in members().items()]
    image, mib = picture(), rng.choice((64, 257, 3000))
    lie, odd_name = rng.choice(("size", "packed", "offset", "crc")), rng.choice(NAMES)
    told, bad = choose(
        rng,
        {
            "a member that leads out": lambda: [stored(rng.choice(OUT), image)],
            f"a member named {odd_name[:30]!a}": lambda: [stored(odd_name, image)],
            "a link": lambda: [stored("cats/link.png", b"/etc/passwd", mode=stat.S_IFLNK | 0o777)],
            f"a bomb of {mib} MiB": lambda: [("cats/b.png", zeros(mib * MIB), 8, {"size": mib * MIB})],
            f"a bomb of {mib} MiB that says 99 bytes": lambda: [("cats/b.png", zeros(mib * MIB), 8, {"size": 99})],
            "50 members that are the same 200 MiB": lambda: [
                (f"cats/{n}.png", b"" if n else zeros(200 * MIB), 8, {"size": 200 * MIB, "offset": 0})
                for n in range(50)
            ],
            "odd flags": lambda: [stored("cats/e.png", image, flags=rng.choice((1, 0x41, 0x2001, 8, 0xFFFF)))],
            "an unknown method": lambda: [
                ("cats/m.png", image, rng.choice((1, 6, 9, 12, 14, 93, 95, 99)), {"size": 999})
            ],
            f"a wrong {lie}": lambda: [stored("cats/s.png", image, **{lie: rng.getrandbits(32)})],
            "a member many times": lambda: good[:1] * rng.choice((1, 2, 999)),
            "20,000 empty members": lambda: [stored(f"cats/{n}.png", b"") for n in range(20_000)],
        },
    )
    entries = good + bad
    rng.shuffle(entries)
    return raw_zip(folder / "a.zip", entries), told


# ---- tar


def write_tar(path: Path, contents: dict[str, bytes], mode: str = "w:gz") -> Path:
    """Write a tar."""
    with tarfile.open(path, mode) as archive:  # type: ignore[call-overload]
        for name, content in contents.items():
            archive.addfile(_member(name, len(content)), io.BytesIO(content))
    return path


def _member(name: str, size: int = 0, kind: bytes = tarfile.REGTYPE, **others: object) -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.size, member.type = size, kind
    for field, value in others.items():
        setattr(member, field, value)
    return member


def odd_tar(rng: Random, folder: Path) -> Made:
    """A tar with good members and one that is not, in a wrapping that may be wrong or endless."""
    kind = rng.choice((*b"0123456789SKLxgV?",))
    target = rng.choice(("/etc/passwd", "../../x", "cats/0.png", "cats/x.png", "x" * 3000))
    key = rng.choice(("path", "size", "GNU.sparse.size", "GNU.sparse.map", "é"))
    odd_name = rng.choice(NAMES).replace("\0", "")
    told, bad = choose(
        rng,
        {
            "a member that leads out": lambda: _member(rng.choice(OUT)),
            f"a member named {odd_name[:30]!a}": lambda: _member(odd_name),
            f"a member of type {chr(kind)}": lambda: _member("cats/x.png", kind=bytes([kind]), linkname=target),
            "a member that is not there": lambda: _member("cats/x.png", rng.choice((10**4, 2**33 - 1, 2**60))),
            f"a header of {key}": lambda: _member("cats/x.png", pax_headers={key: "9" * 999}),
            "absurd times and owners": lambda: _member("cats/x.png", mtime=2**70, uid=2**40, uname="x" * 500),
        },
    )
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w", format=rng.choice((tarfile.GNU_FORMAT, tarfile.PAX_FORMAT))) as archive:
        for name, content in members().items():
            archive.addfile(_member(name, len(content)), io.BytesIO(content))
        archive.addfile(bad)
    raw = bytearray(file.getvalue())
    if rng.random() < 0.4:
        at, number = 512 * rng.randrange(8) + rng.choice((100, 124, 148, 156, 257, 345)), rng.randrange(5)
        raw[at : at + 8] = (b"-0000007", b"99999999", b"\x80" + bytes(6) + b"\xff", b"\xff" * 8, bytes(8))[number]
        told += f", other bytes at {at}"
    return _wrapped(rng, folder, bytes(raw), told)


def _wrapped(rng: Random, folder: Path, raw: bytes, told: str) -> Made:
    name, content = choose(
        rng,
        {
            "a.tar": lambda: raw,
            "a.tar.gz": lambda: gzip.compress(raw) * rng.choice((1, 2)),
            "bomb.tgz": lambda: gzipped(zeros(rng.choice((300, 5000)) * MIB, raw)),
            "a.tar.bz2": lambda: bz2.compress(raw) + rng.choice((b"", b"rubbish", bz2.compress(bytes(MIB)) * 400)),
            "a.tar.xz": lambda: lzma.compress(raw) + rng.choice((b"", b"rubbish", lzma.compress(bytes(MIB)) * 400)),
            "plain.tar.gz": lambda: raw,
            "gz.tar.xz": lambda: gzip.compress(raw),
            "tar.zip": lambda: raw,
        },
    )
    (folder / name).write_bytes(content)
    return folder / name, told


def no_archive(rng: Random, folder: Path) -> Made:
    """Something else where an archive should be: a folder, a pipe, a loop, nothing, text."""
    path = folder / rng.choice(("a.zip", "a.npz", "a.tar", "a.tar.gz", "a.csv", "a.rar", "a"))
    told, _ = choose(
        rng,
        {
            "a folder": path.mkdir,
            "a pipe": lambda: os.mkfifo(path),
            "a link to itself": lambda: path.symlink_to(path),
            "a link to an endless device": lambda: path.symlink_to("/dev/zero"),
            "nothing in it": path.touch,
            "other bytes": lambda: path.write_bytes(
                rng.choice((b"PK", b"PK\5\6" + bytes(18), b"\x1f\x8b", b"<html>", rng.randbytes(999)))
            ),
        },
    )
    return path, told
