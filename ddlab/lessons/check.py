"""Faults of a lesson: what it names has to be there, and to say what is asked of it."""

from collections.abc import Callable, Iterator
from typing import Any

from ddlab.analyses.comparison.cost import promise_here
from ddlab.experiment import Experiment
from ddlab.lessons.blocks import Block, Check, Prediction, Trial, View
from ddlab.lessons.conditions import Condition
from ddlab.lessons.facts import FACTS, Facts
from ddlab.lessons.known import recorded_facts
from ddlab.lessons.lesson import Fault, Lesson, Step
from ddlab.lessons.placeholders import facts_in
from ddlab.problem import pose
from ddlab.recipes import RECIPES
from ddlab.registry import unknown
from ddlab.registry.strategies import STRATEGIES
from ddlab.registry.views import VIEWS
from ddlab.runs import open_run
from ddlab.words import duration

MOST_TRIED = 200  # combinations of what a reader may set


def check_lesson(lesson: Lesson) -> list[Fault]:
    """Return everything that is wrong in a lesson, by line; nothing is trained for it."""
    faults = [Fault(1, f"runs: {sentence}") for run in lesson.front.runs.values() for sentence in _told(open_run, run)]
    if faults:
        return faults
    return sorted(_Checker(lesson).all(), key=lambda fault: fault.line)


def experiment_of(trial: Trial, chosen: dict[str, Any]) -> Experiment:
    """Build the experiment of a trial with what a reader chose.

    Raises
    ------
    ValueError
        If a choice is not one of those that the lesson offers, or they do not fit each other.
    """
    for path, value in chosen.items():
        if path not in trial.free:
            raise ValueError(unknown("setting", path, trial.free))
        if value not in trial.free[path]:
            raise ValueError(unknown(path, str(value), map(str, trial.free[path])))
    first = {path: values[0] for path, values in trial.free.items()}
    if trial.recipe not in RECIPES:
        raise ValueError(unknown("recipe", trial.recipe, RECIPES))
    return RECIPES[trial.recipe]().with_settings({**trial.set, **first, **chosen})


