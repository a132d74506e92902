"""Folders of this machine that the pages offer: who opens a page, or sends a link to one, must not read the others.

The command line is not restricted, as whoever runs it may read the files anyway; and runs that it made are shown
wherever their images lie.
"""

import os
from pathlib import Path
from typing import TYPE_CHECKING

from ddlab.access import check_data
from ddlab.home import data_home, data_path, home
from ddlab.registry import shortened
from ddlab.registry.datasets import DATASETS

if TYPE_CHECKING:
    from ddlab.experiment import DatasetSettings

VARIABLE = "DDLAB_FOLDERS"  # further folders, between them what PATH has between its own


def offered_folders() -> tuple[Path, ...]:
    """The data home, the folder ``data`` of the home, and those that the server was started with."""
    return tuple(dict.fromkeys([data_home(), home() / "data", *named_folders()]))


def named_folders() -> list[Path]:
    """Folders that the server was started with."""
    return [Path(name).absolute() for name in os.environ.get(VARIABLE, "").split(os.pathsep) if name]


def refuse_elsewhere(settings: "DatasetSettings") -> None:
    """Refuse data that lie in none of the folders that this server offers.

    A path that leads elsewhere by its names is refused before the disk is looked at; what is left may still lead there
    by a symbolic link.

    Raises
    ------
    ValueError
        If the data lie elsewhere; says which folders are offered, and how another one is.
    """
    if settings.path is None or "path" not in DATASETS[settings.name].load().relevant:
        return
    check_data(data_path(settings.path))
    if not _is_offered(data_path(settings.path)):
        folders = ", ".join(map(str, offered_folders()))
        raise ValueError(
            f"path: {shortened(settings.path)} is in no folder that this server offers: {folders}; "
            f"who starts it offers another one by 'ddlab app --data FOLDER' or in {VARIABLE}"
        )


def _is_offered(path: Path) -> bool:
    folders = offered_folders()
    named = Path(os.path.normpath(path))
    if not any(named.is_relative_to(name) for folder in folders for name in (folder, folder.resolve())):
        return False
    try:
        leads_to = path.resolve()
    except (OSError, RuntimeError):  # symbolic links in a circle
        return False
    return any(leads_to.is_relative_to(folder.resolve()) for folder in folders)
