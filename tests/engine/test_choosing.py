"""The place of a run: how many workers find work, on which devices, and the sentence that says why."""

import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ddlab.engine.choosing import choose, place_here
from ddlab.engine.launch import place_of
from ddlab.engine.waiter import _chosen, variables
from ddlab.engine.worker import _who_am_i
from ddlab.problem import pose
from ddlab.runs import RunFolder
from ddlab.strategies.stage import Stage, Task, plan, shard
from tests.made_run import made_experiment


def stage(kind, *flops, title="Some stage", noun="subdomain", **facts):
    tasks = tuple(Task(f"{noun} {number}", float(each)) for number, each in enumerate(flops, 1))
    return Stage(title.lower(), title, kind, lambda context: None, tasks=tasks, **facts)


LOCAL = stage("sharded", 1, 1, 1, 1, title="Local networks")
WHOLE = stage("collective", 20, title="Global network", noun="whole", divides_batches=True, most_ranks=32)
PIPE = stage("collective", 5, 5, 5, title="Pipeline", noun="module", most_ranks=3, hands_on=True)
DNN = stage("single", 3, title="DNN", noun="DNN")


def machine(cpu, cuda=0, mps=0):
    return {"cpu": cpu, "cuda": cuda, "mps": mps}.__getitem__


@pytest.mark.parametrize(
    ("stages", "here", "workers", "why"),
    [
        ([LOCAL, DNN], machine(16), 4, "4 workers on 4 of 16 processor cores: there is no GPU here; more would find"),
        ([LOCAL, DNN], machine(3), 2, "since “Local networks” has 4 subdomains"),
        ([LOCAL], machine(2), 2, "2 workers on all 2 processor cores: .*“Local networks” has 4 subdomains\\."),
        ([LOCAL, WHOLE], machine(16), 16, "divides every batch among the workers, and “Local networks” has work for 4"),
        ([WHOLE], machine(64), 32, "32 workers on 32 of 64 .*“Global network” has 32 parts of its data"),
        ([PIPE], machine(8), 3, "“Pipeline” has 3 modules"),
        ([DNN], machine(2), 1, "1 worker on 1 of 2 processor cores: .*“DNN” is the work of one"),
        ([LOCAL, WHOLE], machine(16, cuda=2), 2, "2 workers on all 2 GPUs: GPUs come before processor cores; "),
        ([WHOLE], machine(16, cuda=1), 1, "1 worker on the only GPU: "),
        ([LOCAL], machine(8, mps=1), 4, "Apple's GPU has to be asked for"),
    ],
)
def test_as_many_workers_as_find_work_and_a_sentence_why(stages, here, workers, why):
    place = choose({"devices": "auto", "workers": None}, stages, count=here)
    assert place.workers == place.slots == workers
    assert re.search(why, place.because), place.because


def test_what_is_asked_for_is_what_is_taken():
    assert choose({"workers": 3}, [LOCAL], count=machine(8)).workers == 3
    place = choose({"devices": "cpu"}, [LOCAL], count=machine(8, cuda=2))
    assert place.kind == "cpu" and "GPU" not in place.because
    assert choose({"devices": "mps"}, [LOCAL], count=machine(8, mps=1)).kind == "mps"
    with pytest.raises(ValueError, match="placement.workers: 2 workers need 2 Apple GPUs"):
        choose({"devices": "mps", "workers": 2}, [LOCAL], count=machine(8, mps=1))
    with pytest.raises(ValueError, match="placement.devices: 'mps' needs an Apple GPU.*choices: auto, cpu"):
        choose({"devices": "mps"}, [LOCAL], count=machine(8))


def test_a_stage_that_has_begun_goes_on_on_as_many():
    """Its batch normalisation has seen the parts of so many workers."""
    place = choose({}, [WHOLE], begun=("Global network", 3), count=machine(8))
    assert place.workers == 3 and "“Global network” has begun on as many" in place.because
    assert choose({}, [WHOLE], begun=("Global network", 3), count=machine(2)).workers == 2
    assert choose({"workers": 4}, [WHOLE], begun=("Global network", 3), count=machine(8)).workers == 4


def test_workers_share_gpus_where_they_are_asked_to_and_the_sentence_says_so(monkeypatch):
    place = choose({"workers": 5}, [LOCAL, WHOLE], count=machine(8, cuda=2))
    assert (place.kind, place.workers, place.slots) == ("cuda", 5, 2)
    assert "5 workers on all 2 GPUs" in place.because and "gloo" in place.because
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "GPU-a,GPU-b")
    monkeypatch.setenv("WORLD_SIZE", "5")
    monkeypatch.setenv("LOCAL_WORLD_SIZE", "5")
    ranks = []
    for number in range(5):
        monkeypatch.setenv("RANK", str(number))
        monkeypatch.setenv("LOCAL_RANK", str(number))
        ranks.append(_who_am_i("cuda"))
    assert [each.device for each in ranks] == ["cuda:0", "cuda:1", "cuda:0", "cuda:1", "cuda:0"]
    assert all(each.shares for each in ranks) and not _who_am_i("cpu").shares
    monkeypatch.setenv("LOCAL_WORLD_SIZE", "2")
    assert not _who_am_i("cuda").shares
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES")
    monkeypatch.setenv("LOCAL_WORLD_SIZE", "5")
    assert _who_am_i("cuda").device == "cuda:4" and not _who_am_i("cuda").shares, "nobody chose: all are there"


def test_modules_of_a_pipeline_do_not_share_a_gpu():
    with pytest.raises(ValueError, match="placement.workers: “Pipeline” hands tensors .* has 2, got 3: ask for 1 to 2"):
        choose({"workers": 3}, [LOCAL, PIPE], count=machine(8, cuda=2))


