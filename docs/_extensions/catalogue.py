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
from ddlab.lessons import FACTS, KINDS
from ddlab.recipes import RECIPES
from ddlab.registry.datasets import DATASETS
from ddlab.registry.models import MODELS
from ddlab.registry.strategies import STRATEGIES
from ddlab.registry.views import VIEWS


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


def lesson_blocks() -> str:
    """Every kind of block of a lesson with its fields, as its class tells them."""
    texts = []
    for name, kind in KINDS.items():
        head, _, fields = (inspect.getdoc(kind) or "").partition("Parameters\n----------\n")
        lines = [f"### `{name}`", "", head.strip(), ""]
        for line in fields.splitlines():
            lines.append(f"- `{line}`:" if line and not line.startswith(" ") else f"  {line.strip()}")
        texts.append("\n".join(lines))
    return "\n\n".join(texts).replace("``", "`") + "\n"


def lesson_facts() -> str:
    """The facts that a lesson can ask for, as a table."""
    rows = [f"| `{fact.example}` | {fact.title} | {fact.unit} |" for fact in FACTS.values()]
    return "\n".join(["| for example | what it is | unit |", "|---|---|---|", *rows, ""])


def lesson_views() -> str:
    """The views that a lesson can show, with what can be chosen in each."""
    rows = [
        f"| `{name}` | {view.description} | {view.page} | {', '.join(f'`{choice}`' for choice in view.choices)} |"
        for name, view in VIEWS.items()
    ]
    return "\n".join(["| view | what it shows | page | what can be chosen |", "|---|---|---|---|", *rows, ""])


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
        "lesson_blocks": lesson_blocks(),
        "lesson_facts": lesson_facts(),
        "lesson_views": lesson_views(),
    }
    for name, text in texts.items():
        path = folder / f"{name}.md"
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")


def setup(app: Sphinx) -> dict[str, Any]:
    """Write the parts before anything is read."""
    app.connect("builder-inited", write)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
