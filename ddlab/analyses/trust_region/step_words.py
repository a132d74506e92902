"""Explanations of a step of a trust-region method, in plain sentences, and titles of what is drawn of it."""

import math

from ddlab.analyses.trust_region.landscapes import Landscape
from ddlab.analyses.trust_region.plane_steps import METHODS, PlaneStep, Trial
from ddlab.optim.radius import PAPER, RadiusRule
from ddlab.written import listed


def number(value: float) -> str:
    """Write a number with three digits, and no minus sign without a number behind it."""
    return f"{value:.3g}".replace("-", "−")


def tell(step: PlaneStep, rule: RadiusRule = PAPER) -> dict[str, str]:
    """Say what happened, in a sentence or two for each part of the step, by the part's name and in order."""
    if step.main is None:
        return {"Step": _descent(step)}
    told = {}
    if step.additive is not None:
        told["Subdomains"] = _locally(step)
        told["Their sum"] = _judged(step.additive, rule)
    if step.trials:
        told["Step on f" if told else "Step"] = _before(len(step.trials) - 1) + _judged(step.trials[-1], rule)
    return told


def short(step: PlaneStep) -> str:
    """Describe the step in a few words."""
    if step.main is None:
        return "taken" if step.there.loss <= step.here.loss else "taken, though the loss rises"
    words = [] if step.additive is None else [f"sum {_taken(step.additive)}"]
    if step.trials:
        last = f"step on f {_taken(step.trials[-1])}" if step.additive else _taken(step.trials[-1])
        words.append(last + (f" at trial {len(step.trials)}" if len(step.trials) > 1 else ""))
    return ", ".join(words)


# ---- what is drawn


def path_title(landscape: Landscape, shown: int) -> str:
    """Title the landscape with the paths of all methods to a step, counted from 1."""
    return f"{landscape.title}: the way to step {shown}; dotted: the other methods"


def step_title(step: PlaneStep, shown: int) -> str:
    """Title one step, the number ``shown`` from 1, close up."""
    return f"Step {shown}, close up: {short(step)}"


def timeline_title(method: str) -> str:
    """Title all steps of a method."""
    return f"{METHODS[method]}, step by step; dotted: the other methods"


def surfaces(step: PlaneStep) -> dict[str, str]:
    """Name the functions whose contours the close-up of a step can show, with what people call them."""
    titles = {"f": "f"} | ({"model": "model m"} if step.trials else {})
    return titles | {str(place): f"f{chr(ord('₀') + place)}" for place in range(1, len(step.walks) + 1)}


# ---- parts of sentences


def _taken(trial: Trial) -> str:
    return "taken" if trial.accepted else "rejected"


def _before(rejected: int) -> str:
    if rejected < 2:
        return "A longer trial was rejected before. " if rejected else ""
    return f"{rejected} longer trials were rejected before. "


def _locally(step: PlaneStep) -> str:
    counts = [str(len(found.trials)) for found in step.walks]
    falls = [number(found.decrease) for found in step.walks]
    if len(counts) == 1:
        return f"The only subdomain tries {counts[0]} steps on the whole loss, which falls by {falls[0]}."
    return (
        f"The {len(counts)} subdomains try {listed(counts)} steps on their own losses, each within "
        f"Δ/N = {number(step.radius / len(counts))}; these fall by {listed(falls)}."
    )


def _judged(trial: Trial, rule: RadiusRule) -> str:
    """Describe the actual and the predicted decrease, ρ, the decision and the radius."""
    if math.isnan(trial.ratio):
        reason = "The predicted decrease is no more than rounding, so ρ says nothing"
        return f"{reason}: the step is rejected and {_radius(trial)}."
    actual = trial.here.loss - trial.there.loss
    if trial.accepted:
        what = f"The loss fell by {number(actual)}, predicted were {number(trial.predicted)}"
    elif actual > 0:
        what = f"The loss would fall by {number(actual)}, but predicted were {number(trial.predicted)}"
    else:
        what = f"The loss would rise by {number(-actual)}, though a fall by {number(trial.predicted)} was predicted"
    if trial.ratio > rule.upper:
        where = f"is above η₂ = {rule.upper:g}"
    elif trial.accepted:
        where = f"is between η₁ = {rule.lower:g} and η₂ = {rule.upper:g}"
    else:
        where = f"is below η₁ = {rule.lower:g}"
    return f"{what}: ρ = {number(trial.ratio)} {where}, so the step is {_taken(trial)} and {_radius(trial)}."


def _radius(trial: Trial) -> str:
    """Say how the radius changes."""
    factor = trial.next_radius / trial.radius
    if factor == 1:
        return f"the radius stays {number(trial.radius)}"
    verb = {2.0: "doubles", 0.5: "halves"}.get(factor, "grows" if factor > 1 else "shrinks")
    return f"the radius {verb} to {number(trial.next_radius)}"


def _descent(step: PlaneStep) -> str:
    change = step.here.loss - step.there.loss
    how = f"falls by {number(change)}" if change >= 0 else f"rises by {number(-change)}: nothing holds the step back"
    return f"The rate times the gradient's length makes a step of {number(_length(step))}; the loss {how}."


def _length(step: PlaneStep) -> float:
    return math.dist(step.here.point, step.there.point)
