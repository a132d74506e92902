"""Pages that are written from the code at every build: the command line, and what the registries hold.

They are written into ``docs/_generated``, which git ignores, and included by the pages that introduce them.
"""

import inspect
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import typer
import typer.cli
from sphinx.application import Sphinx

from ddlab.cli import app as commands
from ddlab.recipes import RECIPES
from ddlab.registry.datasets import DATASETS
from ddlab.registry.models import MODELS
from ddlab.registry.strategies import STRATEGIES


def command_line() -> str:
    """All commands with their arguments and options, as typer tells them."""
    group = typer.main.get_command(commands)
    text = typer.cli.get_docs_for_click(obj=group, ctx=typer.Context(group, info_name="ddlab"), name="ddlab")
    text = text.split("\n## ", 1)[1]  # the list of commands above is what the page's own contents say
    return "## " + re.sub(r"(?m)^\* `--help`.*\n", "", text)


def entries(family: Mapping[str, Any]) -> str:
    """A family of the registry as a table."""
    rows = [f"| `{name}` | {entry.title} | {entry.description} | {entry.reference} |" for name, entry in family.items()]
    return "\n".join(["| name | title | what it is | reference |", "|---|---|---|---|", *rows, ""])


def recipes() -> str:
    """Every recipe's docstring under its name: its command, what to expect, what was measured."""
    texts = []
    for name, recipe in RECIPES.items():
        text = inspect.getdoc(recipe) or ""
        texts.append(f"## `{name}`\n\n" + text.replace("``", "`"))
    return "\n\n".join(texts) + "\n"


def write(app: Sphinx) -> None:
    """Write the generated parts, those that changed alone, so that a second build has little to do."""
    folder = Path(app.srcdir) / "_generated"
    folder.mkdir(exist_ok=True)
    texts = {
        "command_line": command_line(),
        "recipes": recipes(),
        "datasets": entries(DATASETS),
        "models": entries(MODELS),
        "strategies": entries(STRATEGIES),
    }
    for name, text in texts.items():
        path = folder / f"{name}.md"
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")


def setup(app: Sphinx) -> dict[str, Any]:
    """Write the parts before anything is read."""
    app.connect("builder-inited", write)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
