"""One field of the form of an experiment: what the schema says of it, and its value at first."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic.fields import FieldInfo

from pages.ui import words

ACRONYMS = ("sgd", "dnn")


@dataclass(frozen=True)
class Slot:
    """One field on the page: where it stands in the tree, what the schema says of it, and its value at first."""

    path: str
    info: FieldInfo
    value: Any
    source: str

    @property
    def key(self) -> str:
        """The widget's key; values are kept for every source of the form apart."""
        return f"{self.source}/{self.path}"

    @property
    def label(self) -> str:
        """The text above the widget."""
        words = self.path.split(".")[-1].capitalize().split("_")
        name = " ".join(word.upper() if word.lower() in ACRONYMS else word for word in words)
        unit = extra(self.info).get("unit")
        return f"{name} ({unit})" if unit and unit not in name.lower() else name

    @property
    def shared(self) -> dict[str, Any]:
        """The arguments that every widget is given."""
        about = words.explained_field(self.path, self.info.description or "")
        return {"key": self.key, "help": about, "persist_state": "session"}


def extra(info: FieldInfo) -> Mapping[str, Any]:
    """Return what the schema says of a field beside its description: its unit, and whether it is advanced."""
    extra = info.json_schema_extra
    return extra if isinstance(extra, dict) else {}
