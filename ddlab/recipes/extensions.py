"""Composed networks other than convolutions of images: Gu, Zhang, Liu and Cai, Section 2.4, where the lab trains them.

Recurrent networks, auto-encoders and regression, which are not classifiers of one image, are in ``examples/``.
"""

from ddlab.experiment import DatasetSettings, DecompositionSettings, Experiment, ModelSettings, TrainingSettings
from ddlab.experiment.strategies import ComposedSettings

STRATEGIES = ("global", "average", "majority", "cnn_dnn", "composed_untrained", "composed", "random")


def signals() -> Experiment:
    """Signals in time, cut into four segments: 1-D convolutions.

    ``ddlab train signals``: a wave lies in one segment, so three of four local networks see none.

    Measured on test images (3 seeds, 1 min 23 s on two busy cores): local networks 0.420 ± 0.006,
    ``global`` 1.000 ± 0.000, ``average`` 0.911 ± 0.032, ``majority`` 0.545 ± 0.013, ``cnn_dnn`` 0.932 ± 0.020,
    ``composed_untrained`` 0.896 ± 0.041, ``composed`` 0.995 ± 0.004, ``random`` 1.000 ± 0.000.
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

    Measured on test images (3 seeds, 1 min 25 s on two busy cores): local networks 0.803 ± 0.007,
    ``global`` 0.974 ± 0.007, ``average`` 0.951 ± 0.006, ``majority`` 0.936 ± 0.005, ``cnn_dnn`` 0.961 ± 0.003,
    ``composed_untrained`` 0.962 ± 0.004, ``composed`` 0.969 ± 0.000, ``random`` 0.972 ± 0.006.
    """
    return Experiment(
        name="dense",
        dataset=DatasetSettings(name="digits", test="official"),
        model=ModelSettings(name="mlp", reduction="1/N"),
        strategies=STRATEGIES,
        training=TrainingSettings(epochs=10, batch_size=64),
        composed=ComposedSettings(epochs=5),
    )
