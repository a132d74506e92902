"""Cruz Alegría, Trotti, Kopaničáková and Krause's experiments: training without a learning rate, against Adam.

Figures 1 and 2 have N = 2, 4 and 6 subdomains and both orders, ten seeds, and Adam at its best of 13 rates. Each recipe
is N = 2 of first order; the others are ``--set apts.subdomains=4``, ``--set trust_region.order=2``.

The published curves have no decomposition of the data: in the program that made them every rank trained on the same
whole minibatch, so that N is a factor on one local step. The recipes are these runs: ``apts.mode`` "released",
``apts.data`` "shared", a minibatch of 12,500 images (``apts.overlap_of`` "all"), images standardised by the mean and
deviation of their split (``training.subtract`` "set"). Their loss is the record's ``step_loss``: the mean over an
epoch's steps of the minibatch loss after the step. The same with the data split over the subdomains is ``--set
apts.data=split``; the method as the paper describes it, with our defaults, is ``--set apts.mode=paper --set
apts.data=split --set apts.overlap_of=next --set trust_region.order=2``.

References
----------
Cruz Alegría, Trotti, Kopaničáková, Krause, "Data-Parallel Neural Network Training via Nonlinearly Preconditioned
Trust-Region Method", Section 3.
"""

from ddlab.experiment import DatasetSettings, Experiment, ModelSettings, TrainingSettings
from ddlab.experiment.strategies import AptsSettings, DescentSettings, TrustRegionSettings
from ddlab.registry.strategies import COMPARED_BY_APTS

TRIALS = 10
MINIBATCH = 10_000


def trust_region_demo() -> Experiment:
    """Digits without a learning rate: APTS, SAPTS and the trust-region method beside SGD and Adam.

    ``ddlab train trust_region_demo``: a quarter of a minute on one core; ``apts`` makes one step an epoch.

    Measured on test images (3 seeds, 58 s on two busy cores): ``apts`` 0.950 ± 0.010, ``sapts`` 0.961 ± 0.000,
    ``trust_region`` 0.954 ± 0.007, ``sgd`` 0.951 ± 0.006, ``adam`` 0.957 ± 0.002.
    """
    return Experiment(
        name="trust_region_demo",
        dataset=DatasetSettings(name="digits", test="official"),
        model=ModelSettings(name="mlp", width=0.25),
        strategies=COMPARED_BY_APTS,
        training=TrainingSettings(epochs=8, batch_size=256),
    )


def _figure(name: str, dataset: str, model: str, batch_size: int, adam_rate: float) -> Experiment:
    """One curve of a figure beside Adam's; full batches are APTS's, minibatches SAPTS's."""
    return Experiment(
        name=name,
        dataset=DatasetSettings(name=dataset, test="validation"),  # as the papers do
        model=ModelSettings(name=model),
        strategies=("sapts" if batch_size == MINIBATCH else "apts", "adam"),
        training=TrainingSettings(epochs=100, batch_size=batch_size, keep="last", subtract="set"),
        trust_region=TrustRegionSettings(order=1),
        apts=AptsSettings(mode="released", data="shared", overlap_of="all"),
        descent=DescentSettings(adam_rate=adam_rate),
        seeds=tuple(range(TRIALS)),
    )


def apts_mnist_full() -> Experiment:
    """MNIST, all 60,000 digits in every step, N = 2: Fig. 1 of Cruz Alegría et al.

    ``ddlab train apts_mnist_full``: a step takes 8 passes over the data. The paper at 10 and 100 epochs: 87.05 % and
    97.05 %; Adam 85.76 % and 96.76 %. ``python -m benchmarks.published_apts`` compares the curves.
    Needs MNIST in ``DDLAB_DATA``.
    """
    return _figure("apts_mnist_full", "mnist", "mlp_sigmoid", 60_000, 2.5e-3)


def apts_mnist_mini() -> Experiment:
    """MNIST in minibatches of 10,000 digits and 500 of each of five minibatches, N = 2: Fig. 1.

    ``ddlab train apts_mnist_mini``: 10 passes over the data an epoch. The paper at 10 and 100 epochs: 96.57 % and
    98.24 %; Adam 94.68 % and 98.03 %. ``python -m benchmarks.published_apts`` compares the curves. Needs MNIST in
    ``DDLAB_DATA``.
    """
    return _figure("apts_mnist_mini", "mnist", "mlp_sigmoid", MINIBATCH, 2.5e-3)


def apts_cifar10_mini() -> Experiment:
    """CIFAR-10 in minibatches of 10,000 images and 500 of each of four minibatches, N = 2: Fig. 2.

    ``ddlab train apts_cifar10_mini``: 10 passes over the data an epoch. The paper at 10 and 100 epochs: 52.52 % and
    53.96 %; Adam 51.13 % and 53.78 %. ``python -m benchmarks.published_apts`` compares the curves. Needs CIFAR-10 in
    ``DDLAB_DATA``.
    """
    return _figure("apts_cifar10_mini", "cifar10", "mlp512", MINIBATCH, 1e-3)
