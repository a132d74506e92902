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
from ddlab.registry.strategies import COMPARED_BY_KLAWONN


def ct_phantom() -> Experiment:
    """Drawn CT scans of chests, with and without lesions: most local networks see a healthy body.

    ``ddlab train ct_phantom``: all strategies with 3-D VGG9 on 2×2×1 subdomains; a seed takes under five minutes on two
    busy cores.

    Measured on test images (3 seeds, 3 min 29 s on two busy cores): ``global`` 0.873 ± 0.012,
    ``average`` 0.733 ± 0.025, ``majority`` 0.723 ± 0.046, ``cnn_dnn`` 0.733 ± 0.012, ``coherent`` 0.827 ± 0.015,
    ``transfer`` 0.687 ± 0.076.
    """
    return _volumes(
        "ct_phantom",
        DatasetSettings(
            name="ct_phantom", volume=(32, 32, 16), train_images=375, validation_images=100, test="official"
        ),
        (2, 2, 1),
        TrainingSettings(epochs=12, batch_size=16),
    )


def lesions() -> Experiment:
    """Drawn CT scans of chests and small networks: the DNN knows which subdomains to believe, the vote does not.

    ``ddlab train lesions``: two minutes on two cores. ``transfer`` learns what ``coherent`` does not find from nothing.
    ``ddlab maps latest --score lesions`` says how often the maps point at a lesion.
    """
    return Experiment(
        name="lesions",
        dataset=DatasetSettings(
            name="ct_phantom", volume=(32, 32, 16), train_images=300, validation_images=80, test="official"
        ),
        decomposition=DecompositionSettings(grid=(2, 2, 1)),
        model=ModelSettings(name="cnn"),
        strategies=COMPARED_BY_KLAWONN,
        training=TrainingSettings(epochs=16, batch_size=16, learning_rate=2e-3, flip=True),
        aggregator=AggregatorSettings(epochs=20),
        transfer=TransferSettings(start=10, epochs=12),
        seeds=(0,),
    )


def adrenal() -> Experiment:
    """Real adrenal glands from CT scans, healthy or enlarged: judge by balanced accuracy.

    ``ddlab train adrenal``: all strategies with 3-D VGG9 on 2×2×2 subdomains, two minutes a seed. Three of four glands
    are healthy, so that plain accuracy flatters. Needs AdrenalMNIST3D in ``DDLAB_DATA``.

    Measured by balanced accuracy on test images (3 seeds, 4 min 34 s on two busy cores): ``global`` 0.650 ± 0.088,
    ``average`` 0.500 ± 0.000 ⚠ same answer for all (3 of 3 seeds),
    ``majority`` 0.500 ± 0.000 ⚠ same answer for all (3 of 3 seeds), ``cnn_dnn`` 0.573 ± 0.026,
    ``coherent`` 0.588 ± 0.060, ``transfer`` 0.563 ± 0.065 ⚠ same answer for all (1 of 3 seeds).
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
