"""Composed networks other than convolutions of images: Gu, Zhang, Liu and Cai, Section 2.4, where the lab trains them.

Recurrent networks, auto-encoders and regression, which are no classifiers of one image, are in ``examples/``.
"""

from ddlab.experiment import DatasetSettings, DecompositionSettings, Experiment, ModelSettings, TrainingSettings
from ddlab.strategies.settings import ComposedSettings

STRATEGIES = ("global", "average", "majority", "cnn_dnn", "composed_untrained", "composed", "random")


def signals() -> Experiment:
    """Signals in time, cut into four segments: 1-D convolutions.

    ``ddlab train signals``: a wave lies in one segment, so three of four local networks see none.
    """
    return Experiment(
        name="signals",
        dataset=DatasetSettings(name="signals", train_images=2000, validation_images=500),
        decomposition=DecompositionSettings(grid=(4,)),
        model=ModelSettings(name="cnn", reduction="1/N"),
        strategies=STRATEGIES,
        training=TrainingSettings(epochs=6, batch_size=64, learning_rate=3e-3),
        composed=ComposedSettings(epochs=3),
    )


def dense() -> Experiment:
    """Digits without convolutions: fully connected networks of the quarters, composed.

    ``ddlab train dense``: half a minute on two cores.
    """
    return Experiment(
        name="dense",
        dataset=DatasetSettings(name="digits"),
        model=ModelSettings(name="mlp", reduction="1/N"),
        strategies=STRATEGIES,
        training=TrainingSettings(epochs=10, batch_size=64),
        composed=ComposedSettings(epochs=5),
    )
