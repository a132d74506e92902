"""The fenced blocks of a lesson: views, predictions, trials and checks."""

from itertools import product
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from ddlab.experiment.base import Settings
from ddlab.lessons.conditions import Condition
from ddlab.registry import unknown

NAME = r"[a-z][a-z0-9_]{0,39}"
MOST = 2000  # characters of a text
Name = Annotated[str, Field(pattern=f"^{NAME}$")]
Text = Annotated[str, Field(min_length=1, max_length=MOST)]
Choice = str | int | float | bool


def _conditional(text: str) -> str:
    Condition.parse(text)
    return text


def _numeric(text: str) -> str:
    if text and Condition.parse(text).compares:
        raise ValueError(f"needs a number such as accuracy.average, not a comparison: {text!r}")
    return text


ConditionText = Annotated[str, Field(max_length=MOST), AfterValidator(_conditional)]
NumberText = Annotated[str, Field(max_length=MOST), AfterValidator(_numeric)]


class View(Settings):
    """A part of a page in a given state.

    Parameters
    ----------
    view
        The part, as :data:`ddlab.registry.views.VIEWS` names it.
    run
        The name of the run that it shows, or the trial whose run it shows; empty: the first run of the lesson.
    show
        What is chosen there, by the names that stand in the address of its page.
    free
        Choices that a reader may change; all others are as they are at first.
    """

    view: str
    run: str = ""
    show: dict[str, Choice] = {}
    free: tuple[str, ...] = ()


class Prediction(Settings):
    """A question that is asked before the result is shown: for a number, for one of several, or for a place.

    Parameters
    ----------
    name
        Under which the answer is kept.
    ask
        The question.
    number
        The number that is asked for; it is computed from the run.
    within
        How far from it an answer may be, in its unit; up to three times as far is near. Of a place: in pixels.
    between
        The ends of a slider; empty: a share is asked for between 0 and 1, another number is typed.
    choice
        Names of the options, by the numbers that decide between them.
    right
        Which option is right; of a place, what it must hit.
    point
        The validation image that is pressed.
    beside
        Further numbers that are drawn beside the answer, by their names.
    why
        Shown with what happened.
    tries
        How often an answer may be given; after the last one, or a right one, it is shown what happened.
    run
        As of a view.
    """

    name: Name
    ask: Text
    number: NumberText = ""
    within: float = Field(0.05, gt=0)
    between: tuple[float, float] | None = None
    choice: dict[NumberText, Text] = {}
    right: Literal["highest", "lowest", "evidence"] = "highest"
    point: int | None = Field(None, ge=0)
    beside: dict[NumberText, Text] = {}
    why: Text
    tries: int = Field(1, ge=1, le=5)
    run: str = ""

    @property
    def kind(self) -> Literal["number", "choice", "point"]:
        """The kind of answer."""
        return "point" if self.point is not None else "choice" if self.choice else "number"

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        kinds = [name for name in ("number", "choice", "point") if getattr(self, name) not in ("", {}, None)]
        if len(kinds) != 1:
            raise ValueError(f"needs one of number, choice and point, got {' and '.join(kinds) or 'none'}")
        if self.choice and len(self.choice) < 2:
            raise ValueError("choice: needs two options at least")
        if (self.right == "evidence") != (self.point is not None):
            raise ValueError(f"right: of a {kinds[0]} it is {self._rights()}, got {self.right!r}")
        if self.between is not None and (self.kind != "number" or self.between[0] >= self.between[1]):
            raise ValueError("between: needs the lower and the upper end of a number's slider, such as [0, 1]")
        return self

    def _rights(self) -> str:
        return "evidence" if self.point is not None else "highest or lowest"


class Trial(Settings):
    """A training of the reader's own, of which the step's few settings can be changed, and nothing else.

    Parameters
    ----------
    name
        Under which its run is known in the lesson.
    recipe
        The experiment to begin with.
    set
        Settings that are changed for everybody, by their dotted names.
    free
        Dotted names of the settings that a reader chooses, each with the values to choose from.
    seconds
        How long it may take on two cores.
    """

    name: Name
    recipe: str
    set: dict[str, object] = {}
    free: dict[str, tuple[object, ...]] = Field(min_length=1, max_length=4)
    seconds: float = Field(60, gt=0, le=300)

    @model_validator(mode="after")
    def _all_differ(self) -> Self:
        for path, values in self.free.items():
            if not values or any(value in values[:place] for place, value in enumerate(values)):
                raise ValueError(f"free: {path} needs one value or more, each of them once")
        return self

    @property
    def combinations(self) -> list[dict[str, object]]:
        """All that a reader may choose together, the first values first."""
        return [dict(zip(self.free, values, strict=True)) for values in product(*self.free.values())]


class Check(Settings):
    """A condition on what a reader's run came to.

    Parameters
    ----------
    of
        The trial.
    when
        The condition, such as ``accuracy.average > accuracy.majority + 0.1``.
    then, otherwise
        What is said where it is so, and where it is not.
    """

    of: Name
    when: ConditionText
    then: Text
    otherwise: Text

    @model_validator(mode="after")
    def _compares(self) -> Self:
        if not Condition.parse(self.when).compares:
            raise ValueError(f"when: needs a comparison such as accuracy.average > 0.9, got {self.when!r}")
        return self


Block = View | Prediction | Trial | Check
KINDS: dict[str, type[Settings]] = {"view": View, "prediction": Prediction, "trial": Trial, "check": Check}


def kind_of(name: str) -> type[Settings]:
    """Look up what a fenced block is.

    Raises
    ------
    ValueError
        If there is no such kind; names all.
    """
    if name not in KINDS:
        raise ValueError(unknown("block", name, KINDS))
    return KINDS[name]
