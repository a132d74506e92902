"""The notebooks of ``examples/`` run from top to bottom, and are kept without outputs."""

import os
import time
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from tests.engine.real import PATIENCE

ROOT = Path(__file__).parents[2]
NOTEBOOKS = sorted((ROOT / "examples").glob("*.ipynb"))

every_notebook = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


@every_notebook
def test_kept_without_outputs(path):
    notebook = nbformat.read(path, 4)
    nbformat.validate(notebook)
    for cell in notebook.cells:
        assert cell.cell_type != "code" or (cell.outputs == [] and cell.execution_count is None), cell.source


@pytest.mark.slow
@every_notebook
def test_runs_from_top_to_bottom(path, own_home, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")])))
    began = time.monotonic()
    own_home.mkdir()
    client = NotebookClient(nbformat.read(path, 4), timeout=PATIENCE, resources={"metadata": {"path": str(own_home)}})
    done = client.execute()
    shown = [output for cell in done.cells if cell.cell_type == "code" for output in cell.outputs]
    kinds = {kind for output in shown for kind in output.get("data", {})}
    assert {"text/html", "application/vnd.plotly.v1+json"} <= kinds, "tables and figures are drawn"
    assert any("finished: " in output.get("text", "") for output in shown), "the training tells its end"
    assert time.monotonic() - began < 2 * PATIENCE
