"""The base of every part of an experiment: it is frozen, and its fields describe themselves."""

from collections.abc import Iterator
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, field_validator, model_validator

from ddlab.plain import LARGEST
from ddlab.registry import unknown

HIGHEST_RATE = 10


class Settings(BaseModel):
    """A part of an experiment: frozen, every field known; an unknown key is an error that names the nearest one."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True, allow_inf_nan=False)

    @model_validator(mode="before")
    @classmethod
    def _check_keys(cls, values: Any) -> Any:
        if isinstance(values, dict):
            for key in values:
                if key not in cls.model_fields:
                    raise ValueError(unknown("key", key, cls.model_fields))
        return values

    @field_validator("*")
    @classmethod
    def _check_size(cls, value: Any) -> Any:
        if any(isinstance(number, int) and abs(number) >= LARGEST for number in _leaves(value)):
            raise ValueError("needs whole numbers whose size is below 2⁶³")
        return value


def _leaves(value: Any) -> Iterator[Any]:
    """Yield the leaves of nested tuples; a value that is not a tuple is its own leaf."""
    if isinstance(value, tuple):
        for part in value:
            yield from _leaves(part)
    else:
        yield value


def setting(default: Any, description: str, *, unit: str = "", advanced: bool = False, **limits: Any) -> Any:
    """Declare a field of an experiment with what the form and the help show of it."""
    return Field(default, description=description, json_schema_extra={"unit": unit, "advanced": advanced}, **limits)


Rates = tuple[tuple[int, float], ...]


def _in_order(steps: Rates) -> Rates:
    epochs = [epoch for epoch, _ in steps]
    if epochs != sorted(set(epochs)) or any(epoch < 1 or not 0 < rate <= HIGHEST_RATE for epoch, rate in steps):
        raise ValueError(f"needs rising epochs of at least 1, each with a rate above 0 and at most {HIGHEST_RATE}")
    return steps


RatePlan = Annotated[Rates, AfterValidator(_in_order)]
"""Learning rates by the number of epochs that are done when they begin."""
