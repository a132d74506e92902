"""Drawn signals of one axis: noise and a slow drift, and somewhere a short wave whose form is the class.

The wave lies inside one quarter of the signal, so of four local networks three see nothing; the mask shows where it is.
Signal i depends on the seed, the split and i alone. Shapes: M signals, T samples.
"""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import numpy as np

from ddlab.data.source import SPLITS, Description, Source, Split, SplitName
from ddlab.data.volumes import blocks

if TYPE_CHECKING:
    from ddlab.experiment import DatasetSettings

SAMPLES = 256
QUARTER = SAMPLES // 4
NUM_TRAIN, NUM_VALIDATION = 4000, 1000
LOOKS = 7  # numbers of a signal: quarter, place, length, waves, phase, height, drift
LENGTHS = (40, 56)  # samples of a wave
WAVES = (3.0, 4.5)  # periods in it
HEIGHTS = (45, 70)  # in grey levels, of 255
NOISE = 10.0
DRIFT = 25.0


def _sine(turns: np.ndarray) -> np.ndarray:
    return np.sin(2 * np.pi * turns)


def _square(turns: np.ndarray) -> np.ndarray:
    return np.where(turns % 1 < 0.5, 1.0, -1.0)


def _sawtooth(turns: np.ndarray) -> np.ndarray:
    return 2 * (turns % 1) - 1


def _pulses(turns: np.ndarray) -> np.ndarray:
    return np.where(turns % 1 < 0.2, 1.0, -0.25)


FORMS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "sine": _sine,
    "square": _square,
    "sawtooth": _sawtooth,
    "pulses": _pulses,
}


class Signals(Source):
    """Four forms of waves in 256 samples, as bytes around 128; classes come in turn."""

    relevant = ("train_images", "validation_images", "seed")

    def describe(self, settings: "DatasetSettings") -> Description:
        """Describe signals of one channel and one axis, with masks; the settings' limits say how many are drawn."""
        return Description(
            classes=tuple(FORMS),
            channels=1,
            shape=(SAMPLES,),
            num_train=settings.train_images or NUM_TRAIN,
            num_validation=settings.validation_images or NUM_VALIDATION,
            source=f"Drawn by ddlab from seed {settings.seed}",
            licence="none needed: the signals are made here",
            has_masks=True,
        )

    def read(self, settings: "DatasetSettings", split: SplitName) -> Iterator[Split]:
        """Draw the signals in blocks."""
        description = self.describe(settings)
        count = description.num_train if split == "train" else description.num_validation
        stream = (settings.seed, SPLITS.index(split))
        for block in blocks(count, 8 * SAMPLES):
            numbers = np.stack([np.random.default_rng((*stream, index)).random(LOOKS + SAMPLES) for index in block])
            labels = np.array(block, dtype=np.int64) % len(FORMS)
            signals, masks = _draw(labels, numbers)
            yield Split(signals[:, None], labels, masks)


def _draw(labels: np.ndarray, numbers: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Draw signals and masks ``(M, T)`` from uniform numbers ``(M, LOOKS + T)``."""
    quarter, place, length, waves, phase, height, drift = numbers[:, :LOOKS].T[:, :, None]
    length = np.round(_between(LENGTHS, length))
    start = QUARTER * np.floor(4 * quarter) + np.floor(place * (QUARTER - length + 1))
    time = np.arange(SAMPLES)
    along = (time - start) / length
    masks = (along >= 0) & (along < 1)
    turns = along * _between(WAVES, waves) + phase
    forms = np.choose(labels[:, None], [form(turns) for form in FORMS.values()])
    slow = DRIFT * np.sin(2 * np.pi * (time / SAMPLES + drift))
    noise = NOISE * np.sqrt(12) * (numbers[:, LOOKS:] - 0.5)  # of that standard deviation
    signals = 128 + slow + noise + masks * _between(HEIGHTS, height) * forms
    return np.clip(np.round(signals), 0, 255).astype(np.uint8), masks.astype(np.uint8)


def _between(ends: tuple[float, float], share: np.ndarray) -> np.ndarray:
    return ends[0] + share * (ends[1] - ends[0])
