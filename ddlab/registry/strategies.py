"""The strategies that are offered, and what each says of itself: a line each."""

from dataclasses import dataclass

from ddlab.registry import Entry
from ddlab.registry.entry_points import Registry

__all__ = ["COMPARED_BY_APTS", "COMPARED_BY_GU", "COMPARED_BY_KLAWONN", "STRATEGIES", "USED_BY", "StrategyEntry"]

COMPARED_BY_KLAWONN = ("global", "average", "majority", "cnn_dnn", "coherent", "transfer")
COMPARED_BY_GU = ("composed_untrained", "composed", "random", "random_work")
COMPARED_BY_APTS = ("apts", "sapts", "trust_region", "sgd", "adam")
USED_BY: dict[str, set[str]] = {  # parts of an experiment that mean something to some strategies only
    "aggregator": {"cnn_dnn", "coherent", "transfer"},
    "coherent": {"coherent", "transfer"},
    "transfer": {"transfer"},
    "composed": set(COMPARED_BY_GU),
    "trust_region": {"trust_region", "apts", "sapts"},
    "apts": {"apts", "sapts"},
    "descent": {"adam", "sgd"},
}


@dataclass(frozen=True)
class StrategyEntry(Entry):
    """A strategy; ``color`` is its one colour in every figure (Okabe and Ito's palette, safe for the colour-blind)."""

    color: str = "#000000"


_OWN: dict[str, StrategyEntry] = {
    "global": StrategyEntry(
        "Global network",
        "One network sees the whole image: the benchmark.",
        "ddlab.strategies.global_network:stages",
        "Klawonn, Lanser, Weber, Table 2",
        color="#0072B2",
    ),
    "average": StrategyEntry(
        "Average probability",
        "The class with the highest mean of the N local probabilities.",
        "ddlab.strategies.average:stages",
        "Klawonn, Lanser, Weber, Section 2.1",
        color="#56B4E9",
    ),
    "majority": StrategyEntry(
        "Majority vote",
        "The class that most local networks name; among tied classes the one with the highest probability.",
        "ddlab.strategies.majority:stages",
        "Klawonn, Lanser, Weber, Section 2.1",
        color="#E69F00",
    ),
    "cnn_dnn": StrategyEntry(
        "CNN-DNN",
        "A small dense network decides from all N·K local probabilities.",
        "ddlab.strategies.cnn_dnn:stages",
        "Klawonn, Lanser, Weber, Section 2.1",
        color="#009E73",
    ),
    "coherent": StrategyEntry(
        "CNN-DNN coherent",
        "Local networks and DNN trained as one model: its local networks learn what the others need to hear.",
        "ddlab.strategies.coherent:stages",
        "Klawonn, Lanser, Weber, Section 2.1",
        color="#CC79A7",
    ),
    "transfer": StrategyEntry(
        "CNN-DNN transfer",
        "The coherent model, started from local networks that were trained on their own.",
        "ddlab.strategies.transfer:stages",
        "Klawonn, Lanser, Weber, Section 2.2",
        color="#D55E00",
    ),
    "composed_untrained": StrategyEntry(
        "Composed, untrained",
        "The local networks put together to one global network, as it is (GNet-T).",
        "ddlab.strategies.composed:untrained_stages",
        "Gu, Zhang, Liu, Cai, Section 2.2",
        color="#999933",
    ),
    "composed": StrategyEntry(
        "Composed network",
        "The local networks put together to one global network, trained on (GNet-T-trained).",
        "ddlab.strategies.composed:stages",
        "Gu, Zhang, Liu, Cai, Algorithm 1",
        color="#AA3377",
    ),
    "random": StrategyEntry(
        "Random start",
        "The global network from new weights, for as many epochs as local networks and composed network (GNet-R).",
        "ddlab.strategies.random_start:stages",
        "Gu, Zhang, Liu, Cai, Section 3.1.1",
        color="#7E6BC4",
    ),
    "random_work": StrategyEntry(
        "Random start, equal work",
        "As the random start, for as many operations as local networks and composed network.",
        "ddlab.strategies.random_start:stages_of_equal_work",
        "Gu, Zhang, Liu, Cai, Section 3.1.1; equal work is ours",
        color="#A593DD",
    ),
    "apts": StrategyEntry(
        "APTS",
        "The global network without a learning rate: local trainings on parts of all data, whose steps are added.",
        "ddlab.strategies.trust_region:apts_stages",
        "Cruz Alegría, Trotti, Kopaničáková, Krause, Algorithm 1",
        color="#B0419B",
    ),
    "sapts": StrategyEntry(
        "SAPTS",
        "As APTS, in minibatches: local trainings on microbatches.",
        "ddlab.strategies.trust_region:sapts_stages",
        "Cruz Alegría, Trotti, Kopaničáková, Krause, Algorithm 1",
        color="#DD6677",
    ),
    "trust_region": StrategyEntry(
        "Trust region",
        "The global network without a learning rate: steps as long as the loss allows, on whole minibatches.",
        "ddlab.strategies.trust_region:trust_region_stages",
        "Conn, Gould, Toint 2000; Cruz Alegría, Trotti, Kopaničáková, Krause, Section 2.1",
        color="#3C9A4E",
    ),
    "sgd": StrategyEntry(
        "SGD",
        "The global network by stochastic gradient descent with momentum, at a rate that stays.",
        "ddlab.strategies.descent:sgd_stages",
        "Cruz Alegría, Trotti, Kopaničáková, Krause, Section 3",
        color="#A9853B",
    ),
    "adam": StrategyEntry(
        "Adam",
        "The global network by Adam, at a rate that stays.",
        "ddlab.strategies.descent:adam_stages",
        "Kingma, Ba 2015; Cruz Alegría, Trotti, Kopaničáková, Krause, Section 3",
        color="#6A5ACD",
    ),
}

STRATEGIES = Registry("ddlab.strategies", _OWN, StrategyEntry, reserved=("local",))  # the stage of the local networks
"""Ours, and those that other packages add (:mod:`ddlab.registry.entry_points`)."""
