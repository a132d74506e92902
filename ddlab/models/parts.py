"""A model in parts: several networks that are trained as one, of which every rank holds some.

A rank's state has the keys of its networks, preceded by the network's name and a dot. A checkpoint is kept a network,
so that training goes on however the networks are spread over ranks then.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from typing import Any

from torch import Tensor, nn

from ddlab.models.bank import Bank

State = dict[str, Tensor]


class ModelParts(nn.Module, ABC):
    """The networks of a model that one rank holds; to an optimizer they count as one, of index 0."""

    @abstractmethod
    def networks(self) -> Iterator[tuple[str, Bank, int]]:
        """Name, bank and place in the bank of every network that this rank holds, always in the same order."""

    def parameters_of(self, index: int) -> list[Tensor]:
        """All parameters, network by network."""
        return [parameter for _, bank, place in self.networks() for parameter in bank.parameters_of(place)]

    def state_of(self, index: int) -> State:
        """A copy of all states, keys preceded by the network's name and a dot."""
        return {
            f"{name}.{key}": value
            for name, bank, place in self.networks()
            for key, value in bank.state_of(place).items()
        }

    def load_state_of(self, index: int, state: State) -> None:
        """Set all states, in place."""
        for name, bank, place in self.networks():
            bank.load_state_of(place, part_of(state, name))

    def split_checkpoint(self, checkpoint: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
        """A checkpoint of all that this rank holds as one a network."""
        moments, start = checkpoint["optimizer"]["state"], 0
        split = {}
        for name, bank, _ in self.networks():
            stop = start + len(list(bank.parameters()))
            split[name] = {
                **checkpoint,
                "last_state": part_of(checkpoint["last_state"], name),
                "best_state": part_of(checkpoint["best_state"], name),
                "optimizer": {**checkpoint["optimizer"], "state": [moments[index] for index in range(start, stop)]},
            }
            start = stop
        return split

    def join_checkpoint(self, saved: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
        """The checkpoint of all that this rank holds, from those of its networks; what they share is the last one's."""
        parts = {name: saved[name] for name, _, _ in self.networks()}
        shared = [*parts.values()][-1]
        moments = [moment for part in parts.values() for moment in part["optimizer"]["state"]]
        (group,) = shared["optimizer"]["param_groups"]
        return {
            **shared,
            **{
                kept: {f"{name}.{key}": value for name, part in parts.items() for key, value in part[kept].items()}
                for kept in ("last_state", "best_state")
            },
            "optimizer": {
                "state": dict(enumerate(moments)),
                "param_groups": [{**group, "params": list(range(len(moments)))}],
            },
        }


def part_of(state: Mapping[str, Tensor], name: str) -> State:
    """Extract the state of one network from a whole model's."""
    return {key.removeprefix(f"{name}."): value for key, value in state.items() if key.startswith(f"{name}.")}
