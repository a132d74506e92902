"""Ranks that hold consecutive layers: the costs of their modules, and the time of their order."""

from ddlab.analyses.scale.cluster import Cluster
from ddlab.machine.links import message
from ddlab.pipeline.costs import Costs
from ddlab.pipeline.iterations import iteration_time, working_time
from ddlab.pipeline.placement import Placement
from ddlab.pipeline.simulation import simulate
from ddlab.strategies.growth import Order


def order_costs(order: Order, cluster: Cluster, ranks: int) -> Costs:
    """Seconds and bytes of a micro-batch in every module of a schedule."""
    placement, worker, images = order.placement, cluster.at(ranks), order.images
    modules = placement.partition.modules
    if order.method is not None:  # its modules are those of the partition, wherever they are
        stretches, hops = [range(index, index + 1) for index in range(len(modules))], _hops_of_ranks(placement)
    else:
        stretches, hops = list(placement.stretches), list(placement.hops)
    passes = [[worker.passes(modules[index].network, images)[:2] for index in stretch] for stretch in stretches]
    forward, backward = (tuple(sum(each[way] for each in stretch) for stretch in passes) for way in (0, 1))
    sizes = tuple(images * cluster.number_bytes * hop for hop in hops)
    return Costs(
        forward,
        backward,
        tuple(seconds / 2 for seconds in backward),
        tuple(message(cluster.link, 2, size).seconds if size else 0.0 for size in sizes),
        tuple(float(images * cluster.number_bytes * sum(modules[i].activations for i in own)) for own in stretches),
        sizes,
    )


def ranks_of_modules(placement: Placement) -> dict[int, int]:
    """Tell of every module of a partition which rank holds it."""
    rank_of = placement.schedule.rank_of
    return {module: rank_of(index) for index, own in enumerate(placement.stretches) for module in own}


def _hops_of_ranks(placement: Placement) -> list[int]:
    """Numbers a sample between neighbouring modules; 0 where they share a rank."""
    rank_of, numbers = ranks_of_modules(placement), placement.partition.bytes_between(1)
    return [size if rank_of[index] != rank_of[index + 1] else 0 for index, size in enumerate(numbers)]


def order_seconds(order: Order, costs: Costs) -> float:
    """Seconds of a step, or of an iteration of a method with old gradients, before the weights are updated."""
    if order.method is None:
        return simulate(order.placement.schedule, costs).makespan
    placement, working = order.placement, working_time(order.method, costs)
    ranks: dict[int, float] = {}
    for module, rank in ranks_of_modules(placement).items():
        ranks[rank] = ranks.get(rank, 0.0) + working[module]
    return max(iteration_time(order.method, costs) if placement.num_ranks > 1 else 0.0, *ranks.values(), 0.0)
