"""Sentences worth noticing about the maps of an image, from what they are worth."""

from collections.abc import Mapping, Sequence

import numpy as np

from ddlab.analyses.maps.worth import SURE, Worth
from ddlab.written import percent

CLEAR = 0.5  # log-odds: what changes less by is not missed


def of_maps(worths: Mapping[str, Worth], limits: Sequence[float], evidence_S: np.ndarray | None) -> str:
    """Say which subimage a decision misses most, and whether the map says so, too; and which map is faint.

    Parameters
    ----------
    limits
        The end of every map's scale, in the order of the viewers.
    evidence_S
        Share of the evidence that every subdomain holds; None where it is not known.
    """
    told = []
    faint = [worth for worth, limit in zip(worths.values(), limits, strict=True) if worth.is_faint(limit)]
    if faint:
        told.append(
            f"the map of {faint[0].title} is nearly empty on this scale, though it gives {faint[0].known} "
            f"{percent(faint[0].probability)}: choose a scale of its own."
        )
    decided = [worth for worth in worths.values() if worth.probability >= SURE and worth.most is not None]
    missing = [worth for worth in decided if worth.effects is not None and worth.effects.max() >= CLEAR]
    if missing:
        told.append(_missed(max(missing, key=_surprise), evidence_S))
    elif decided:
        told.append(f"no subimage is missed: without any one of them {decided[0].title} decides nearly alike.")
    text = " ".join(told)
    return f"{text[:1].upper()}{text[1:]}"


def _surprise(worth: Worth) -> float:
    """Order decisions by what they miss, those whose map points beside the evidence first."""
    assert worth.effects is not None
    return float(worth.effects.max()) + (1e6 if worth.hit is False else 0.0)


def _missed(worth: Worth, evidence_S: np.ndarray | None) -> str:
    """Tell what is lost without the subimage that is missed most."""
    most = worth.most
    assert most is not None
    holds = "" if evidence_S is None else f", which holds {percent(evidence_S[most], 0)} of the evidence,"
    told = (
        f"without subimage {most + 1}{holds} {worth.title} would give {worth.known} "
        f"{percent(worth.without(most))} instead of {percent(worth.probability)}"
    )
    if worth.hit is None:
        return f"{told}."
    return f"{told}; its map is largest {'in' if worth.hit else 'beside'} the evidence."
