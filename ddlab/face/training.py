"""Training an experiment from a program or a notebook."""

from os import PathLike
from typing import Any

from ddlab.experiment import Experiment
from ddlab.face.asking import asked_for
from ddlab.face.attend import attend
from ddlab.face.run import Run
from ddlab.registry import unknown
from ddlab.runs import RunFolder, delete


def recipe(name: str) -> Experiment:
    """A named experiment, which :func:`train` takes and ``with_settings`` changes; ``ddlab.RECIPES`` has the names.

    Raises
    ------
    ValueError
        If there is none; names the nearest and all others.

    Examples
    --------
    >>> import ddlab
    >>> ddlab.recipe("demo").with_settings({"training.epochs": 2}).training.epochs
    2
    """
    from ddlab.recipes import RECIPES

    if name not in RECIPES:
        raise ValueError(unknown("recipe", name, RECIPES))
    return RECIPES[name]()


def train(experiment: Experiment | str | PathLike[str], *, background: bool = False, **settings: Any) -> Run:
    """Train an experiment: put it in the queue of this machine's devices, and follow it to its end.

    The training is a process of its own, as from the pages and the command line, and outlives this one. An interrupt
    (Ctrl-C, or *Interrupt* in a notebook) cancels it, and is raised again; ``ddlab.run("latest").resume()`` goes on.

    Parameters
    ----------
    experiment
        An experiment, a recipe's name, or the path of a YAML or JSON file.
    background
        Whether to return as soon as it is in the queue.
    **settings
        Changes by path, two underscores for a dot: ``training__epochs=3``; or ``**{"training.epochs": 3}``.

    Returns
    -------
    Run
        The run: finished, or in the background wherever it stands.

    Raises
    ------
    ExperimentError
        If a setting is wrong or the parts do not fit; names the field, the rule, the value and the choices. No run is
        made.
    ValueError
        If there is no such recipe, or this machine has no such devices.
    RuntimeError
        If it is followed, and fails, or is cancelled by somebody else.

    Examples
    --------
    >>> import ddlab
    >>> run = ddlab.train("demo", training__epochs=2)       # doctest: +SKIP
    >>> run.accuracies()                                    # doctest: +SKIP
    """
    from ddlab.engine.launch import launch
    from ddlab.problem import pose
    from ddlab.strategies.stage import plan

    asked = asked_for(experiment, settings)
    plan(pose(asked))
    folder = RunFolder.create(asked)
    try:
        launch(folder)
    except ValueError:
        delete(folder)
        raise
    if not background:
        attend(folder)
    return Run(folder)
