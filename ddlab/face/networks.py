"""The networks of an experiment, put together and taken apart: modules of torch in, modules of torch out."""

from collections.abc import Sequence
from typing import cast

import torch
from torch import nn

from ddlab.composition.compose import Composition, State, composition_of
from ddlab.experiment import Experiment
from ddlab.models.build import build
from ddlab.problem import pose
from ddlab.strategies.phases import new_state


def networks(experiment: Experiment, seed: int = 0) -> tuple[nn.Module, list[nn.Module]]:
    """The untrained networks of an experiment: the global one, and one a subdomain.

    They take normalised images ``(B, C, *shape)`` and subimages, and give logits ``(B, K)``.

    Raises
    ------
    ExperimentError
        If the parts of the experiment do not fit together.

    Examples
    --------
    >>> import ddlab
    >>> whole, parts = ddlab.networks(ddlab.recipe("theorem"))
    >>> len(parts)
    4
    """
    problem = pose(experiment)
    made = []
    for number, described in enumerate((problem.global_network, *problem.local_networks)):
        module = build(described)
        module.load_state_dict(new_state(described, seed, "face", str(number)))
        made.append(module)
    return made[0], made[1:]


def compose(local: Sequence[nn.Module], experiment: Experiment) -> nn.Module:
    """The global network that holds all local ones: their channels side by side, zeros between them.

    On the part of a map that belongs to a subdomain it computes what that local network computes of its subimage,
    wherever padding does not come in between, and its logits are the sum of the local ones.

    Parameters
    ----------
    local
        One a subdomain of the experiment, in their order: of :func:`networks`, or of a run.
    experiment
        Says what they are: a model with ``model.reduction="1/N"``.

    Returns
    -------
    torch.nn.Module
        In evaluation mode, with weights of its own; images ``(B, C, *shape)`` to logits ``(B, K)``.

    Raises
    ------
    ValueError
        If the experiment's networks cannot be composed, or the modules are not its own; says why.

    References
    ----------
    Gu, Zhang, Liu, Cai, ETNA 56, 2022: Section 2.2 and Theorem 2.1.

    Examples
    --------
    >>> import ddlab
    >>> experiment = ddlab.recipe("theorem")
    >>> whole = ddlab.compose(ddlab.networks(experiment)[1], experiment)
    """
    made = composition_of(pose(experiment))
    states = [_state(module, f"local network {number}") for number, module in enumerate(local, 1)]
    if len(states) != len(made.local_networks):
        raise ValueError(f"local: needs {len(made.local_networks)} networks, one a subdomain, got {len(states)}")
    for number, (state, described) in enumerate(zip(states, made.local_networks, strict=True), 1):
        _check(state, build(described).state_dict(), f"local network {number}")
    return _module(build(made.global_network), made.compose(states))


def decompose(whole: nn.Module, experiment: Experiment) -> list[nn.Module]:
    """The local networks that a global network holds: the blocks on the diagonals of its weights.

    The reverse of :func:`compose`, but for the last layer's bias, of which a composed network knows the sum alone:
    every local network gets an equal part. What connects the blocks, as after further training, is left out.

    Parameters
    ----------
    whole
        With the layers of the experiment's global network.
    experiment
        Says how it is cut.

    Returns
    -------
    list of torch.nn.Module
        One a subdomain, in evaluation mode, with weights of their own; subimages to logits ``(B, K)``.

    Raises
    ------
    ValueError
        As :func:`compose`.

    References
    ----------
    Gu, Zhang, Liu, Cai, ETNA 56, 2022: Section 2.1.

    Examples
    --------
    >>> import ddlab
    >>> experiment = ddlab.recipe("theorem")
    >>> parts = ddlab.decompose(ddlab.networks(experiment)[0], experiment)
    """
    made: Composition = composition_of(pose(experiment))
    state = _state(whole, "global network")
    _check(state, build(made.global_network).state_dict(), "global network")
    pairs = zip(made.local_networks, made.decompose(state), strict=True)
    return [_module(build(described), part) for described, part in pairs]


# ---- its parts


def _state(module: nn.Module, name: str) -> State:
    if not isinstance(module, nn.Module):
        raise ValueError(f"{name}: needs a torch.nn.Module, got {type(module).__name__}")
    return cast(State, {key: value.detach().cpu() for key, value in module.state_dict().items()})


def _check(given: State, wanted: State, name: str) -> None:
    """Raise a ValueError that names the first tensor that the experiment's network does not have, or has otherwise."""
    if given.keys() != wanted.keys():
        key = sorted(given.keys() ^ wanted.keys())[0]
        whose = "does not have" if key in wanted else "has besides"
        raise ValueError(f"{name}: is not the experiment's: it {whose} the tensor {key!r}")
    for key, value in wanted.items():
        if given[key].shape != value.shape:
            shapes = f"{tuple(value.shape)}, got {tuple(given[key].shape)}"
            raise ValueError(f"{name}: is not the experiment's: {key!r} needs the shape {shapes}")


def _module(module: nn.Module, state: State) -> nn.Module:
    """The module with that state, in the state's precision."""
    dtype = next(value.dtype for value in state.values() if torch.is_floating_point(value))
    module.to(dtype).load_state_dict(state)
    return module.eval()