class _Checker:
    """Looks at the blocks of a lesson, one after the other."""

    def __init__(self, lesson: Lesson) -> None:
        self.lesson = lesson
        self.recorded = recorded_facts(lesson)
        self.lines: dict[str, int] = {}
        self.trials: dict[str, Trial] = {}

    def all(self) -> Iterator[Fault]:
        for step in self.lesson.steps:
            yield from self._views_of(step)
            for part in step.parts:
                if isinstance(part.content, str):
                    yield from self._text(part.content, part.line)
                    continue
                for sentence in self._block(part.content):
                    yield Fault(part.line, sentence)
                if isinstance(part.content, Prediction | Trial):
                    yield from self._name(part.content, part.line)

    def _views_of(self, step: Step) -> Iterator[Fault]:
        """Find views that a step shows twice, and choices that are free in one of them and are another one's, too."""
        views = [(part.line, part.content) for part in step.parts if isinstance(part.content, View)]
        for place, (line, view) in enumerate(views):
            for other_line, other in views[:place]:
                if view.view == other.view:
                    yield Fault(line, f"view: {view.view} stands in line {other_line}, too; a step shows a view once")
                    continue
                mine, theirs = ({*VIEWS[one.view].choices} if one.view in VIEWS else set() for one in (view, other))
                for name in sorted((mine & {*other.free}) | (theirs & {*view.free})):
                    yield Fault(line, f"free: {name} can be chosen in the view of line {other_line}, too; once a step")

    def _name(self, block: Prediction | Trial, line: int) -> Iterator[Fault]:
        if block.name in self.lines:
            yield Fault(line, f"name: {block.name!r} is the name of line {self.lines[block.name]}, too")
        if block.name in self.lesson.front.runs:
            yield Fault(line, f"name: {block.name!r} is the name of one of the runs, too")
        self.lines[block.name] = line
        if isinstance(block, Trial):
            self.trials[block.name] = block

    def _text(self, text: str, first: int) -> Iterator[Fault]:
        facts = self.recorded[self.lesson.front.first]
        for line, expression in facts_in(text):
            for sentence in _told(lambda asked: _check_fact(facts, asked, compares=False), expression):
                yield Fault(first + line, f"{{fact:{expression}}}: {sentence}")

    def _block(self, block: Block) -> Iterator[str]:
        if isinstance(block, View):
            yield from self._view(block)
        elif isinstance(block, Prediction):
            yield from self._prediction(block)
        elif isinstance(block, Trial):
            yield from _wrong_trial(block)
        else:
            yield from self._check(block)

    def _view(self, view: View) -> Iterator[str]:
        known = [*self.lesson.front.runs, *self.trials]
        if view.run and view.run not in known:
            yield unknown("run", view.run, known)
        if view.view not in VIEWS:
            yield unknown("view", view.view, VIEWS)
            return
        choices = VIEWS[view.view].choices
        for field, names in (("show", view.show), ("free", view.free)):
            for name in names:
                if name not in choices:
                    yield f"{field}: {unknown('choice', name, choices)}"
        for name, value in view.show.items():
            if isinstance(value, bool):
                yield f"show: {name} is yes or no, which YAML reads so; write it in quotes if it is a word"

    def _prediction(self, asked: Prediction) -> Iterator[str]:
        known = self.lesson.front.runs
        if asked.run and asked.run not in known:
            yield unknown("run", asked.run, known)
            return
        facts = self.recorded[asked.run or self.lesson.front.first]
        wrong = [
            sentence
            for text in filter(None, [asked.number, *asked.choice, *asked.beside])
            for sentence in _told(lambda text: _check_fact(facts, text, compares=False), text)
        ]
        yield from wrong
        if asked.point is not None:
            yield from _told(facts.numbers.mask, asked.point)
        for text in (asked.ask, asked.why):
            for _, expression in facts_in(text):
                yield from _told(lambda text: _check_fact(facts, text, compares=False), expression)

    def _check(self, check: Check) -> Iterator[str]:
        if check.of not in self.trials:
            yield unknown("of", check.of, self.trials) + " (a trial above)"
            return
        trial = self.trials[check.of]
        expected = trial.set.get("strategies") or trial.free.get("strategies")
        known = RECIPES[trial.recipe]().strategies if trial.recipe in RECIPES else ()
        for name in Condition.parse(check.when).facts:
            kind, _, rest = name.partition(".")
            if kind in self.recorded:
                yield from _told(self.recorded[kind].check, rest)
            elif kind not in FACTS:
                yield f"when: {unknown('fact', kind, [*FACTS, *self.recorded])}"
            elif rest in STRATEGIES and not expected and rest not in known:
                yield f"when: {unknown('strategy', rest, known)}"


def _check_fact(facts: Facts, text: str, *, compares: bool) -> None:
    """Refuse an expression whose facts are not there."""
    condition = Condition.parse(text)
    if condition.compares != compares:
        raise ValueError(f"needs a number such as accuracy.average, not a comparison: {text!r}")
    for name in condition.facts:
        facts.check(name)


def _wrong_trial(trial: Trial) -> Iterator[str]:
    if trial.recipe not in RECIPES:
        yield unknown("recipe", trial.recipe, RECIPES)
        return
    if len(trial.combinations) > MOST_TRIED:
        yield f"free: {len(trial.combinations)} combinations; at most {MOST_TRIED} can be checked"
        return
    for chosen in trial.combinations:
        told = list(_told(lambda chosen: pose(experiment_of(trial, chosen)), chosen))
        if told:
            yield f"free: with {chosen}: {told[0]}"
            return
        seconds = promise_here(pose(experiment_of(trial, chosen))).seconds
        if seconds and seconds > trial.seconds:
            yield f"seconds: with {chosen} it takes {duration(seconds)} here, above {duration(trial.seconds)}"
            return


def _told(action: Callable[[Any], Any], argument: Any) -> list[str]:
    """Return the refusal of an action, if it refuses."""
    try:
        action(argument)
    except ValueError as error:
        return [str(error)]
    return []
