"""Methods that train the modules of a network at once, with old gradients: when each works, and what it must keep.

A batch enters at an iteration b. Module k of the K modules, counted from 0, works on it twice: forward at iteration
b + f_k and backward at b + g_k. All passes of an iteration t see the weights w^t; its updates come last. So the
gradient that updates module k is as many iterations, and updates, old as the module's delay, g_k - f_k.

The published tables count differently: graphs with that of the batch at work, inputs without it. Both are peaks if the
methods that keep graphs go forward before they go back, and those that recompute them go back first, which changes no
number as the updates come last. That is the order here. In FDG's released code a module goes back and updates before it
goes forward, so that its gradients are one update younger than the iterations say; here they are exactly as old.

References
----------
Akintoye et al., "Layer-wise partitioning and merging for efficient and scalable deep learning", 2023, Section 2, which
says of DDG and FDG that both go forward in sequence; FDG's paper and code do not.
Huo, Gu, Yang, Huang, "Decoupled Parallel Backpropagation with Convergence Guarantee", 2018.
Zhuang, Wang, Liu, Lin, "Fully Decoupled Neural Network Learning Using Delayed Gradients", 2021.
Xu, Huo, Huang, "On the Acceleration of Deep Learning Model Parallelism with Staleness", 2020.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from ddlab.registry import Entry, choose


class Kept(NamedTuple):
    """The most that a module keeps at once.

    Parameters
    ----------
    graphs
        Forward passes with all that their backward passes need, that of the batch at work included.
    inputs
        Inputs alone, whose forward passes are computed again.
    weight_versions
        Different weights, the current ones included.
    """

    graphs: int = 0
    inputs: int = 0
    weight_versions: int = 1

    def at_least(self, other: "Kept") -> "Kept":
        """Return the larger of every count."""
        return Kept(*map(max, self, other))


class Lags(NamedTuple):
    """Iterations from a batch's entry to the passes of every module: f_k and g_k."""

    forward: tuple[int, ...]
    backward: tuple[int, ...]


@dataclass(frozen=True)
class MethodEntry(Entry):
    """A kind of method: ``target`` is a function of K and the staleness of every module that gives its :class:`Lags`.

    Parameters
    ----------
    recomputes
        Modules keep inputs, and compute forward passes again with the weights at the time of the backward pass.
    takes_beta
        The error can shrink at every hop.
    takes_staleness
        Delays can be set.
    """

    recomputes: bool = False
    takes_beta: bool = False
    takes_staleness: bool = False

    def why_not(self, num_modules: int, beta: float = 1.0, staleness: Sequence[int] | None = None) -> str:
        """Say why the method cannot run so: field, rule, value and choices; empty if it can."""
        if num_modules < 1:
            return f"num_modules: must be at least 1, got {num_modules}"
        if not 0 < beta <= 1:
            return f"beta: must be above 0 and at most 1, got {beta:g}"
        if beta != 1 and not self.takes_beta:
            others = ", ".join(entry.title for entry in METHODS.values() if entry.takes_beta)
            return f"beta: must be 1 for {self.title}, got {beta:g}; less is for: {others}"
        if staleness is None:
            return ""
        values = ", ".join(map(str, staleness))
        if not self.takes_staleness:
            others = ", ".join(entry.title for entry in METHODS.values() if entry.takes_staleness)
            return f"staleness: must not be set for {self.title}, got {values}; it is for: {others}"
        if len(staleness) != num_modules:
            return f"staleness: must have a value for each of the {num_modules} modules, got {len(staleness)}"
        falls = all(staleness[k] >= staleness[k + 1] + 2 for k in range(num_modules - 1))
        if not falls or staleness[-1] != 0:
            return f"staleness: must fall by at least 2 from module to module and end with 0, got {values}"
        return ""


