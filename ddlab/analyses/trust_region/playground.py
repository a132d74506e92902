"""APTS, the trust-region method and gradient descent in two dimensions, keeping all that can be drawn of a step.

Symbols: θ the point ``(2,)``, f the mean of N subdomains' losses f_i, g its gradient, Δ the radius, ν local steps,
ρ the actual over the predicted decrease. Rules and results are those of ``ddlab.optim``, to rounding.

References
----------
Cruz Alegría, Trotti, Kopaničáková, Krause, "Data-Parallel Neural Network Training via Nonlinearly Preconditioned
Trust-Region Method", Algorithm 1 and (1)-(7). Conn, Gould, Toint, "Trust Region Methods", 2000, Algorithm 6.1.1.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from ddlab.analyses.trust_region.landscapes import LANDSCAPES, Array, Landscape, deal
from ddlab.analyses.trust_region.plane_models import NOTHING, Memory, learn, length, minimise, steepest
from ddlab.analyses.trust_region.plane_steps import METHODS, Evaluation, LocalWalk, PlaneStep, Trial, Walk
from ddlab.optim.radius import PAPER, RadiusRule, ratio_of

NO_ROOM = 1e-6  # of Δ/N: what is left of it then is rounding
SOLVED = 1e-5  # a gradient as short as this is taken for none: nothing more is to be seen
FAR = 1e6  # gradient descent has left
Evaluate = Callable[[Array], Evaluation]


@dataclass(frozen=True)
class State:
    """The state that a method carries from step to step: θ, Δ, and the secant pairs of f and of every subdomain."""

    here: Evaluation
    radius: float
    memory: Memory
    memories: tuple[Memory, ...]


def walk(asked: Walk, num_steps: int = 30, rule: RadiusRule = PAPER) -> list[PlaneStep]:
    """Take steps of a method until the gradient vanishes, nothing moves any longer, or ``num_steps`` are done."""
    landscape = LANDSCAPES[asked.landscape]
    advance = {"apts": apts_step, "trust_region": trust_region_step, "descent": descent_step}[asked.method]
    here = on_all(landscape)(np.array(asked.start, dtype=float))
    state = State(here, asked.radius, NOTHING, (NOTHING,) * asked.num_subdomains)
    steps: list[PlaneStep] = []
    while len(steps) < num_steps and np.linalg.norm(state.here.gradient) > SOLVED:
        step, state = advance(landscape, state, asked, rule)
        steps.append(step)
        lost = not np.abs(step.there.point).max() < FAR
        still = np.array_equal(step.there.point, step.here.point) and step.next_radius == step.radius
        if lost or (still and asked.order == 1):
            break
    return steps


def walk_all(asked: Walk, take: Callable[[Walk], list[PlaneStep]] = walk) -> dict[str, list[PlaneStep]]:
    """Walk by every method from the same start; the one that is asked for comes first.

    Parameters
    ----------
    take
        What walks, such as a :func:`walk` that remembers.
    """
    methods = sorted(METHODS, key=lambda method: method != asked.method)
    return {method: take(asked.by(method)) for method in methods}


def on_all(landscape: Landscape) -> Evaluate:
    """The function f of (1)."""
    return lambda point: Evaluation(point, *landscape.evaluate(point))


# ---- gradient descent


def descent_step(landscape: Landscape, state: State, asked: Walk, rule: RadiusRule) -> tuple[PlaneStep, State]:
    """Step to ``θ - rate · g``: as far as the rate says, whatever happens to f."""
    there = on_all(landscape)(state.here.point - asked.rate * state.here.gradient)
    return PlaneStep(state.here, there), replace(state, here=there)


# ---- the trust-region method


def attempt(
    evaluate: Evaluate, here: Evaluation, memory: Memory, radius: float, asked: Walk, rule: RadiusRule
) -> Trial:
    """Minimise the model (2) in the ball, and compare what it predicts with what happens."""
    if memory.matrix is None:
        step, predicted = steepest(here.gradient, radius, asked.norm)
    else:
        step, predicted = minimise(here.gradient, memory.matrix, radius)
    there = evaluate(here.point + step)
    ratio = ratio_of(here.loss, there.loss, predicted)
    after = rule.next(radius, ratio)
    return Trial(here, there, memory.matrix, predicted, ratio, radius, after, rule.accepts(ratio))


def taught(memory: Memory, trial: Trial, asked: Walk) -> Memory:
    """Return the memory with a trial's secant pair taken in, accepted or not; unchanged for a model of first order."""
    if asked.order == 1:
        return memory
    return learn(memory, trial.step, trial.there.gradient - trial.here.gradient)


