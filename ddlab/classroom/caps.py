"""Caps of the lecturer's: how much a student may ask for at once, in one run, and on the disk; and which pages."""

from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError, field_validator

from ddlab.classroom import store
from ddlab.data.cache import describe
from ddlab.engine import turns
from ddlab.experiment import Experiment
from ddlab.experiment.base import Settings, setting
from ddlab.home import shipped
from ddlab.registry import unknown

MB = 10**6
START, ROOM = "start", "room"  # pages: one whose name in an address is empty, and one that is always open


class Caps(Settings):
    """Caps of a student; an empty field caps nothing."""

    running: int | None = setting(1, "Runs of a student that work at once.", ge=1, le=1000)
    waiting: int | None = setting(3, "Runs of a student that wait, besides.", ge=0, le=10_000)
    images: int | None = setting(20_000, "Images of a run, of all splits together.", unit="images", ge=1)
    epochs: int | None = setting(100, "Epochs of any training of a run.", unit="epochs", ge=1)
    seeds: int | None = setting(3, "Seeds of a run.", ge=1)
    minutes: float | None = setting(15, "Time that a run may work, over all of its launches.", unit="min", gt=0)
    storage: int | None = setting(500, "Runs and data sets of a student on the disk together.", unit="MB", ge=1)
    upload: int | None = setting(100, "One file that a student sends.", unit="MB", ge=1, le=10_000)
    pages: tuple[str, ...] | None = setting(None, "Pages open to students besides Room; others by a link alone.")

    @field_validator("pages", mode="before")
    @classmethod
    def _take_apart(cls, pages: Any) -> Any:
        return tuple(name.strip() for name in pages.split(",") if name.strip()) if isinstance(pages, str) else pages

    @field_validator("pages")
    @classmethod
    def _are_there(cls, pages: tuple[str, ...] | None) -> tuple[str, ...] | None:
        known = sorted(path.stem for path in (shipped() / "pages").glob("*.py"))
        for name in pages or ():
            if name not in known:
                raise ValueError(unknown("page", name, known))
        return pages

    def opens(self, page: str) -> bool:
        """Whether students open a page without a link, by its name in the address; that of Start is empty."""
        return self.pages is None or (page or START) in (*self.pages, ROOM)


def caps_now() -> Caps:
    """Return the caps that hold; those of a damaged file are the default ones."""
    path = store.folder() / "caps.json"
    return _read(path, store.stamp(path))


def set_caps(caps: Caps) -> None:
    """Let other caps hold, from the next run on; runs that work keep their minutes."""
    store.write(store.folder() / "caps.json", caps.model_dump(mode="json"))
    turns.hold_up(at_once=caps.running)


def read_caps(path: Path) -> Caps:
    """Read caps from a YAML or JSON file.

    Raises
    ------
    ValueError
        If a field is unknown or its value is out of range; names it.
    """
    try:
        tree = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ValueError(f"--caps {path.name}: is no YAML ({error})") from None
    return parse_caps(tree if tree is not None else {}, f"--caps {path.name}")


def parse_caps(tree: Any, where: str) -> Caps:
    """Return the caps of a tree of plain values; raises a ValueError that begins with ``where``."""
    try:
        return Caps.model_validate(tree)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        field = ".".join(map(str, first["loc"]))
        raise ValueError(f"{where}: {f'{field}: ' if field else ''}{first['msg']}") from None


def check_experiment(experiment: Experiment, caps: Caps) -> None:
    """Refuse an experiment beyond a cap.

    Raises
    ------
    ValueError
        If it asks for more; names the cap, its value and what was asked.
    """
    if experiment.placement.engine != "local":
        raise ValueError("In this room, only the lecturer's runs work on other machines.")
    epochs = max(_epochs(experiment.model_dump(mode="json")), default=0)
    if caps.epochs is not None and epochs > caps.epochs:
        raise ValueError(f"epochs: a training has at most {caps.epochs:,} in this room, got {epochs:,}")
    if caps.seeds is not None and len(experiment.seeds) > caps.seeds:
        raise ValueError(f"seeds: a run has at most {caps.seeds:,} in this room, got {len(experiment.seeds):,}")
    if caps.images is None:
        return
    told = describe(experiment.dataset)
    images = told.num_train + told.num_validation + told.num_test
    if images > caps.images:
        raise ValueError(
            f"images: a run has at most {caps.images:,} in this room, got {images:,}; "
            "dataset.train_images and dataset.validation_images take fewer"
        )


def _epochs(tree: Any) -> list[int]:
    """Find all fields named ``epochs``, those of strategies of others included."""
    if isinstance(tree, list):
        return [number for part in tree for number in _epochs(part)]
    if not isinstance(tree, dict):
        return []
    own = [tree["epochs"]] if isinstance(tree.get("epochs"), int) else []
    return own + [number for part in tree.values() for number in _epochs(part)]


@lru_cache(maxsize=4)
def _read(path: Path, changed: int) -> Caps:
    try:
        return Caps.model_validate_json(path.read_bytes())
    except (OSError, ValidationError):
        return Caps()
