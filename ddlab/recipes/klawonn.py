"""Every cell of Klawonn, Lanser and Weber's Tables 1 and 2, at the paper's settings, and what fits small machines.

All strategies; 150 epochs, 50 more for ``transfer``; Adam with a rate of 1e-3, halved after 20 epochs without progress
(the schema's defaults). What the paper leaves open (channels, batches, DNN) is ours, and so is the warm-up of the rate
over 50 steps, without which our VGGs lose most units of their hidden layer on large images. The accuracies in the
docstrings are the paper's on validation images, from Table 2 or, of ``average`` and ``majority``, Table 1.

References
----------
Klawonn, Lanser, Weber, "Model Parallel Training and Transfer Learning for Convolutional Neural Networks via Domain
Decomposition", Tables 1 and 2.
"""

from typing import Any

from ddlab.experiment import (
    DatasetSettings,
    DecompositionSettings,
    Experiment,
    ModelSettings,
    TrainingSettings,
    TransferSettings,
)
from ddlab.registry.strategies import COMPARED_BY_KLAWONN

BATCHES = {"cifar10": 128, "flowers": 32, "mosmed": 4}  # ours; 32 is that of TensorFlow's flowers tutorial


def _cell(name: str, dataset: str, model: str, grid: tuple[int, ...]) -> Experiment:
    return Experiment(
        name=name,
        dataset=DatasetSettings(name=dataset, test="validation"),  # as the papers do
        decomposition=DecompositionSettings(grid=grid),
        model=ModelSettings(name=model),
        strategies=COMPARED_BY_KLAWONN,
        training=TrainingSettings(epochs=150, batch_size=BATCHES[dataset], plateau_patience=20),
        transfer=TransferSettings(epochs=50),
    )


def small(experiment: Experiment, changes: dict[str, Any]) -> Experiment:
    """A variant that fits a small machine, named ``<name>_small``; ``changes`` by dotted paths."""
    return experiment.with_settings({"name": f"{experiment.name}_small", **changes})


def _budget(epochs: int) -> dict[str, Any]:
    """Half the channels, three seeds, and so many epochs for every strategy; the last two of transfer as one model."""
    settings = {"model.width": 0.5, "training.epochs": epochs, "aggregator.epochs": epochs, "seeds": [0, 1, 2]}
    return settings | {"transfer.start": epochs - 2, "transfer.epochs": 2}


FEWER_IMAGES = {"dataset.train_images": 10_000, "dataset.validation_images": 2_000, "training.batch_size": 64}
MIDDLE_SIZE = {"dataset.size": 96}  # pixels a side in place of 180
FEW_VOXELS = {"dataset.volume": [32, 32, 16], "model.width": 0.25}  # along each axis a quarter, as of the channels
WITHOUT_GLOBAL = {"strategies": [name for name in COMPARED_BY_KLAWONN if name != "global"]}


# ---- CIFAR-10


def klawonn_cifar10_vgg9() -> Experiment:
    """CIFAR-10 with VGG9 on a 2×2 grid, as in Tables 1 and 2 of Klawonn, Lanser and Weber.

    ``ddlab train klawonn_cifar10_vgg9``: made for GPUs. The paper: ``global`` 0.7585, ``average`` 0.6745, ``majority``
    0.6237, ``cnn_dnn`` 0.7999 (in Table 1 0.7669), ``coherent`` 0.7515, ``transfer`` 0.8462. Needs CIFAR-10 in
    ``DDLAB_DATA``.
    """
    return _cell("klawonn_cifar10_vgg9", "cifar10", "vgg9", (2, 2))


def klawonn_cifar10_vgg9_small() -> Experiment:
    """CIFAR-10 with VGG9 on a 2×2 grid, at a budget for two cores.

    ``ddlab train klawonn_cifar10_vgg9_small``: a fifth of the images, half our channels, 8 epochs for every strategy
    (``transfer``: 6 and 2), three seeds. Needs CIFAR-10 in ``DDLAB_DATA``.

    Measured (3 seeds, 8 min 52 s on two cores, image files in class folders): ``global`` 0.563 ± 0.019,
    ``average`` 0.506 ± 0.006, ``majority`` 0.472 ± 0.003, ``cnn_dnn`` 0.525 ± 0.006, ``coherent`` 0.443 ± 0.019,
    ``transfer`` 0.456 ± 0.002.
    """
    return small(klawonn_cifar10_vgg9(), _budget(8) | FEWER_IMAGES)


