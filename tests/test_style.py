"""The house style that ruff cannot check: size budgets, documented names, no dispatch by ``hasattr``."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
MODULES = sorted((ROOT / "ddlab").rglob("*.py"))
PAGES = sorted((ROOT / "pages").glob("*.py"))
WIDGETS = sorted((ROOT / "pages" / "ui").rglob("*.py"))
FILES = [*MODULES, *PAGES, *WIDGETS, ROOT / "app.py"]
LINES = dict.fromkeys(MODULES + WIDGETS, 300) | dict.fromkeys(PAGES, 120) | {ROOT / "app.py": 79}
FUNCTION_LINES = 60
ARGUMENTS = 7  # six and self

every_file = pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))


def functions(tree):
    return [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]


def parameters(function):
    spec = function.args
    return [a.arg for a in [*spec.posonlyargs, *spec.args, spec.vararg, *spec.kwonlyargs, spec.kwarg] if a]


def documented_parameters(docstring):
    """Names of a numpydoc ``Parameters`` section: the unindented lines before the next section."""
    section = re.search(r"^Parameters\n-+\n(.*?)(?=^\S+[^\n]*\n-{3,}|\Z)", docstring, re.S | re.M)
    heads = re.findall(r"^(\S[^\n]*)$", section.group(1), re.M) if section else []
    return [name.strip().lstrip("*") for head in heads for name in head.split(" : ")[0].split(",")]


@every_file
def test_sizes(path):
    text = path.read_text(encoding="utf-8")
    assert text.count("\n") <= LINES[path]
    for function in functions(ast.parse(text)):
        assert function.end_lineno - function.lineno + 1 <= FUNCTION_LINES, f"{function.name} is too long"
        assert len(parameters(function)) <= ARGUMENTS, f"{function.name} has too many arguments"


@every_file
def test_no_hasattr_and_no_bare_except(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        assert not (isinstance(node, ast.ExceptHandler) and node.type is None), f"line {node.lineno}: bare except"
        called = getattr(getattr(node, "func", None), "id", "")
        assert called != "hasattr", f"line {node.lineno}: dispatch by hasattr"


@every_file
def test_documented_parameters_exist(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    signatures = [(function, parameters(function)) for function in functions(tree)]
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef):
            fields = [part.target.id for part in node.body if isinstance(part, ast.AnnAssign)]
            made_by = [parameters(part) for part in functions(node) if part.name == "__init__"]
            signatures.append((node, fields + sum(made_by, [])))
    for node, names in signatures:
        for documented in documented_parameters(ast.get_docstring(node) or ""):
            assert documented in names, f"{node.name} documents {documented!r}, its signature has {names}"


def test_the_reader_of_documented_parameters_finds_them():
    text = "Do it.\n\nParameters\n----------\nshape, grid\n    Pixels.\n*boxes : list\n    Boxes.\n"
    text += "\nRaises\n------\nValueError\n"
    assert documented_parameters(text) == ["shape", "grid", "boxes"]


QUESTIONS = re.compile(r"(Of|Its|What|Where|Who|Whose|Whom|Which|How|When|Why)\b")
DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


def questions(tree):
    """First lines of docstrings that begin with a question word, or with a word that needs its neighbours."""
    docstrings = [ast.get_docstring(node) or "" for node in ast.walk(tree) if isinstance(node, DOCUMENTED)]
    return [docstring.partition("\n")[0] for docstring in docstrings if QUESTIONS.match(docstring)]


@pytest.mark.parametrize(
    "path",
    [*MODULES, *sorted((ROOT / "pages").rglob("*.py")), ROOT / "app.py"],
    ids=lambda path: str(path.relative_to(ROOT)),
)
def test_docstrings_are_not_questions(path):
    assert questions(ast.parse(path.read_text(encoding="utf-8"))) == [], "verb first, or name the subject"


def test_the_reader_of_docstrings_finds_questions():
    text = '"""What is here."""\nclass A:\n    """Of a layer."""\n    def a(self):\n        """Whether it is so."""\n'
    text += '    def b(self):\n        """Whole maps."""\n'
    text += '    async def c(self):\n        """How often.\n\n        More.\n        """\n'
    assert questions(ast.parse(text)) == ["What is here.", "Of a layer.", "How often."]
