"""A built network cut in its modules, which hold the whole network's own parameters under the whole network's names.

Module k's ``state_dict`` is a part of the whole one's, so weights of the whole network, from a file or another
strategy, go into the modules as they are, and back.
"""

from collections import OrderedDict
from collections.abc import Iterable

from torch import Tensor, nn

from ddlab.pipeline.partition import Module, Partition
from ddlab.registry import shortened

State = dict[str, Tensor]


def cut(whole: nn.Module, partition: Partition) -> list[nn.Sequential]:
    """Cut a built network in the modules of a partition; one after the other they compute what the network computes.

    Parameters
    ----------
    whole
        What ``build(partition.network)`` gave. Its layers are shared, not copied: training the modules trains it.

    Raises
    ------
    ValueError
        If it is not the network that was partitioned.
    """
    asked = [name for name, _ in partition.network.layers]
    found = [name for name, _ in whole.named_children()]
    if not isinstance(whole, nn.Sequential) or found != asked:
        raise ValueError(
            f"model: cannot be cut, as its layers are not those of the partition in turn: {shortened(found)} "
            f"in place of {shortened(asked)}"
        )
    layers = dict(whole.named_children())
    return [
        nn.Sequential(OrderedDict((name, layers[name]) for name, _ in module.network.layers))
        for module in partition.modules
    ]


def module_state(state: State, module: Module) -> State:
    """Pick the tensors of a module from the whole network's state; the module loads them as they are."""
    names = {name for name, _ in module.network.layers}
    return {key: value for key, value in state.items() if key.partition(".")[0] in names}


def whole_state(states: Iterable[State]) -> State:
    """Join the states of all modules to the whole network's."""
    return {key: value for state in states for key, value in state.items()}
