"""Names of types, such as ``Place = tuple[str, str]``, have no signature; numpydoc gives them that of ``tuple``."""

from types import GenericAlias
from typing import Any

from sphinx.application import Sphinx

BEFORE_NUMPYDOC = 400


def no_signature(app: Sphinx, what: str, name: str, named: Any, *more: Any) -> tuple[()] | None:
    """Answer for numpydoc, which is not asked then."""
    return () if isinstance(named, GenericAlias) else None


def setup(app: Sphinx) -> dict[str, Any]:
    """Listen before numpydoc does."""
    app.connect("autodoc-process-signature", no_signature, priority=BEFORE_NUMPYDOC)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
