"""Volumes: drawn chests and real adrenal glands, cut along all three axes."""

from ddlab.experiment import (
    AggregatorSettings,
    DatasetSettings,
    DecompositionSettings,
    Experiment,
    ModelSettings,
    TrainingSettings,
    TransferSettings,
)
from ddlab.strategies import COMPARED_BY_KLAWONN


def ct_phantom() -> Experiment:
    """Drawn CT scans of chests, with and without lesions: most local networks see a healthy body.

    ``ddlab train ct_phantom``: all strategies with 3-D VGG9 on 2×2×1 subdomains; a seed takes under five minutes on two
    busy cores.

    Measured before the warm-up (3 seeds, ``global`` of one seed learned nothing): ``global`` 0.763 ± 0.228,
    ``average`` 0.753 ± 0.047, ``majority`` 0.707 ± 0.076, ``cnn_dnn`` 0.773 ± 0.059, ``coherent`` 0.787 ± 0.084,
    ``transfer`` 0.613 ± 0.015.
    """
    return _volumes(
        "ct_phantom",
        DatasetSettings(
            name="ct_phantom", volume=(32, 32, 16), train_images=375, validation_images=100, test="official"
        ),
        (2, 2, 1),
        TrainingSettings(epochs=12, batch_size=16),
    )


def adrenal() -> Experiment:
    """Real adrenal glands from CT scans, healthy or enlarged: judge by balanced accuracy.

    ``ddlab train adrenal``: all strategies with 3-D VGG9 on 2×2×2 subdomains, two minutes a seed. Three of four glands
    are healthy, so that plain accuracy flatters. Needs AdrenalMNIST3D in ``DDLAB_DATA``.

    Measured before the warm-up by balanced accuracy (3 seeds, 6 min 00 s on two busy cores): ``global`` 0.649 ± 0.104,
    ``average`` 0.505 ± 0.004, ``majority`` 0.507 ± 0.007, ``cnn_dnn`` 0.580 ± 0.046, ``coherent`` 0.598 ± 0.019,
    ``transfer`` 0.568 ± 0.020.
    """
    return _volumes(
        "adrenal",
        DatasetSettings(name="adrenalmnist3d", volume=(24, 24, 24), train_images=875, test="official"),
        (2, 2, 2),
        TrainingSettings(epochs=8, batch_size=16),
    )


def _volumes(name: str, dataset: DatasetSettings, grid: tuple[int, int, int], training: TrainingSettings) -> Experiment:
    """All strategies, a quarter of our channels, one seed; transfer's last two epochs as one model."""
    return Experiment(
        name=name,
        dataset=dataset,
        decomposition=DecompositionSettings(grid=grid),
        model=ModelSettings(name="vgg9", width=0.25),
        strategies=COMPARED_BY_KLAWONN,
        training=training,
        aggregator=AggregatorSettings(epochs=20),
        transfer=TransferSettings(start=training.epochs - 2, epochs=2),
        seeds=(0,),
    )
