"""Named experiments: the classroom's and the papers'. A recipe is a function whose docstring says what to expect."""

from collections.abc import Callable

from ddlab.experiment import (
    AggregatorSettings,
    DatasetSettings,
    Experiment,
    ModelSettings,
    TrainingSettings,
)

__all__ = ["RECIPES", "title"]


def classroom() -> Experiment:
    """One object in one subdomain: most local networks see nothing.

    ``ddlab train classroom``: ``global`` above 0.9, ``cnn_dnn`` close to ``average``, ``majority`` far behind; three
    seeds, under a minute on two cores.
    """
    return Experiment(
        name="classroom",
        dataset=DatasetSettings(name="shapes_local", train_images=2000, validation_images=500),
        model=ModelSettings(name="cnn"),
        training=TrainingSettings(epochs=6, batch_size=64, learning_rate=3e-3),
        aggregator=AggregatorSettings(epochs=20, early_stopping=5),
        seeds=(0, 1, 2),
    )


def demo() -> Experiment:
    """The classroom's experiment with one seed.

    ``ddlab train demo``: accuracies as in ``classroom``; 20 seconds on two cores.
    """
    return classroom().model_copy(update={"name": "demo", "seeds": (0,)})


def pairs() -> Experiment:
    """The class is a pair of objects: votes are worthless, probabilities are not.

    ``ddlab train pairs``: every strategy within 3 points of its Bayes bound (``ddlab.data.shapes``); half a
    minute on two cores.
    """
    return Experiment(
        name="pairs",
        dataset=DatasetSettings(name="shapes_pairs", train_images=4000, validation_images=1000),
        model=ModelSettings(name="cnn"),
        training=TrainingSettings(epochs=6, batch_size=64, learning_rate=2e-3),
    )


def relation() -> Experiment:
    """Same or different colour: the limit of the method, only a network trained as one can decide.

    ``ddlab train relation``: ``global`` above 0.9, the others within 5 points of chance; half a minute on two
    cores.
    """
    return Experiment(
        name="relation",
        dataset=DatasetSettings(name="shapes_relation", train_images=4000, validation_images=1000),
        model=ModelSettings(name="cnn"),
        training=TrainingSettings(epochs=5, batch_size=64),
    )


def digits() -> Experiment:
    """Real handwritten digits, cut in four.

    ``ddlab train digits``: ``global`` 0.97, ``cnn_dnn`` 0.95 or better; half a minute on two cores.
    """
    return Experiment(
        name="digits",
        dataset=DatasetSettings(name="digits"),
        model=ModelSettings(name="cnn"),
        training=TrainingSettings(epochs=15, batch_size=64, learning_rate=2e-3),
    )


def klawonn_cifar10_vgg9() -> Experiment:
    """CIFAR-10 with VGG9 on a 2×2 grid, as in Table 1 of Klawonn, Lanser and Weber.

    ``ddlab train klawonn_cifar10_vgg9``: the paper's order ``majority`` < ``average`` < ``cnn_dnn``, measured 0.592,
    0.622 and 0.642 with images re-coded as JPEG; at most 15 minutes on two cores, so with half the channels and fewer
    epochs than the paper. Needs the CIFAR-10 files in ``DDLAB_DATA``.
    """
    return Experiment(
        name="klawonn_cifar10_vgg9",
        dataset=DatasetSettings(name="cifar10"),
        model=ModelSettings(name="vgg9", width=0.5),
        training=TrainingSettings(epochs=7, batch_size=128, flip=True),
    )


RECIPES: dict[str, Callable[[], Experiment]] = {
    "classroom": classroom,
    "demo": demo,
    "pairs": pairs,
    "relation": relation,
    "digits": digits,
    "klawonn_cifar10_vgg9": klawonn_cifar10_vgg9,
}


def title(name: str) -> str:
    """The first line of what a recipe says of itself."""
    return (RECIPES[name].__doc__ or "").partition("\n")[0]
