"""The average probability: the class with the highest mean of the N local probabilities."""

import time
from collections.abc import Iterator

from ddlab.aggregators import average
from ddlab.problem import Problem
from ddlab.strategies.explanation import Explanation
from ddlab.strategies.local import local_stage
from ddlab.strategies.results import write_combination
from ddlab.strategies.stage import LOCAL, Stage, StageContext
from ddlab.written import percent


def stages(problem: Problem) -> Iterator[Stage]:
    """The local networks, then their average."""
    yield local_stage(problem)
    yield Stage("average", "Average probability", "single", combine, needs=(LOCAL,))


def combine(context: StageContext) -> None:
    """Average the local probabilities."""
    began = time.monotonic()
    scores = {split: average(values) for split, values in context.needed(LOCAL).predictions().items()}
    decisions = {split: values.argmax(1) for split, values in scores.items()}
    write_combination(context, scores, decisions, scores, began)


def reason(explanation: Explanation) -> str:
    """Tell the two classes of the highest mean probabilities."""
    order = explanation.mean_K.argsort()[::-1]
    first, second = (f"{explanation.classes[index]} ({percent(explanation.mean_K[index], 0)})" for index in order[:2])
    return f"The mean of the {len(explanation.local_NK)} local probabilities is highest for {first}, then {second}."
