"""Limits on what files may hold: all of them are here, and looked at before anything is allocated.

Four can be changed by variables of the environment, whole numbers each: ``DDLAB_MOST_BYTES`` (of a data set, as it is
unpacked and as it is in the cache), ``DDLAB_MOST_VOXELS`` (of one volume), ``DDLAB_MOST_FILES`` (of one data set) and
``DDLAB_MOST_CACHE`` (bytes of all that is kept and can be computed again).
"""

import os
import unicodedata
from collections import Counter
from collections.abc import Sequence

from ddlab.data.messages import shown

MOST_CLASSES = 30_000  # ImageNet-21k has 21,841
MOST_NAME = 200  # characters of the name of a class: names stand in tables, legends and lists
MOST_PIXELS = 2**26  # of one image: a WebP of that size takes 1.3 GiB to decode
MOST_SIDE = 2**16  # pixels: each row costs memory, too; a JPEG cannot be larger
MOST_SCANS = 500  # of one JPEG, each of which costs the time of a whole image; progressive ones have about ten
MOST_VALUES = 2**27  # of one image as networks see it, all channels: half a GiB as float32
MOST_IMAGE_BYTES = 256 * 2**20  # of one image, in a file of its own, in an archive, or in an npz
MOST_DIRECTORY_BYTES = 64 * 2**20  # of an archive's own lists, read at once: half a million members and more
MOST_HEADER_BYTES = 16 * 2**20  # before the voxels of a NIfTI file
MOST_NPY_HEADER = 10_000  # bytes; numpy's own limit
MOST_ARRAYS = 1_000  # of one npz
MOST_SMALL_READS = 1_000_000  # of a gzip: one a member and more, and one for every zero between members
MOST_TABLE_BYTES = 16 * 2**20  # of a CSV: 100,000 rows of 160 characters
MOST_COLUMNS = 1_000  # of a CSV
MOST_LEVELS = 8  # of folders in folders: a link may lead back up
FREE_BYTES = 2**30  # below this, an archive may be as well compressed as it likes
MOST_RATIO = 50  # pictures hardly compress: even drawings in BMP stay below it
LARGEST = 1e37  # of voxels and their window: the difference of two is a float32 still
CONTROL = ("Cc", "Cs", "Zl", "Zp")  # categories of Unicode: would break lines, terminals or encodings


def most_bytes() -> int:
    """Bytes of a data set, unpacked, and decoded in the cache: 64 GiB, or ``$DDLAB_MOST_BYTES``."""
    return _adjusted("DDLAB_MOST_BYTES", 64 * 2**30)


def most_cached() -> int:
    """Bytes of decoded data sets and of answers that are kept: 32 GiB, or ``$DDLAB_MOST_CACHE``."""
    return _adjusted("DDLAB_MOST_CACHE", 32 * 2**30)


def most_voxels() -> int:
    """Voxels of one volume in its file: 2²⁸, a GiB when it is read, or ``$DDLAB_MOST_VOXELS``."""
    return _adjusted("DDLAB_MOST_VOXELS", 2**28)


def most_files() -> int:
    """Files of a data set, in a folder, an archive or a table: 500,000, or ``$DDLAB_MOST_FILES``."""
    return _adjusted("DDLAB_MOST_FILES", 500_000)


def most_unpacked(packed: int) -> int:
    """Bytes that a file of ``packed`` bytes may become: far more would be a bomb."""
    return min(most_bytes(), max(FREE_BYTES, MOST_RATIO * packed))


def check_classes(classes: Sequence[str], where: str) -> None:
    """Refuse names of classes that pages and tables could not show.

    Raises
    ------
    ValueError
        If there are too many classes, or one has no name, a very long one, control characters, or that of another.
    """
    if len(classes) > MOST_CLASSES:
        raise ValueError(f"path: {where} has {len(classes):,} classes; at most {MOST_CLASSES:,} are allowed")
    for name in classes:
        if not 0 < len(name) <= MOST_NAME:
            raise ValueError(
                f"path: {where} names a class '{shown(name)}' of {len(name):,} characters; needs 1 to {MOST_NAME}"
            )
        if any(unicodedata.category(letter) in CONTROL for letter in name):
            raise ValueError(
                f"path: {where} names a class '{shown(name)}'; characters that cannot be shown are not allowed"
            )
    name, count = next(iter(Counter(classes).most_common(1)), ("", 0))
    if count > 1:
        raise ValueError(f"path: {where} names {count} classes '{shown(name)}'; needs different names")


def _adjusted(variable: str, default: int) -> int:
    text = os.environ.get(variable, "").strip()
    if not text:
        return default
    if not (text.isascii() and text.isdecimal() and len(text) < 19 and int(text)):
        raise ValueError(f"{variable}: needs a whole number above 0, got '{shown(text)}'")
    return int(text)