def klawonn_cifar10_resnet20() -> Experiment:
    """CIFAR-10 with ResNet20 on a 2×2 grid, as in Table 2 of Klawonn, Lanser and Weber.

    ``ddlab train klawonn_cifar10_resnet20``: made for GPUs. The paper: ``global`` 0.8622, ``cnn_dnn`` 0.8784,
    ``coherent`` 0.8998, ``transfer`` 0.9117. Needs CIFAR-10 in ``DDLAB_DATA``.
    """
    return _cell("klawonn_cifar10_resnet20", "cifar10", "resnet20", (2, 2))


def klawonn_cifar10_resnet20_small() -> Experiment:
    """CIFAR-10 with ResNet20 on a 2×2 grid, at a budget for two cores.

    ``ddlab train klawonn_cifar10_resnet20_small``: a fifth of the images, half the channels, 6 epochs for every
    strategy (``transfer``: 4 and 2), three seeds. Needs CIFAR-10 in ``DDLAB_DATA``.

    Measured (3 seeds, 7 min 49 s on two busy cores, image files in class folders): ``global`` 0.512 ± 0.021,
    ``average`` 0.434 ± 0.012, ``majority`` 0.389 ± 0.007, ``cnn_dnn`` 0.460 ± 0.013, ``coherent`` 0.409 ± 0.018,
    ``transfer`` 0.405 ± 0.010.
    """
    return small(klawonn_cifar10_resnet20(), _budget(6) | FEWER_IMAGES)


# ---- TF-Flowers, 180×180 px


def klawonn_flowers_vgg9_2x2() -> Experiment:
    """TF-Flowers with VGG9 on a 2×2 grid, as in Tables 1 and 2 of Klawonn, Lanser and Weber.

    ``ddlab train klawonn_flowers_vgg9_2x2``: made for GPUs. The paper: ``global`` 0.7887, ``average`` 0.6162,
    ``majority`` 0.5974, ``cnn_dnn`` 0.8154 (in Table 1 0.6938), ``coherent`` 0.7808, ``transfer`` 0.8378. Needs
    TF-Flowers in ``DDLAB_DATA``.
    """
    return _cell("klawonn_flowers_vgg9_2x2", "flowers", "vgg9", (2, 2))


def klawonn_flowers_vgg9_2x2_small() -> Experiment:
    """TF-Flowers of 96×96 px with VGG9 on a 2×2 grid, at a budget for two cores.

    ``ddlab train klawonn_flowers_vgg9_2x2_small``: half our channels, 6 epochs for every strategy (``transfer``: 4 and
    2), three seeds. Needs TF-Flowers in ``DDLAB_DATA``.

    Measured (3 seeds, 11 min 11 s on two cores): ``global`` 0.665 ± 0.055, ``average`` 0.653 ± 0.022,
    ``majority`` 0.634 ± 0.023, ``cnn_dnn`` 0.650 ± 0.016, ``coherent`` 0.616 ± 0.029, ``transfer`` 0.596 ± 0.008.
    """
    return small(klawonn_flowers_vgg9_2x2(), _budget(6) | MIDDLE_SIZE)


def klawonn_flowers_vgg9_4x4() -> Experiment:
    """TF-Flowers with VGG9 on a 4×4 grid, as in Tables 1 and 2 of Klawonn, Lanser and Weber.

    ``ddlab train klawonn_flowers_vgg9_4x4``: made for GPUs. The paper: ``global`` 0.7887, ``average`` 0.7565,
    ``majority`` 0.7022, ``cnn_dnn`` 0.8589 (in Table 1 0.8471), ``coherent`` 0.7676, ``transfer`` 0.8608. Needs
    TF-Flowers in ``DDLAB_DATA``.
    """
    return _cell("klawonn_flowers_vgg9_4x4", "flowers", "vgg9", (4, 4))


def klawonn_flowers_vgg9_4x4_small() -> Experiment:
    """TF-Flowers of 96×96 px with VGG9 on a 4×4 grid, at a budget for two cores.

    ``ddlab train klawonn_flowers_vgg9_4x4_small``: as on the 2×2 grid, but for ``global``, which does not depend on the
    grid. Needs TF-Flowers in ``DDLAB_DATA``.

    Measured (3 seeds, 5 min 03 s on two busy cores): ``average`` 0.583 ± 0.006, ``majority`` 0.538 ± 0.013,
    ``cnn_dnn`` 0.610 ± 0.021, ``coherent`` 0.586 ± 0.023, ``transfer`` 0.596 ± 0.005.
    """
    return small(klawonn_flowers_vgg9_4x4(), _budget(6) | MIDDLE_SIZE | WITHOUT_GLOBAL)


