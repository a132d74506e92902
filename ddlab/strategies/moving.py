"""Moves of a stage that has begun: whether it may go on on another number of ranks.

Networks and parts of a model are kept by name, whichever rank holds them, so most stages may go on anywhere, and on any
kind of device. Where ranks divide every batch, batch normalisation and dropout see a rank's part of it: on another
number of ranks the same epochs are another training, and a result of both would be that of no experiment.
"""

from ddlab.models.architecture import BatchNorm, Dropout
from ddlab.problem import Problem
from ddlab.strategies.stage import Stage, StageContext


def tied_to_ranks(problem: Problem, stage: Stage) -> str:
    """Name what ties a stage that has begun to its number of ranks; empty where nothing does."""
    if not stage.divides_batches:
        return ""
    layers = [placed.layer for placed in problem.global_network.placed_layers()]
    if any(isinstance(layer, BatchNorm) for layer in layers):
        return "batch normalisation"
    return "dropout" if any(isinstance(layer, Dropout) and layer.rate for layer in layers) else ""


def check_ranks(context: StageContext) -> None:
    """Refuse a stage that has begun on another number of ranks and is tied to it; note the number of one that begins.

    Raises
    ------
    ValueError
        Names the field, the rule, the value and the choices.
    """
    stage, folder, size = context.stage, context.folder, context.ranks.size
    begun = folder.workers if folder.checkpoints() else 0
    if not begun and context.ranks.rank == 0:
        folder.write_workers(size)
    tie = tied_to_ranks(context.problem, stage) if begun not in (0, size) else ""
    if tie:
        raise ValueError(
            f"placement.workers: stage {stage.name!r} (seed {context.seed}) began on {begun}, and its {tie} sees a "
            f"worker's part of every batch, so it can only go on on as many, got {size}; choices: {begun}, or delete "
            "the folder of that stage to begin it anew"
        )
