"""Sentences worth noticing about decisions, about a cut and about the recorded example, from their own numbers."""

from collections.abc import Mapping

import numpy as np

from ddlab.analyses.decisions.probabilities import Outcomes
from ddlab.analyses.decisions.telling import VOTE
from ddlab.registry.strategies import STRATEGIES
from ddlab.written import percent

CLEAR = 0.02  # differences of shares below it are not worth a sentence


def of_outcomes(outcomes: Outcomes) -> str:
    """Say on how many images the vote errs, and who is right about how many of these; without a vote, of the worst."""
    labels, errors = outcomes.labels, {}
    for name, decided in outcomes.decisions.items():
        if STRATEGIES[name].sees == "outputs":
            errors[name] = np.asarray(decided) != labels
    if len(errors) < 2:
        return ""
    failing = VOTE if VOTE in errors else max(errors, key=lambda name: errors[name].mean())
    missed = errors.pop(failing)
    saving = min(errors, key=lambda name: (errors[name] & missed).mean())
    saved = float((missed & ~errors[saving]).sum() / max(missed.sum(), 1))
    title, share = STRATEGIES[failing].title, float(missed.mean())
    if share < CLEAR or saved * share < CLEAR:
        return f"{title} errs on {percent(share)} of the images, and no aggregator is right about many of these."
    return (
        f"{title} errs on {percent(share)} of the {len(labels)} images; of these {STRATEGIES[saving].title}, which "
        f"hears the same local networks, decides {percent(saved)} correctly."
    )


def of_cut(evidence_N: np.ndarray | None, work: float, workers: int) -> str:
    """Say how many subdomains see none of an image's evidence, and what share of the work the local networks need.

    Parameters
    ----------
    evidence_N
        Share of the evidence that every subdomain holds; None where it is not known.
    work
        Of all local networks together, as a share of the global network's.
    workers
        That could train at the same time.
    """
    costs = f"all {workers} local networks together need {percent(work, 0)} of the global network's work"
    if evidence_N is None or len(evidence_N) < 2 or not evidence_N.any():
        return f"{costs[0].upper()}{costs[1:]} for an image."
    blind, most = int((evidence_N == 0).sum()), float(evidence_N.max())
    seen = f"subdomain {int(evidence_N.argmax()) + 1} sees {percent(most, 0)} of this image's evidence"
    none = f", {blind} of {len(evidence_N)} see none of it" if blind else ", and every subdomain sees some of it"
    return f"{seen[0].upper()}{seen[1:]}{none}; {costs}."


def of_example(accuracies: Mapping[str, float], works: Mapping[str, float]) -> str:
    """Say what the best aggregator gains over the vote, and with what share of the global network's work.

    Parameters
    ----------
    accuracies, works
        Of the strategies: on the images that judge, and of all their training as a share of the global network's.
    """
    heard = {name: value for name, value in accuracies.items() if STRATEGIES[name].sees == "outputs" and name != VOTE}
    if VOTE not in accuracies or not heard:
        return ""
    best = max(heard, key=lambda name: heard[name])
    gained = heard[best] - accuracies[VOTE]
    if gained < CLEAR:
        return ""
    title, work = STRATEGIES[best].title, works.get(best, np.nan)
    told = (
        f"{title} decides {percent(heard[best])} of the images correctly, {100 * gained:.1f} points more than the vote"
    )
    return f"{told}, with {percent(work, 0)} of the global network's work." if np.isfinite(work) else f"{told}."
