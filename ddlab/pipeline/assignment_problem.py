"""The problem of assigning the modules of a network to devices: its numbers, and the time of a step.

In symbols: module k of K takes c_k seconds of a step on a device of speed 1, device d of D has the speed s_d, the hop
from module k to k + 1 takes h_k seconds of a step, and a_k is the device of module k. The time of a step is::

    T(a) = max over d of (sum of c_k over the modules with a_k = d) / s_d
           + sum of h_k over the hops with a_k != a_(k+1)

That is a step of so many micro-batches that no device waits at its ends (no bubble), and with transfers that nothing
hides. ``ddlab.pipeline.simulation`` has both, for modules in turn. So T ranks assignments; it predicts no schedule.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ddlab.pipeline.costs import Costs

MOST_DEVICES = 64  # as many ranks as the simulation is tested with
ROUNDING = 1e-12  # of a time: sums in another order differ by less


@dataclass(frozen=True)
class AssignmentProblem:
    """Modules to be assigned to devices.

    Parameters
    ----------
    costs
        Seconds of a step (or any unit of time) that every module takes on a device of speed 1, forward and back.
    num_devices
        Devices that may be used; not all must be.
    transfers
        Time of a step, in the unit of the costs, that every hop between neighbouring modules takes where it crosses
        devices, there and back.
    hop_bytes
        Bytes of a step that every hop sends where it crosses devices, there and back; empty if they are unknown.
    speeds
        Relative speed of every device; empty if all have speed 1.

    Raises
    ------
    ValueError
        If a number cannot be; names the field, the rule, the value and the choices.
    """

    costs: tuple[float, ...]
    num_devices: int
    transfers: tuple[float, ...]
    hop_bytes: tuple[float, ...] = ()
    speeds: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        if not 1 <= self.num_devices <= MOST_DEVICES:
            raise ValueError(
                f"num_devices: must be from 1 to {MOST_DEVICES}, got {self.num_devices}; choices: 1 to {MOST_DEVICES}"
            )
        if not self.costs:
            raise ValueError("costs: must be those of at least 1 module, got 0; choices: 1 or more")
        hops, told = self.num_modules - 1, f"{self.num_modules} modules"
        check_numbers("costs", self.costs, self.num_modules, told)
        check_numbers("transfers", self.transfers, hops, told)
        if self.hop_bytes:
            check_numbers("hop_bytes", self.hop_bytes, hops, told)
        if self.speeds:
            check_numbers("speeds", self.speeds, self.num_devices, f"{self.num_devices} devices")
        if self.speeds and not min(self.speeds):
            raise ValueError("speeds: must be above 0, got 0; choices: positive numbers, or none if all are equal")
        if not sum(self.costs):
            raise ValueError("costs: one of them must be above 0, got 0 for all modules; choices: positive numbers")

    @classmethod
    def of(
        cls, costs: Costs, num_devices: int, num_micro_batches: int = 1, speeds: Sequence[float] = ()
    ) -> "AssignmentProblem":
        """Make the problem of a step of m micro-batches: m (T_F + T_B) a module, 2 m T_C a hop."""
        if num_micro_batches < 1:
            raise ValueError(f"num_micro_batches: must be at least 1, got {num_micro_batches}; choices: 1 or more")
        work = [forward + backward for forward, backward in zip(costs.forward, costs.backward, strict=True)]
        return cls(
            tuple(num_micro_batches * time for time in work),
            num_devices,
            tuple(2 * num_micro_batches * time for time in costs.transfer),
            tuple(2 * num_micro_batches * size for size in costs.hop_bytes),
            tuple(speeds),
        )

    @property
    def num_modules(self) -> int:
        """Modules to be assigned."""
        return len(self.costs)

    @cached_property
    def device_speeds(self) -> tuple[float, ...]:
        """Speed of every device."""
        return self.speeds or (1.0,) * self.num_devices

    @cached_property
    def kinds(self) -> tuple[tuple[int, ...], ...]:
        """Devices of equal speed together, which can be exchanged; the fastest ones first."""
        speeds = self.device_speeds
        return tuple(
            tuple(device for device in range(self.num_devices) if speeds[device] == speed)
            for speed in sorted(set(speeds), reverse=True)
        )

    @cached_property
    def lower_bound(self) -> float:
        """Time that no assignment goes below: work shared out perfectly, or the largest module on the fastest device.

        It counts no transfer.
        """
        shared = math.fsum(self.costs) / math.fsum(self.device_speeds)
        return max(shared, max(self.costs) / max(self.device_speeds))


@dataclass(frozen=True)
class GeneticSettings:
    """Numbers of the genetic algorithm; the others pass them over.

    Parameters
    ----------
    population
        Assignments of a generation.
    generations
        Generations after the random first one.
    tournament
        Assignments that are drawn for every parent, of which the fastest is taken.
    crossover
        Probability that a child has genes of both parents.
    mutation
        Probability that a gene, the device of a module, is drawn anew; 1/K if None.
    elite
        Fastest assignments that the next generation takes over as they are; at least one, so that none is lost.
    seed
        Of the random numbers.
    """

    population: int = 100
    generations: int = 100
    tournament: int = 3
    crossover: float = 0.9
    mutation: float | None = None
    elite: int = 2
    seed: int = 0

    def __post_init__(self) -> None:
        least_most = {
            "population": (2, 10_000),
            "generations": (0, 10_000),
            "tournament": (1, self.population),
            "elite": (1, self.population - 1),
            "crossover": (0, 1),
            "mutation": (0, 1),
            "seed": (0, 2**32 - 1),
        }
        for field, (least, most) in least_most.items():
            value = getattr(self, field)
            if value is not None and not least <= value <= most:
                raise ValueError(f"{field}: must be from {least} to {most}, got {value}; choices: {least} to {most}")


class Generation(NamedTuple):
    """Least and mean time of a step in a generation."""

    best: float
    mean: float


class Found(NamedTuple):
    """Result of a search: the device of every module, and the generations of a search that has some."""

    devices: tuple[int, ...]
    history: tuple[Generation, ...] = ()


def loads(problem: AssignmentProblem, devices: ArrayLike) -> NDArray[np.float64]:
    """Time that every device works in a step, for several assignments at once.

    Parameters
    ----------
    devices
        Device of every module in every assignment, an array of P × K.

    Returns
    -------
    numpy.ndarray
        P × D, in the unit of the costs.
    """
    devices_PK = np.asarray(devices)
    work_PD = np.stack([(devices_PK == device) @ np.array(problem.costs) for device in range(problem.num_devices)], -1)
    return np.asarray(work_PD / np.array(problem.device_speeds))


def step_times(problem: AssignmentProblem, devices: ArrayLike) -> NDArray[np.float64]:
    """Time of a step, T(a), of several assignments at once; the fitness of the genetic algorithm, best where least.

    Parameters
    ----------
    devices
        Device of every module in every assignment, an array of P × K.

    Returns
    -------
    numpy.ndarray
        P times, in the unit of the costs.
    """
    devices_PK = np.asarray(devices)
    crosses_PH = devices_PK[:, 1:] != devices_PK[:, :-1]
    return np.asarray(loads(problem, devices_PK).max(axis=1) + crosses_PH @ np.array(problem.transfers))


def check_numbers(field: str, values: Sequence[float], count: int, told: str) -> None:
    """Refuse numbers that are not ``count``, finite and from 0 on; ``told`` says what they are for.

    Raises
    ------
    ValueError
        Names the field, the rule, the value and the choices.
    """
    if len(values) != count:
        raise ValueError(f"{field}: must have {count} values for {told}, got {len(values)}; choices: {count}")
    for value in values:
        if not (math.isfinite(value) and value >= 0):
            raise ValueError(f"{field}: must be finite numbers from 0 on, got {value:g}; choices: 0 or more")
