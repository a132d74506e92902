"""Bytes that a rank holds while it trains a stage.

Weights, gradients and the optimizer's state; activations that are kept for the backward pass, with input and output
of the layer at work, or those two in an evaluation, which has more images at once: the larger; the states of the best
and of the last epoch, which a training keeps beside them; the copy of the gradient that data parallel training sends;
and the images, as bytes, of which every rank maps the whole file: ranks of one machine share that.

Left out: the libraries (a process with torch holds about 250 MB on a processor, a GPU's context as much), what
operations need for themselves, and the vectors of methods with a trust region, which are counted as if they were
Adam's.
"""

import math

from ddlab.analyses.comparison.cost import BYTES, network_cost
from ddlab.analyses.scale.cluster import EVALUATED, Cluster
from ddlab.analyses.scale.ordered import order_costs, ranks_of_modules
from ddlab.models.architecture import Network
from ddlab.pipeline.costs import Costs
from ddlab.pipeline.simulation import simulate
from ddlab.problem import Problem
from ddlab.strategies.growth import Growth, Order, Share

MEMORY = {
    "weights": "weights",
    "gradients": "gradients",
    "optimizer": "optimizer",
    "activations": "activations",
    "kept": "best and last epoch",
    "images": "images, as bytes",
}


def image_bytes(problem: Problem) -> int:
    """Bytes of all images of all splits."""
    data = problem.description
    return (data.num_train + data.num_validation + data.num_test) * data.channels * math.prod(data.shape)


def stage_memory(problem: Problem, growth: Growth, cluster: Cluster, ranks: int) -> dict[str, float]:
    """Bytes of the fullest rank, by ``MEMORY``."""
    ordered = growth.order is not None  # then what is kept of a batch follows from the schedule
    found = [_share(growth, share, cluster, trains=growth.steps > 0 and not ordered) for share in growth.shares]
    if growth.order is not None:
        kept = _kept(growth.order, order_costs(growth.order, cluster, ranks))
        found = [parts | {"activations": max(kept[rank], parts["activations"])} for rank, parts in enumerate(found)]
        found = [parts | {"weights": parts["weights"] + old} for parts, old in zip(found, _old(growth), strict=True)]
    fullest = max(found, key=lambda parts: sum(parts.values()))
    return fullest | {"images": float(image_bytes(problem))}


def _share(growth: Growth, share: Share, cluster: Cluster, *, trains: bool) -> dict[str, float]:
    parts = dict.fromkeys(MEMORY, 0.0)
    for load in share.loads:
        weights = float(_number_bytes(cluster) * load.copies * load.network.parameters())
        learns = growth.steps > 0
        parts["weights"] += weights
        parts["gradients"] += weights * learns
        parts["optimizer"] += cluster.states * weights * learns
        parts["kept"] += 2 * weights * learns
    trained = sum(load.copies * load.images * network_cost(load.network).activations for load in share.loads)
    trained += max((load.copies * load.images * at_work(load.network) for load in share.loads), default=0.0)
    evaluated = (load.copies * min(EVALUATED, load.predicted) * at_work(load.network) for load in share.loads)
    parts["activations"] = _number_bytes(cluster) * float(max(trained * trains, *evaluated, 0.0))
    if any(each.collective == "all_reduce" and each.ranks > 1 for each in growth.exchanges):
        parts["gradients"] *= 2
    return parts


def at_work(network: Network) -> int:
    """Numbers of one image in the layer whose input and output are largest together."""
    largest, shape = 0, network.input
    for _, layer in network.layers:
        given = layer.output(shape)
        largest, shape = max(largest, math.prod(shape) + math.prod(given)), given
    return largest


def _number_bytes(cluster: Cluster) -> int:
    """Bytes of a weight: at least those of float32, which mixed precision keeps."""
    return max(cluster.number_bytes, BYTES)


def _kept(order: Order, costs: Costs) -> list[float]:
    """Bytes of activations that every rank keeps at once."""
    if order.method is None:
        return list(simulate(order.placement.schedule, costs).kept_bytes)
    modules, kept = order.placement.partition.modules, order.method.kept
    inputs = [order.images * BYTES * math.prod(module.input) for module in modules]
    of_module = [
        most.graphs * graph + most.inputs * size
        for most, graph, size in zip(kept, costs.activation_bytes, inputs, strict=True)
    ]
    return _of_ranks(order, of_module)


def _old(growth: Growth) -> list[float]:
    """Bytes of old weights that every rank keeps for gradients that are under way."""
    order = growth.order
    assert order is not None
    if order.method is None:
        return [0.0] * len(growth.shares)
    modules = order.placement.partition.modules
    old = [
        (most.weight_versions - 1) * BYTES * float(module.parameters)
        for most, module in zip(order.method.kept, modules, strict=True)
    ]
    return _of_ranks(order, old)


def _of_ranks(order: Order, values: list[float]) -> list[float]:
    """Sums of what the modules of every rank have."""
    sums = [0.0] * order.placement.num_ranks
    for module, rank in ranks_of_modules(order.placement).items():
        sums[rank] += values[module]
    return sums
