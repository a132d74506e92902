"""Runs that really train, for the tests of this folder."""

import pytest

from ddlab.engine.control import stop_processes
from ddlab.engine.launch import launch
from ddlab.runs import RunFolder
from tests.engine.real import experiment


@pytest.fixture
def one_home(tmp_path_factory, monkeypatch):
    """A home for all tests that ask for it: they share the cache and the uninterrupted runs."""
    monkeypatch.setenv("DDLAB_HOME", str(tmp_path_factory.getbasetemp() / "real-runs"))


@pytest.fixture
def start():
    """Start a run; none outlives its test, however that ends."""
    started = []

    def start(workers=1, **settings):
        run = RunFolder.create(experiment(workers, **settings))
        started.append(run)
        launch(run)
        return run

    yield start
    for run in started:
        stop_processes(run)
