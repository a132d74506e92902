"""Measuring a machine: a quick one gives sound numbers, and a busy one is refused."""

import json

import pytest
import torch

from ddlab.machine import kept, measuring
from ddlab.machine.rates import Rates
from ddlab.models.work import KINDS

ONE = Rates(100.0, ((1e3, 50.0), (1e6, 10.0)), ((16, 40.0), (64, 90.0)), {"pooling": 5.0})


@pytest.fixture
def quick(monkeypatch):
    """Small tries, once each, that no load of the machine refuses."""
    settings = {"ROUNDS": 1, "LEAST": 1e-9, "MATRIX": 64, "MAPS": ((2, 8, 8), (2, 16, 4)), "SIZES": (2**14, 2**18)}
    settings |= {"NARROW": ((4, 8), (8, 8)), "OTHERS": ((2, 4, 8),), "BATCH": 2, "GAIN": 0.0, "TOO_BUSY": 0.0}
    for name, value in settings.items():
        monkeypatch.setattr(measuring, name, value)


def plain(machine):
    return json.loads(json.dumps(machine.plain()))


def test_what_is_measured_is_kept_and_told(quick, ddlab, tmp_path):
    threads = torch.get_num_threads()
    code, out, _ = ddlab("machine", "--measure", "--out", tmp_path / "machine.json")
    assert code == 0 and kept.machine_name() in out and torch.get_num_threads() == threads
    machine = kept.this_machine()
    assert plain(machine) == json.loads((tmp_path / "machine.json").read_text())
    assert min(machine.rates) == 1 and machine.measured and torch.__version__ in machine.source
    for rates in machine.rates.values():
        assert [size for size, _ in rates.bandwidth] == [2**14, 2**18]
        assert [channels for channels, _ in rates.convolutions] == [4, 8]
        assert set(rates.kinds) == {KINDS[kind] for kind in (measuring.BatchNorm, measuring.ReLU, measuring.MaxPool)}
    told = json.loads(ddlab("machine", "--json")[1])
    assert told["here"] == machine.name and told["machines"] == [plain(machine)]


def test_before_it_is_measured_the_command_says_how(ddlab):
    code, out, _ = ddlab("machine")
    assert code == 0 and "not measured yet" in out and "ddlab machine --measure" in out


@pytest.mark.parametrize(
    ("device", "message"), [("tpu", "must be cpu or cuda, got 'tpu'"), ("cuda", "'cuda' needs an NVIDIA GPU")]
)
def test_what_is_not_there_is_refused(ddlab, monkeypatch, device, message):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    code, _, err = ddlab("machine", "--measure", "--device", device)
    assert code == 2 and message in err and not kept.machines()


def test_a_busy_machine_is_refused():
    every = Rates(190.0, ONE.bandwidth)
    measuring.refuse_nonsense({1: ONE, 2: every}, share=0.9)
    with pytest.raises(ValueError, match="a core for 30\u00a0% of the time"):
        measuring.refuse_nonsense({1: ONE, 2: every}, share=0.3)
    with pytest.raises(ValueError, match="2 threads did fewer operations a second than one"):
        measuring.refuse_nonsense({1: ONE, 2: Rates(50.0, ONE.bandwidth)}, share=0.9)
    with pytest.raises(ValueError, match="fewer bytes a second"):
        measuring.refuse_nonsense({1: ONE, 2: Rates(190.0, ((1e3, 50.0), (1e6, 5.0)))}, share=0.9)


def test_operations_of_all_threads_are_those_of_as_many_processes_where_these_are_faster():
    every = Rates(190.0, ((1e3, 90.0), (1e6, 12.0)), ((16, 50.0), (64, 185.0)), {"pooling": 11.0})
    both = measuring.side_by_side(ONE, every, 2)
    assert both.convolutions == ((16, 80.0), (64, 185.0)) and both.kinds == {"pooling": 11.0}
    assert (both.operations, both.bandwidth) == (every.operations, every.bandwidth)


def test_a_ceiling_is_the_best_try():
    tried = measuring._Try(lambda: None, amount=10.0)
    tried.seconds += [5.0, 2.0, 4.0]
    assert tried.best == 5.0
