"""Hostile data: archives, npz, images, volumes and tables, looked at and decoded as ``ddlab data`` does it.

Each must be read or refused by a short sentence, in the time and memory of a cage, and nothing else be touched. Every
fourth case damages the files of a run instead (:mod:`tests.attack.run_folders`).
"""

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from random import Random

from ddlab.data.cache import describe, prepare
from ddlab.data.nifti import is_labelled
from ddlab.data.own_image import own_image
from ddlab.data.source import Description
from ddlab.experiment import DatasetSettings
from ddlab.home import home
from tests.attack import cage, npz, packed, pictures, run_folders, volumes
from tests.attack.fence import Fence
from tests.attack.tally import Fault, Tally

SECONDS = 20.0
SMALL = {"size": 16, "volume": (8, 8, 8)}
PLAIN, COLOR = Description(("a", "b"), 1, (16, 12), 1, 1, "", ""), Description(("a", "b"), 3, (16, 16), 1, 1, "", "")
SOLID = Description(("a", "b"), 1, (8, 8, 8), 1, 1, "", "")
HOUNSFIELD = Description(("a", "b"), 1, (8, 8, 8), 1, 1, "", "", values=(-1000, 400), unit="HU")


def attack(count: int, seed: int) -> Tally:
    """Try ``count`` files; every fourth case is a damaged run."""
    return cage.run("files", opener, range(seed, seed + count), SECONDS)


def opener() -> cage.Case:
    """Make the runs that are damaged, put up the fence, and give the case."""
    damage, fence = run_folders.opener(), Fence(Path(os.environ["TMPDIR"]), home())
    return lambda seed: damage(seed) if seed % 4 == 3 else case(seed, fence)


def case(seed: int, fence: Fence) -> list[Fault]:
    """One hostile file."""
    rng = Random(seed)
    folder = Path(os.environ["TMPDIR"], f"case-{seed}")
    folder.mkdir()
    name = rng.choice(list(MADE))
    try:
        path, told = MADE[name](rng, folder)
        words = f"{name}, {path.name if path != folder else 'a folder'}: {told}"
        with fence.watch(seed, words) as strayed:
            faults = _use(rng, seed, path, words)
        return faults + strayed
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        shutil.rmtree(home() / "cache", ignore_errors=True)


def _use(rng: Random, seed: int, path: Path, words: str) -> list[Fault]:
    """What can be done with such a file: check and prepare it as a data set, or look at it with a run's networks."""
    if path.name.startswith("own"):
        about = rng.choice((PLAIN, COLOR, SOLID, HOUNSFIELD))
        return cage.attempt(lambda: own_image(path, about), seed, f"own_image of {words}, shape {about.shape}")
    kind = "mosmed" if (path / "CT-0").exists() else "nifti" if is_labelled(path) else "folder"
    found = cage.attempt(lambda: describe(DatasetSettings(name=kind, path=str(path))), seed, f"describe {words}")
    settings = DatasetSettings(name=kind, path=str(path), **rng.choice((SMALL, {})))
    return found or cage.attempt(lambda: prepare(settings), seed, f"prepare {words}")


def _own_image(rng: Random, folder: Path) -> packed.Made:
    path = folder / f"own{rng.choice(pictures.SUFFIXES)}"
    told, content = pictures.odd_image(rng)
    path.write_bytes(content)
    return path, told


def _own_volume(rng: Random, folder: Path) -> packed.Made:
    told, suffix, content = volumes.odd_volume(rng)
    (folder / f"own{suffix}").write_bytes(content)
    return folder / f"own{suffix}", told


def _own_nothing(rng: Random, folder: Path) -> packed.Made:
    path = folder / f"own{rng.choice(('.png', '.nii'))}"
    return path, pictures.make_odd(rng, path)


def _damaged(rng: Random, folder: Path) -> packed.Made:
    """A good container of which some bytes are not."""
    told, path = packed.choose(
        rng,
        {
            "a zip": lambda: packed.write_zip(folder / "a.zip", packed.members()),
            "a tar.gz": lambda: packed.write_tar(folder / "a.tar.gz", packed.members()),
            "a tar": lambda: packed.write_tar(folder / "a.tar", packed.members(), "w:"),
            "an npz": lambda: npz.write_npz(folder / "a.npz", {**npz.arrays(), "classes": ["no", "yes"]}),
        },
    )
    path.write_bytes(pictures.damaged(rng, path.read_bytes()))
    return path, f"{told} with other bytes"


def _archived(rng: Random, folder: Path) -> packed.Made:
    """A good archive with a bad image."""
    told, content = pictures.odd_image(rng)
    contents = packed.members() | {f"cats/odd{rng.choice(pictures.SUFFIXES)}": content}
    if rng.random() < 0.5:
        return packed.write_zip(folder / "a.zip", contents), told
    return packed.write_tar(folder / "a.tar.gz", contents), told


MADE: dict[str, Callable[[Random, Path], packed.Made]] = {
    "a zip": packed.odd_zip,
    "a tar": packed.odd_tar,
    "an npz": npz.odd_npz,
    "another npz": npz.odd_npz,
    "no archive": packed.no_archive,
    "a damaged file": _damaged,
    "an archive with a bad image": _archived,
    "a folder": pictures.odd_folder,
    "volumes": volumes.odd_volumes,
    "more volumes": volumes.odd_volumes,
    "studies": volumes.odd_studies,
    "an image": _own_image,
    "a volume": _own_volume,
    "no image": _own_nothing,
}
