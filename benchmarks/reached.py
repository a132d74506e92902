"""A plugin of pytest for ``benchmarks.mutants``: tells coverage which test runs, and writes down how long each took.

What a test's preparation reaches counts for its whole file, whose tests may share what was prepared.
"""

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from coverage import Coverage

seconds: dict[str, float] = {}
failed: list[str] = []


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> Iterator[None]:
    """Prepare a test."""
    _during(item.nodeid.split("::")[0])
    return (yield)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    """Run it."""
    _during(item.nodeid)
    return (yield)


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Add up what the phases of a test took."""
    seconds[report.nodeid] = seconds.get(report.nodeid, 0) + report.duration
    if report.failed:
        failed.append(report.nodeid)


def pytest_sessionfinish() -> None:
    """Write it down."""
    Path(os.environ["DDLAB_REACHED"]).write_text(json.dumps({"seconds": seconds, "failed": failed}))


def _during(name: str) -> None:
    if measuring := Coverage.current():
        measuring.switch_context(name)
