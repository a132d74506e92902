"""Experiments as others ask for them."""

from collections.abc import Mapping
from os import PathLike, fspath
from typing import Any

from ddlab.experiment import Experiment


def asked_for(experiment: Experiment | str | PathLike[str], settings: Mapping[str, Any]) -> Experiment:
    """Return an experiment, a recipe or what is in a file, with changes by path (two underscores for a dot).

    Raises
    ------
    ExperimentError
        If a setting is wrong; names the field, the rule, the value and the choices.
    ValueError
        If there is no such recipe or file.
    """
    from ddlab.cli.train import find_experiment

    found = experiment if isinstance(experiment, Experiment) else find_experiment(fspath(experiment))
    return found.with_settings({path.replace("__", "."): value for path, value in settings.items()})
