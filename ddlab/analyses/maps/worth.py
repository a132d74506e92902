"""The worth of a map: what its viewer decides, how far it reaches, whether it hits the evidence, what is lost without.

Shapes: S subimages, K classes.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ddlab.analyses.maps.scores import energy, pointing
from ddlab.analyses.maps.stored import Mapped

FAINT = 0.1  # of the scale's end: a map that stays below is hardly seen
SURE = 0.5  # probability of a class from which on a viewer counts as having decided for it


@dataclass(frozen=True)
class Worth:
    """The worth of the map of one class of one viewer.

    Parameters
    ----------
    known
        Name of the class.
    probability, odds
        Of the class; ``odds`` are log-odds.
    low, high
        Smallest and largest number of the map, in the unit of the logits; 0 where it is nowhere.
    hit
        Whether the largest number lies in the evidence; None where that is not known.
    energy
        Share of what speaks for the class that lies in the evidence; None where that is not known.
    effects
        What the log-odds lose without each subimage, ``(S,)``; None where nobody asked.
    """

    title: str
    known: str
    probability: float
    odds: float
    low: float
    high: float
    hit: bool | None
    energy: float | None
    effects: np.ndarray | None

    @property
    def said(self) -> str:
        """The title in two lines: who gives how much to the class."""
        return f"{self.title}<br>{self.known} {self.probability:.0%}"

    @property
    def reach(self) -> str:
        """In two lines where the map's largest number is, if that is known, and from what to what the map goes."""
        where = {True: "peak in the evidence<br>", False: "peak beside evidence<br>", None: ""}[self.hit]
        ends = [f"{end:+.1f}" if round(end, 1) else "0" for end in (self.low, self.high)]
        return f"{where}{ends[0]} to {ends[1]}"

    def without(self, place: int) -> float:
        """Return the probability of the class without the subimage at ``place``."""
        assert self.effects is not None
        return float(1 / (1 + np.exp(self.effects[place] - self.odds)))

    @property
    def most(self) -> int | None:
        """The subimage without which the class loses most; None where no one is missed."""
        if self.effects is None or not self.effects.max() > 0:
            return None
        return int(self.effects.argmax())

    def is_faint(self, limit: float) -> bool:
        """Whether a sure decision has a map that is hardly seen on a scale that ends at ``limit``."""
        return self.probability >= SURE and max(-self.low, self.high) < FAINT * limit


def worth_of(mapped: Mapped, place: int, classes: Mapping[str, int]) -> dict[str, Worth]:
    """Return the worth of the maps of the image at ``place``, by viewer.

    Parameters
    ----------
    classes
        The class that is meant, of every viewer that is.
    """
    mask, names = mapped.mask(place), mapped.about["classes"]
    found = {}
    for viewer, index in classes.items():
        values, without = mapped.maps(viewer)[place, index], mapped.without(viewer)
        odds = float(mapped.odds(viewer)[place, index])
        found[viewer] = Worth(
            mapped.viewers[viewer],
            names[index],
            float(mapped.probabilities(viewer)[place, index]),
            odds,
            float(np.nanmin(values, initial=0.0)),
            float(np.nanmax(values, initial=0.0)),
            None if mask is None else bool(pointing(values[None], mask[None])[0]),
            None if mask is None else float(energy(values[None], mask[None])[0]),
            None if without is None else odds - without[place, :, index],
        )
    return found


def worth_table(worths: Mapping[str, Worth]) -> pd.DataFrame:
    """Tabulate what maps are worth, a row a viewer.

    Returns
    -------
    pandas.DataFrame
        ``network``, ``class``, ``probability``, ``log-odds``, ``map from`` and ``to``, ``peak in the evidence``,
        ``energy in the evidence`` (both missing where no evidence is known), ``most rests on`` (the subdomain, from 1,
        without which the log-odds fall most; missing where none is missed), ``they fall by``, ``probability without``.
    """
    rows = []
    for worth in worths.values():
        most = worth.most
        rows.append(
            {
                "network": worth.title,
                "class": worth.known,
                "probability": worth.probability,
                "log-odds": worth.odds,
                "map from": worth.low,
                "to": worth.high,
                "peak in the evidence": worth.hit,
                "energy in the evidence": worth.energy,
                "most rests on": None if most is None else most + 1,
                "they fall by": None if most is None or worth.effects is None else float(worth.effects[most]),
                "probability without": None if most is None else worth.without(most),
            }
        )
    table = pd.DataFrame(rows)
    return table.drop(
        columns=[name for name in ("peak in the evidence", "energy in the evidence") if table[name].isna().all()]
    )
