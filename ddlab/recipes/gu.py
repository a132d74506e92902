"""Gu, Zhang, Liu and Cai's experiments, at the paper's settings, and what fits small machines.

Their training is that of Keras' example for CIFAR-10: Adam in batches of 32, flips and shifts by a tenth, pixels of
0 to 1 less the mean image, an L2 penalty of 10⁻⁴ on the kernels (its gradient is 2·10⁻⁴ of them), Keras' constants of
batch normalisation (momentum 0.99, ε 10⁻³) and first weights, rates that fall by plan and, divided by √10, with every
fifth epoch in a row without a better accuracy, to 5·10⁻⁷ at least. In Keras' example the plan sets the rate anew every
epoch, so that nothing of the plateau rule lasts; the paper describes a rule that divides, and so ours does.
``training.plateau="without plan"`` is the other reading.

References
----------
Gu, Zhang, Liu, Cai, "Decomposition and composition of deep convolutional neural networks and training acceleration via
sub-network transfer learning", ETNA 56, 2022: Section 3.1.
"""

from typing import Any

from ddlab.experiment import DatasetSettings, DecompositionSettings, Experiment, ModelSettings, TrainingSettings
from ddlab.experiment.strategies import ComposedSettings
from ddlab.registry.strategies import COMPARED_BY_GU

TWICE_L2 = 2e-4
OVERLAP = 4  # pixels: subimages of 20×20
KERAS: dict[str, Any] = {
    "model.constants": "keras",
    "training.monitor": "accuracy",
    "training.warm_up": 0,
    "training.plateau": "with plan",
    "training.plateau_factor": 10**-0.5,
    "training.plateau_patience": 4,  # the fifth epoch without progress lowers the rate
    "training.plateau_least": 5e-7,
}


def theorem() -> Experiment:
    """Digits, with networks that meet every premise of the theorems: valid padding, disjoint subimages, exact heads.

    ``ddlab train theorem``, then ``ddlab verify latest --float64``: the composed network repeats its local networks to
    rounding. Half a minute a seed. ``random`` is given as many epochs, ``random_work`` as much work.

    Measured on test images (3 seeds, 47 s on two busy cores): local networks 0.573 ± 0.013, ``average`` 0.870 ± 0.052,
    ``composed_untrained`` 0.925 ± 0.035, ``composed`` 0.953 ± 0.013, ``random`` 0.992 ± 0.003,
    ``random_work`` 0.932 ± 0.003.
    """
    return Experiment(
        name="theorem",
        dataset=DatasetSettings(name="digits", size=48, train_images=750, validation_images=200, test="official"),
        model=ModelSettings(name="cnn", reduction="1/N", padding="valid"),
        strategies=("average", *COMPARED_BY_GU),
        training=TrainingSettings(epochs=6, batch_size=32, learning_rate=3e-3),
        composed=ComposedSettings(epochs=2),
        seeds=(0, 1, 2),
    )


def composed() -> Experiment:
    """One object in one subdomain: local networks are composed, look at the whole image, and learn on.

    ``ddlab train composed``: a minute on two cores. ``random`` is given as many epochs, ``random_work`` as much work.

    Measured on test images (3 seeds, 2 min 16 s on two busy cores): local networks 0.531 ± 0.004,
    ``average`` 0.901 ± 0.010, ``composed_untrained`` 0.943 ± 0.023, ``composed`` 0.993 ± 0.006,
    ``random`` 1.000 ± 0.000, ``random_work`` 0.881 ± 0.170.
    """
    return Experiment(
        name="composed",
        dataset=DatasetSettings(name="shapes_local", train_images=2500, validation_images=500, test="official"),
        model=ModelSettings(name="cnn", width=2.0, reduction="1/N"),
        strategies=("average", *COMPARED_BY_GU),
        training=TrainingSettings(epochs=6, batch_size=64, learning_rate=2e-3),
        composed=ComposedSettings(epochs=2, learning_rate=1e-3),
    )


def table_3_3(dataset: str, model: str, overlap: int) -> Experiment:
    """A column of Table 3.3: what :func:`planned` makes, with all else that the paper's training has."""
    return planned(dataset, model, overlap).with_settings(KERAS)


def planned(dataset: str, model: str, overlap: int) -> Experiment:
    """Local networks for 120 epochs, the composed one for 80; the random start for 200, at the same last rates."""
    return Experiment(
        name=f"gu_{dataset}_{model}" + ("_overlap" if overlap else ""),
        dataset=DatasetSettings(name=dataset, test="validation"),  # as the papers do
        decomposition=DecompositionSettings(grid=(2, 2), overlap=overlap),
        model=ModelSettings(name=model, reduction="1/N"),
        strategies=COMPARED_BY_GU,
        training=TrainingSettings(
            epochs=120,
            batch_size=32,
            rate_steps=((60, 1e-4), (80, 1e-5), (100, 1e-6)),
            weight_decay=TWICE_L2,
            decayed="convolutions",
            subtract="image",
            flip=True,
            shift=0.1,
        ),
        composed=ComposedSettings(
            epochs=80,
            learning_rate=1e-4,
            rate_steps=((20, 1e-5), (40, 1e-6), (60, 5e-7)),
            random_steps=((80, 1e-4), (140, 1e-5), (160, 1e-6), (180, 5e-7)),
        ),
    )


