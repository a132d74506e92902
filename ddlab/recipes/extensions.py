"""Composed networks other than convolutions of images: Gu, Zhang, Liu and Cai, Section 2.4, where the lab trains them.

Recurrent networks, auto-encoders and regression, which are no classifiers of one image, are in ``examples/``.
"""

from ddlab.experiment import DatasetSettings, DecompositionSettings, Experiment, ModelSettings, TrainingSettings
from ddlab.strategies.settings import ComposedSettings

STRATEGIES = ("global", "average", "majority", "cnn_dnn", "composed_untrained", "composed", "random")


def signals() -> Experiment:
    """Signals in time, cut into four segments: 1-D convolutions.

    ``ddlab train signals``: a wave lies in one segment, so three of four local networks see none.

    Measured before the third split (3 seeds, 3 min 10 s on two busy cores): local networks 0.408 ± 0.012,
    ``global`` 0.999 ± 0.001, ``average`` 0.884 ± 0.041, ``majority`` 0.546 ± 0.012, ``cnn_dnn`` 0.913 ± 0.030,
    ``composed_untrained`` 0.867 ± 0.043, ``composed`` 0.989 ± 0.008, ``random`` 1.000 ± 0.000.
    """
    return Experiment(
        name="signals",
        dataset=DatasetSettings(name="signals", train_images=2500, validation_images=500, test="official"),
        decomposition=DecompositionSettings(grid=(4,)),
        model=ModelSettings(name="cnn", reduction="1/N"),
        strategies=STRATEGIES,
        training=TrainingSettings(epochs=6, batch_size=64, learning_rate=3e-3),
        composed=ComposedSettings(epochs=3),
    )


def dense() -> Experiment:
    """Digits without convolutions: fully connected networks of the quarters, composed.

    ``ddlab train dense``: half a minute on two cores.

    Measured before the third split (3 seeds, 3 min 21 s on two busy cores): local networks 0.825 ± 0.007,
    ``global`` 0.974 ± 0.003, ``average`` 0.955 ± 0.002, ``majority`` 0.941 ± 0.012, ``cnn_dnn`` 0.966 ± 0.004,
    ``composed_untrained`` 0.964 ± 0.000, ``composed`` 0.974 ± 0.003, ``random`` 0.982 ± 0.003.
    """
    return Experiment(
        name="dense",
        dataset=DatasetSettings(name="digits", test="official"),
        model=ModelSettings(name="mlp", reduction="1/N"),
        strategies=STRATEGIES,
        training=TrainingSettings(epochs=10, batch_size=64),
        composed=ComposedSettings(epochs=5),
    )
