"""Assign modules to devices without chance: a greedy rule, the best contiguous assignment, and the best of all."""

import math
from collections.abc import Iterator
from itertools import accumulate
from typing import NamedTuple

from ddlab.pipeline.assignment_problem import ROUNDING, AssignmentProblem, Found, GeneticSettings, step_times

MOST_WAYS = 2_000_000  # assignments that the exact search may have to go through; bounds leave out most of them
MOST_USES = 256  # ways to have used devices up, by their speeds: 8 devices of different speeds, or 64 of one


# ---- greedy


def greedy(problem: AssignmentProblem, settings: GeneticSettings) -> Found:
    """Place the modules by falling cost, each where the step of what is placed becomes shortest.

    The hops between modules that are both placed count. Of devices that are as good, the one that is done first takes
    the module, and of those the first one. Without transfers that is longest processing time first, on equal devices at
    most 4/3 - 1/(3 D) times the shortest step (Graham 1969). With transfers there is no such bound.
    """
    speeds, transfers = problem.device_speeds, problem.transfers
    placed: dict[int, int] = {}
    busy = [0.0] * problem.num_devices

    def crossing(module: int, device: int) -> float:
        before = transfers[module - 1] if placed.get(module - 1, device) != device else 0.0
        return before + (transfers[module] if placed.get(module + 1, device) != device else 0.0)

    for module in sorted(range(problem.num_modules), key=lambda module: -problem.costs[module]):
        ends = [time + problem.costs[module] / speed for time, speed in zip(busy, speeds, strict=True)]
        longest = max(busy)
        device = min(
            range(problem.num_devices),
            key=lambda device: (max(longest, ends[device]) + crossing(module, device), ends[device]),  # noqa: B023
        )
        placed[module], busy[device] = device, ends[device]
    return Found(tuple(placed[module] for module in range(problem.num_modules)))


# ---- exact among contiguous assignments


class _Start(NamedTuple):
    """The first modules on devices: the longest work of one, all transfers, and (modules, kind of device) a device."""

    work: float
    transfer: float
    runs: tuple[tuple[int, int], ...] = ()


def why_not_contiguous(problem: AssignmentProblem) -> str:
    """Say why devices have too many different speeds; empty if they do not."""
    uses = math.prod(len(kind) + 1 for kind in problem.kinds)
    if uses <= MOST_USES:
        return ""
    return (
        f"speeds: must be so few different ones for the exact contiguous assignment that the product of (devices of a "
        f"speed + 1) is at most {MOST_USES}, got {uses}; choices: up to 8 devices of any speeds, or equal speeds"
    )


def contiguous(problem: AssignmentProblem, settings: GeneticSettings) -> Found:
    """Find the fastest assignment in which every device has consecutive modules, or none, exactly.

    Dynamic programming from the front: of the ways to assign the first modules with the same devices used up, those are
    kept that no other one beats in both work and transfers. Devices of equal speed are used in their order. Of
    assignments as fast, the one with least work on a device is taken.
    """
    most = sum(problem.costs) / max(problem.device_speeds) * (1 + ROUNDING)  # all on the fastest device
    none = (0,) * len(problem.kinds)
    starts: list[dict[tuple[int, ...], list[_Start]]] = [{} for _ in range(problem.num_modules + 1)]
    starts[0][none] = [_Start(0.0, 0.0)]
    for here, found in enumerate(starts[:-1]):
        for used, ways in found.items():
            for start in _unbeaten(ways):
                for stop, kind, longer in _longer(problem, start, here, used, most):
                    now = (*used[:kind], used[kind] + 1, *used[kind + 1 :])
                    starts[stop].setdefault(now, []).append(longer)
    ends = [start for ways in starts[-1].values() for start in ways]
    best = min(ends, key=lambda start: (start.work + start.transfer, start))
    free = [iter(devices) for devices in problem.kinds]
    return Found(tuple(device for count, kind in best.runs for device in [next(free[kind])] * count))


def _longer(
    problem: AssignmentProblem, start: _Start, here: int, used: tuple[int, ...], most: float
) -> Iterator[tuple[int, int, _Start]]:
    """Give the next modules to one more device: where they stop, its kind, and what that costs, ``most`` at most."""
    transfer = start.transfer + (problem.transfers[here - 1] if here else 0.0)
    for kind, devices in enumerate(problem.kinds):
        if used[kind] == len(devices):
            continue
        speed = problem.device_speeds[devices[0]]
        for count, cost in enumerate(accumulate(problem.costs[here:]), start=1):
            work = max(start.work, cost / speed)
            if work + transfer > most:
                break
            yield here + count, kind, _Start(work, transfer, (*start.runs, (count, kind)))


