"""Gu, Zhang, Liu and Cai's experiments with photographs of 224×224 px: more partitions, and class activation maps.

Nobody has run them here: the data are not at hand, and they are made for several GPUs. Food-101's epochs in the paper
are 300 steps of 128 images, half of its training images; ours are all of them, so that there are half as many, and
rates fall with the third epoch in a row without a better accuracy, which is the paper's sixth (its fifth lowers them).
The paper: images are turned, zoomed, flipped and shifted at random, it does not say how far; by 10° at most, and a
tenth, is our choice. Batch normalisation and first weights are Keras', as its counts of parameters are.

References
----------
Gu, Zhang, Liu, Cai, "Decomposition and composition of deep convolutional neural networks and training acceleration via
sub-network transfer learning", ETNA 56, 2022: Sections 3.1.2 and 3.1.3, Table 3.5.
"""

from typing import Any

from ddlab.experiment import DatasetSettings, DecompositionSettings, Experiment, ModelSettings, TrainingSettings
from ddlab.experiment.strategies import ComposedSettings
from ddlab.layouts import windows
from ddlab.recipes.gu import KERAS

SIDE = 224
MOVED: dict[str, Any] = {"flip": True, "shift": 0.1, "zoom": 0.1, "rotate": 10.0, "turns": "any"}
STRATEGIES = ("composed_untrained", "composed", "random")
FOUR = DecompositionSettings(grid=(2, 2), overlap=28)  # subimages of 140×140 px
EIGHT, SIXTEEN = (windows(name, (SIDE, SIDE)) for name in ("eight", "sixteen"))


def _food101(model: str, decomposition: DecompositionSettings, count: int) -> Experiment:
    """Local networks for 100 of the paper's epochs, the composed one for 100; the random start for 200."""
    return Experiment(
        name=f"gu_food101_{model}_{count}",
        dataset=DatasetSettings(name="folder", path="food-101", size=SIDE, test="validation"),
        decomposition=decomposition,
        model=ModelSettings(name=f"{model}_fc", reduction="1/N"),
        strategies=STRATEGIES,
        training=TrainingSettings(epochs=50, batch_size=128, rate_steps=((40, 1e-4),), **MOVED),
        composed=ComposedSettings(
            epochs=50,
            learning_rate=1e-3,
            rate_steps=((30, 1e-4), (40, 1e-5)),
            random_steps=((60, 1e-4), (90, 1e-5)),
        ),
    ).with_settings({**KERAS, "training.plateau_patience": 2})


def gu_food101_resnet50_4() -> Experiment:
    """Food-101 with ResNet50 in 4 partitions, as in Table 3.5 of Gu, Zhang, Liu and Cai.

    ``ddlab train gu_food101_resnet50_4``: made for GPUs, not run here. The paper: ``composed_untrained`` 0.4909,
    ``composed`` 0.7531, ``random`` 0.7572. Needs Food-101 as class folders in ``DDLAB_DATA/food-101``, below ``train``
    and ``test``.
    """
    return _food101("resnet50", FOUR, 4)


def gu_food101_resnet50_8() -> Experiment:
    """Food-101 with ResNet50 in 8 partitions, as in Table 3.5 of Gu, Zhang, Liu and Cai.

    ``ddlab train gu_food101_resnet50_8``: made for GPUs, not run here. The paper: ``composed_untrained`` 0.2559,
    ``composed`` 0.7508, ``random`` 0.7572. The data are those of ``gu_food101_resnet50_4``.
    """
    return _food101("resnet50", EIGHT, 8)


def gu_food101_resnet50_16() -> Experiment:
    """Food-101 with ResNet50 in 16 partitions, as in Table 3.5 of Gu, Zhang, Liu and Cai.

    ``ddlab train gu_food101_resnet50_16``: made for GPUs, not run here. The paper: ``composed_untrained`` 0.1365,
    ``composed`` 0.7434, ``random`` 0.7572. The data are those of ``gu_food101_resnet50_4``.
    """
    return _food101("resnet50", SIXTEEN, 16)


def gu_food101_resnet101_4() -> Experiment:
    """Food-101 with ResNet101 in 4 partitions, as in Table 3.5 of Gu, Zhang, Liu and Cai.

    ``ddlab train gu_food101_resnet101_4``: made for GPUs, not run here. The paper: ``composed_untrained`` 0.5469,
    ``composed`` 0.7539, ``random`` 0.7440. The data are those of ``gu_food101_resnet50_4``.
    """
    return _food101("resnet101", FOUR, 4)


def gu_food101_resnet101_8() -> Experiment:
    """Food-101 with ResNet101 in 8 partitions, as in Table 3.5 of Gu, Zhang, Liu and Cai.

    ``ddlab train gu_food101_resnet101_8``: made for GPUs, not run here. The paper: ``composed_untrained`` 0.2680,
    ``composed`` 0.7656, ``random`` 0.7440. The data are those of ``gu_food101_resnet50_4``.
    """
    return _food101("resnet101", EIGHT, 8)


def gu_food101_resnet101_16() -> Experiment:
    """Food-101 with ResNet101 in 16 partitions, as in Table 3.5 of Gu, Zhang, Liu and Cai.

    ``ddlab train gu_food101_resnet101_16``: made for GPUs, not run here. The paper: ``composed_untrained`` 0.1076,
    ``composed`` 0.7055, ``random`` 0.7440. The data are those of ``gu_food101_resnet50_4``.
    """
    return _food101("resnet101", SIXTEEN, 16)


def gu_dogs_cats_cnn11() -> Experiment:
    """Dogs and cats with the 11-layer network in 4 partitions, for the class activation maps of Fig. 3.8.

    ``ddlab train gu_dogs_cats_cnn11``: made for GPUs, not run here; the paper tells no accuracy, and epochs and rates
    are ours. Needs Dogs vs. Cats as class folders in ``DDLAB_DATA/dogs-vs-cats``.
    """
    return Experiment(
        name="gu_dogs_cats_cnn11",
        dataset=DatasetSettings(name="folder", path="dogs-vs-cats", size=SIDE, test="validation"),
        decomposition=FOUR,
        model=ModelSettings(name="cnn11", reduction="1/N"),
        strategies=STRATEGIES,
        training=TrainingSettings(epochs=30, batch_size=64, flip=True, shift=0.1),
        composed=ComposedSettings(epochs=20),
    )
