"""Hostile volumes, and the folders and tables they come in; makers are as in :mod:`tests.attack.packed`."""

import gzip
import math
import struct
from pathlib import Path
from random import Random

import nibabel as nib
import numpy as np

from tests.attack.packed import MIB, Made, gzipped, zeros
from tests.attack.pictures import damaged, make_odd

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
        names = rng.sample(list(FIELDS), rng.choice((1, 1, 2, 4)))
        chosen = {name: rng.choice(ODD[FIELDS[name][1][1]]) for name in names}
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
    *'\0|a\0b.nii,dark|../v0.nii,dark|/etc/passwd,dark|.,dark|sub,dark|~root/x.nii,dark|v0.nii|v0.nii,|,,,,|"'.split(
        "|"
    ),
    *"v1.nii,dark,later|\ufeff|v0,\ud800|é.nii,é|v0.nii,![x](http://attack.invalid/x)|v0.nii,\u0664|v0.nii,²".split(
        "|"
    ),
    *("x" * 200_000 + ",dark", '"' + "y" * 200_000, "x" * 5000 + ".nii,dark", "v0.nii," + "9" * 5000),
)
HEADS = "file,label|file;label|FILE\tLABEL|file,label,split|name,class|file||file,file|label|\0|\ufefffile,label".split(
    "|"
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
            row = rng.choice(ODD_ROWS)
            rows.insert(rng.randrange(7), row)
            told = f"a table with {row[:60]!a}"
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
