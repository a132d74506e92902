"""Four local networks as one grouped network against the four one after the other, on one core.

The limit: a bank does the same operations as its networks, and saves calls. What calls take is a step of the networks
on one image; of the N networks' calls those of one are left.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from torch.nn.functional import cross_entropy

from benchmarks.made import CLASSES, seconds
from benchmarks.rows import Measure
from benchmarks.table import Sample
from ddlab.models.architecture import Network
from ddlab.models.bank import Bank
from ddlab.models.spec import NetworkSpec
from ddlab.registry.models import MODELS

NETWORKS, SIDE, BATCH = 4, 16, 128
WIDTHS = {"vgg3": 0.5, "cnn": 1.0}
STEPS, QUICK = 6, 2


def steps(network: Network, copies: int, batch: int, number: int) -> Callable[[], None]:
    """Steps of a bank of so many networks, on a batch that is there."""
    bank = Bank(network, copies).prepare("cpu", torch.float32).train()
    optimizer = torch.optim.Adam(bank.parameters(), fused=True)
    inputs = torch.randn(batch, copies * 3, SIDE, SIDE).to(memory_format=torch.channels_last)
    labels = torch.randint(CLASSES, (batch * copies,))

    def work() -> None:
        for _ in range(number):
            cross_entropy(bank(inputs).flatten(0, 1), labels).backward()
            optimizer.step()
            optimizer.zero_grad(set_to_none=False)

    return work


def ways(family: str, number: int) -> dict[str, list[Callable[[], None]]]:
    """A bank, its networks one after the other, and these on one image."""
    network = MODELS[family].load()(NetworkSpec((3, SIDE, SIDE), CLASSES, width=WIDTHS[family]))
    return {
        "bank": [steps(network, NETWORKS, BATCH, number)],
        "loop": [steps(network, 1, BATCH, number) for _ in range(NETWORKS)],
        "calls": [steps(network, 1, 1, number) for _ in range(NETWORKS)],
    }


@contextmanager
def prepared(quick: bool) -> Iterator[Measure]:
    """Make the networks; a round is some steps of each way."""
    torch.set_num_threads(1)
    number = QUICK if quick else STEPS
    families = {family: ways(family, number) for family in WIDTHS}

    def measure() -> dict[str, Sample]:
        found = {}
        for family, works in families.items():
            times = {way: seconds(lambda each=each: [work() for work in each]) for way, each in works.items()}
            least = times["loop"] - (1 - 1 / NETWORKS) * times["calls"]
            parts = {f"{way}, ms a step": 1000 * time / number for way, time in times.items()}
            found[f"bank_{family}"] = Sample(times["loop"] / times["bank"], times["loop"] / least, parts)
        return found

    measure()
    measure()
    yield measure
