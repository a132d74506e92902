"""The majority vote: the class that most local networks name, ties broken by the highest probability."""

import time
from collections.abc import Iterator

from ddlab.aggregators import majority
from ddlab.problem import Problem
from ddlab.strategies.local import local_stage
from ddlab.strategies.results import write_combination
from ddlab.strategies.stage import LOCAL, Stage, StageContext


def stages(problem: Problem) -> Iterator[Stage]:
    """The local networks, then their vote."""
    yield local_stage(problem)
    yield Stage("majority", "Majority vote", "single", combine, needs=(LOCAL,))


def combine(context: StageContext) -> None:
    """Count the votes."""
    began = time.monotonic()
    votes = {split: majority(values) for split, values in context.needed(LOCAL).predictions().items()}
    decisions = {split: vote.decisions_M for split, vote in votes.items()}
    scores = {split: vote.shares_MK for split, vote in votes.items()}
    write_combination(context, scores, decisions, {split: vote.ranks_MK for split, vote in votes.items()}, began)
