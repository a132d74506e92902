"""Files that a browser sent, on their way to the shelf: written to the disk as one archive or npz, looked at there."""

import hashlib
import os
import re
import shutil
import time
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import IO

from ddlab.data import limits
from ddlab.data.archives import STEP
from ddlab.data.messages import amount, shown
from ddlab.files import write_atomically
from ddlab.home import home

SINGLE = (".zip", ".npz", ".tar", ".tgz", ".tar.gz", ".tar.bz2", ".tar.xz")  # ends of what is one file
ABANDONED = 86_400.0  # seconds after which what was sent is no longer asked for
LONGEST = 60  # characters of a file's name, the last ones
LONGEST_INSIDE = 4_095  # bytes of a name in an archive
Sent = Sequence[tuple[str, IO[bytes]]]
"""Names, which nobody has checked, and contents."""


def receive(key: str, sent: Sent, most: int) -> Path:
    """Write what was sent to the disk: an archive or npz as it is, any other files into one zip.

    So the files of a folder have no path on this machine, and are looked at as those of an archive are.

    Parameters
    ----------
    key
        A text that nothing else is sent with; what has been received with it is given again.
    most
        Bytes of all files together.

    Raises
    ------
    ValueError
        If it is too much, or a name cannot be one.
    """
    folder = _incoming() / hashlib.blake2b(key.encode(), digest_size=16).hexdigest()
    path = folder / _file_name(sent)
    if path.exists():
        return path
    _check(sent, most)
    _prune()
    folder.mkdir(parents=True, exist_ok=True)
    write_atomically(path, lambda temporary: _write(sent, temporary))
    return path


def forget(path: Path) -> None:
    """Delete what was received, if that is what it is."""
    if path.parent.parent == _incoming():
        shutil.rmtree(path.parent, ignore_errors=True)


def _incoming() -> Path:
    return home() / "cache" / "incoming"


def _is_single(sent: Sent) -> bool:
    return len(sent) == 1 and sent[0][0].lower().endswith(SINGLE)


def _file_name(sent: Sent) -> str:
    """A name on the disk made of the first one that was sent, or of the folder that it lay in."""
    name = sent[0][0] if _is_single(sent) else sent[0][0].lstrip("./").split("/")[0] + ".zip"
    return re.sub(r"[^\w.-]", "_", name)[-LONGEST:].lstrip(".") or "images.zip"


def _check(sent: Sent, most: int) -> None:
    if len(sent) > limits.most_files():
        raise ValueError(f"path: {len(sent):,} files were sent; at most {limits.most_files():,} are allowed")
    total = sum(file.seek(0, os.SEEK_END) for _, file in sent)
    if total > most:
        raise ValueError(f"path: the files take {amount(total)} together; at most {amount(most)} can be sent")
    long = next((name for name, _ in sent if len(_inside(name).encode()) > LONGEST_INSIDE), None)
    if long is not None:
        raise ValueError(f"path: the name '{shown(long)}' is too long; at most {LONGEST_INSIDE:,} bytes are allowed")


def _write(sent: Sent, target: Path) -> None:
    if _is_single(sent):
        with target.open("wb") as file:
            sent[0][1].seek(0)
            shutil.copyfileobj(sent[0][1], file, STEP)
        return
    named = {_inside(name): content for name, content in sent}  # a folder may be sent twice
    with zipfile.ZipFile(target, "w") as archive:
        for name, content in named.items():
            content.seek(0)
            with archive.open(zipfile.ZipInfo(name), "w", force_zip64=True) as member:
                shutil.copyfileobj(content, member, STEP)


def _inside(name: str) -> str:
    return name.encode("utf-8", "replace").decode().removesuffix("/") or "file"


def _prune() -> None:
    """Delete what was sent long ago by somebody who neither kept nor refused it."""
    for folder in _incoming().glob("*"):
        try:
            if time.time() - folder.stat().st_mtime > ABANDONED:
                shutil.rmtree(folder, ignore_errors=True)
        except FileNotFoundError:
            continue
