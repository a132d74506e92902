"""Volumes: drawn chests and real adrenal glands, cut along all three axes."""

from ddlab.experiment import DatasetSettings, DecompositionSettings, Experiment, ModelSettings, TrainingSettings
from ddlab.strategies import STRATEGIES


def ct_phantom() -> Experiment:
    """Drawn CT scans of chests, with and without lesions: most local networks see a healthy body.

    ``ddlab train ct_phantom``: all strategies with 3-D VGG9 on 2×2×1 subdomains.
    """
    return Experiment(
        name="ct_phantom",
        dataset=DatasetSettings(name="ct_phantom", volume=(32, 32, 16)),
        decomposition=DecompositionSettings(grid=(2, 2, 1)),
        model=ModelSettings(name="vgg9", width=0.5),
        strategies=tuple(STRATEGIES),
        training=TrainingSettings(epochs=15, batch_size=8),
    )


def adrenal() -> Experiment:
    """Real adrenal glands from CT scans, healthy or enlarged: judge by balanced accuracy.

    ``ddlab train adrenal``: all strategies with 3-D VGG9 on 2×2×2 subdomains. Three of four glands are healthy, so that
    plain accuracy flatters. Needs AdrenalMNIST3D in ``DDLAB_DATA``.
    """
    return Experiment(
        name="adrenal",
        dataset=DatasetSettings(name="adrenalmnist3d", volume=(32, 32, 32)),
        decomposition=DecompositionSettings(grid=(2, 2, 2)),
        model=ModelSettings(name="vgg9", width=0.5),
        strategies=tuple(STRATEGIES),
        training=TrainingSettings(epochs=10, batch_size=32),
    )
