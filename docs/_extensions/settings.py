"""Parts of an experiment in the API: every field with its type, default, description, unit and range.

The text is made from the pydantic fields, as the form and the command line's help are, and handed to numpydoc as the
section Parameters.
"""

from types import UnionType
from typing import Any, Union, get_args, get_origin

from annotated_types import Ge, Gt, Le, Lt, MaxLen, MinLen
from pydantic.fields import FieldInfo
from sphinx.application import Sphinx

from ddlab.experiment.base import Settings

BEFORE_NUMPYDOC = 400
WORDS = {
    Ge: ("ge", "at least"),
    Gt: ("gt", "above"),
    Le: ("le", "at most"),
    Lt: ("lt", "below"),
    MinLen: ("min_length", "length at least"),
    MaxLen: ("max_length", "length at most"),
}


def type_name(kind: Any) -> str:
    """Name a type as its reader would write it."""
    if get_origin(kind) in (Union, UnionType):
        return " | ".join(type_name(part) for part in get_args(kind))
    if get_args(kind):
        return str(kind).replace("typing.", "").replace("NoneType", "None")
    return "None" if kind is type(None) else getattr(kind, "__name__", str(kind))


def limits(field: FieldInfo) -> str:
    """What a value has to keep to, in words."""
    found = [
        f"{WORDS[type(rule)][1]} {getattr(rule, WORDS[type(rule)][0])}"
        for rule in field.metadata
        if type(rule) in WORDS
    ]
    return ", ".join(found)


def described(field: FieldInfo) -> str:
    """The field's description, its unit and its range."""
    extra = field.json_schema_extra if isinstance(field.json_schema_extra, dict) else {}
    more = [f"Unit: {extra['unit']}." if extra.get("unit") else "", f"Range: {limits(field)}." if limits(field) else ""]
    return " ".join(part for part in (field.description or "", *more) if part)


def is_settings(described_object: Any) -> bool:
    """Whether it is a part of an experiment."""
    return isinstance(described_object, type) and issubclass(described_object, Settings)


def add_fields(app: Sphinx, what: str, name: str, described_object: Any, options: Any, lines: list[str]) -> None:
    """Add a section Parameters to the docstring of a part of an experiment."""
    if not is_settings(described_object) or not described_object.model_fields:
        return
    lines += ["", "Parameters", "----------"]
    for key, field in described_object.model_fields.items():
        default = field.get_default(call_default_factory=True)
        shown = f", default {default!r}" if not isinstance(default, Settings) else ""
        lines += [f"{key} : {type_name(field.annotation)}{shown}", f"    {described(field)}"]
    lines.append("")


def no_signature(app: Sphinx, what: str, name: str, described_object: Any, *more: Any) -> tuple[str, str] | None:
    """Leave the signature away, which would say all of that once more."""
    return ("", "") if is_settings(described_object) else None


def setup(app: Sphinx) -> dict[str, Any]:
    """Let docstrings of settings tell their fields."""
    app.connect("autodoc-process-signature", no_signature, priority=BEFORE_NUMPYDOC)
    app.connect("autodoc-process-docstring", add_fields, priority=BEFORE_NUMPYDOC)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
