"""Every trial of a lesson with everything that a reader may choose: trained for real, and what its checks say."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from ddlab.lessons.blocks import Check, Trial
from ddlab.lessons.check import experiment_of
from ddlab.lessons.known import RecordedFacts, facts_of_trial, recorded_facts
from ddlab.lessons.lesson import Lesson
from ddlab.lessons.played import told_of
from ddlab.runs import RunFolder

Train = Callable[[RunFolder], None]
"""Trains a run to its end."""


@dataclass(frozen=True)
class Tried:
    """One training of a trial.

    Parameters
    ----------
    trial, chosen
        Its name, and what a reader chose.
    seconds, most
        It took, and may take as the trial says.
    held
        Whether what a check looks for came true; of every check, in the lesson's order.
    fault
        Why there is nothing to check; empty where all is well.
    """

    trial: str
    chosen: dict[str, Any]
    seconds: float
    most: float
    held: tuple[bool, ...] = ()
    fault: str = ""

    @property
    def is_well(self) -> bool:
        """Whether it was trained, and in time."""
        return not self.fault and self.seconds <= self.most


def try_lesson(lesson: Lesson, train: Train) -> Iterator[Tried]:
    """Train the trials of a lesson, one after the other; the runs stay.

    Parameters
    ----------
    train
        Trains a new run to its end, however it ends.
    """
    recorded = recorded_facts(lesson)
    for name, trial in lesson.of_kind(Trial).items():
        checks = [block for _, block in lesson.blocks() if isinstance(block, Check) and block.of == name]
        for chosen in trial.combinations:
            run = RunFolder.create(experiment_of(trial, chosen))
            train(run)
            held, fault = _looked_at(run, checks, recorded)
            yield Tried(name, chosen, run.state().seconds or 0.0, trial.seconds, held, fault)


def _looked_at(run: RunFolder, checks: list[Check], recorded: RecordedFacts) -> tuple[tuple[bool, ...], str]:
    """Whether what each check looks for came true; and why nobody can tell, empty where one can."""
    state = run.state()
    if state.state != "finished":
        return (), f"{state.state}: {state.message}"
    facts = facts_of_trial(run, recorded)
    try:
        return tuple(told_of(check, facts).holds for check in checks), ""
    except ValueError as error:
        return (), str(error)
