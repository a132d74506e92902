"""Options of a command that say where a run works: one for each setting, with the setting's own description."""

import functools
import inspect
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from ddlab.experiment import Experiment, PlacementSettings, SlurmSettings
from ddlab.experiment.base import Settings

OPTIONS: dict[str, tuple[str, type[Settings], Any]] = {  # by name: part and class of the setting, type of the option
    "workers": ("placement", PlacementSettings, int | None),
    "devices": ("placement", PlacementSettings, str | None),
    "engine": ("placement", PlacementSettings, str | None),
    "machines": ("placement", PlacementSettings, int | None),
    "rendezvous": ("placement", PlacementSettings, str | None),
    "partition": ("slurm", SlurmSettings, str | None),
    "account": ("slurm", SlurmSettings, str | None),
    "time": ("slurm", SlurmSettings, str | None),
    "cores": ("slurm", SlurmSettings, int | None),
}
DIRECTIVES = "slurm.directives"


@dataclass(frozen=True)
class Place:
    """The place that a command line asks for.

    Parameters
    ----------
    changes
        Settings by their paths.
    script
        A batch script that was edited.
    dry_run
        Whether to write the batch script and send nothing.
    """

    changes: dict[str, Any]
    script: Path | None = None
    dry_run: bool = False

    def check(self, experiment: Experiment) -> None:
        """Raise a ValueError if a script is asked for where there is none."""
        if experiment.placement.engine != "slurm" and (self.script or self.dry_run):
            option = "--script" if self.script else "--dry-run"
            raise ValueError(f"{option}: only runs of SLURM have a batch script; add --engine slurm")

    def edited(self) -> str:
        """Read the edited script; empty if none is asked for. Raises a ValueError if it cannot train, or an OSError."""
        from ddlab.engine.batch_script import check_script

        return check_script(self.script.read_text(encoding="utf-8", errors="replace")) if self.script else ""


def placed(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command an option for each setting of the place; it gets them as ``place``."""

    @functools.wraps(command)
    def with_place(**arguments: Any) -> None:
        changes = {
            f"{part}.{name}": value
            for name, (part, _, _) in OPTIONS.items()
            if (value := arguments.pop(name)) is not None
        }
        if directives := arguments.pop("directive"):
            changes[DIRECTIVES] = directives
        place = Place(changes, arguments.pop("script"), arguments.pop("dry_run"))
        command(**arguments, place=place)

    own = [option for option in inspect.signature(command).parameters.values() if option.name != "place"]
    with_place.__signature__ = inspect.Signature([*own, *_options()])  # type: ignore[attr-defined]  # typer reads it
    return with_place


def _options() -> list[inspect.Parameter]:
    fields = {name: (kind, settings.model_fields[name].description) for name, (_, settings, kind) in OPTIONS.items()}
    fields["directive"] = (list[str] | None, f"{SlurmSettings.model_fields['directives'].description} May be repeated.")
    fields["script"] = (Path | None, "Send this batch script, as --dry-run wrote it and you edited it.")
    found = [_option(name, None, Annotated[kind, typer.Option(help=about)]) for name, (kind, about) in fields.items()]
    dry_run = typer.Option("--dry-run", help="Write the batch script that SLURM would be sent, and make no run.")
    return [*found, _option("dry_run", False, Annotated[bool, dry_run])]


def _option(name: str, default: Any, annotation: Any) -> inspect.Parameter:
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)
