"""The playground: a function of two parameters, and every step of a method on it; figures of the page Trust region."""

import math
from functools import cached_property
from typing import Literal, TypedDict, Unpack

import pandas as pd
import plotly.graph_objects as go

from ddlab.analyses.trust_region import step_words as words
from ddlab.analyses.trust_region.landscapes import LANDSCAPES, SAMPLES, Landscape
from ddlab.analyses.trust_region.plane_models import ORDERS
from ddlab.analyses.trust_region.plane_steps import METHODS, PlaneStep, Walk, history
from ddlab.analyses.trust_region.playground import walk_all
from ddlab.face import listed
from ddlab.face.material import chosen
from ddlab.face.shown import Shown
from ddlab.figures.trust_region import playground as figures
from ddlab.figures.trust_region.playground_history import timeline
from ddlab.registry import shortened, unknown


class WalkSettings(TypedDict, total=False):
    """Settings of a walk besides its landscape, start and method: see :class:`Walk`."""

    radius: float
    order: Literal[1, 2]
    norm: Literal["2", "1", "inf"]
    num_subdomains: int
    local_steps: int
    rate: float


class Playground(Shown):
    """A walk down a function of two parameters, and those of the other methods from the same start.

    Made by :func:`ddlab.playground`.

    Parameters
    ----------
    walk
        Its settings.
    """

    _tables = listed.WALK_TABLES
    _figures = listed.WALK_FIGURES

    def __init__(self, walk: Walk) -> None:
        self.walk = walk

    def __repr__(self) -> str:
        return f"Playground({self.walk.landscape!r}, {self.walk.start}, {self.walk.method!r})"

    @property
    def landscape(self) -> Landscape:
        """The function."""
        return LANDSCAPES[self.walk.landscape]

    @cached_property
    def paths(self) -> dict[str, list[PlaneStep]]:
        """The steps of every method; those of the one that was asked for come first."""
        return walk_all(self.walk)

    @property
    def steps(self) -> list[PlaneStep]:
        """The steps of the method that was asked for; none where the gradient is zero at the start."""
        return self.paths[self.walk.method]

    def step(self, number: int) -> PlaneStep:
        """A step, counted from 1.

        Raises
        ------
        ValueError
            If there is none of that number; names those there are.
        """
        if not self.steps:
            raise ValueError(f"start: the gradient is zero there, no method takes a step; got {self.walk.start}")
        if not 1 <= number <= len(self.steps):
            raise ValueError(f"step: needs 1 to {len(self.steps)}, got {number}")
        return self.steps[number - 1]


def playground(
    landscape: str = "sine",
    start: str | tuple[float, float] | None = None,
    method: str = "apts",
    **settings: Unpack[WalkSettings],
) -> Playground:
    """Walk down a function of two parameters, as on the playground of the page Trust region.

    Parameters
    ----------
    landscape
        ``sine``, ``logistic``, ``valley``, ``bowl``, ``saddle`` or ``waves``.
    start
        A point within the landscape's window, or the name of one of its starts; None: the first of these.
    method
        ``apts``, ``trust_region`` or ``descent``.
    **settings
        ``radius`` of the first step, ``order`` of the model (1, 2), ``norm`` of the ball ("2", "1", "inf"),
        ``num_subdomains`` and ``local_steps`` of APTS, ``rate`` of gradient descent.

    Raises
    ------
    ValueError
        If there is no such landscape, method, start or setting, or a value is not allowed; names the choices.

    Examples
    --------
    >>> import ddlab
    >>> ground = ddlab.playground("saddle", "beside the ridge", "trust_region", order=2)
    >>> list(ground.table("step", step=1)["part"])
    ['Step']
    """
    ground = LANDSCAPES[chosen("landscape", landscape, LANDSCAPES)]
    for name in settings:
        if name not in WalkSettings.__annotations__:
            raise ValueError(unknown("setting of the playground", name, WalkSettings.__annotations__))
    walk = Walk(landscape, _start(ground, start), chosen("method", method, METHODS), **settings)
    _check(walk)
    return Playground(walk)


def _start(landscape: Landscape, start: str | tuple[float, float] | None) -> tuple[float, float]:
    if start is None:
        return next(iter(landscape.starts.values()))
    text = start if isinstance(start, str) else ",".join(map(str, start))
    point = landscape.starts.get(text) or landscape.point_of(text)
    if point is None:
        left, right, bottom, top = landscape.window
        rule = f"two numbers, {left:g} to {right:g} and {bottom:g} to {top:g}, or one of {', '.join(landscape.starts)}"
        raise ValueError(f"start: needs {rule}; got {shortened(start)}")
    return point


def _check(walk: Walk) -> None:
    """Raise a ValueError that names the first setting that is not allowed."""
    chosen("norm", walk.norm, ORDERS)
    chosen("order", walk.order, (1, 2))
    for field in ("radius", "rate"):
        value = getattr(walk, field)
        if not (isinstance(value, int | float) and math.isfinite(value) and value > 0):
            raise ValueError(f"{field}: needs a number above 0, got {shortened(value)}")
    for field in ("num_subdomains", "local_steps"):
        value = getattr(walk, field)
        if not (isinstance(value, int) and value >= 1):
            raise ValueError(f"{field}: needs a whole number from 1 on, got {shortened(value)}")
    if SAMPLES % walk.num_subdomains:
        raise ValueError(f"num_subdomains: must divide the {SAMPLES} samples evenly, got {walk.num_subdomains}")
    if walk.order == 2 and walk.norm != "2":
        raise ValueError(f"norm: a model of second order needs '2', got {walk.norm!r}")


# ---- tables


def steps(of: Playground) -> pd.DataFrame:
    """All steps: loss, radius, ratio, whether it was taken, and trials."""
    return history(of.steps)


def step(of: Playground, *, step: int = 1) -> pd.DataFrame:
    """Say what happened in a step, in a sentence or two for each part of it."""
    return pd.DataFrame(words.tell(of.step(step)).items(), columns=["part", "sentence"])


# ---- figures


def path_figure(of: Playground, *, step: int = 1) -> go.Figure:
    """The landscape with the paths of all methods to the beginning of a step, and its ball."""
    of.step(step)
    return figures.path_figure(of.landscape, of.paths, step, of.walk.norm, words.path_title(of.landscape, step))


def step_figure(of: Playground, *, step: int = 1, surface: str | None = None) -> go.Figure:
    """One step close up, over contours of the function, the model or a subdomain's loss."""
    shown, asked = of.step(step), of.walk
    contours = chosen("surface", surface, words.surfaces(shown))
    title = words.step_title(shown, step)
    return figures.step_figure(of.landscape, shown, asked.method, asked.norm, contours, title)


def timeline_figure(of: Playground, *, step: int = 1) -> go.Figure:
    """Loss of all methods, radius and ratio of the one that was asked for; a step is marked."""
    of.step(step)
    return timeline(of.paths, step, words.timeline_title(of.walk.method), of.landscape.wide)
