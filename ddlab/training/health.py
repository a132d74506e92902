"""Health of networks in training: units that answer to no image, and one answer for all images.

A rectified unit whose input is negative for every image passes no gradient on: nothing brings it back. A network that
has lost all units of a layer says the same for every image, and its loss stands at ln K.

Shapes: B images of a batch, S networks trained together, K classes, U units of a layer: its channels or features.

References
----------
Lu, Shin, Su, Karniadakis 2020, "Dying ReLU and Initialization: Theory and Numerical Examples".
"""

from collections.abc import Iterator
from functools import partial
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import torch
from torch import Tensor, nn

from ddlab.models.bank import Bank
from ddlab.models.names import DNN
from ddlab.ranks import Ranks
from ddlab.training.late import reading_waits

if TYPE_CHECKING:
    from ddlab.runs.records import Health

OF_DNN = "DNN's "  # before its layers' names; ranks that hold parts of a coherent model all hold the DNN

LayerName = tuple[str, str]
"""Where a rectifier is: name of its bank, and of its layer."""

Counts = dict[str, tuple[Tensor, int]]
"""Of every layer: dead units ``(S,)`` of every network, and units."""


class Watch:
    """A watch over every image that networks evaluate, while it is entered.

    Parameters
    ----------
    model
        Holds banks, whose rectified layers are watched.
    num_networks
        S; a model of several banks that are trained as one counts as one network.
    """

    def __init__(self, model: nn.Module, num_networks: int) -> None:
        self.num_networks = num_networks
        self.answered: dict[LayerName, Tensor] = {}  # (S, U)
        self.named = torch.zeros(num_networks, 1, dtype=torch.int64)  # (S, K): images that are given each class
        self._layers = list(_rectifiers(model))
        self._hooks: list[Any] = []

    def __enter__(self) -> Self:
        for place, module, copies in self._layers:
            self._hooks.append(module.register_forward_hook(partial(self._look, place, copies)))
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        for hook in self._hooks:
            hook.remove()

    @torch.no_grad()
    def _look(self, place: LayerName, copies: int, module: nn.Module, inputs: Any, output: Tensor) -> None:
        before = self.answered.get(place)
        if before is not None and not reading_waits(before) and bool(before.all()):
            return  # every unit has answered: a look at all positions of all maps costs as much as the layer
        if not len(output):  # more ranks than images
            output = output.new_zeros(1, *output.shape[1:])
        space = [axis for axis in range(output.dim()) if axis != 1]
        now = (output.amax(space) > 0).unflatten(0, (copies, -1)).reshape(self.num_networks, -1)
        self.answered[place] = now if before is None else now | before

    def see(self, logits_BSK: Tensor) -> None:
        """Take note of what the networks say."""
        said_SB = logits_BSK.argmax(-1).T
        counts = self.named.new_zeros(logits_BSK.shape[1:]).to(said_SB.device)
        # No bincount: on a GPU it waits for everything that was asked for before.
        self.named = self.named.to(said_SB.device) + counts.scatter_add_(1, said_SB, torch.ones_like(said_SB))

    def health(self, images: Ranks, parts: Ranks) -> "list[Health]":
        """Return what an epoch's record says of every network's health.

        Parameters
        ----------
        images
            Ranks that each see a part of the images.
        parts
            Ranks that each hold a part of the model.

        Returns
        -------
        list of dict
            ``dead_units``, the share that answers to no image; ``worst_layer``, which has the largest share of them,
            and that share, ``worst_layer_dead``; ``one_class``, the share of images that are given the class that most
            are given. A network without rectified units has ``one_class`` alone.
        """
        named = images.sum(self.named)
        shares = (named.amax(1) / named.sum(1)).tolist()
        answered = _united(images.gather({place: flags.cpu() for place, flags in self.answered.items()}))
        own = {
            layer: count for layer, count in _count(answered).items() if not (parts.rank and layer.startswith(OF_DNN))
        }
        counts = _added(parts.gather(own))
        return [{**_of_network(counts, index), "one_class": share} for index, share in enumerate(shares)]


def _rectifiers(model: nn.Module) -> Iterator[tuple[LayerName, nn.Module, int]]:
    """Every rectifier of the model's banks: its place, itself, and how many networks it has side by side."""
    for bank_name, bank in model.named_modules():
        if isinstance(bank, Bank):
            of_dnn = OF_DNN if bank_name.endswith(DNN) else ""
            for name, module in bank.networks.named_modules():
                if isinstance(module, nn.ReLU):
                    yield (bank_name, of_dnn + _layer(name)), module, bank.copies


def _layer(rectifier: str) -> str:
    """The layer that a rectifier belongs to: ``hidden_relu`` to ``hidden``, ``relu2`` to ``hidden2``."""
    name = rectifier.removesuffix("_relu")
    return name.replace("relu", "hidden") if name.startswith("relu") else name


def _united(everywhere: list[dict[LayerName, Tensor]]) -> dict[LayerName, Tensor]:
    """Units that have answered to an image of any rank."""
    return {place: torch.stack([answered[place] for answered in everywhere]).any(0) for place in everywhere[0]}


def _count(answered: dict[LayerName, Tensor]) -> Counts:
    """Dead units a layer and network; layers of one name, in banks of several shapes, count as one."""
    return _added([{layer: ((~flags).sum(1), flags.shape[1])} for (_, layer), flags in answered.items()])


def _added(parts: list[Counts]) -> Counts:
    whole: Counts = {}
    for counts in parts:
        for layer, (dead_S, units) in counts.items():
            before_S, so_far = whole.get(layer, (torch.zeros_like(dead_S), 0))
            whole[layer] = before_S + dead_S, so_far + units
    return whole


def _of_network(counts: Counts, index: int) -> "Health":
    """Return what a record says of the units of one network."""
    shares = {layer: int(dead_S[index]) / units for layer, (dead_S, units) in counts.items()}
    if not shares:
        return {}
    worst = max(shares, key=lambda layer: shares[layer])
    dead = sum(int(dead_S[index]) for dead_S, _ in counts.values())
    total = sum(units for _, units in counts.values())
    return {"dead_units": dead / total, "worst_layer": worst, "worst_layer_dead": shares[worst]}
