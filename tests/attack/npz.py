"""Hostile npz files; makers are as in :mod:`tests.attack.packed`."""

import io
import struct
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from random import Random
from typing import Any

import numpy as np

from tests.attack.packed import MIB, Entry, Made, choose, raw_zip, stored, zeros


def npy(header: object, content: bytes = b"", version: bytes = b"\1\0", length: int | None = None) -> bytes:
    """An array file whose header is any text."""
    text = str(header).encode("latin-1", "replace") + b"\n"
    size = len(text) if length is None else length
    return b"\x93NUMPY" + version + struct.pack("<H" if version[0] == 1 else "<I", size) + text + content


def arrays(count: int = 12, shape: tuple[int, ...] = (6, 6)) -> dict[str, Any]:
    """Arrays that a data set can be made of."""
    labels = np.arange(count) % 2
    return {"images": np.broadcast_to(labels.astype(np.uint8), (*shape, count)).T.copy() * 200, "labels": labels}


def write_npz(path: Path, contents: Mapping[str, Any]) -> Path:
    """Write arrays, or bytes as they are."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for key, value in contents.items():
            if not isinstance(value, bytes):
                file = io.BytesIO()
                np.save(file, value, allow_pickle=True)
                value = file.getvalue()
            archive.writestr(f"{key}.npy", value)
    return path


def odd_npz(rng: Random, folder: Path) -> Made:
    """An npz whose headers lie, whose arrays are of another kind, or which is endless."""
    good, path = arrays(), folder / rng.choice(("a.npz", "a.NPZ"))
    kind = rng.random()
    if kind < 0.45:
        key, content = rng.choice(("images", "labels", "classes")), _odd_npy(rng)
        return write_npz(path, {**good, key: content}), f"{key} with the header {content[:90]!r}"
    if kind < 0.9:
        told, odd = choose(rng, _odd_arrays(rng))
        return write_npz(path, {**good, **odd}), told
    mib, says = rng.choice((300, 3000, 200_000)), rng.choice((500, 2**31))
    head = {"descr": "|u1", "fortran_order": False, "shape": (mib * MIB // 36, 6, 6)}
    images: Entry = ("images.npy", zeros(min(mib, 3000) * MIB, npy(head)), 8, {"size": says})
    labels = npy({"descr": "|u1", "fortran_order": False, "shape": head["shape"][:1]}, bytes(99))  # type: ignore[index]
    return raw_zip(path, [images, stored("labels.npy", labels)]), f"images of {mib} MiB that say {says} bytes"


SIZES: tuple[Any, ...] = (
    *((10**12,), (10**7, 6, 6), (2**63, 1, 1), (-1, 6, 6), (12, -6, -6), (), (0,), (12, 0, 6), 5, None, [12, 6, 6]),
    *((12, 6, 6, 6, 6), (12.0, 6, 6), (True, 6, 6), ("a",), ((1,),), (1,) * 40, (2**31, 2**31, 2**31), (2**40, 6, 6)),
)
TYPES: tuple[Any, ...] = (
    *("|O", "<U5000", "|S9", "<M8[D]", "<c16", ">i8", "|V9", "<f2", "|b1", "x", "", "|u0", "<i999", None, 7, "|u1,|u1"),
    *([("a", "<i4")], [("a", "|O")], [], [("a", "<i4")] * 2, {"names": ["a"], "formats": ["<i4"]}, ("<i4", (99, 99))),
)
TEXTS = ("", "{", "[]", "1", "x", "{1: 2}", "(" * 2000, "-" * 5000 + "1", "[" * 90, "\0" * 9, "{'a': " * 99, "9" * 9000)


def _odd_npy(rng: Random) -> bytes:
    header = {"descr": "|u1", "fortran_order": False, "shape": (12, 6, 6)}
    _, text = choose(
        rng,
        {
            "shape": lambda: header | {"shape": rng.choice(SIZES)},
            "type": lambda: header | {"descr": rng.choice(TYPES)},
            "both": lambda: header | {"shape": rng.choice(SIZES), "descr": rng.choice(TYPES)},
            "order": lambda: header | {"fortran_order": rng.choice((1, "x", None, True))},
            "less": lambda: dict(rng.sample(list(header.items()), 2)),
            "more": lambda: header | {"more": 1},
            "text": lambda: rng.choice(TEXTS),
        },
    )
    version = rng.choice((b"\1\0",) * 6 + (b"\2\0", b"\3\0", b"\x09\0", b"\0\0", b"\xff\xff"))
    length = rng.choice((None,) * 8 + (0, 5, 60_000))
    return npy(text, bytes(rng.choice((0, 5, 12, 432, 4000))), version, length)


def _odd_arrays(rng: Random) -> dict[str, Callable[[], dict[str, Any]]]:
    images, labels = arrays().values()
    far = labels.copy()
    far[3] = rng.choice((2, 99, 10**7, 10**9, 10**12, 2**62, -1, -(10**12)))
    other = rng.choice((np.uint64, np.float64, np.int8, bool, str, complex))
    pixels = rng.choice((np.int8, np.int64, np.float16, bool, complex, "M8[s]", "U3", "S3", object))
    shape = rng.choice(
        ((1, 1), (1, 5000), (2, 3, 1), (1, 1, 3), (4, 5, 6), (6, 6, 4), (6,), (6, 6, 6, 1), (6, 6, 6, 3), (0, 6))
    )
    factor = rng.choice((float("nan"), float("inf"), 1 / 255, -1.0, 1e300))
    named = rng.choice(
        (["a"], ["a", "b", "c"], [["a", "b"]], [1, 2], "ab", [], ["x" * 5000, "\0"], 7, [1.5, float("nan")])
    )
    return {
        f"a label of {far[3]}": lambda: {"labels": far},
        f"labels of type {other.__name__}": lambda: {"labels": far.astype(other)},
        "too few labels": lambda: {"labels": labels[:5]},
        "labels of another shape": lambda: {
            "labels": rng.choice((labels[:, None], labels[None], labels[0], labels[:0]))
        },
        "labels that are objects": lambda: {"labels": np.array([{}] * 12)},
        f"classes {named!a:.40}": lambda: {"classes": named},
        "classes that are objects or bytes": lambda: {"classes": np.array(rng.choice(([None, {}], [b"a", b"\xff"])))},
        "50,000 classes": lambda: {"classes": np.array(["a"] * 50_000)},
        f"images times {factor}": lambda: {"images": images * factor},
        f"images of type {pixels}": lambda: {"images": images.astype(pixels)},
        f"images of shape {shape}": lambda: {"images": np.zeros((12, *shape), rng.choice((np.uint8, np.float32)))},
        "an empty validation set": lambda: {
            "x_train": images,
            "y_train": labels,
            "x_test": images[:0],
            "y_test": labels[:0],
        },
        f"another validation set, {far[3]}": lambda: {
            **{"train_images": images, "train_labels": labels, "val_images": images[:4], "val_labels": far[:4]}
        },
    }
