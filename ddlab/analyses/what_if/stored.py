"""Answers of ``ddlab ask``, in a file that a page reads without torch: an image before and after its edits."""

import numpy as np
import pandas as pd

from ddlab.analyses.decisions.probabilities import Outcomes
from ddlab.analyses.stored import Stored

FORMAT = 1  # of the files; a new number computes everything again
BEFORE, AFTER = 0, 1  # places along the first axis of every array
UNKNOWN = -1  # the label of an image of one's own


class Answers(Stored):
    """The answers of a run about two images, of which the second is the first one edited.

    ``images`` ``(2, C, *shape)`` are bytes. Of every strategy there are ``scores:<strategy>`` ``(2, K)`` and
    ``decisions:<strategy>`` ``(2,)``; ``local`` ``(2, N, K)`` are the probabilities of the local networks that were
    trained on their own, and ``local:<strategy>`` those of a coherent model's. With maps there are
    ``maps:<viewer>`` ``(2, K, *shape)``, NaN where no network looks, and of a known evidence its ``mask`` ``(*shape)``.
    """

    @property
    def images(self) -> np.ndarray:
        """The image before and after its edits, bytes ``(2, C, *shape)``."""
        return self.arrays["images"]

    @property
    def outcomes(self) -> Outcomes:
        """The answers as if the two images were all that a run had decided."""
        label = self.about["label"]
        return Outcomes(
            tuple(self.about["classes"]),
            np.full(2, UNKNOWN if label is None else label),
            {name: self.arrays[f"decisions:{name}"] for name in self.about["strategies"]},
            {name: self.arrays[f"scores:{name}"] for name in self.about["strategies"]},
            self.arrays.get("local"),
            {name: self.arrays[f"local:{name}"] for name in self.about["own_local"]},
        )

    @property
    def viewers(self) -> dict[str, str]:
        """Titles of those whose maps there are, by name."""
        titles: dict[str, str] = self.about["viewers"]
        return titles

    def maps(self, viewer: str) -> np.ndarray:
        """Return the maps of a viewer before and after, ``(2, K, *shape)``."""
        return self.arrays[f"maps:{viewer}"]

    @property
    def mask(self) -> np.ndarray | None:
        """The evidence of the image before its edits ``(*shape)``; None where none is known."""
        return self.arrays.get("mask")

    def table(self) -> pd.DataFrame:
        """Tabulate every strategy and every local network before and after.

        Returns
        -------
        pandas.DataFrame
            ``who``, ``before`` and ``after`` (classes), ``probability before`` (of the first class), ``probability
            after`` (of the second one) and ``saw a change``.
        """
        outcomes, classes = self.outcomes, self.about["classes"]
        rows = []
        for name, scores in outcomes.scores.items():
            decided = outcomes.decisions[name]
            rows.append(self._row(self.about["titles"][name], decided, scores, True))
        if outcomes.any_local is not None:
            for number, scores in enumerate(np.asarray(outcomes.any_local).swapaxes(0, 1), 1):
                saw = number in self.about["changed"]
                rows.append(self._row(f"Local network {number}", scores.argmax(axis=1), scores, saw))
        table = pd.DataFrame(rows)
        for when in ("before", "after"):
            table[when] = [classes[index] for index in table[when]]
        return table

    def _row(self, who: str, decided: np.ndarray, scores: np.ndarray, saw: bool) -> dict[str, object]:
        first, second = map(int, decided)
        return {
            "who": who,
            "before": first,
            "probability before": float(scores[BEFORE, first]),
            "after": second,
            "probability after": float(scores[AFTER, second]),
            "saw a change": saw and bool(self.about["changed"]),
        }