def _unbeaten(starts: list[_Start]) -> list[_Start]:
    """The starts that no other one beats in both work and transfers."""
    found: list[_Start] = []
    for start in sorted(starts):
        if not found or start.transfer < found[-1].transfer:
            found.append(start)
    return found


# ---- exact among all assignments


def ways(num_modules: int, devices_of_kinds: tuple[int, ...]) -> int:
    """Count the assignments that differ by more than the names of equal devices.

    Parameters
    ----------
    devices_of_kinds
        Number of devices of every speed. Modules fall into at most so many groups: Stirling numbers of the second kind.
    """
    total = [1] + [0] * num_modules  # of so many modules on the kinds so far
    for devices in devices_of_kinds:
        groups = [[1] + [0] * devices]
        for _ in range(num_modules):
            last = groups[-1]
            groups.append([0] + [last[group - 1] + group * last[group] for group in range(1, devices + 1)])
        stirling = [sum(row) for row in groups]
        total = [
            sum(math.comb(count, here) * stirling[here] * total[count - here] for here in range(count + 1))
            for count in range(num_modules + 1)
        ]
    return total[-1]


def why_not_exact(problem: AssignmentProblem) -> str:
    """Say why there are too many assignments to go through; empty if there are not.

    On equal devices the limit is 21 modules for 2 devices, 14 for 3, 12 for 4 and 11 for 8.
    """
    kinds = tuple(map(len, problem.kinds))
    if problem.num_devices == 1:
        return ""
    most = 1
    while most < problem.num_modules and ways(most + 1, kinds) <= MOST_WAYS:
        most += 1
    if most == problem.num_modules:
        return ""
    different = f" of {len(kinds)} speeds" if len(kinds) > 1 else ""
    return (
        f"costs: must be at most {most} for the exact search among all assignments to {problem.num_devices} "
        f"devices{different}, got {problem.num_modules}; choices: 1 to {most} modules, or another way to assign"
    )


def exact(problem: AssignmentProblem, settings: GeneticSettings) -> Found:
    """Find the fastest of all assignments, exactly.

    Branch and bound over the modules from the front. It begins with the better of the greedy and the contiguous
    assignment, goes to one unused device of a speed alone, as those are alike, and leaves a branch as soon as its work
    or the problem's lower bound, whichever is longer, and its transfers are no less than the best time so far.
    """
    firsts = [greedy(problem, settings), Found((problem.kinds[0][0],) * problem.num_modules)]
    if not why_not_contiguous(problem):
        firsts.append(contiguous(problem, settings))
    times = step_times(problem, [found.devices for found in firsts])
    search = _Search(problem, firsts[int(times.argmin())].devices, float(times.min()))
    search.extend([], [0.0] * problem.num_devices, 0.0)
    return Found(search.best)


class _Search:
    """The state of the branch and bound: the best assignment so far and its time."""

    def __init__(self, problem: AssignmentProblem, best: tuple[int, ...], time: float) -> None:
        self.problem = problem
        self.best = best
        self.time = time

    def extend(self, placed: list[int], busy: list[float], transfer: float) -> None:
        """Place the modules that are left in every way that may be faster than the best one so far."""
        problem, module = self.problem, len(placed)
        if max(self.problem.lower_bound, *busy) + transfer >= self.time * (1 - ROUNDING):
            return
        if module == problem.num_modules:
            self.best, self.time = tuple(placed), max(busy) + transfer
            return
        for device in self._devices(busy, placed):
            hop = problem.transfers[module - 1] if placed and placed[-1] != device else 0.0
            before = busy[device]
            busy[device] += problem.costs[module] / problem.device_speeds[device]
            placed.append(device)
            self.extend(placed, busy, transfer + hop)
            placed.pop()
            busy[device] = before

    def _devices(self, busy: list[float], placed: list[int]) -> list[int]:
        """List the devices for the next module: all that are used, and one unused of every speed; idle ones first."""
        used = {*placed}
        fresh = [next((device for device in kind if device not in used), None) for kind in self.problem.kinds]
        return sorted([*used, *(device for device in fresh if device is not None)], key=lambda device: busy[device])