def gu_cifar10_resnet32() -> Experiment:
    """CIFAR-10 with ResNet32 on 2×2 subimages of 16×16 px, as in Table 3.3 of Gu, Zhang, Liu and Cai.

    ``ddlab train gu_cifar10_resnet32``: made for GPUs. The paper: local networks 0.6818 to 0.6892,
    ``composed_untrained`` 0.8111, ``composed`` 0.9424, ``random`` 0.9326. Needs CIFAR-10 in ``DDLAB_DATA``.
    """
    return table_3_3("cifar10", "resnet32", overlap=0)


def gu_cifar10_resnet32_overlap() -> Experiment:
    """CIFAR-10 with ResNet32 on 2×2 subimages of 20×20 px, as in Table 3.3 of Gu, Zhang, Liu and Cai.

    ``ddlab train gu_cifar10_resnet32_overlap``: made for GPUs. The paper: local networks 0.7897 to 0.8063,
    ``composed_untrained`` 0.8833, ``composed`` 0.9440, ``random`` 0.9326. Needs CIFAR-10 in ``DDLAB_DATA``.
    """
    return table_3_3("cifar10", "resnet32", overlap=OVERLAP)


def gu_cifar10_resnet56() -> Experiment:
    """CIFAR-10 with ResNet56 on 2×2 subimages of 16×16 px, as in Table 3.3 of Gu, Zhang, Liu and Cai.

    ``ddlab train gu_cifar10_resnet56``: made for GPUs. The paper: local networks 0.6818 to 0.6927,
    ``composed_untrained`` 0.8065, ``composed`` 0.9408, ``random`` 0.9312. Needs CIFAR-10 in ``DDLAB_DATA``.
    """
    return table_3_3("cifar10", "resnet56", overlap=0)


def gu_cifar10_resnet56_overlap() -> Experiment:
    """CIFAR-10 with ResNet56 on 2×2 subimages of 20×20 px, as in Table 3.3 of Gu, Zhang, Liu and Cai.

    ``ddlab train gu_cifar10_resnet56_overlap``: made for GPUs. The paper: local networks 0.7952 to 0.8108,
    ``composed_untrained`` 0.8828, ``composed`` 0.9476, ``random`` 0.9312. Needs CIFAR-10 in ``DDLAB_DATA``.
    """
    return table_3_3("cifar10", "resnet56", overlap=OVERLAP)


def gu_cifar10_resnet110() -> Experiment:
    """CIFAR-10 with ResNet110 on 2×2 subimages of 16×16 px, as in Table 3.3 of Gu, Zhang, Liu and Cai.

    ``ddlab train gu_cifar10_resnet110``: made for GPUs. The paper: local networks 0.6792 to 0.6908,
    ``composed_untrained`` 0.8054, ``composed`` 0.9427, ``random`` 0.9237. Needs CIFAR-10 in ``DDLAB_DATA``.
    """
    return table_3_3("cifar10", "resnet110", overlap=0)


def gu_cifar10_resnet110_overlap() -> Experiment:
    """CIFAR-10 with ResNet110 on 2×2 subimages of 20×20 px, as in Table 3.3 of Gu, Zhang, Liu and Cai.

    ``ddlab train gu_cifar10_resnet110_overlap``: made for GPUs. The paper: local networks 0.7981 to 0.8153,
    ``composed_untrained`` 0.8787, ``composed`` 0.9444, ``random`` 0.9237. Needs CIFAR-10 in ``DDLAB_DATA``.
    """
    return table_3_3("cifar10", "resnet110", overlap=OVERLAP)


def _small(experiment: Experiment, **changes: Any) -> Experiment:
    """A narrow ResNet20 (16, 32, 64 channels), a fifth of CIFAR-10, 12 epochs, then 6; three seeds."""
    settings = {
        "model.name": "resnet20",
        "dataset.train_images": 10_000,
        "dataset.validation_images": 2_000,
        "training.epochs": 12,
        "training.batch_size": 64,
        "training.rate_steps": [],
        "composed.epochs": 6,
        "composed.learning_rate": 3e-4,
        "composed.rate_steps": [],
        "composed.random_steps": [],
        "seeds": [0, 1, 2],
    }
    return experiment.with_settings({"name": f"{experiment.name}_small", **settings, **changes})


def gu_cifar10_resnet20_small() -> Experiment:
    """CIFAR-10 with a narrow ResNet20 on 2×2 subimages without overlap, at a budget for two cores.

    ``ddlab train gu_cifar10_resnet20_small``: 10,000 images, 12 epochs of local networks, 6 of the composed one. Needs
    CIFAR-10 in ``DDLAB_DATA``.

    Measured (3 seeds, 1 h 35 min on two busy cores, image files in class folders): local networks 0.360 ± 0.004,
    ``composed_untrained`` 0.396 ± 0.010, ``composed`` 0.624 ± 0.012, ``random`` 0.707 ± 0.004,
    ``random_work`` 0.640 ± 0.012.
    """
    return _small(planned("cifar10", "resnet20", overlap=0))


def gu_cifar10_resnet20_overlap_small() -> Experiment:
    """CIFAR-10 with a narrow ResNet20 on 2×2 subimages of 20×20 px, at a budget for two cores.

    ``ddlab train gu_cifar10_resnet20_overlap_small``: as without overlap; the random starts are the same. Needs
    CIFAR-10 in ``DDLAB_DATA``.

    Measured (3 seeds, 1 h 03 min on two busy cores, image files in class folders): local networks 0.416 ± 0.007,
    ``composed_untrained`` 0.438 ± 0.010, ``composed`` 0.644 ± 0.015.
    """
    return _small(planned("cifar10", "resnet20", overlap=OVERLAP), strategies=["composed_untrained", "composed"])
