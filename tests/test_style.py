"""The house style that ruff cannot check: size budgets, documented names, no dispatch by ``hasattr``.

One test a rule: it reads every file, and fails with all places that break the rule.
"""

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parent.parent
MODULES = sorted((ROOT / "ddlab").rglob("*.py"))
PAGES = sorted((ROOT / "pages").glob("*.py"))
WIDGETS = sorted((ROOT / "pages" / "ui").rglob("*.py"))
FILES = [*MODULES, *PAGES, *WIDGETS, ROOT / "app.py"]
TREES = {path: ast.parse(path.read_text(encoding="utf-8")) for path in FILES}
LINES = dict.fromkeys(MODULES + WIDGETS, 300) | dict.fromkeys(PAGES, 120) | {ROOT / "app.py": 79}
FUNCTION_LINES = 60
ARGUMENTS = 7  # six and self


def place(path, node):
    return f"{path.relative_to(ROOT)}:{node.lineno}"


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


def test_sizes():
    assert [path for path, limit in LINES.items() if path.read_text(encoding="utf-8").count("\n") > limit] == []
    every = [(place(path, node), node) for path, tree in TREES.items() for node in functions(tree)]
    long = [(where, node.name) for where, node in every if node.end_lineno - node.lineno + 1 > FUNCTION_LINES]
    assert long == [], f"a function has at most {FUNCTION_LINES} lines"
    many = [(where, node.name) for where, node in every if len(parameters(node)) > ARGUMENTS]
    assert many == [], f"a function has at most {ARGUMENTS - 1} arguments"


def test_no_hasattr_and_no_bare_except():
    nodes = [(place(path, node), node) for path, tree in TREES.items() for node in ast.walk(tree) if is_shunned(node)]
    assert [where for where, _ in nodes] == [], "a bare except, or dispatch by hasattr"


def is_shunned(node):
    bare = isinstance(node, ast.ExceptHandler) and node.type is None
    return bare or getattr(getattr(node, "func", None), "id", "") == "hasattr"


def test_the_reader_of_shunned_code_finds_it():
    code = "try:\n    hasattr(a, 'b')\nexcept:\n    pass\ntry:\n    getattr(a, 'b')\nexcept OSError:\n    pass\n"
    assert sum(map(is_shunned, ast.walk(ast.parse(code)))) == 2


def signatures(tree):
    """Functions and classes with the names that their ``Parameters`` may document."""
    found = [(function, parameters(function)) for function in functions(tree)]
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef):
            fields = [part.target.id for part in node.body if isinstance(part, ast.AnnAssign)]
            made_by = [parameters(part) for part in functions(node) if part.name == "__init__"]
            found.append((node, fields + sum(made_by, [])))
    return found


def test_documented_parameters_exist():
    unknown = [
        (place(path, node), node.name, name)
        for path, tree in TREES.items()
        for node, names in signatures(tree)
        for name in documented_parameters(ast.get_docstring(node) or "")
        if name not in names
    ]
    assert unknown == [], "documented, but not in the signature"


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


def test_docstrings_are_not_questions():
    found = {str(path.relative_to(ROOT)): lines for path, tree in TREES.items() if (lines := questions(tree))}
    assert found == {}, "verb first, or name the subject"


def test_the_reader_of_docstrings_finds_questions():
    text = '"""What is here."""\nclass A:\n    """Of a layer."""\n    def a(self):\n        """Whether it is so."""\n'
    text += '    def b(self):\n        """Whole maps."""\n'
    text += '    async def c(self):\n        """How often.\n\n        More.\n        """\n'
    assert questions(ast.parse(text)) == ["What is here.", "Of a layer.", "How often."]
