"""Functions of two parameters to walk down on: each the mean of the losses of eight samples, as in training.

Shapes: M samples, dealt out in order to N subdomains. Every landscape is written once, as the loss of each sample with
its derivatives, for single points and for whole grids: arrays ``(...)`` in, ``(..., M)`` out.

References
----------
Cruz Alegría, Trotti, Kopaničáková, Krause, "Data-Parallel Neural Network Training via Nonlinearly Preconditioned
Trust-Region Method", (1).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
SAMPLES = 8
_EVEN = np.linspace(-1, 1, SAMPLES)  # no mean: what is added to the samples with it does not change the mean's place


@dataclass(frozen=True)
class Landscape:
    """A function of two parameters.

    Parameters
    ----------
    title, about
        What people read; the latter says what is difficult.
    axes
        Names of the two parameters.
    window
        What of the plane is worth seeing: left, right, bottom, top.
    starts
        Instructive points, by name.
    samples
        Columns ``(M,)`` of numbers that the samples differ in.
    losses
        Of x, y and those columns: every sample's loss and its derivatives along x and y.
    wide
        Its values span decades, so that contours stand at powers.
    """

    title: str
    about: str
    axes: tuple[str, str]
    window: tuple[float, float, float, float]
    starts: Mapping[str, tuple[float, float]]
    samples: tuple[Array, ...]
    losses: Callable[..., tuple[Array, Array, Array]]
    wide: bool = False

    def point_of(self, text: str) -> tuple[float, float] | None:
        """Read two numbers with a comma, within the window; None if they are not."""
        left, right, bottom, top = self.window
        try:
            x, y = (float(number) for number in text.split(","))
        except ValueError:
            return None
        return (x, y) if left <= x <= right and bottom <= y <= top else None

    def evaluate(self, point: Array, part: slice = slice(None)) -> tuple[float, Array]:
        """The mean loss (1) of some samples at a point ``(2,)``, and its gradient ``(2,)``."""
        columns = [column[part] for column in self.samples]
        loss, along_x, along_y = self.losses(point[0, None], point[1, None], *columns)
        return float(loss.mean()), np.array([along_x.mean(), along_y.mean()])

    def surface(self, x: Array, y: Array, part: slice = slice(None)) -> Array:
        """The mean loss of some samples at every point of a grid."""
        columns = [column[part] for column in self.samples]
        mean: Array = self.losses(x[..., None], y[..., None], *columns)[0].mean(-1)
        return mean


def deal(num_subdomains: int) -> list[slice]:
    """Deal the samples to the subdomains: neighbours together, so that subdomains see different data."""
    size = SAMPLES // num_subdomains
    return [slice(size * index, size * (index + 1)) for index in range(num_subdomains)]


def _bowl(x: Array, y: Array, shear: Array, steep: Array) -> tuple[Array, Array, Array]:
    return x**2 / 2 + shear * x * y + steep * y**2 / 2, x + shear * y, shear * x + steep * y


def _valley(x: Array, y: Array, goal: Array, steep: Array) -> tuple[Array, Array, Array]:
    off = y - x**2
    return (goal - x) ** 2 + steep * off**2, -2 * (goal - x) - 4 * steep * off * x, 2 * steep * off


def _saddle(x: Array, y: Array, bend: Array, shear: Array) -> tuple[Array, Array, Array]:
    loss = bend * x**2 / 2 - y**2 / 2 + y**4 / 4 + shear * x * y
    return loss, bend * x + shear * y, y**3 - y + shear * x


def _waves(x: Array, y: Array, phase_x: Array, phase_y: Array) -> tuple[Array, Array, Array]:
    loss = (x**2 + y**2) / 10 - 0.7 * np.cos(2 * x + phase_x) - 0.5 * np.cos(2 * y + phase_y)
    return loss, x / 5 + 1.4 * np.sin(2 * x + phase_x), y / 5 + np.sin(2 * y + phase_y)


def _sine(a: Array, b: Array, inputs: Array, targets: Array) -> tuple[Array, Array, Array]:
    off = np.sin(a * inputs + b) - targets
    slope = off * np.cos(a * inputs + b)
    return off**2 / 2, slope * inputs, slope


def _logistic(w: Array, b: Array, inputs: Array, labels: Array) -> tuple[Array, Array, Array]:
    margin = labels * (w * inputs + b)
    slope = -labels * np.exp(-np.logaddexp(0, margin))
    return np.logaddexp(0, -margin), slope * inputs, slope


_INPUTS = np.linspace(-1.6, 2.0, SAMPLES)

LANDSCAPES: dict[str, Landscape] = {
    "sine": Landscape(
        "Fit of a sine",
        "sin(ax + b) is fitted to eight points: a few good valleys beside poor ones. Each subdomain holds neighbouring "
        "points, and half a sine says little of the other half.",
        ("a", "b"),
        (-0.5, 4.5, -3.0, 3.0),
        {"far away": (0.4, -2.2), "at the hill": (3.2, 1.8), "poor valley": (4.2, -1.4)},
        (_INPUTS, np.sin(2 * _INPUTS + 0.5) + 0.15 * np.cos(9 * _INPUTS)),
        _sine,
    ),
    "logistic": Landscape(
        "Logistic regression",
        "Two classes on a line, weight and bias. Convex, but a subdomain that holds one class alone has no minimum: it "
        "would push the bias on for ever.",
        ("weight", "bias"),
        (-3.0, 6.0, -4.0, 4.0),
        {"wrong side": (-2.0, 2.5), "nothing learned": (0.0, 0.0), "too sure": (5.0, -3.0)},
        (np.linspace(-1.5, 1.5, SAMPLES), np.array([-1.0, -1, -1, 1, -1, 1, 1, 1])),
        _logistic,
    ),
    "valley": Landscape(
        "Curved valley",
        "Rosenbrock's function, not quite as steep: the way leads along a bent valley, and steepest descent points "
        "across it.",
        ("x", "y"),
        (-2.0, 2.2, -1.2, 3.2),
        {"across": (-1.5, 0.0), "in the valley": (-1.2, 1.5), "on the slope": (1.8, -0.6)},
        (1 + 0.6 * _EVEN, 8 - 5 * _EVEN),
        _valley,
        wide=True,
    ),
    "bowl": Landscape(
        "Bowl",
        "A convex quadratic, longer than wide. Every subdomain has a bowl of its own that bends differently.",
        ("x", "y"),
        (-3.0, 3.0, -2.5, 2.5),
        {"on the slope": (-2.4, 1.8), "along the floor": (2.6, -0.6), "near the minimum": (0.3, 0.2)},
        (0.5 + 0.6 * _EVEN, 4 + 3 * _EVEN),
        _bowl,
    ),
    "saddle": Landscape(
        "Saddle",
        "Between two minima the gradient vanishes where the function has no minimum. A model of second order learns "
        "that it bends downwards there.",
        ("x", "y"),
        (-2.2, 2.2, -2.0, 2.0),
        {"beside the ridge": (1.8, 0.05), "on the ridge": (1.8, 0.0), "above": (-1.2, 1.8)},
        (1 + 0.7 * _EVEN, 0.6 * _EVEN[::-1]),
        _saddle,
    ),
    "waves": Landscape(
        "Waves",
        "A bowl with waves on it: many minima, the best one in the middle. A large first radius steps over the poor "
        "ones.",
        ("x", "y"),
        (-5.0, 5.0, -4.0, 4.0),
        {"far away": (-4.2, 3.2), "behind a hill": (3.9, 0.4), "in a poor minimum": (-2.8, -2.6)},
        (1.2 * _EVEN, 0.9 * np.cos(4 * _EVEN)),
        _waves,
    ),
}
