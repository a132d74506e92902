"""Cruz Alegría, Trotti, Kopaničáková and Krause's experiments: training without a learning rate, against Adam.

Figures 1 and 2 have N = 2, 4 and 6 subdomains and both orders, ten seeds, and Adam at its best of 13 rates. Each recipe
is N = 2 of first order; the others are ``--set apts.subdomains=4``, ``--set trust_region.order=2``. They are made with
``apts.mode`` "released"; the method as the paper describes it, with our defaults, is ``--set apts.mode=paper`` with
``--set trust_region.order=2``.

What differs: their CIFAR-10 images are less the mean of all channels, divided by one deviation; ours a channel each.

References
----------
Cruz Alegría, Trotti, Kopaničáková, Krause, "Data-Parallel Neural Network Training via Nonlinearly Preconditioned
Trust-Region Method", Section 3.
"""

from ddlab.experiment import DatasetSettings, Experiment, ModelSettings, TrainingSettings
from ddlab.strategies import COMPARED_BY_APTS
from ddlab.strategies.settings import AptsSettings, DescentSettings, TrustRegionSettings

TRIALS = tuple(range(10))
MINIBATCH = 10_000


def trust_region_demo() -> Experiment:
    """Digits without a learning rate: APTS, SAPTS and the trust-region method beside SGD and Adam.

    ``ddlab train trust_region_demo``: half a minute on one core. One seed, 8 epochs of 1,438 images: see the page
    Trust region.
    """
    return Experiment(
        name="trust_region_demo",
        dataset=DatasetSettings(name="digits"),
        model=ModelSettings(name="mlp", width=0.25),
        strategies=COMPARED_BY_APTS,
        training=TrainingSettings(epochs=8, batch_size=256),
    )


def apts_mnist_full() -> Experiment:
    """MNIST, all 60,000 digits in every step: the left column of Fig. 1.

    ``ddlab train apts_mnist_full``: a step takes 8 passes over the data. The paper, N = 2, first order, at 10 and 100
    epochs: 87.05 % and 97.05 %; Adam 85.76 % and 96.76 %. Needs MNIST in ``DDLAB_DATA``.
    """
    return Experiment(
        name="apts_mnist_full",
        dataset=DatasetSettings(name="mnist"),
        model=ModelSettings(name="mlp_sigmoid"),
        strategies=("apts", "adam"),
        training=TrainingSettings(epochs=100, batch_size=60_000, keep="last"),
        trust_region=TrustRegionSettings(order=1),
        apts=AptsSettings(mode="released"),
        descent=DescentSettings(adam_rate=2.5e-3),
        seeds=TRIALS,
    )


def apts_mnist_mini() -> Experiment:
    """MNIST in minibatches of 10,000 digits, a twentieth of which the next one shares: Fig. 1.

    ``ddlab train apts_mnist_mini``: 8 passes over the data an epoch. The paper, N = 2, first order, at 10 and 100
    epochs: 96.57 % and 98.24 %; Adam 94.68 % and 98.03 %. Needs MNIST in ``DDLAB_DATA``.
    """
    return Experiment(
        name="apts_mnist_mini",
        dataset=DatasetSettings(name="mnist"),
        model=ModelSettings(name="mlp_sigmoid"),
        strategies=("sapts", "adam"),
        training=TrainingSettings(epochs=100, batch_size=MINIBATCH, keep="last"),
        trust_region=TrustRegionSettings(order=1),
        apts=AptsSettings(mode="released"),
        descent=DescentSettings(adam_rate=2.5e-3),
        seeds=TRIALS,
    )


def apts_cifar10_mini() -> Experiment:
    """CIFAR-10 in minibatches of 10,000 images, a twentieth of which the next one shares: Fig. 2.

    ``ddlab train apts_cifar10_mini``: 8 passes over the data an epoch. The paper, N = 2, first order, at 10 and 100
    epochs: 52.52 % and 53.96 %; Adam 51.13 % and 53.78 %. Needs CIFAR-10 in ``DDLAB_DATA``.
    """
    return Experiment(
        name="apts_cifar10_mini",
        dataset=DatasetSettings(name="cifar10"),
        model=ModelSettings(name="mlp512"),
        strategies=("sapts", "adam"),
        training=TrainingSettings(epochs=100, batch_size=MINIBATCH, keep="last"),
        trust_region=TrustRegionSettings(order=1),
        apts=AptsSettings(mode="released"),
        descent=DescentSettings(adam_rate=1e-3),
        seeds=TRIALS,
    )
