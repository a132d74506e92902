"""The coherent model: local networks and DNN as one model, spread over the ranks by subdomains (model parallel).

Every rank holds some of the local networks, and all hold the same DNN. Only the N·K local outputs of a sample cross
ranks, whatever the size of the networks. That happens in the forward pass alone: every rank computes the whole DNN and
the loss, so it already has the gradient of its own outputs, and the DNNs stay equal because they get equal gradients.

Shapes: B samples, N local networks of all ranks, K classes.

References
----------
Klawonn, Lanser, Weber, "Model Parallel Training and Transfer Learning for Convolutional Neural Networks via Domain
Decomposition", Section 2.1. Shoeybi et al. 2019, "Megatron-LM": a gather whose backward pass sends nothing.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn.functional import pad

from ddlab.models.architecture import Network
from ddlab.models.bank import Bank
from ddlab.models.names import DNN, local_name
from ddlab.models.parts import ModelParts
from ddlab.ranks import Ranks


@dataclass(frozen=True)
class Placed:
    """The assignment of a model's networks to ranks and banks.

    Parameters
    ----------
    by_rank
        The subdomains of every rank, ascending.
    groups
        Those of this rank, networks of equal shape together; each group becomes a bank.
    """

    ranks: Ranks
    by_rank: Sequence[Sequence[int]]
    groups: Sequence[Sequence[int]]


class CoherentModel(ModelParts):
    """The part of a coherent model that one rank holds.

    Parameters
    ----------
    local_networks
        The N local networks of the whole model, in the order of the subdomains.
    dnn
        From N·K outputs to K logits.
    outputs
        What the DNN gets: ``"probabilities"`` (the paper) or ``"logits"``.
    """

    def __init__(
        self,
        local_networks: Sequence[Network],
        dnn: Network,
        placed: Placed,
        outputs: Literal["probabilities", "logits"],
    ) -> None:
        super().__init__()
        self.placed = placed
        self.outputs = outputs
        self.banks = nn.ModuleList(Bank(local_networks[group[0]], len(group)) for group in placed.groups)
        self.dnn = Bank(dnn, 1)
        self.num_classes = dnn.outputs
        self.bytes_sent = 0  # by all ranks while training
        self.own_order = _order(placed.groups)  # from banks to our share
        self.order = _order(placed.by_rank)  # from all shares to the subdomains

    def forward(self, inputs: list[Tensor]) -> Tensor:
        """Map the subimages of every group ``(B, n·C, *spatial)`` to logits ``(B, 1, K)``, equal on all ranks."""
        return self.decide(self.local_outputs(inputs))

    def local_outputs(self, inputs: list[Tensor]) -> Tensor:
        """Compute the outputs of all local networks of all ranks ``(B, N, K)``; gradients reach those of this rank."""
        # A rank without networks has one input, without features, and no bank.
        with self._own_random_numbers():
            said = [bank(images) for bank, images in zip(self.banks, inputs, strict=False)]
        mine = torch.cat([inputs[0].new_empty(len(inputs[0]), 0, self.num_classes), *said], dim=1)[:, self.own_order]
        if self.outputs == "probabilities":
            mine = mine.softmax(-1)
        return self._exchange(mine)[:, self.order]

    def decide(self, outputs_BNK: Tensor) -> Tensor:
        """Logits ``(B, 1, K)`` of the DNN."""
        logits: Tensor = self.dnn(outputs_BNK.flatten(1))
        return logits

    def prepare(self, device: str, dtype: torch.dtype) -> "CoherentModel":
        """Move to the device and type, as :meth:`Bank.prepare` does."""
        for bank in (*self.banks, self.dnn):
            bank.prepare(device, dtype)
        self.order, self.own_order = self.order.to(device), self.own_order.to(device)
        return self

    # ---- the networks one by one

    def networks(self) -> Iterator[tuple[str, Bank, int]]:
        """Name, bank and place in the bank of every network that this rank holds, the DNN last."""
        for group, bank in zip(self.placed.groups, self.banks, strict=True):
            assert isinstance(bank, Bank)
            yield from ((local_name(subdomain), bank, place) for place, subdomain in enumerate(group))
        yield DNN, self.dnn, 0

    # ---- among ranks

    def _exchange(self, mine_BnK: Tensor) -> Tensor:
        """The outputs of all ranks side by side, in the order of their shares."""
        ranks, by_rank = self.placed.ranks, self.placed.by_rank
        widest = max(len(share) for share in by_rank)
        padded = pad(mine_BnK, (0, 0, 0, widest - mine_BnK.shape[1]))  # collectives need equal shapes
        if self.training and not ranks.alone:
            self.bytes_sent += ranks.size * padded.nbytes
        parts = ranks.gather_tensors(padded)
        return torch.cat([part[:, : len(share)] for part, share in zip(parts, by_rank, strict=True)], dim=1)

    @contextmanager
    def _own_random_numbers(self) -> Iterator[None]:
        """Let dropout in local networks draw from a stream of this rank, so that in the DNN all ranks draw the same."""
        if not self.training:
            yield
            return
        seed = int(torch.randint(2**62, ()))
        with torch.random.fork_rng([self.order.device] if self.order.is_cuda else []):
            torch.manual_seed(seed + self.placed.ranks.rank)
            yield


def _order(parts: Sequence[Sequence[int]]) -> Tensor:
    """Return where each subdomain is, lowest first, when the parts lie one after the other."""
    return torch.tensor([subdomain for part in parts for subdomain in part], dtype=torch.int64).argsort()
