"""Time of an iteration of a method with old gradients, from the costs of its modules.

All modules begin an iteration together, as DDG's authors and Akintoye et al. count: T_F + T_B/K for DDG. Within it a
module waits for another one only if both work on the same batch, which the method's lags say. What is for the next
iteration travels meanwhile: it is late only if it arrives after the pass that needs it could begin, and then the
iteration takes longer. As in :mod:`ddlab.pipeline.simulation`, a transfer occupies no rank. Every module goes forward
first here; the other order, of :mod:`ddlab.pipeline.methods`, saves DSP an input and changes no work.

References
----------
Huo, Gu, Yang, Huang, "Decoupled Parallel Backpropagation with Convergence Guarantee", 2018, Section 4.
Akintoye et al., "Layer-wise partitioning and merging for efficient and scalable deep learning", 2023, Section 2.
"""

from dataclasses import dataclass

from ddlab.pipeline.costs import Costs
from ddlab.pipeline.methods import Method


@dataclass(frozen=True)
class Passes:
    """Times within an iteration, by module.

    Parameters
    ----------
    forward, forward_end
        Begin and end of the forward pass.
    backward, backward_end
        The earliest begin, and the end, of the backward pass; a forward pass that it computes again lies before it.
    """

    forward: tuple[float, ...]
    forward_end: tuple[float, ...]
    backward: tuple[float, ...]
    backward_end: tuple[float, ...]


def iteration_time(method: Method, costs: Costs) -> float:
    """Time of an iteration, in which one batch enters, once the pipeline is full; in the unit of the costs.

    Parameters
    ----------
    costs
        Times of a whole batch in every module.

    Raises
    ------
    ValueError
        If the costs are of another number of modules.
    """
    if costs.num_modules != method.num_modules:
        raise ValueError(f"costs: must be of {method.num_modules} modules, got {costs.num_modules}")
    passes, lags = _passes(method, costs), method.lags
    times = [*passes.forward_end, *passes.backward_end]
    for k, transfer in enumerate(costs.transfer):
        there, back = lags.forward[k + 1] - lags.forward[k], lags.backward[k] - lags.backward[k + 1]
        if there:
            times.append((passes.forward_end[k] + transfer - passes.forward[k + 1]) / there)
        if back:
            times.append((passes.backward_end[k + 1] + transfer - passes.backward[k]) / back)
    return max(times)


def working_time(method: Method, costs: Costs) -> tuple[float, ...]:
    """Time that every module works in an iteration, second forward passes included."""
    again = _computed_again(method, costs)
    return tuple(map(sum, zip(costs.forward, costs.backward, again, strict=True)))


def _computed_again(method: Method, costs: Costs) -> tuple[float, ...]:
    """Time of the second forward pass of every module; none where a batch goes back at once."""
    return tuple(
        seconds if method.recomputes and delay else 0.0
        for seconds, delay in zip(costs.forward, method.delays, strict=True)
    )


def _passes(method: Method, costs: Costs) -> Passes:
    """Times of all passes: every module goes forward, then computes again what it must, then back."""
    count, lags, again = costs.num_modules, method.lags, _computed_again(method, costs)
    forward, forward_end, backward, backward_end = ([0.0] * count for _ in range(4))
    for k in range(count):
        if k and lags.forward[k] == lags.forward[k - 1]:
            forward[k] = forward_end[k - 1] + costs.transfer[k - 1]
        forward_end[k] = forward[k] + costs.forward[k]
    for k in reversed(range(count)):
        backward[k] = forward_end[k] + again[k]
        if k + 1 < count and lags.backward[k] == lags.backward[k + 1]:
            backward[k] = max(backward[k], backward_end[k + 1] + costs.transfer[k])
        backward_end[k] = backward[k] + costs.backward[k]
    return Passes(tuple(forward), tuple(forward_end), tuple(backward), tuple(backward_end))
