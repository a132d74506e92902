"""The classroom: drawn images and small digits, each recipe made to show one thing in a minute.

The last fifth of the training images chooses the best epoch, and images that have chosen nothing judge it.
"""

from ddlab.experiment import (
    AggregatorSettings,
    ComposedSettings,
    DatasetSettings,
    Experiment,
    ModelSettings,
    TrainingSettings,
    TransferSettings,
)
from ddlab.registry.strategies import COMPARED_BY_KLAWONN


def classroom() -> Experiment:
    """One object in one subdomain: most local networks see nothing.

    ``ddlab train classroom``: ``global`` above 0.9, ``cnn_dnn`` close to ``average``, ``majority`` far behind; three
    seeds, under a minute on two cores.

    Measured on test images (3 seeds, 47 s on two busy cores): ``global`` 1.000 ± 0.000, ``average`` 0.911 ± 0.020,
    ``majority`` 0.446 ± 0.010, ``cnn_dnn`` 0.987 ± 0.003.
    """
    return Experiment(
        name="classroom",
        dataset=DatasetSettings(name="shapes_local", train_images=2500, validation_images=500, test="official"),
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


def every_way() -> Experiment:
    """One object in one subdomain: all ways of making one decision from local networks.

    ``ddlab train every_way``: half a minute on two cores. The vote fails, the mean and the DNN do not; one model from
    the start learns slower than one from trained parts; the local networks composed to one network are as good as their
    mean at once, and close to the global network after two epochs.
    """
    return Experiment(
        name="every_way",
        dataset=classroom().dataset,
        model=ModelSettings(name="cnn", width=1.5, reduction="1/N"),
        strategies=(*COMPARED_BY_KLAWONN, "composed_untrained", "composed"),
        training=TrainingSettings(epochs=6, batch_size=64, learning_rate=3e-3),
        aggregator=AggregatorSettings(epochs=20),
        transfer=TransferSettings(start=3, epochs=6),
        composed=ComposedSettings(epochs=2, learning_rate=1e-3),
        seeds=(0,),
    )


def pairs() -> Experiment:
    """The class is a pair of objects: votes are worthless, probabilities are not.

    ``ddlab train pairs``: every strategy within 3 points of its Bayes bound (``ddlab.data.shapes``); half a
    minute on two cores.

    Measured on test images (3 seeds, 1 min 52 s on two busy cores): ``global`` 1.000 ± 0.000,
    ``average`` 0.996 ± 0.003, ``majority`` 0.629 ± 0.016, ``cnn_dnn`` 1.000 ± 0.000.
    """
    return Experiment(
        name="pairs",
        dataset=DatasetSettings(name="shapes_pairs", train_images=5000, validation_images=1000, test="official"),
        model=ModelSettings(name="cnn"),
        training=TrainingSettings(epochs=6, batch_size=64, learning_rate=2e-3),
    )


def relation() -> Experiment:
    """Same or different colour: the limit of the method, only networks that are trained as one can decide.

    ``ddlab train relation``: ``global``, ``coherent`` and ``transfer`` above 0.9, the others within 5 points of chance;
    a minute on two cores. ``transfer`` starts from local networks that have hardly learned anything: see ``memorised``.

    Measured on test images (3 seeds, 1 min 55 s on two busy cores): ``global`` 1.000 ± 0.000,
    ``average`` 0.501 ± 0.006, ``majority`` 0.502 ± 0.005, ``cnn_dnn`` 0.501 ± 0.005, ``coherent`` 1.000 ± 0.000,
    ``transfer`` 1.000 ± 0.000.
    """
    return Experiment(
        name="relation",
        dataset=DatasetSettings(name="shapes_relation", train_images=5000, validation_images=1000, test="official"),
        model=ModelSettings(name="cnn"),
        strategies=COMPARED_BY_KLAWONN,
        training=TrainingSettings(epochs=6, batch_size=64),
        transfer=TransferSettings(start=1, epochs=6),
    )


def memorised() -> Experiment:
    """Transfer fails: local networks that know their images by heart have nothing to pass on.

    ``ddlab train memorised``: the task of ``relation`` with half the images and the local networks of the 20th epoch;
    ``transfer`` stays at chance. What cures it: ``--set transfer.start=1``, measured in ``benchmarks.transfer_start``.
    """
    return Experiment(
        name="memorised",
        dataset=DatasetSettings(name="shapes_relation", train_images=2500, validation_images=1000, test="official"),
        model=ModelSettings(name="cnn"),
        strategies=("cnn_dnn", "coherent", "transfer"),
        training=TrainingSettings(epochs=20, batch_size=64, keep="last"),
        transfer=TransferSettings(epochs=10),
    )


def digits() -> Experiment:
    """Real handwritten digits, cut in four.

    ``ddlab train digits``: ``cnn_dnn`` and ``transfer`` close to ``global``, ``transfer`` above ``coherent``; two
    minutes on two cores.

    Measured on test images (3 seeds, 2 min 03 s on two busy cores): ``global`` 0.981 ± 0.006,
    ``average`` 0.955 ± 0.007, ``majority`` 0.942 ± 0.014, ``cnn_dnn`` 0.968 ± 0.006, ``coherent`` 0.951 ± 0.006,
    ``transfer`` 0.975 ± 0.007.
    """
    return Experiment(
        name="digits",
        dataset=DatasetSettings(name="digits", test="official"),
        model=ModelSettings(name="cnn"),
        strategies=COMPARED_BY_KLAWONN,
        training=TrainingSettings(epochs=15, batch_size=64, learning_rate=2e-3),
        transfer=TransferSettings(epochs=50),
    )
