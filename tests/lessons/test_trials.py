"""Every trial of the shipped lessons trained for real, once, with the values that its form shows at first."""

import time

import pytest
import torch

from ddlab.engine.launch import launch
from ddlab.lessons import Check, Trial, experiment_of, facts_of_trial, list_lessons, recorded_facts
from ddlab.lessons.played import told_of
from ddlab.ranks import Ranks
from ddlab.runs import RunFolder
from ddlab.strategies.execute import execute

pytestmark = pytest.mark.slow
LONGEST = 180.0  # seconds where the cores are busy; `ddlab lesson check` says how long a trial takes on quiet ones
TRIALS = [
    pytest.param(lesson, trial, id=f"{lesson.id}-{trial.name}")
    for lesson in list_lessons()
    if not isinstance(lesson, tuple)
    for trial in lesson.of_kind(Trial).values()
]


@pytest.fixture(autouse=True)
def one_thread():
    """As a worker on one core computes: several threads wait for each other where the cores are busy."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def trained(trial):
    """Train in this process, which has torch already; several ranks as the page starts them."""
    run = RunFolder.create(experiment_of(trial, {}))
    if run.experiment.placement.workers in (None, 1):
        execute(run, Ranks(), lambda record: run.append_metrics(0, record), lambda: None)
        run.end("finished")
        return run
    launch(run)
    deadline = time.monotonic() + LONGEST
    while run.state().is_live:
        assert time.monotonic() < deadline, run.log()
        time.sleep(0.1)
    return run


@pytest.mark.parametrize(("lesson", "trial"), TRIALS)
def test_a_trial_trains_and_its_checks_decide(lesson, trial):
    run, recorded = trained(trial), recorded_facts(lesson)
    assert run.state().state == "finished", run.failure()
    facts = facts_of_trial(run, recorded)
    checks = [block for _, block in lesson.blocks() if isinstance(block, Check) and block.of == trial.name]
    assert checks
    for check in checks:
        told = told_of(check, facts)
        assert told.numbers and all(number.strip() for _, number in told.numbers), check.when
