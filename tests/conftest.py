"""What every test stands on: a home of its own, and no data sets of this machine unless it asks."""

import pytest


@pytest.fixture(autouse=True)
def own_home(tmp_path, monkeypatch):
    """Keep runs and caches of a test in its own folder, so that no test sees another's or the user's."""
    monkeypatch.setenv("DDLAB_HOME", str(tmp_path / "home"))
    return tmp_path / "home"
