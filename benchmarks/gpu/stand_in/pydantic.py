"""A stand-in for pydantic on a machine that lacks it, for ``make gpu`` alone: what ddlab's experiments need of it.

Settings have their defaults, lists become tuples, parts become their classes; records are read from JSON. **Nothing is
validated**: it is for experiments that are known to be good, and never stands on the path where pydantic is installed.
"""

import json
import types
import typing
from collections.abc import Callable
from typing import Any, Self


class ValidationError(ValueError):
    """Never raised: nothing is validated."""


class AfterValidator:
    """A validator that is not called."""

    def __init__(self, function: Callable[[Any], Any]) -> None:
        self.function = function


BeforeValidator = AfterValidator
SkipValidation = typing.Annotated[typing.TypeVar("Value"), "as it is"]


class FieldInfo:
    """What is known of a field: its default and what people read of it."""

    def __init__(self, default: Any, **known: Any) -> None:
        self.default, self.annotation, self.metadata = default, None, []
        self.description = known.get("description", "")
        self.json_schema_extra = known.get("json_schema_extra")
        self.default_factory = known.get("default_factory")


def Field(default: Any = None, **known: Any) -> Any:  # noqa: N802  # pydantic's name
    """A field of settings."""
    return FieldInfo(default, **known)


def ConfigDict(**known: Any) -> dict[str, Any]:  # noqa: N802  # pydantic's name
    """Configuration that changes nothing here."""
    return known


def _unchanged(*_: Any, **__: Any) -> Callable[[Any], Any]:
    return lambda decorated: decorated


with_config = field_validator = model_validator = _unchanged


class TypeAdapter:
    """A reader of JSON."""

    def __init__(self, kind: Any) -> None:
        self.kind = kind

    def __class_getitem__(cls, kind: Any) -> type["TypeAdapter"]:
        return cls

    def validate_json(self, content: bytes) -> Any:
        """The tree in a text."""
        return json.loads(content)


class BaseModel:
    """Frozen settings whose fields are their class' annotations."""

    model_fields: dict[str, FieldInfo]

    def __init_subclass__(cls) -> None:
        cls.model_fields = {
            name: field for base in cls.__mro__[:0:-1] for name, field in getattr(base, "model_fields", {}).items()
        }
        for name, kind in typing.get_type_hints(cls, include_extras=True).items():
            if name in vars(cls) and name != "model_fields":
                own = vars(cls)[name]
                field = own if isinstance(own, FieldInfo) else FieldInfo(own)
                field.annotation = kind
                cls.model_fields[name] = field

    def __init__(self, **values: Any) -> None:
        known = type(self).model_fields
        tree = {name: _typed(values.get(name, field.default), field.annotation) for name, field in known.items()}
        self.__dict__ |= tree
        self.__dict__["__pydantic_extra__"] = {name: value for name, value in values.items() if name not in known}

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and self.__dict__ == other.__dict__

    def __hash__(self) -> int:
        return hash(repr(self.model_dump()))

    @classmethod
    def model_validate(cls, tree: Any) -> Self:
        """Settings of a tree."""
        return tree if isinstance(tree, cls) else cls(**tree)

    def model_dump(
        self, *, mode: str = "python", include: Any = None, exclude_defaults: bool = False
    ) -> dict[str, Any]:
        """The tree of the settings."""
        fields = {name: field for name, field in type(self).model_fields.items() if not include or name in include}
        kept = (
            name for name, field in fields.items() if not (exclude_defaults and getattr(self, name) == field.default)
        )
        return {name: _plain(getattr(self, name), mode) for name in kept}

    def model_dump_json(self) -> str:
        """The tree as JSON."""
        return json.dumps(self.model_dump(mode="json"))

    def model_copy(self, *, update: dict[str, Any]) -> Self:
        """A copy with other values."""
        return type(self)(**{**{name: getattr(self, name) for name in type(self).model_fields}, **update})


def _typed(value: Any, kind: Any) -> Any:
    """Lists become tuples, and mappings the settings that the annotation names."""
    if isinstance(value, dict):
        for choice in (kind, *typing.get_args(kind)):
            if (
                isinstance(choice, type)
                and not isinstance(choice, types.GenericAlias)
                and issubclass(choice, BaseModel)
            ):
                return choice(**value)
    if isinstance(value, list | tuple):
        inner = [choice for choice in typing.get_args(kind) if isinstance(choice, type)]
        return tuple(_typed(item, inner[0] if inner else None) for item in value)
    return value


def _plain(value: Any, mode: str) -> Any:
    if isinstance(value, BaseModel):
        return value.model_dump(mode=mode)
    if isinstance(value, tuple):
        found = [_plain(item, mode) for item in value]
        return found if mode == "json" else tuple(found)
    return value
