"""The runs that a lesson names, and their facts."""

from collections.abc import Iterator, Mapping

from ddlab.lessons.facts import Facts
from ddlab.lessons.lesson import Lesson
from ddlab.runs import RunFolder, open_run


class RecordedFacts(Mapping[str, Facts]):
    """Facts of the runs that a lesson names, opened when they are asked for.

    Parameters
    ----------
    runs
        Ids by the names that the lesson has for them.
    """

    def __init__(self, runs: Mapping[str, str]) -> None:
        self.runs = runs
        self.read: dict[str, Facts] = {}

    def __getitem__(self, name: str) -> Facts:
        if name not in self.read:
            self.read[name] = Facts(open_run(self.runs[name]), self)
        return self.read[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.runs)

    def __len__(self) -> int:
        return len(self.runs)


def recorded_facts(lesson: Lesson) -> RecordedFacts:
    """Return the facts of all runs that a lesson names."""
    return RecordedFacts(lesson.front.runs)


def facts_of_trial(run: RunFolder, recorded: RecordedFacts) -> Facts:
    """Return the facts of a reader's run, beside those that the lesson names."""
    return Facts(run, recorded)
