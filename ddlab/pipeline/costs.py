"""Costs of a pipeline: how long every module takes for one micro-batch, what a transfer takes, and how many bytes."""

import math
from dataclasses import dataclass, fields

from ddlab.pipeline.schedules import Action


@dataclass(frozen=True)
class Costs:
    """Times and bytes of one micro-batch in every module; a hop leads from one module to the next.

    Parameters
    ----------
    forward, backward
        Times of the passes of every module, in any unit; ``backward`` is the whole of it.
    weight
        The part of ``backward`` that the gradient of the weights takes, for schedules where it is an action of its own.
    transfer
        Times of every hop, the same forward and back; a hop between two modules of one rank takes none.
    activation_bytes
        Bytes that a module keeps between forward and backward pass; empty if they are unknown.
    hop_bytes
        Bytes that every hop sends forward, and the same number back; empty if they are unknown.
    """

    forward: tuple[float, ...]
    backward: tuple[float, ...]
    weight: tuple[float, ...]
    transfer: tuple[float, ...]
    activation_bytes: tuple[float, ...] = ()
    hop_bytes: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        for field in fields(self):
            values = getattr(self, field.name)
            count = self.num_modules - (field.name in ("transfer", "hop_bytes"))
            if len(values) != count and (values or not field.name.endswith("_bytes")):
                raise ValueError(
                    f"{field.name}: must have {count} values for {self.num_modules} modules, got {len(values)}"
                )
            for value in values:
                if not (math.isfinite(value) and value >= 0):
                    raise ValueError(f"{field.name}: must be numbers from 0 on, got {value:g}")
        for whole, part in zip(self.backward, self.weight, strict=True):
            if part > whole:
                raise ValueError(f"weight: must be at most the backward pass, {whole:g}, got {part:g}")
        if not sum(self.forward) + sum(self.backward):
            raise ValueError("forward, backward: one of the times must be above 0, got 0 for all modules")

    @classmethod
    def uniform(
        cls, num_modules: int, forward: float, backward: float, transfer: float = 0.0, weight: float | None = None
    ) -> "Costs":
        """Costs of modules that all take equally long: T_F, T_B and T_C of the paper's eq. (10).

        Parameters
        ----------
        weight
            Half of ``backward`` if None.
        """
        part = backward / 2 if weight is None else weight
        forward_times, backward_times, weight_times = ((value,) * num_modules for value in (forward, backward, part))
        return cls(forward_times, backward_times, weight_times, (transfer,) * (num_modules - 1))

    @property
    def num_modules(self) -> int:
        """Modules of the whole network."""
        return len(self.forward)

    @property
    def work(self) -> float:
        """Time that one rank alone needs for one micro-batch."""
        return sum(self.forward) + sum(self.backward)

    def scaled(self, factor: float) -> "Costs":
        """The same costs in another unit of time, ``factor`` of which are one of this."""

        def times(values: tuple[float, ...]) -> tuple[float, ...]:
            return tuple(factor * value for value in values)

        forward, backward = times(self.forward), times(self.backward)
        weight, transfer = times(self.weight), times(self.transfer)
        return Costs(forward, backward, weight, transfer, self.activation_bytes, self.hop_bytes)

    def seconds(self, action: Action, weights_apart: bool) -> float:
        """Time of an action, in the unit of the costs."""
        kind, module, _ = action
        if kind == "F":
            return self.forward[module]
        if kind == "W":
            return self.weight[module]
        return self.backward[module] - (self.weight[module] if weights_apart else 0)

    def merged(self, num_merged: int) -> "Costs":
        """The same network cut in fewer modules: each joins so many neighbours, and their inner hops go away.

        Raises
        ------
        ValueError
            If the modules cannot be joined in equal numbers.
        """
        if num_merged < 1 or self.num_modules % num_merged:
            raise ValueError(f"num_merged: must divide the {self.num_modules} modules, got {num_merged}")
        starts = range(0, self.num_modules, num_merged)

        def joined(values: tuple[float, ...]) -> tuple[float, ...]:
            return tuple(sum(values[start : start + num_merged]) for start in starts if values)

        hops = slice(num_merged - 1, None, num_merged)
        return Costs(
            joined(self.forward),
            joined(self.backward),
            joined(self.weight),
            self.transfer[hops],
            joined(self.activation_bytes),
            self.hop_bytes[hops],
        )
