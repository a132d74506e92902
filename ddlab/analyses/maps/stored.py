"""Results of ``ddlab maps``, in files that a page reads without torch: the maps of some images, or their scores.

Viewers are those who look at whole images: a network, the local networks together, a CNN-DNN. M images, K classes.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from ddlab.analyses.maps.scores import Curves, mean_and_error
from ddlab.analyses.stored import Stored

FORMAT = 2  # of the files; a new number computes everything again
SCORES = {"pointing": "pointing game", "energy": "energy in the evidence", "insertion": "insertion area"} | {
    "deletion": "deletion area",
    "sanity": "rank correlation with random weights",
}
RANDOM = "Random pointing"


class OfViewers(Stored):
    """A result that has the same of several viewers."""

    @property
    def viewers(self) -> dict[str, str]:
        """Titles of the viewers by name, in a fixed order."""
        titles: dict[str, str] = self.about["viewers"]
        return titles


class Mapped(OfViewers):
    """The maps ``maps:<viewer>`` ``(M, K, *shape)`` on the image, NaN where no network looks, with facts about them.

    Beside them: ``images`` ``(M, C, *shape)`` bytes, ``masks`` ``(M, *shape)`` where the evidence is known,
    ``probabilities:<viewer>`` ``(M, K)``, ``odds:<viewer>`` ``(M, K)``, their log-odds, ``without:<viewer>``
    ``(M, S, K)``, the log-odds without each of the S subimages, and of volumes the ``affine`` from voxels to
    millimetres.
    """

    @property
    def images(self) -> np.ndarray:
        """The images as bytes ``(M, C, *shape)``."""
        return self.arrays["images"]

    def mask(self, place: int) -> np.ndarray | None:
        """The evidence of the image at ``place``; None where it has none or it is not known."""
        mask = self.arrays["masks"][place] if "masks" in self.arrays else None
        return mask if np.any(mask) else None

    def maps(self, viewer: str) -> np.ndarray:
        """Return the maps of a viewer, ``(M, K, *shape)``."""
        return self.arrays[f"maps:{viewer}"]

    def probabilities(self, viewer: str) -> np.ndarray:
        """Return the probabilities that a viewer gives, ``(M, K)``."""
        return self.arrays[f"probabilities:{viewer}"]

    def odds(self, viewer: str) -> np.ndarray:
        """Return the log-odds of a viewer, ``(M, K)``."""
        return self.arrays[f"odds:{viewer}"]

    def without(self, viewer: str) -> np.ndarray | None:
        """Return a viewer's log-odds without each subimage, ``(M, S, K)``; None where that took too long."""
        return self.arrays.get(f"without:{viewer}")

    def table(self) -> pd.DataFrame:
        """Tabulate every viewer's output: ``image``, ``viewer``, ``decides``, and a column of probabilities a class."""
        classes = self.about["classes"]
        parts = []
        for name, title in self.viewers.items():
            said = self.probabilities(name)
            part = pd.DataFrame(said, columns=classes)
            part.insert(0, "image", self.about["images"])
            part.insert(1, "viewer", title)
            part.insert(2, "decides", [classes[int(index)] for index in said.argmax(1)])
            parts.append(part)
        return pd.concat(parts, ignore_index=True)


class Scored(OfViewers):
    """Scores ``<score>:<viewer>`` ``(M,)`` of the maps of one class an image.

    ``<curve>:<viewer>`` ``(M, S + 1)`` with ``insertion_curve`` and ``deletion_curve`` over ``shares``; and
    ``evidence``, the share of every image that is evidence; NaN where none is known.
    """

    def score(self, name: str, viewer: str) -> np.ndarray:
        """Return a score of a viewer's maps, ``(M,)``; NaN where it is not known."""
        return self.arrays[f"{name}:{viewer}"]

    def curves(self, viewer: str) -> Curves:
        """Return the curves of a viewer: probabilities as pixels come and go."""
        drawn = (self.arrays[f"{name}_curve:{viewer}"] for name in ("insertion", "deletion"))
        return Curves(self.arrays["shares"], *drawn)

    def table(self) -> pd.DataFrame:
        """A row a viewer: ``viewer`` and, of every score, its mean and the ``± standard error``; last, random pointing.

        Scores that no image has are left out.
        """
        rows = [
            self._row(title, {score: self.score(score, name) for score in SCORES})
            for name, title in self.viewers.items()
        ]
        even = self.arrays["evidence"]
        table = pd.DataFrame([*rows, self._row(RANDOM, {"pointing": even, "energy": even})])
        return table.dropna(axis=1, how="all")

    def counts(self) -> tuple[int, int]:
        """Count the images, and those of them whose evidence is known."""
        evidence = self.arrays["evidence"]
        return len(evidence), int((~np.isnan(evidence)).sum())

    def _row(self, title: str, scores: Mapping[str, np.ndarray]) -> dict[str, Any]:
        row: dict[str, Any] = {"viewer": title}
        for score, values in scores.items():
            mean, error, _ = mean_and_error(values)
            row |= {SCORES[score]: mean, f"± {SCORES[score]}": error}
        return row
