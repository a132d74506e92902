"""What every test stands on: a home of its own, and no data sets of this machine unless it asks."""

import os
import sys

import pytest

if workers := int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "0")):  # they share the cores: before torch starts
    os.environ.setdefault("OMP_NUM_THREADS", str(max(1, (os.cpu_count() or 1) // workers)))

os.environ["DDLAB_WARM"] = "0"  # pages that are opened here start no process that stays for the next visitor

from ddlab import cli


def pytest_collection_modifyitems(items):
    """On many cores the long tests begin, so that at the end no core waits long for another."""
    if workers:
        items.sort(key=lambda item: not any(map(item.get_closest_marker, ("slow", "browser"))))


def pytest_runtest_setup(item):
    """Leave out what needs a GPU where there is none; `make gpu` runs it where there is one."""
    if item.get_closest_marker("gpu"):
        import torch

        if not torch.cuda.is_available():
            pytest.skip("needs a GPU")


@pytest.fixture(autouse=True)
def own_home(tmp_path, monkeypatch):
    """Keep runs and caches of a test in its own folder, so that no test sees another's or the user's."""
    monkeypatch.setenv("DDLAB_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture(autouse=True)
def own_main(monkeypatch):
    """Undo that Streamlit makes a page's script the main module: processes that are spawned later would run it."""
    monkeypatch.setitem(sys.modules, "__main__", sys.modules["__main__"])


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A home that the tests of a module share: for runs that take seconds."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DDLAB_HOME", str(tmp_path_factory.mktemp("home")))
        yield


@pytest.fixture
def ddlab(monkeypatch, capsys):
    """Run a command in this process; gives its exit code, output and messages."""

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["ddlab", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        return ended.value.code or 0, *capsys.readouterr()

    return run
