"""An experiment before it is trained."""

from os import PathLike
from typing import Any

from ddlab.experiment import Experiment
from ddlab.face import listed
from ddlab.face.asking import asked_for
from ddlab.face.material import Posed
from ddlab.face.shown import Shown


class Preview(Posed, Shown):
    """An experiment before it is trained: its subdomains, its data, and what it will cost.

    Made by :func:`ddlab.preview`. Nothing is decoded before a table or figure needs the images.

    Parameters
    ----------
    experiment
        One whose parts fit together.
    """

    _tables = listed.PLANNED_TABLES
    _figures = listed.PLANNED_FIGURES

    def __init__(self, experiment: Experiment) -> None:
        self._experiment = experiment

    def __repr__(self) -> str:
        return f"Preview({self.experiment.name!r})"

    @property
    def experiment(self) -> Experiment:
        """The experiment that was asked for."""
        return self._experiment


def preview(experiment: Experiment | str | PathLike[str], **settings: Any) -> Preview:
    """Look at an experiment before it is trained, as the pages Decompose, Train and Sweep do.

    Parameters
    ----------
    experiment, **settings
        As :func:`ddlab.train` takes them.

    Raises
    ------
    ExperimentError
        If a setting is wrong or the parts do not fit; names the field, the rule, the value and the choices.
    ValueError
        If there is no such recipe.

    Examples
    --------
    >>> import ddlab
    >>> planned = ddlab.preview("demo", decomposition__grid=[4, 4])
    >>> len(planned.table("cost"))
    17
    >>> type(planned.figure("cost", quantity="flops")).__name__
    'Figure'
    """
    from ddlab.problem import pose

    asked = asked_for(experiment, settings)
    pose(asked)
    return Preview(asked)
