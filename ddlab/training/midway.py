"""Checkpoints inside an epoch, of trainings by back-propagation: an epoch of hours is not begun anew after a loss.

The order of an epoch's batches and what is drawn for them follow from its number alone, so what is missing between two
batches are the weights and the optimizer then, the random numbers of dropout, and the sums over the batches so far.
A training that goes on from there ends with what an undisturbed one ends with, to the last bit.
"""

import os
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch

from ddlab.ranks import Ranks
from ddlab.training.pace import Pace
from ddlab.training.totals import Totals

EVERY = 300.0  # seconds; epochs that are shorter have none
SECONDS = "DDLAB_CHECKPOINT_SECONDS"  # environment variable: other seconds, for tests

Place = dict[str, Any]
"""A place inside an epoch, of one network: the step, and by rank its sums and random numbers."""


class Midway:
    """The places inside epochs at which the networks of a loop are kept, and the one at which it goes on.

    Parameters
    ----------
    save
        Called on all ranks with a place a network; writes the checkpoint.
    begun
        The places at which the networks go on, of those that have one.
    """

    def __init__(self, save: Callable[[list[Place]], None], begun: Sequence[Place | None]) -> None:
        self.save, self.begun = save, begun
        self.every = float(os.environ.get(SECONDS) or EVERY)
        self._began = time.monotonic()

    def begin(self) -> float:
        """Begin an epoch; when it began, as if it had not been interrupted."""
        self._began = time.monotonic() - next((place["seconds"] for place in self.begun if place), 0.0)
        return self._began

    def go_on(self, totals: Totals, ranks: Ranks) -> int:
        """Restore sums and random numbers where the epoch was left; how many steps are done, 0 of a new one."""
        begun, self.begun = self.begun, ()
        place = next(filter(None, begun), None)
        if place is None:
            return 0
        if len(place["random"]) == ranks.size:
            _set_random(place["random"][ranks.rank])
        own = [_own(place, ranks) if place else torch.zeros(3, dtype=torch.float64) for place in begun]
        sums = torch.stack(own, dim=1).to(totals.sums.device)
        totals.sums.copy_(sums[:2])
        totals.count.copy_(sums[2].max())
        return int(place["step"])

    def is_due(self, pace: Pace) -> bool:
        """Whether it is time for a checkpoint."""
        return pace.since >= self.every and pace.allows()

    def keep(self, step: int, totals: Totals, ranks: Ranks, pace: Pace) -> None:
        """Write the checkpoint after a step; all ranks do it together."""
        with pace.writing():
            shares = ranks.gather((totals.sums.cpu(), totals.count.cpu(), _random()))
            common = {"step": step, "seconds": time.monotonic() - self._began, "random": [share[2] for share in shares]}
            self.save(
                [
                    common | {"sums": torch.stack([torch.cat([sums[:, n], count]) for sums, count, _ in shares])}
                    for n in range(totals.sums.shape[1])
                ]
            )


def reached(state: Mapping[str, Any]) -> tuple[int, int]:
    """Tell how far a checkpoint's network is: its epochs, and the steps of the next one."""
    return state["progress"]["epoch"], (state.get("within") or {}).get("step", 0)


def _own(place: Place, ranks: Ranks) -> torch.Tensor:
    """The sums of this rank; on another number of ranks than before the first one has them all."""
    sums: torch.Tensor = place["sums"].cpu()
    if len(sums) == ranks.size:
        return sums[ranks.rank]
    return sums.sum(0) if ranks.rank == 0 else torch.zeros_like(sums[0])


def _random() -> list[torch.Tensor]:
    """The state of torch's random numbers: of the processor, and of the GPU that this rank uses."""
    states = [torch.get_rng_state()]
    return [*states, torch.cuda.get_rng_state().cpu()] if torch.cuda.is_initialized() else states


def _set_random(states: Sequence[torch.Tensor]) -> None:
    torch.set_rng_state(states[0].cpu())
    if len(states) > 1 and torch.cuda.is_initialized():
        torch.cuda.set_rng_state(states[1].cpu())