def iterate(
    evaluate: Evaluate, here: Evaluation, radius: float, memory: Memory, asked: Walk, rule: RadiusRule
) -> tuple[list[Trial], Memory]:
    """Try ever shorter steps until one is taken, 11 are rejected, or the radius is at its least."""
    trials: list[Trial] = []
    while here.gradient.any() and len(trials) < rule.trials:
        trial = attempt(evaluate, here, memory, radius, asked, rule)
        trials.append(trial)
        memory = taught(memory, trial, asked)
        if trial.accepted or trial.next_radius == radius:
            break
        radius = trial.next_radius
    return trials, memory


def outcome(trials: Sequence[Trial], here: Evaluation, radius: float) -> tuple[Evaluation, float]:
    """Return where an iteration ends, and its radius."""
    if not trials:
        return here, radius
    return (trials[-1].there if trials[-1].accepted else here), trials[-1].next_radius


def trust_region_step(landscape: Landscape, state: State, asked: Walk, rule: RadiusRule) -> tuple[PlaneStep, State]:
    """Do one iteration on f."""
    trials, memory = iterate(on_all(landscape), state.here, state.radius, state.memory, asked, rule)
    there, radius = outcome(trials, state.here, state.radius)
    step = PlaneStep(state.here, there, state.radius, radius, trials=tuple(trials))
    return step, replace(state, here=there, radius=radius, memory=memory)


# ---- APTS


def apts_step(landscape: Landscape, state: State, asked: Walk, rule: RadiusRule) -> tuple[PlaneStep, State]:
    """Do lines 4 to 9 of Algorithm 1: local steps, their sum, accepted or not, and an iteration on f."""
    count, evaluate = asked.num_subdomains, on_all(landscape)
    local_rule = rule.local(count, asked.local_steps)
    walks, memories = [], []
    for part, memory in zip(deal(count), state.memories, strict=True):
        own = consistent(landscape, part, state.here)
        found, memory = local_walk(own, state.here.point, state.radius / count, memory, asked, local_rule)
        walks.append(found)
        memories.append(memory)
    additive = judge(evaluate, state, walks, rule)
    memory = taught(state.memory, additive, asked)
    here = additive.there if additive.accepted else state.here
    trials, memory = iterate(evaluate, here, additive.next_radius, memory, asked, rule)
    there, radius = outcome(trials, here, additive.next_radius)
    step = PlaneStep(state.here, there, state.radius, radius, tuple(walks), additive, tuple(trials))
    return step, State(there, radius, memory, tuple(memories))


def consistent(landscape: Landscape, part: slice, theta: Evaluation) -> Evaluate:
    """Give a subdomain's loss the term of first-order consistency: at θ its gradient is the global one."""
    correction = theta.gradient - landscape.evaluate(theta.point, part)[1]  # r of (4)

    def corrected(point: Array) -> Evaluation:
        loss, gradient = landscape.evaluate(point, part)
        return Evaluation(point, loss + float(correction @ (point - theta.point)), gradient + correction)  # (3)

    return corrected


def local_walk(
    evaluate: Evaluate, theta: Array, bound: float, memory: Memory, asked: Walk, rule: RadiusRule
) -> tuple[LocalWalk, Memory]:
    """Take at most ν steps of a subdomain, within ``bound`` = Δ/N of θ, so that N of them stay in the ball (5).

    The first may take an equal share of it; then the local radius adapts, and every step is cut to the room left.
    """
    start = here = evaluate(theta)
    radius, trials = bound / asked.local_steps, []
    for left in reversed(range(asked.local_steps)):
        room = bound - length(here.point - theta, asked.norm)
        if room <= NO_ROOM * bound or not here.gradient.any():
            break
        trial = attempt(evaluate, here, memory, min(radius, room), asked, rule)
        trials.append(trial)
        radius = rule.next(radius if trial.accepted else trial.radius, trial.ratio)
        if left or asked.local_steps == 1:  # after the last of several no gradient is needed
            memory = taught(memory, trial, asked)
        if trial.accepted:
            here = trial.there
    return LocalWalk(tuple(trials), here.point - theta, start.loss - here.loss), memory


def judge(evaluate: Evaluate, state: State, walks: Sequence[LocalWalk], rule: RadiusRule) -> Trial:
    """Judge the sum of the local steps: ρ of (6), the decision and the radius of (7)."""
    there = evaluate(state.here.point + np.sum([found.step for found in walks], axis=0))
    predicted = sum(found.decrease for found in walks)
    ratio = ratio_of(state.here.loss, there.loss, predicted)
    after = rule.next(state.radius, ratio)
    return Trial(state.here, there, None, predicted, ratio, state.radius, after, rule.accepts(ratio))
