"""What README and docs/ say can be done and found: links, commands, settings, chapters, and the numbers of recipes."""

import importlib.util
import re
import shlex
from pathlib import Path

import pytest
import typer

from benchmarks import measured, recipes
from ddlab.cli import app
from ddlab.experiment import Experiment
from ddlab.recipes import RECIPES

ROOT = Path(__file__).parent.parent
BUILT = {"_build", "_generated", "generated"}
DOCS = [path for path in sorted((ROOT / "docs").rglob("*.md")) if not BUILT & set(path.parts)]
TEXTS = [*sorted(ROOT.glob("*.md")), *DOCS]
TWO_SCREENS = 60  # lines
PLACEHOLDERS = re.compile(r"[A-Z_]+(_small)?|.*\.ya?ml")  # for what a reader puts in

COMMANDS = typer.main.get_command(app)
every_text = pytest.mark.parametrize("path", TEXTS, ids=lambda path: str(path.relative_to(ROOT)))


def code(text):
    """What stands in code: the lines of blocks without their comments, and what is set between backticks."""
    blocks = re.findall(r"^```\n(.*?)^```", text, re.S | re.M)
    outside = re.sub(r"^```.*?^```", "", text, flags=re.S | re.M)
    lines = [re.split(r"\s+#", line)[0] for block in blocks for line in block.splitlines()]
    return [*lines, *(" ".join(span.split()) for span in re.findall(r"`([^`]+)`", outside))]


def words(line):
    return shlex.split(line.split(" > ")[0])


def ddlab_commands(text):
    """The words after ``ddlab`` of every command line."""
    lines = [words(line) for line in code(text) if re.match(r"(\.venv/bin/)?ddlab [a-z]", line)]
    return [line[1:] for line in lines]


def faults(line):
    """What of a command line there is not: its command, its options, its recipe, its settings."""
    command, rest, found = COMMANDS, list(line), []
    while rest and hasattr(command, "commands"):
        if rest[0] not in command.commands:
            return [f"no command {rest[0]}"]
        command = command.commands[rest.pop(0)]
    options = {name for parameter in command.params for name in (*parameter.opts, *parameter.secondary_opts)}
    found += [f"no option {word}" for word in rest if word.startswith("--") and word not in options]
    for option, value in zip(rest, rest[1:], strict=False):
        if option == "--set":
            found += unknown_setting(value.split("=")[0])
    if line[0] in ("train", "sweep") and rest and not rest[0].startswith("-"):
        known = rest[0] in RECIPES or PLACEHOLDERS.fullmatch(rest[0])
        found += [] if known else [f"no recipe {rest[0]}"]
    return found


def unknown_setting(path):
    tree = Experiment().model_dump()
    for key in path.split("."):
        if not isinstance(tree, dict) or key not in tree:
            return [f"no setting {path}"]
        tree = tree[key]
    return []


def test_the_readme_has_two_screens():
    assert (ROOT / "README.md").read_text(encoding="utf-8").count("\n") <= TWO_SCREENS


@every_text
def test_links_lead_somewhere(path):
    for target in re.findall(r"\]\(([^)\s]+)\)", path.read_text(encoding="utf-8")):
        if not re.match(r"https?://|#", target):
            assert (path.parent / target.split("#")[0]).exists(), f"{target} is not there"


@every_text
def test_commands_exist(path):
    text = path.read_text(encoding="utf-8")
    for line in ddlab_commands(text):
        assert not faults(line), f"ddlab {' '.join(line)}: {faults(line)}"
    for line in code(text):
        module = re.match(r"python -m ((?:benchmarks|examples|ddlab|tests)[\w.]*)", line)
        assert module is None or importlib.util.find_spec(module[1]), f"{line}: no such module"


@every_text
def test_make_targets_exist(path):
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.M))
    named = [match[1] for line in code(path.read_text(encoding="utf-8")) if (match := re.match(r"make ([a-z]+)", line))]
    assert set(named) <= targets


def test_the_readers_find_what_is_wrong():
    text = "```\nmake app\n.venv/bin/ddlab trian demo   # no\n```\nand `ddlab train demo\n--epochs 3`, `ddlab runs`"
    assert ddlab_commands(text) == [["trian", "demo"], ["train", "demo", "--epochs", "3"], ["runs"]]
    assert [faults(line) for line in ddlab_commands(text)] == [["no command trian"], ["no option --epochs"], []]
    assert faults(["train", "dmo", "--set", "training.epoch=3"]) == ["no setting training.epoch", "no recipe dmo"]
    assert faults(["data", "chek", "PATH"]) == ["no command chek"]
    assert not faults(["train", "NAME_small", "--set", "training.epochs=3"])


def test_some_commands_are_read():
    read = [line for path in TEXTS for line in ddlab_commands(path.read_text(encoding="utf-8"))]
    assert {line[0] for line in read} >= {"train", "sweep", "reproduce", "verify", "maps", "cost", "data", "show"}


def test_every_page_has_a_chapter():
    pages = {path.stem for path in (ROOT / "pages").glob("*.py")}
    assert {path.stem for path in (ROOT / "docs" / "pages").glob("*.md")} == pages


def test_numbers_of_recipes_are_those_that_are_stored():
    """If this fails, print the tables anew: python -m benchmarks.recipes --table."""
    rows = re.findall(r"^\| `.*$", (ROOT / "docs" / "results" / "recipes.md").read_text(encoding="utf-8"), re.M)
    stored = recipes.table(measured.read()).splitlines()
    assert len(rows) >= 7
    assert [row for row in rows if row not in stored] == []
