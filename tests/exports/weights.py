"""Weights for a made run: those of networks that nobody trained."""

import torch
from safetensors.torch import save_file

from ddlab.models.build import build
from ddlab.models.names import local_name
from ddlab.problem import pose
from ddlab.runs import RunFolder
from ddlab.strategies.cnn_dnn import dnn


def with_weights(run: RunFolder) -> RunFolder:
    """Write the weights of the stages that the run has."""
    problem = pose(run.experiment)
    networks = {f"{local_name(index)}-best": network for index, network in enumerate(problem.local_networks)}
    stages = {"global": {"global-best": problem.global_network}, "local": networks}
    stages |= {"cnn_dnn": {"dnn-best": dnn(problem)}, "coherent": networks | {"dnn-best": dnn(problem)}}
    torch.manual_seed(0)
    for stage, parts in stages.items():
        folder = run.stage(stage, 0)
        for name, network in parts.items() if folder.done else ():
            state = build(network).state_dict()
            for value in state.values():
                if value.dim() == 1:  # not the ones and zeros that a new network has
                    value.copy_(0.5 + torch.rand(value.shape))
            save_file(state, folder.weights(name))
    return run
