"""A page as a test opens it: in the app, beside its sidebar, with the URL's parameters."""

from pathlib import Path

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
        return test

    yield opened
    config.set_option("client.showErrorDetails", said)
