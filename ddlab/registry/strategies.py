"""The strategies that are offered, and what each says of itself: a line each."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from ddlab.registry import Entry
from ddlab.registry.entry_points import Registry

__all__ = [
    "COMPARED_BY_APTS",
    "COMPARED_BY_GU",
    "COMPARED_BY_KLAWONN",
    "CUTS",
    "CUT_LAYERS",
    "DEFAULT",
    "GROWN",
    "STRATEGIES",
    "TUNED",
    "StrategyEntry",
    "parts_of_strategies",
    "used_parts",
]

COMPARED_BY_KLAWONN = ("global", "average", "majority", "cnn_dnn", "coherent", "transfer")
COMPARED_BY_GU = ("composed_untrained", "composed", "random", "random_work")
CUT_LAYERS = ("layerwise", "ddg", "fdg", "dsp")
COMPARED_BY_APTS = ("apts", "sapts", "trust_region", "sgd", "adam")
DEFAULT = ("global", "average", "majority", "cnn_dnn")  # what an experiment trains that asks for nothing else
CUTS = ("average", "coherent", "global", "apts")  # one after the other: without and with talk, of images and of data
GROWN = ("average", "coherent", "global", "sapts", "layerwise")  # whose growth is shown at first: a way to share each
TUNED = ("sapts", "adam", "sgd")  # whose sensitivity is shown that asks for nothing else
Sees = Literal["image", "outputs"]


@dataclass(frozen=True)
class StrategyEntry(Entry):
    """A strategy, and what it says of itself before it is loaded; its stages say the rest.

    Parameters
    ----------
    color
        Its one colour in every figure (Okabe and Ito's palette, safe for the colour-blind); empty: one that is free.
    sees
        ``image``: one network looks at the whole image; ``outputs``: it decides from what local networks say.
    decomposes
        Whether the decomposition of the image decides anything about it.
    settings
        Parts of an experiment that mean something to it, and not to every strategy.
    own
        Settings of its own, which :class:`ddlab.experiment.Experiment` does not know: ``"package.module:Class"`` of a
        :class:`ddlab.experiment.base.Settings`. They stand in the experiment under the strategy's name.
    tunes
        The setting that sets its pace, a learning rate or a first radius; empty where its sensitivity is not studied.
    reason
        ``"package.module:function"`` that tells how it came to a decision about an image, of an ``Explanation``; empty:
        told from what it sees.
    combines
        ``"package.module:function"`` of the local probabilities ``(M, N, K)`` that gives its scores ``(M, K)`` and
        decisions ``(M,)``, where nothing else decides; empty where it leaves a network that decides.
    """

    color: str = ""
    sees: Sees = "outputs"
    decomposes: bool = True
    settings: tuple[str, ...] = ()
    own: str = ""
    tunes: str = ""
    reason: str = ""
    combines: str = ""


_OWN: dict[str, StrategyEntry] = {
    "global": StrategyEntry(
        "Global network",
        "One network sees the whole image: the benchmark.",
        "ddlab.strategies.global_network:stages",
        "Klawonn, Lanser, Weber, Table 2",
        color="#0072B2",
        sees="image",
        decomposes=False,
    ),
    "average": StrategyEntry(
        "Average probability",
        "The class with the highest mean of the N local probabilities.",
        "ddlab.strategies.average:stages",
        "Klawonn, Lanser, Weber, Section 2.1",
        color="#56B4E9",
        reason="ddlab.strategies.average:reason",
        combines="ddlab.strategies.average:decide",
    ),
    "majority": StrategyEntry(
        "Majority vote",
        "The class that most local networks name; among tied classes the one with the highest probability.",
        "ddlab.strategies.majority:stages",
        "Klawonn, Lanser, Weber, Section 2.1",
        color="#E69F00",
        reason="ddlab.strategies.majority:reason",
        combines="ddlab.strategies.majority:decide",
    ),
    "cnn_dnn": StrategyEntry(
        "CNN-DNN",
        "A small dense network decides from all N·K local probabilities.",
        "ddlab.strategies.cnn_dnn:stages",
        "Klawonn, Lanser, Weber, Section 2.1",
        color="#009E73",
        settings=("aggregator",),
        reason="ddlab.strategies.cnn_dnn:reason",
    ),
    "coherent": StrategyEntry(
        "CNN-DNN coherent",
        "Local networks and DNN trained as one model: its local networks learn what the others need to hear.",
        "ddlab.strategies.coherent:stages",
        "Klawonn, Lanser, Weber, Section 2.1",
        color="#CC79A7",
        settings=("aggregator", "coherent"),
        reason="ddlab.strategies.coherent:reason",
    ),
    "transfer": StrategyEntry(
        "CNN-DNN transfer",
        "The coherent model, started from local networks that were trained on their own.",
        "ddlab.strategies.transfer:stages",
        "Klawonn, Lanser, Weber, Section 2.2",
        color="#D55E00",
        settings=("aggregator", "coherent", "transfer"),
        reason="ddlab.strategies.transfer:reason",
    ),
    "composed_untrained": StrategyEntry(
        "Composed, untrained",
        "The local networks put together to one global network, as it is (GNet-T).",
        "ddlab.strategies.composed:untrained_stages",
        "Gu, Zhang, Liu, Cai, Section 2.2",
        color="#999933",
        sees="image",
        settings=("composed",),
    ),
    "composed": StrategyEntry(
        "Composed network",
        "The local networks put together to one global network, trained on (GNet-T-trained).",
        "ddlab.strategies.composed:stages",
        "Gu, Zhang, Liu, Cai, Algorithm 1",
        color="#AA3377",
        sees="image",
        settings=("composed",),
    ),
    "random": StrategyEntry(
        "Random start",
        "The global network from new weights, for as many epochs as local networks and composed network (GNet-R).",
        "ddlab.strategies.random_start:stages",
        "Gu, Zhang, Liu, Cai, Section 3.1.1",
        color="#7E6BC4",
        sees="image",
        settings=("composed",),
    ),
    "random_work": StrategyEntry(
        "Random start, equal work",
        "As the random start, for as many operations as local networks and composed network.",
        "ddlab.strategies.random_start:stages_of_equal_work",
        "Gu, Zhang, Liu, Cai, Section 3.1.1; equal work is ours",
        color="#A593DD",
        sees="image",
        settings=("composed",),
    ),
    "apts": StrategyEntry(
        "APTS",
        "The global network without a learning rate: local trainings on parts of all data, whose steps are added.",
        "ddlab.strategies.trust_region:apts_stages",
        "Cruz Alegría, Trotti, Kopaničáková, Krause, Algorithm 1",
        color="#B0419B",
        sees="image",
        decomposes=False,
        settings=("trust_region", "apts"),
        tunes="trust_region.radius",
    ),
    "sapts": StrategyEntry(
        "SAPTS",
        "As APTS, in minibatches: local trainings on microbatches.",
        "ddlab.strategies.trust_region:sapts_stages",
        "Cruz Alegría, Trotti, Kopaničáková, Krause, Algorithm 1",
        color="#DD6677",
        sees="image",
        decomposes=False,
        settings=("trust_region", "apts"),
        tunes="trust_region.radius",
    ),
    "trust_region": StrategyEntry(
        "Trust region",
        "The global network without a learning rate: steps as long as the loss allows, on whole minibatches.",
        "ddlab.strategies.trust_region:trust_region_stages",
        "Conn, Gould, Toint 2000; Cruz Alegría, Trotti, Kopaničáková, Krause, Section 2.1",
        color="#3C9A4E",
        sees="image",
        decomposes=False,
        settings=("trust_region",),
        tunes="trust_region.radius",
    ),
    "sgd": StrategyEntry(
        "SGD",
        "The global network by stochastic gradient descent with momentum, at a rate that stays.",
        "ddlab.strategies.descent:sgd_stages",
        "Cruz Alegría, Trotti, Kopaničáková, Krause, Section 3",
        color="#A9853B",
        sees="image",
        decomposes=False,
        settings=("descent",),
        tunes="descent.sgd_rate",
    ),
    "adam": StrategyEntry(
        "Adam",
        "The global network by Adam, at a rate that stays.",
        "ddlab.strategies.descent:adam_stages",
        "Kingma, Ba 2015; Cruz Alegría, Trotti, Kopaničáková, Krause, Section 3",
        color="#6A5ACD",
        sees="image",
        decomposes=False,
        settings=("descent",),
        tunes="descent.adam_rate",
    ),
    "layerwise": StrategyEntry(
        "Layer-wise pipeline",
        "The global network cut across its layers: ranks work on micro-batches one behind the other, for one update.",
        "ddlab.strategies.layerwise:stages",
        "Akintoye et al. 2023, Section 3",
        color="#C44536",
        sees="image",
        decomposes=False,
        settings=("pipeline", "layerwise"),
    ),
    "ddg": StrategyEntry(
        "DDG",
        "Modules of layers go back at once: less waiting, for gradients up to K-1 steps old and as many more graphs.",
        "ddlab.strategies.delayed:ddg_stages",
        "Huo, Gu, Yang, Huang 2018; Akintoye et al. 2023, Section 2",
        color="#B5651D",
        sees="image",
        decomposes=False,
        settings=("pipeline", "delayed"),
    ),
    "fdg": StrategyEntry(
        "FDG",
        "Modules of layers go forward and back at once: no waiting, for gradients up to 2(K-1) steps old.",
        "ddlab.strategies.delayed:fdg_stages",
        "Zhuang, Wang, Liu, Lin 2021; Akintoye et al. 2023, Section 2",
        color="#2E8B8B",
        sees="image",
        decomposes=False,
        settings=("pipeline", "delayed"),
    ),
    "dsp": StrategyEntry(
        "DSP",
        "As FDG, but modules keep inputs alone and go forward twice: less memory, for a third more work.",
        "ddlab.strategies.delayed:dsp_stages",
        "Xu, Huo, Huang 2020; Akintoye et al. 2023, Section 2",
        color="#8B5A8C",
        sees="image",
        decomposes=False,
        settings=("pipeline", "delayed"),
    ),
    "gabra": StrategyEntry(
        "GABRA",
        "Modules of layers on devices by a genetic algorithm, and replicas on parts of every batch: balance for hops.",
        "ddlab.strategies.gabra:stages",
        "Akintoye, Han, Zhang, Chen, Zhang 2022; the search is our reading",
        color="#6E7F2A",
        sees="image",
        decomposes=False,
        settings=("pipeline", "gabra"),
    ),
}

PARTS = ("name", "sweep", "dataset", "decomposition", "model", "strategies", "training", "aggregator")
# Parts of an experiment, and stages of all.
RESERVED = (
    *PARTS,
    "descent",
    "pipeline",
    "delayed",
    "placement",
    "slurm",
    "seeds",
    "local",
    "folds",
)  # parts of an experiment, and stages of all
STRATEGIES = Registry("ddlab.strategies", _OWN, StrategyEntry, RESERVED)
"""Ours, and those that other packages add (:mod:`ddlab.registry.entry_points`)."""


def used_parts(strategies: Iterable[str]) -> set[str]:
    """Collect the parts of an experiment that mean something to any of the strategies; unknown names have none."""
    return {part for name in strategies if name in STRATEGIES for part in STRATEGIES[name].settings}


def parts_of_strategies() -> set[str]:
    """Collect the parts of an experiment that mean something to some strategies only."""
    return used_parts(STRATEGIES)
