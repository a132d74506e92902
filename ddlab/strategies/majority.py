"""The majority vote: the class that most local networks name, ties broken by the highest probability."""

import time
from collections.abc import Iterator

import numpy as np

from ddlab.aggregators import majority
from ddlab.problem import Problem
from ddlab.strategies.explanation import Explanation
from ddlab.strategies.local import local_stage
from ddlab.strategies.results import write_combination
from ddlab.strategies.stage import LOCAL, Stage, StageContext
from ddlab.written import listed, percent


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


def decide(probabilities_MNK: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the shares of the votes ``(M, K)`` and the decided classes ``(M,)`` that local probabilities come to."""
    vote = majority(probabilities_MNK)
    return vote.shares_MK, vote.decisions_M


def reason(explanation: Explanation) -> str:
    """Tell how many local networks name the class, and what broke a tie."""
    vote, classes = explanation.vote, explanation.classes
    votes, decided = vote.votes_MK[0], int(vote.decisions_M[0])
    most, num = int(votes.max()), int(votes.sum())
    if not vote.tie_M[0]:
        return f"{most} of {num} local networks name {classes[decided]}."
    tied = [classes[index] for index in np.flatnonzero(vote.tied_MK[0])]
    highest = vote.highest_MK[0, decided]
    who = int(explanation.local_NK[:, decided].argmax()) + 1
    return (
        f"A tie: {listed(tied)} have {most} of {num} votes each. The tie rule takes the class with the highest local "
        f"probability among them: {classes[decided]}, with {percent(highest, 0)} from subdomain {who}."
    )