def klawonn_flowers_resnet20_2x2() -> Experiment:
    """TF-Flowers with ResNet20 on a 2×2 grid, as in Table 2 of Klawonn, Lanser and Weber.

    ``ddlab train klawonn_flowers_resnet20_2x2``: made for GPUs. The paper: ``global`` 0.8227, ``cnn_dnn`` 0.8475,
    ``coherent`` 0.8776, ``transfer`` 0.8997. Needs TF-Flowers in ``DDLAB_DATA``.
    """
    return _cell("klawonn_flowers_resnet20_2x2", "flowers", "resnet20", (2, 2))


def klawonn_flowers_resnet20_2x2_small() -> Experiment:
    """TF-Flowers of 96×96 px with ResNet20 on a 2×2 grid, at a budget for two cores.

    ``ddlab train klawonn_flowers_resnet20_2x2_small``: half the channels, 6 epochs for every strategy (``transfer``: 4
    and 2), three seeds. Needs TF-Flowers in ``DDLAB_DATA``.
    """
    return small(klawonn_flowers_resnet20_2x2(), _budget(6) | MIDDLE_SIZE)


def klawonn_flowers_resnet20_4x4() -> Experiment:
    """TF-Flowers with ResNet20 on a 4×4 grid, as in Table 2 of Klawonn, Lanser and Weber.

    ``ddlab train klawonn_flowers_resnet20_4x4``: made for GPUs. The paper: ``global`` 0.8227, ``cnn_dnn`` 0.8068,
    ``coherent`` 0.8406, ``transfer`` 0.8654. Needs TF-Flowers in ``DDLAB_DATA``.
    """
    return _cell("klawonn_flowers_resnet20_4x4", "flowers", "resnet20", (4, 4))


def klawonn_flowers_resnet20_4x4_small() -> Experiment:
    """TF-Flowers of 96×96 px with ResNet20 on a 4×4 grid, at a budget for two cores.

    ``ddlab train klawonn_flowers_resnet20_4x4_small``: as on the 2×2 grid, but for ``global``, which does not depend on
    the grid. Needs TF-Flowers in ``DDLAB_DATA``.
    """
    return small(klawonn_flowers_resnet20_4x4(), _budget(6) | MIDDLE_SIZE | WITHOUT_GLOBAL)


# ---- chest CT scans, 128×128×64 voxels


def klawonn_ct_vgg9_2x2x1() -> Experiment:
    """Chest CT scans with 3-D VGG9 on a 2×2×1 grid, as in Tables 1 and 2 of Klawonn, Lanser and Weber.

    ``ddlab train klawonn_ct_vgg9_2x2x1``: made for GPUs. The paper: ``global`` 0.7667, ``average`` 0.8038, ``majority``
    0.7761, ``cnn_dnn`` 0.9143, ``coherent`` 0.8889, ``transfer`` 0.9304. Needs MosMedData in ``DDLAB_DATA``.
    """
    return _cell("klawonn_ct_vgg9_2x2x1", "mosmed", "vgg9", (2, 2, 1))


def klawonn_ct_vgg9_2x2x1_small() -> Experiment:
    """Chest CT scans of 32×32×16 voxels with 3-D VGG9 on a 2×2×1 grid, at a budget for two cores.

    ``ddlab train klawonn_ct_vgg9_2x2x1_small``: a quarter of our channels, 12 epochs for every strategy (``transfer``:
    10 and 2), three seeds; ``ct_phantom`` is the same on drawn scans. Needs MosMedData in ``DDLAB_DATA``.
    """
    return small(klawonn_ct_vgg9_2x2x1(), _budget(12) | FEW_VOXELS)


def klawonn_ct_vgg9_4x4x2() -> Experiment:
    """Chest CT scans with 3-D VGG9 on a 4×4×2 grid, as in Tables 1 and 2 of Klawonn, Lanser and Weber.

    ``ddlab train klawonn_ct_vgg9_4x4x2``: made for GPUs. The paper: ``global`` 0.7667, ``average`` 0.8024, ``majority``
    0.7453, ``cnn_dnn`` 0.8988, ``coherent`` 0.8774, ``transfer`` 0.9025. Needs MosMedData in ``DDLAB_DATA``.
    """
    return _cell("klawonn_ct_vgg9_4x4x2", "mosmed", "vgg9", (4, 4, 2))


def klawonn_ct_vgg9_4x4x2_small() -> Experiment:
    """Chest CT scans of 32×32×16 voxels with 3-D VGG9 on a 4×4×2 grid, at a budget for two cores.

    ``ddlab train klawonn_ct_vgg9_4x4x2_small``: as on the 2×2×1 grid, but for ``global``, which does not depend on the
    grid. Needs MosMedData in ``DDLAB_DATA``.
    """
    return small(klawonn_ct_vgg9_4x4x2(), _budget(12) | FEW_VOXELS | WITHOUT_GLOBAL)
