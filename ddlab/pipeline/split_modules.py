"""Built layers split over devices, in one process: exactly what the unsplit layers compute, and its gradients.

Every split holds the unsplit layers themselves and uses views of their weights, so gradients and running statistics
arrive where they do without a split. Dropout draws other masks than unsplit; nothing else differs but by rounding.

Shapes: B batch, C channels, F features.
"""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn import functional

from ddlab.models.architecture import Layer, MaxPool, Network, Residual
from ddlab.models.build import ResidualBlock, build
from ddlab.models.folded import CONVOLUTIONS, NORMS
from ddlab.pipeline.row_split import Rows, RowSplit, RowStep, row_runs
from ddlab.pipeline.split import ChannelSplit, channel_runs

State = dict[str, Tensor]

MAX_POOL: dict[int, Callable[..., Tensor]] = {
    1: functional.max_pool1d,
    2: functional.max_pool2d,
    3: functional.max_pool3d,
}


def split_by_channels(whole: nn.Module, network: Network, devices: int, pairs: bool = True) -> nn.Sequential:
    """Split all layers of a built network by channels, those in residual blocks included.

    Parameters
    ----------
    whole
        What ``build(network)`` gave; its layers are shared, not copied.
    pairs
        Whether neighbours that compute are merged, so that nothing is collected between them.

    Raises
    ------
    ValueError
        If there is no device.
    """
    parts: list[nn.Module] = []
    for run, splits in channel_runs(network, pairs):
        layers = _layers(whole, run)
        if splits:
            parts.append(SplitChannels(ChannelSplit(run, devices), layers))
            continue
        (layer,), (module,) = (layer for _, layer in run.layers), layers
        if isinstance(layer, Residual):
            body, shortcut = (Network(way, run.input) for way in (layer.body, layer.shortcut))
            module = ResidualBlock(
                split_by_channels(module.get_submodule("body"), body, devices, pairs),
                split_by_channels(module.get_submodule("shortcut"), shortcut, devices, pairs),
            )
        parts.append(module)
    return nn.Sequential(*parts)


def split_by_rows(whole: nn.Module, network: Network, devices: int, merged: int = 2) -> nn.Sequential:
    """Split a built network by rows up to its head, which needs all positions and stays unsplit.

    Parameters
    ----------
    whole
        What ``build(network)`` gave; its layers are shared, not copied.
    merged
        L, how many layers that compute (or residual blocks) are merged, so that nothing is collected between them.

    Raises
    ------
    ValueError
        If there is no device, or nothing merged.
    """
    parts: list[nn.Module] = []
    for run, splits in row_runs(network, merged):
        layers = _layers(whole, run)
        parts.append(SplitRows(RowSplit(run, devices), layers) if splits else layers)
    return nn.Sequential(*parts)


def _layers(whole: nn.Module, run: Network) -> nn.Sequential:
    sequence = nn.Sequential()
    for name, _ in run.layers:
        sequence.add_module(name, whole.get_submodule(name))
    return sequence


# ---- by channels


class SplitChannels(nn.Module):
    """Layers computed device by device, each with its channels; then sums are added, or channels joined."""

    def __init__(self, split: ChannelSplit, whole: nn.Sequential) -> None:
        super().__init__()
        self.split = split
        self.whole = whole
        with torch.device("meta"):  # only their forward passes are used, with the whole layers' weights
            self._parts = tuple(build(split.part(device)) for device in range(len(split.channels)))

    def forward(self, inputs: Tensor) -> Tensor:
        """Map ``(B, C, *spatial)`` or ``(B, F)`` as the unsplit layers do."""
        state = dict(self.whole.named_parameters()) | dict(self.whole.named_buffers())
        outputs = [
            functional_call(part.train(self.training), device_state(state, self.split, device), (inputs,))
            for device, part in enumerate(self._parts)
        ]
        return torch.stack(outputs).sum(dim=0) if self.split.is_pair else torch.cat(outputs, dim=1)


def device_state(state: State, split: ChannelSplit, device: int) -> State:
    """Views of the weights of unsplit layers that a device holds: a state of ``build(split.part(device))``.

    Parameters
    ----------
    state
        Parameters and buffers of the unsplit layers, or their gradients, by name.
    """
    indices, held = split.indices(device), {}
    for key, value in state.items():
        rows, columns = indices[key.rpartition(".")[0]]
        if value.dim() == 0:  # batch-norm's count of batches, which the first device keeps
            held[key] = value if device == 0 else value.clone()
        elif value.dim() == 1 and rows is None:  # the bias of the sums, which is added once
            held[key] = value if device == 0 else torch.zeros_like(value)
        else:
            value = value if rows is None else value[rows.start : rows.stop]
            held[key] = value if columns is None else value[:, columns.start : columns.stop]
    return held


