"""The cache: every data set is decoded once, into memory-mapped files of bytes under ``home()/cache/``.

A folder of the cache holds ``<split>-images.npy``, ``-labels.npy`` and, where there are any, ``-masks.npy``, and
``meta.json``, written last: the description, mean and standard deviation of the training images, size and checksum of
every file. The folder's name gives the data set, the settings that matter to it, and the state of the files it was made
of; not ``dataset.test``, which asks for views of the same files. Where the source's files have vanished since, the
newest cache of the same settings goes on serving.
"""

import hashlib
import json
import logging
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from filelock import FileLock

from ddlab import files
from ddlab.data.judging import judge, judged
from ddlab.data.moments import histogram, moments
from ddlab.data.room import META, InUse, make_room, use
from ddlab.data.source import SPLITS, DataMissing, Dataset, Description, Source, Split, SplitName
from ddlab.home import home
from ddlab.parsed import undisturbed
from ddlab.records import ANYTHING
from ddlab.registry.datasets import DATASETS
from ddlab.subcommand import run_subcommand

if TYPE_CHECKING:
    from ddlab.experiment import DatasetSettings

log = logging.getLogger(__name__)

VERSION = 1  # of the layout and of what sources draw; a new number makes every cache anew
PART = ".part"  # ends the name of a cache that is being made
Report = Callable[[int, int], None]


def describe(settings: "DatasetSettings") -> Description:
    """Describe the data set that the settings would give, without decoding an image.

    Raises
    ------
    ValueError
        If the data are not there or cannot be used; says where they were looked for and what to do.
    """
    try:
        description = _source(settings).describe(settings)
    except DataMissing:
        folder = _newest(settings)
        if folder is None:
            raise
        description = _description(_read_meta(folder))
    return judged(description, settings.test)


def is_ready(settings: "DatasetSettings") -> bool:
    """Whether :func:`load` would find an intact cache."""
    try:
        return not _damage(_folder(settings))
    except ValueError:
        return False


def load(settings: "DatasetSettings", *, verified: bool = False) -> Dataset:
    """The data set, memory-mapped from the cache; decoded first where it has not been.

    A source that needs torch is decoded by a process of its own where this one has not imported torch: no page does.

    Parameters
    ----------
    verified
        Read all of it and compare the checksums: before it is trained on, which takes a second a gigabyte.

    Raises
    ------
    ValueError
        If the data are not there or cannot be used.
    """
    folder = _folder(settings)
    if _damage(folder, verified):
        if _source(settings).needs_torch(settings) and "torch" not in sys.modules:
            run_subcommand(["data", "prepare", settings.model_dump_json()])
        else:
            folder = prepare(settings, verified=verified)
    use(folder)
    return judge(_open(folder), settings.test, folder / _file("train", "images"))


def in_use(settings: "DatasetSettings") -> InUse:
    """Return what marks the cache as used, at most once a minute, for whoever reads it for long."""
    return InUse(_folder(settings))


def prepare(
    settings: "DatasetSettings", report: Report | None = None, *, download: bool = False, verified: bool = True
) -> Path:
    """Decode the data set into the cache, unless it is there and intact; processes that want the same wait for one.

    Parameters
    ----------
    report
        Called with the number of images decoded so far and of all images.
    download
        Fetch what is missing from its official place first.
    verified
        Compare the checksums of what is there, too.

    Returns
    -------
    pathlib.Path
        The folder of the cache.

    Raises
    ------
    ValueError
        If the data are not there or cannot be used.
    """
    source = _source(settings)
    if download:
        source.download(settings)
    folder = _folder(settings)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{folder}.lock"):
        fault = _damage(folder, verified)
        if fault and folder.exists():
            log.warning("the cache %s is damaged (%s); it is made anew from the source", folder, fault)
        if fault:
            _build(source, settings, folder, report or (lambda done, total: None))
    return folder


def _source(settings: "DatasetSettings") -> Source:
    source: Source = DATASETS[settings.name].load()()
    return source


def _folder(settings: "DatasetSettings") -> Path:
    """Return the folder where the cache is, or would be; the newest one where the source has vanished."""
    source = _source(settings)
    try:
        state = _digest([VERSION, source.fingerprint(settings)])
    except DataMissing:
        folder = _newest(settings)
        if folder is None:
            raise
        log.warning("the files of data set %r are gone; going on with the cache %s", settings.name, folder)
        return folder
    return _caches() / f"{_prefix(settings)}{state}"


def _caches() -> Path:
    return home() / "cache"


def _prefix(settings: "DatasetSettings") -> str:
    relevant = {field: getattr(settings, field) for field in _source(settings).relevant}
    return f"{settings.name}-{_digest(relevant)}-"


def _digest(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:12]


