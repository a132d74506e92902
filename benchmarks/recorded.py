"""The recorded runs that come with ddlab, trained anew: ``python -m benchmarks.recorded [ID ...]``.

Each is trained by a command that anybody can give, from a fixed seed, on one processor thread a rank; then it is copied
to ``assets/examples/<id>`` without what a reader does not need: checkpoints, logs, the weights of the last epoch (those
of the best one stay), the predictions of training images, and what says whose machine it was. Of a sweep's runs the
weights are left out, too, and most predictions. A quarter of an hour on two cores. ``--from HOME`` trains nothing, and
takes the newest finished runs of these commands from a ``DDLAB_HOME``.
"""

import argparse
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ddlab import files
from ddlab.home import shipped
from ddlab.runs import EXAMPLE, RunFolder, export_run, list_runs

FOLDER = shipped() / "assets" / "examples"
MOST_BYTES = 12_100_000  # of all of them together: they are in every clone and every wheel
SHOWN = re.compile(r"validation|validation_local|.*_decisions")  # of the predictions of a sweep's runs
UNNEEDED = ("weights-*-last.safetensors", "progress.json")


@dataclass(frozen=True)
class Recording:
    """A command of ``ddlab``, and what people call what it made.

    Parameters
    ----------
    title
        A name for people; empty for a sweep, whose runs have names.
    command
        Of ``ddlab``; a sweep's runs get the id and a number.
    """

    title: str
    command: tuple[str, ...]

    @property
    def is_sweep(self) -> bool:
        """Whether it makes many runs."""
        return not self.title


SHORT_PIPELINE = (
    *("placement.workers=2", 'strategies=["global","layerwise","ddg"]', "model.width=0.35"),
    *("training.batch_size=128", "training.epochs=4", "layerwise.micro_batches=4"),
)
SMALL_RELATION = (
    *("model.width=0.4", "dataset.train_images=4000", "dataset.validation_images=400", "aggregator.hidden=[32]"),
)


def _train(recipe: str, *changes: str) -> tuple[str, ...]:
    return ("train", recipe, *(word for change in changes for word in ("--set", change)))


RECORDINGS: dict[str, Recording] = {
    EXAMPLE: Recording("One object, eight ways to decide", _train("every_way")),
    f"{EXAMPLE}-relation": Recording("Same or different: no part can tell", _train("relation", *SMALL_RELATION)),
    f"{EXAMPLE}-theorem": Recording("Composition: every premise is met", _train("theorem", "seeds=[0]")),
    f"{EXAMPLE}-volume": Recording("3-D: lesions in drawn chests", _train("lesions")),
    f"{EXAMPLE}-trust-region": Recording(
        "Trust region: digits without a learning rate", _train("trust_region_demo", "model.width=0.1")
    ),
    f"{EXAMPLE}-pipeline": Recording(
        "Pipeline: a network cut across its layers", _train("pipeline_demo", *SHORT_PIPELINE)
    ),
    f"{EXAMPLE}-sweep": Recording("", ("sweep", "demo", "--grids", "2x2,4x4", "--overlaps", "0,2")),
    f"{EXAMPLE}-sensitivity": Recording(
        "", ("sensitivity", "trust_region_demo", "--values", "0.0001,0.001,0.01,0.1,1")
    ),
}


def make(id: str, home: Path) -> list[Path]:
    """Copy the runs of a recording from a home to where the shipped ones lie; returns their folders.

    Raises
    ------
    ValueError
        If the home has no finished run of its command.
    """
    recording = RECORDINGS[id]
    os.environ["DDLAB_HOME"] = str(home)
    asked = ["ddlab", *recording.command]
    runs = [run for run in list_runs() if shlex.split(run.command) == asked and run.state().state == "finished"]
    if not runs:
        raise ValueError(f"{id}: {home} has no finished run of {shlex.join(asked)!r}")
    for old in FOLDER.glob(f"sweeps/{id}-*" if recording.is_sweep else id):
        shutil.rmtree(old)
    if not recording.is_sweep:
        return [_ship(runs[0], FOLDER / id, recording.title)]
    return [_ship(run, FOLDER / "sweeps" / f"{id}-{number:02d}") for number, run in enumerate(reversed(runs), 1)]


def _ship(run: RunFolder, folder: Path, title: str = "") -> Path:
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent) as beside:
        copy = export_run(run, Path(beside), light=not title)
        if title:
            copy.rename(title)
        for pattern in UNNEEDED:
            for path in copy.path.rglob(pattern):
                path.unlink()
        for result in copy.results():
            _pack(copy.stage(result["stage"], result["seed"]).path / "predictions.npz", is_light=not title)
        for lock in copy.path.glob(".*"):
            lock.unlink()
        return copy.path.rename(folder)


def _pack(path: Path, *, is_light: bool) -> None:
    """Compress the predictions but those of training images; in a light copy with three decimals in place of seven."""
    with np.load(path) as arrays:
        held_out = {name: array for name, array in arrays.items() if not name.startswith("train")}
    kept = {name: array for name, array in held_out.items() if not is_light or SHOWN.fullmatch(name)}
    if is_light:
        kept = {name: array.astype(np.float16) if array.dtype.kind == "f" else array for name, array in kept.items()}
    with path.open("wb") as file:
        np.savez_compressed(file, allow_pickle=False, **kept)
    files.seal(path)


def train(id: str, home: Path) -> None:
    """Train a recording as a user would, in a home of its own."""
    command = [sys.executable, "-m", "ddlab", *RECORDINGS[id].command]
    subprocess.run(command, check=True, env={**os.environ, "DDLAB_HOME": str(home), "OMP_NUM_THREADS": "1"})


def main(arguments: Sequence[str] | None = None) -> None:
    """Train what is asked for, ship it, and say how large everything is."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("ids", nargs="*", metavar="ID", help=f"default: all of {', '.join(RECORDINGS)}")
    parser.add_argument("--from", dest="home", type=Path, help="take them from this DDLAB_HOME; trains nothing")
    asked = parser.parse_args(arguments)
    if unknown := set(asked.ids) - set(RECORDINGS):
        parser.error(f"unknown {', '.join(sorted(unknown))}; must be of {', '.join(RECORDINGS)}")
    with tempfile.TemporaryDirectory() as temporary:
        home = (asked.home or Path(temporary)).resolve()
        for id in asked.ids or RECORDINGS:
            if asked.home is None:
                train(id, home)
            make(id, home)
    total = sum(files.size(path) for path in FOLDER.rglob("*"))
    print(f"{FOLDER}: {total / 1e6:.1f} MB of at most {MOST_BYTES / 1e6:.0f} MB")
    sys.exit(total > MOST_BYTES)


if __name__ == "__main__":
    main()
