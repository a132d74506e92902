"""What every part of an experiment has in common: it is frozen, and its fields say what they are."""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field, model_validator

from ddlab.registry import unknown


class Settings(BaseModel):
    """A part of an experiment: frozen, every field known; an unknown key is an error that names the nearest one."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True)

    @model_validator(mode="before")
    @classmethod
    def _check_keys(cls, values: Any) -> Any:
        if isinstance(values, dict):
            for key in values:
                if key not in cls.model_fields:
                    raise ValueError(unknown("key", key, cls.model_fields))
        return values


def setting(default: Any, description: str, *, unit: str = "", advanced: bool = False, **limits: Any) -> Any:
    """Declare a field of an experiment with what the form and the help show of it."""
    return Field(default, description=description, json_schema_extra={"unit": unit, "advanced": advanced}, **limits)