def test_threads_of_workers_that_share_a_gpu(monkeypatch):
    from ddlab.engine import devices
    from ddlab.engine.devices import Device

    gpus = [Device(f"cuda{n}", "cuda", f"GPU {n}", f"GPU-{n}{n}") for n in range(2)]
    cores = [Device(f"cpu{n}", "cpu", f"core {n}", str(n)) for n in range(8)]
    monkeypatch.setattr(devices, "_gpus", lambda: gpus)
    monkeypatch.setattr(devices, "_cores", lambda: cores)
    assert [variables(gpus, workers)["OMP_NUM_THREADS"] for workers in (2, 3, 4, 16)] == ["4", "2", "2", "1"]


@given(st.lists(st.integers(1, 9), min_size=1, max_size=24), st.integers(1, 9))
def test_fewer_workers_never_take_longer(costs, most):
    """Against every other number of workers, one by one."""
    made = stage("sharded", *costs)

    def longest(workers):
        return max(sum(costs[index] for index in share) for share in shard(made.tasks, workers))

    useful = made.useful_ranks(most)
    assert 1 <= useful <= most and longest(useful) <= longest(min(most, len(costs)))
    assert all(longest(fewer) > longest(min(most, len(costs))) for fewer in range(1, useful))


@given(st.lists(st.integers(1, 9), min_size=1, max_size=24), st.integers(1, 9))
def test_networks_are_given_to_ranks_by_their_operations(costs, ranks):
    """Every network once, however many there are; no rank has more than any greedy order gives it."""
    shares = shard(stage("sharded", *costs).tasks, ranks)
    assert len(shares) == ranks and sorted(index for share in shares for index in share) == list(range(len(costs)))
    longest = max(sum(costs[index] for index in share) for share in shares)
    assert longest <= sum(costs) / ranks + max(costs) * (1 - 1 / ranks) + 1e-9, "Graham 1966"


def test_every_strategy_says_how_many_ranks_it_can_use():
    asked = {"pipeline.modules": 3, "layerwise.micro_batches": 4, "apts.subdomains": 2}
    names = ["global", "average", "coherent", "layerwise", "sapts", "trust_region"]
    problem = pose(made_experiment(strategies=names).with_settings(asked))
    assert {each.name: each.useful_ranks(1000) for each in plan(problem)} == {
        "global": min(problem.experiment.training.batch_size, problem.description.num_train),
        "local": len(problem.decomposition),
        "average": 1,
        "coherent": len(problem.decomposition),
        "layerwise": 3,
        "sapts": 2,
        "trust_region": min(problem.experiment.training.batch_size, problem.description.num_train),
    }


def test_the_place_is_recorded_for_the_process_that_waits(own_home):
    run = RunFolder.create(made_experiment(strategies=["average"]))
    place = place_of(run)
    assert place == place_here(pose(run.experiment))
    run.update_status(place=vars(place))
    assert _chosen(run) == (place.kind, place.workers, place.slots)
    run.update_status(place=None)
    assert _chosen(run)[0] == place.kind, "without a place, the settings tell"


def test_a_run_whose_stage_has_begun_keeps_its_number(own_home, monkeypatch):
    from ddlab.engine import devices
    from ddlab.engine.devices import Device

    monkeypatch.setattr(devices, "_cores", lambda: [Device(f"cpu{n}", "cpu", f"core {n}", str(n)) for n in range(8)])
    monkeypatch.setattr(devices, "_gpus", lambda: [])
    run = RunFolder.create(made_experiment(strategies=["global"]))
    folder = run.stage("global", run.experiment.seeds[0])
    folder.write_workers(3)
    assert place_of(run).workers == 8, "nothing is kept of it yet"
    monkeypatch.setattr(type(folder), "checkpoints", lambda self: [self.path])
    assert place_of(run).workers == 3
    run.place({"workers": 2})
    assert place_of(run).workers == 2


def test_slurm_is_told_what_is_asked():
    place = choose({"engine": "slurm", "machines": 2, "workers": 4, "devices": "cuda"}, [LOCAL], count=machine(1))
    assert (place.kind, place.workers) == ("cuda", 8)
    assert place.because == "4 workers on each of 2 machines, a GPU each."
    assert "one machine of the cluster" in choose({"engine": "slurm"}, [replace(LOCAL)], count=machine(1)).because


def test_gpus_are_listed_once_for_all_who_ask(monkeypatch):
    """A library that stands in for NVIDIA's: two GPUs, of which the variable leaves one."""
    from contextlib import contextmanager

    from ddlab.engine import devices

    asked = []

    class Nvml:
        NVMLError = OSError
        nvmlDeviceGetCount = staticmethod(lambda: asked.append(1) or 2)
        nvmlDeviceGetHandleByIndex = staticmethod(int)
        nvmlDeviceGetName = staticmethod(lambda handle: f"H{handle}")
        nvmlDeviceGetUUID = staticmethod(lambda handle: f"GPU-{handle}")

    @contextmanager
    def library():
        yield Nvml

    monkeypatch.setattr(devices, "_nvml", library)
    monkeypatch.setattr(devices, "FRESH", 1e12)
    devices._all_gpus.cache_clear()
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "1")
    assert [(gpu.name, gpu.title, gpu.visible) for gpu in devices.slots("cuda")] == [("cuda1", "GPU 1: H1", "GPU-1")]
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES")
    assert [gpu.name for gpu in devices.slots()] == ["cuda0", "cuda1"] and len(asked) == 1
    devices._all_gpus.cache_clear()