# ---- by rows


class SplitRows(nn.Module):
    """Merged layers computed on every device's rows, with the halo; then the rows are joined.

    Batch statistics are those of all rows, each counted once: what ranks would add up by an all-reduce.
    """

    def __init__(self, split: RowSplit, whole: nn.Sequential) -> None:
        super().__init__()
        self.split = split
        self.whole = whole

    def forward(self, inputs: Tensor) -> Tensor:
        """Map ``(B, C, *spatial)`` as the unsplit layers do."""
        maps = [_read(inputs, range(inputs.shape[2]), rows, inputs.shape[2]) for rows in self.split.reads]
        return torch.cat(_run(self.split.steps, self.whole, maps, self.split.reads, self.split.outputs), dim=2)


def _run(steps: Sequence[RowStep], whole: nn.Module, maps: list[Tensor], held: Rows, wanted: Rows) -> list[Tensor]:
    """Compute the steps on every device's maps, which hold the rows ``held``; gives the rows ``wanted``."""
    for step in steps:
        module: Any = whole.get_submodule(step.name)
        if isinstance(module, ResidualBlock):
            deep = _run(step.body, module.body, maps, held, step.rows)
            straight = _run(step.shortcut, module.shortcut, maps, held, step.middle)
            maps = [one + module.middle(two, one) for one, two in zip(deep, straight, strict=True)]
        else:
            fill = -torch.inf if isinstance(step.layer, MaxPool) else 0.0
            read = zip(maps, held, step.windows, strict=True)
            maps = [_read(rows, at, window, step.input[1], fill) for rows, at, window in read]
            if isinstance(module, NORMS) and module.training:
                maps = _normalised(module, maps, step.rows)
            else:
                maps = [_applied(step.layer, module, rows) for rows in maps]
        held = step.rows
    return [_read(rows, at, window, at.stop) for rows, at, window in zip(maps, held, wanted, strict=True)]


def _read(maps: Tensor, held: range, window: range, size: int, fill: float = 0.0) -> Tensor:
    """Cut the rows ``window`` out of those that are held; rows before 0 and from ``size`` on are padding."""
    start, stop = max(window.start, 0), min(window.stop, size)
    assert held.start <= start and stop <= held.stop, "every device holds the rows that it reads"
    rows = maps.narrow(2, start - held.start, stop - start)
    padding = (start - window.start, window.stop - stop)
    return functional.pad(rows, (0, 0) * (maps.dim() - 3) + padding, value=fill) if any(padding) else rows


def _applied(layer: Layer, module: Any, maps: Tensor) -> Tensor:
    """Apply a layer to rows that are padded already: its padding is that of the other axes."""
    if type(module) in CONVOLUTIONS:
        padding = (0, *module.padding[1:])
        return CONVOLUTIONS[type(module)](maps, module.weight, module.bias, module.stride, padding)
    if isinstance(layer, MaxPool):
        padding = (0, *(layer.pad,) * (maps.dim() - 3))
        return MAX_POOL[maps.dim() - 2](maps, layer.size, layer.step, padding)
    applied: Tensor = module(maps)
    return applied


def _normalised(norm: Any, maps: list[Tensor], rows: Rows) -> list[Tensor]:
    """Normalise by the statistics of all rows, of which each is counted on one device, and keep them running."""
    stops = [*(after.start for after in rows[1:]), rows[-1].stop]
    owned = [part.narrow(2, 0, stop - at.start) for part, at, stop in zip(maps, rows, stops, strict=True)]
    axes = (0, *range(2, maps[0].dim()))
    count = sum(part.numel() // part.shape[1] for part in owned)
    along = (1, -1, *(1,) * (maps[0].dim() - 2))
    mean = torch.stack([part.sum(axes) for part in owned]).sum(0) / count
    squares = torch.stack([(part - mean.view(along)).square().sum(axes) for part in owned]).sum(0)
    with torch.no_grad():
        norm.running_mean.lerp_(mean, norm.momentum)
        norm.running_var.lerp_(squares / (count - 1), norm.momentum)
        norm.num_batches_tracked.add_(1)
    scale = norm.weight * torch.rsqrt(squares / count + norm.eps)
    return [(part - mean.view(along)) * scale.view(along) + norm.bias.view(along) for part in maps]