@dataclass(frozen=True)
class Method:
    """A method for the modules of one network.

    Parameters
    ----------
    name
        One of ``METHODS``.
    beta
        The factor of the error at every hop from a module to the one before it.
    """

    name: str
    lags: Lags
    beta: float = 1.0

    @property
    def recomputes(self) -> bool:
        """Modules keep inputs instead of graphs."""
        return METHODS[self.name].recomputes

    @property
    def num_modules(self) -> int:
        """Modules of the whole network."""
        return len(self.lags.forward)

    @property
    def delays(self) -> tuple[int, ...]:
        """Iterations between the forward and the backward pass of every module on the same batch, g_k - f_k."""
        return tuple(back - there for there, back in zip(self.lags.forward, self.lags.backward, strict=True))

    @property
    def drain(self) -> int:
        """Iterations without a new batch after which nothing is under way."""
        return max(self.lags.backward)

    @property
    def kept(self) -> tuple[Kept, ...]:
        """The most that every module keeps in a stream of at least ``2 max(delays) + 1`` batches."""
        if self.recomputes:
            return tuple(Kept(1, delay, 1) for delay in self.delays)
        return tuple(Kept(delay + 1, 0, delay + 1) for delay in self.delays)

    def factor(self, module: int) -> float:
        """The factor of a module's gradient after all hops of the error, beta^(K-1-k)."""
        return float(self.beta ** (self.num_modules - 1 - module))


def make_method(name: str, num_modules: int, beta: float = 1.0, staleness: Sequence[int] | None = None) -> Method:
    """The method of a name for K modules.

    Parameters
    ----------
    staleness
        The delay of every module; the least there can be, 2(K-1-k), if None.

    Raises
    ------
    ValueError
        If there is none; names the field, the rule, the value and the choices.
    """
    entry = choose(METHODS, name, "method")
    if reason := entry.why_not(num_modules, beta, staleness):
        raise ValueError(reason)
    least = tuple(2 * (num_modules - 1 - k) for k in range(num_modules))
    lags: Lags = entry.load()(num_modules, least if staleness is None else tuple(staleness))
    return Method(name, lags, beta)


# ---- the lags of every module


def no_lags(num_modules: int, staleness: tuple[int, ...]) -> Lags:
    """Every module goes forward and back in the iteration in which the batch enters."""
    return Lags((0,) * num_modules, (0,) * num_modules)


def backward_lags(num_modules: int, staleness: tuple[int, ...]) -> Lags:
    """All modules go forward at once; the error needs an iteration for every hop back: Huo et al. 2018, Fig. 2."""
    return Lags((0,) * num_modules, tuple(num_modules - 1 - k for k in range(num_modules)))


def lags_both_ways(num_modules: int, staleness: tuple[int, ...]) -> Lags:
    """Every hop takes an iteration, forward and back; errors wait where more is asked for: Xu et al. 2020, Fig. 2."""
    modules = range(num_modules)
    return Lags(tuple(modules), tuple(k + staleness[k] for k in modules))


METHODS: dict[str, MethodEntry] = {
    "backpropagation": MethodEntry(
        "Back-propagation",
        "Exact gradients of the newest batch, for which every module waits for all others, forward and back.",
        "ddlab.pipeline.methods:no_lags",
        "Rumelhart, Hinton, Williams 1986",
    ),
    "ddg": MethodEntry(
        "DDG (decoupled backward)",
        "All modules go back at once, for gradients that are up to K-1 updates old and as many more graphs and "
        "weights in memory; the forward passes still wait for each other.",
        "ddlab.pipeline.methods:backward_lags",
        "Huo, Gu, Yang, Huang 2018, Fig. 2; their released code for the queues",
    ),
    "fdg": MethodEntry(
        "FDG (fully decoupled)",
        "No module waits for another, forward or back, for gradients that are up to 2(K-1) updates old and as many "
        "more graphs and weights in memory; beta shrinks the oldest gradients most.",
        "ddlab.pipeline.methods:lags_both_ways",
        "Zhuang, Wang, Liu, Lin 2021; their released code for the queues and beta (gradient shrinking)",
        takes_beta=True,
    ),
    "dsp": MethodEntry(
        "DSP (diversely stale parameters)",
        "No module waits for another and only inputs are kept, with one version of the weights, for a second forward "
        "pass of every old batch; errors and inputs are as old as in FDG.",
        "ddlab.pipeline.methods:lags_both_ways",
        "Xu, Huo, Huang 2020, Fig. 2: DSP(1,1,0; 4,2,0)",
        recomputes=True,
        takes_staleness=True,
    ),
}
