"""A page as a test opens it: in the app, beside its sidebar, with the URL's parameters."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import plotly.graph_objects as go
import pytest
from streamlit import config
from streamlit.runtime.pages_manager import PagesManager
from streamlit.testing.v1 import AppTest, app_test

APP = Path(__file__).parents[2] / "app.py"
SECONDS = 60


def _manager_of_a_warm_server(*arguments, **settings):
    """AppTest begins every run as a server that nobody visited yet; see ``pages.ui.shell.title``."""
    PagesManager.uses_pages_directory = False
    return PagesManager(*arguments, **settings)


def check_figure(tree: dict[str, Any]) -> None:
    """What plotly would have checked while the figure was made; see ``ddlab.figures.graph_objects``."""
    go.Figure(tree)
    assert not list(_plain(tree, "title")), "plotly's JavaScript takes no plain text as a title"
    assert not list(_plain(tree, "colorscale")), "some names are other scales in plotly's JavaScript"


def _plain(tree: Any, name: str) -> Iterator[str]:
    parts = tree.values() if isinstance(tree, dict) else tree if isinstance(tree, list) else ()
    if isinstance(tree, dict) and isinstance(tree.get(name), str):
        yield tree[name]
    for part in parts:
        yield from _plain(part, name)


@pytest.fixture
def open_page(monkeypatch):
    """``open_page("runs", run=...)`` gives the page after its first run, and fails on an exception."""
    monkeypatch.chdir(APP.parent)
    monkeypatch.setattr(app_test, "PagesManager", _manager_of_a_warm_server)
    said = config.get_option("client.showErrorDetails")
    config.set_option("client.showErrorDetails", "full")  # for whoever reads why a test failed

    def opened(name: str, **parameters: str) -> AppTest:
        test = AppTest.from_file(str(APP), default_timeout=SECONDS)
        test.query_params.update(parameters)
        test.switch_page(f"pages/{name}.py").run()
        assert not test.exception, test.exception[0].stack_trace
        for chart in test.get("plotly_chart"):
            check_figure(json.loads(chart.proto.spec))
        return test

    yield opened
    config.set_option("client.showErrorDetails", said)