def _newest(settings: "DatasetSettings") -> Path | None:
    """The newest intact cache made of the same settings, whatever the files were then."""
    found = [path for path in _siblings(settings) if not _damage(path)]
    return max(found, key=lambda path: path.stat().st_mtime, default=None)


def _siblings(settings: "DatasetSettings") -> list[Path]:
    """Finished caches of the same settings."""
    found = _caches().glob(f"{_prefix(settings)}*")
    return [path for path in found if path.is_dir() and path.suffix != PART]


def _build(source: Source, settings: "DatasetSettings", folder: Path, report: Report) -> None:
    """Decode into a temporary folder, then put it in place of all caches that were made from older files."""
    temporary = folder.with_name(folder.name + PART)
    shutil.rmtree(temporary, ignore_errors=True)  # of a process that was killed: we hold the lock
    temporary.mkdir()
    try:
        description = source.describe(settings)
        total = description.num_train + description.num_validation
        make_room(folder.parent, description.num_bytes)
        counts = np.zeros((description.channels, 256), dtype=np.int64)
        done = 0
        for split in SPLITS:
            for block in _write(temporary, split, description, source.read(settings, split)):
                done += len(block)
                report(done, total)
                if split == "train":
                    counts += histogram(block.images)
        _write_meta(temporary, description, counts)
        for old in _siblings(settings):
            shutil.rmtree(old, ignore_errors=True)
        os.replace(temporary, folder)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _write(folder: Path, split: SplitName, description: Description, blocks: Iterator[Split]) -> Iterator[Split]:
    """Append every block to the files of the split, and pass it on.

    Plain files rather than writable memory maps: on a full disk those end the process without a word.
    """
    count = description.num_train if split == "train" else description.num_validation
    parts = {"images": ((description.channels, *description.shape), np.uint8), "labels": ((), np.int64)}
    if description.has_masks:
        parts["masks"] = (description.shape, np.uint8)
    written = 0
    files = {part: (folder / _file(split, part)).open("wb") for part in parts}
    try:
        for part, (shape, kind) in parts.items():
            header = {"descr": np.dtype(kind).str, "fortran_order": False, "shape": (count, *shape)}
            np.lib.format.write_array_header_1_0(files[part], header)
        for block in blocks:
            for part, (shape, kind) in parts.items():
                array = np.ascontiguousarray(getattr(block, part), dtype=kind)
                assert array.shape[1:] == tuple(shape), f"{part} {array.shape[1:]} instead of {tuple(shape)}"
                files[part].write(array.data)
            written += len(block)
            yield block
    finally:
        for file in files.values():
            file.close()
    assert written == count, f"{split}: the source gave {written} images, it promised {count}"


def _write_meta(folder: Path, description: Description, counts: np.ndarray) -> None:
    mean, std = moments(counts)
    meta = {
        "description": asdict(description),
        "mean": mean,
        "std": std,
        "bytes": {path.name: path.stat().st_size for path in sorted(folder.iterdir())},
        "checksums": {path.name: _checksum(path) for path in sorted(folder.iterdir())},
    }
    files.write_sealed(folder / META, meta)


def _read_meta(folder: Path) -> dict[str, Any]:
    if fault := ANYTHING.fault(folder / META):
        raise ValueError(fault)
    return ANYTHING.read(folder / META)


def _checksum(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _damage(folder: Path, verified: bool = False) -> str:
    """Say what is wrong with a folder of the cache; empty if nothing is."""
    try:
        meta = _read_meta(folder)
        for name, expected in meta["bytes"].items():
            size = (folder / name).stat().st_size
            if size != expected:
                return f"{name} has {size} bytes instead of {expected}"
        for name, expected in meta.get("checksums", {}).items() if verified else ():  # an older ddlab kept none
            if _checksum(folder / name) != expected:
                return f"the checksum of {name} differs from what was written"
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        return f"{type(error).__name__}: {error}"
    return ""


def _description(meta: dict[str, Any]) -> Description:
    fields = meta["description"]
    values: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value for name, value in fields.items()
    }
    return Description(**values)


def _open(folder: Path) -> Dataset:
    meta = _read_meta(folder)
    description = _description(meta)
    train, validation = (_open_split(folder, split, description.has_masks) for split in SPLITS)
    return Dataset(description, train, validation, tuple(meta["mean"]), tuple(meta["std"]))


def _open_split(folder: Path, split: SplitName, has_masks: bool) -> Split:
    def opened(part: str) -> np.ndarray:
        return undisturbed(lambda: np.load(folder / _file(split, part), mmap_mode="r"))

    return Split(opened("images"), np.array(opened("labels")), opened("masks") if has_masks else None)


def _file(split: SplitName, part: str) -> str:
    return f"{split}-{part}.npy"
