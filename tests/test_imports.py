"""What may import what: the core knows no streamlit, the pages no torch, and every registry entry loads."""

import subprocess
import sys
from pathlib import Path

import pytest

from ddlab.analyses import ANALYSES
from ddlab.data import DATASETS
from ddlab.models import MODELS
from ddlab.strategies import STRATEGIES

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
OPEN_PAGE = """
from streamlit.testing.v1 import AppTest
page = AppTest.from_file("app.py", default_timeout=60).run()
page.switch_page({page!r}).run()
assert not page.exception, page.exception
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


@pytest.mark.parametrize("page", PAGE_FILES)
def test_page_imports_no_torch(page):
    python(OPEN_PAGE.format(page=page) + NO_TORCH)


@pytest.mark.parametrize(
    "registry", [DATASETS, MODELS, STRATEGIES, ANALYSES], ids=["data", "models", "strategies", "analyses"]
)
def test_every_entry_loads(registry):
    assert registry
    for name, entry in registry.items():
        assert callable(entry.load()), name
        assert entry.title and entry.description, name
