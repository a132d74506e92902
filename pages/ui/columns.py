"""The type of what a table's columns are called and how they are drawn."""

from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:  # streamlit does not publish it
    from streamlit.elements.lib.column_types import ColumnConfig

Columns: TypeAlias = "dict[str, ColumnConfig | str]"
