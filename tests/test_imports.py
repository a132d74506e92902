"""What may import what: the core knows no streamlit, the pages no torch, and every registry entry loads."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from ddlab.registry.analyses import ANALYSES
from ddlab.registry.datasets import DATASETS
from ddlab.registry.models import MODELS
from ddlab.registry.strategies import STRATEGIES
from ddlab.registry.views import VIEWS

ROOT = Path(__file__).parent.parent
CORE = sorted(
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
    for path in (ROOT / "ddlab").rglob("*.py")
    if path.name != "__main__.py"
)
PAGE_FILES = sorted(str(path.relative_to(ROOT)) for path in (ROOT / "pages").glob("*.py"))

BLOCK_STREAMLIT = "import sys; sys.modules['streamlit'] = None; import importlib\n"
PLAN = """
from ddlab.experiment import Experiment
from ddlab.problem import pose
from ddlab.strategies.stage import plan
stages = plan(pose(Experiment()))
assert [stage.name for stage in stages][-1] == "cnn_dnn", stages
"""
OPEN_PAGES = """
import sys
from streamlit.testing.v1 import AppTest
for name in {pages!r}:
    page = AppTest.from_file("app.py", default_timeout=60).run()
    page.switch_page(name).run()
    assert not page.exception, page.exception
    assert "torch" not in sys.modules, name + " imported torch"
"""
NO_TORCH = "\nimport sys; assert 'torch' not in sys.modules, 'torch was imported'"


def python(code):
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr


def test_core_imports_with_streamlit_blocked():
    imports = "\n".join(f"importlib.import_module({name!r})" for name in CORE)
    python(BLOCK_STREAMLIT + imports)


def test_plan_imports_no_torch():
    python(PLAN + NO_TORCH)


def test_no_page_imports_torch():
    """One process opens them all, as a server does: the first to import torch is named."""
    assert len(PAGE_FILES) >= 10
    python(OPEN_PAGES.format(pages=PAGE_FILES))


@pytest.mark.parametrize(
    "registry",
    [DATASETS, MODELS, STRATEGIES, ANALYSES, VIEWS],
    ids=["data", "models", "strategies", "analyses", "views"],
)
def test_every_entry_loads(registry):
    assert registry
    for name, entry in registry.items():
        assert callable(entry.load()), name
        assert entry.title and entry.description, name


def test_no_circle_of_packages_or_files():
    """Lazy imports and those of types alone count, too."""
    files = graph()
    packages: dict[str, set[str]] = {}
    for name, imported in files.items():
        own = package(name)
        packages.setdefault(own, set()).update({package(other) for other in imported} - {own})
    assert circles(files) == []
    assert circles(packages) == []


def test_nothing_imports_the_face():
    """It may use everything, as it is made for others; what it promises is theirs, and ours stands below it."""
    for name, imported in graph().items():
        if name != "ddlab" and package(name) != "ddlab.face":
            assert "ddlab" not in imported and not {other for other in imported if package(other) == "ddlab.face"}, name


def test_the_face_imports_nothing_before_it_is_used():
    large = ("torch", "numpy", "pandas", "plotly", "pydantic", "importlib.metadata")
    python(
        f"import sys; before = set(sys.modules); import ddlab; dir(ddlab)\nnew = set(sys.modules) - before\n"
        f"assert not new & set({large!r}), new"
    )


def test_what_the_pages_use_of_the_face_imports_no_torch():
    python("import ddlab; run = ddlab.run('example'); run.accuracies(); run.figure('curves'); run.tables" + NO_TORCH)


def test_what_the_face_gives_without_a_run_imports_no_torch():
    planned = "planned = ddlab.preview('demo'); planned.table('plan'); planned.figure('cost'); planned.tables"
    python(f"import ddlab; {planned}; ddlab.playground().figure('step'); ddlab.recorded().figures" + NO_TORCH)


def test_a_circle_is_found():
    assert circles({"a": {"b"}, "b": {"c"}, "c": {"a"}, "d": {"a"}}) == [["a", "b", "c"]]


def graph():
    """Every file of the core and the pages, and the files that it imports anywhere in its text."""
    paths = {
        ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path
        for folder in ("ddlab", "pages")
        for path in (ROOT / folder).rglob("*.py")
    }
    return {
        name: {other for other in imports(path) if other in paths and other != name} for name, path in paths.items()
    }


def imports(path):
    """Dotted names that a file imports, both the module and what may be a module in it."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            modules = [f"{node.module}.{alias.name}" for alias in node.names]
            known = [name for name in modules if exists(name)]
            yield from known
            if len(known) < len(modules):
                yield node.module


def exists(name):
    path = ROOT.joinpath(*name.split("."))
    return path.with_suffix(".py").exists() or (path / "__init__.py").exists()


def package(name):
    """The room that a module is in: ``ddlab.runs``, or the module itself where it stands on the ground floor."""
    return ".".join(name.split(".")[:2])


def circles(graph):
    """Groups of nodes that reach each other."""
    reached = {node: reach(graph, node) for node in graph}
    groups = {tuple(sorted({node} | {o for o in reached[node] if node in reached[o]})) for node in graph}
    return sorted(list(group) for group in groups if len(group) > 1)


def reach(graph, start):
    found, begun = set(), [start]
    while begun:
        for node in graph.get(begun.pop(), ()):
            if node not in found:
                found.add(node)
                begun.append(node)
    return found


def test_no_list_of_strategies_but_in_the_registry_and_the_recipes():
    """What a strategy is, it says itself; a list of names elsewhere is untrue as soon as there is another one.

    Some lists of the same words are none of these: columns that the papers publish, what is possible at best on drawn
    images, names of optimizers, methods that walk in the plane, and the registry of methods with old gradients.
    """
    published = ("ddlab/reproductions/", "ddlab/analyses/comparison/paper.py", "ddlab/data/shapes.py")
    optimizers = ("ddlab/optim/__init__.py", "ddlab/experiment/parts.py", "ddlab/analyses/comparison/cost.py")
    plane = tuple(
        f"{folder}/trust_region/{name}.py"
        for folder in ("ddlab/analyses", "ddlab/figures", "pages/ui")
        for name in ("plane_steps", "playground")
    )
    allowed = ("ddlab/registry/", "ddlab/recipes/", "ddlab/pipeline/methods.py", *published, *optimizers, *plane)
    found = []
    for folder in ("ddlab", "pages"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            name = str(path.relative_to(ROOT))
            if not name.startswith(allowed):
                found += [f"{name}:{line}" for line in lists_of_strategies(path.read_text(encoding="utf-8"))]
    assert found == []


@pytest.mark.parametrize("text", ['A = ("sgd", "adam")', 'x in {"apts", "sapts"}', 'B = {"global": 1, "average": 2}'])
def test_a_list_of_strategies_is_found(text):
    assert list(lists_of_strategies(text)) == [1]


def lists_of_strategies(text):
    """Lines of tuples, lists, sets and dicts of which two elements or keys are names of strategies."""
    for node in ast.walk(ast.parse(text)):
        elements = node.keys if isinstance(node, ast.Dict) else getattr(node, "elts", ())
        names = [element.value for element in elements if isinstance(element, ast.Constant)]
        if sum(name in STRATEGIES for name in names if isinstance(name, str)) > 1:
            yield node.lineno
