"""The place of a run: what fits, what SLURM may be asked for, and that none of it decides a result."""

import pytest

from ddlab.engine.devices import num_workers
from ddlab.experiment import ExperimentError, parse_experiment
from ddlab.fingerprint import fingerprint


def slurm(**settings):
    return parse_experiment({"placement": {"engine": "slurm"}, "slurm": settings})


@pytest.mark.parametrize(
    ("tree", "message"),
    [
        ({"placement": {"rendezvous": "here"}}, r"placement.rendezvous: needs the form HOST:PORT.*'here'"),
        ({"placement": {"rendezvous": "h1:70000"}}, r"placement.rendezvous: needs the form HOST:PORT"),
        (
            {"placement": {"rendezvous": "h1:2", "engine": "slurm"}},
            r"placement.rendezvous: under SLURM .* leave it empty",
        ),
        ({"placement": {"engine": "kubernetes"}}, r"placement.engine: .*'local' or 'slurm'"),
        ({"slurm": {"partition": "a b"}}, r"slurm.partition: needs letters"),
        ({"slurm": {"account": "x\n#SBATCH --uid=0"}}, r"slurm.account: needs letters"),
        ({"slurm": {"time": "an hour"}}, r"slurm.time: needs a time .*1-12:00:00.*'an hour'"),
        ({"slurm": {"directives": ["--mem=4G\n#"]}}, r"slurm.directives: needs options of one line"),
        ({"slurm": {"directives": ["-p main"]}}, r"slurm.directives: needs options of one line"),
        ({"slurm": {"directives": ["--nodes=3"]}}, r"--nodes is set by placement.machines"),
        ({"slurm": {"directives": ["--part=x"]}}, r"--part is set by slurm.partition"),
        ({"slurm": {"directives": ["--out=/home/me/.profile"]}}, r"--out is set by ddlab itself"),
    ],
)
def test_what_does_not_fit_is_said_with_its_field(tree, message):
    with pytest.raises(ExperimentError, match=message):
        parse_experiment(tree)


@pytest.mark.parametrize("time", ["", "90", "90:00", "12:00:00", "1-12", "1-12:30", "1-12:30:00"])
def test_times_as_slurm_writes_them(time):
    assert slurm(time=time).slurm.time == time


@pytest.mark.parametrize(
    ("placement", "expected"),
    [
        ({}, ("cpu", 1)),
        ({"machines": 3}, ("cpu", 3)),
        ({"machines": 2, "workers": 4, "devices": "cuda"}, ("cuda", 8)),
    ],
)
def test_workers_of_a_cluster_are_not_those_of_this_machine(placement, expected):
    assert num_workers({"engine": "slurm", **placement}) == expected


def test_the_place_decides_no_result():
    here, there = parse_experiment({}), slurm(partition="gpu", time="60")
    assert fingerprint(here.model_dump(mode="json")) == fingerprint(there.model_dump(mode="json"))
    other = parse_experiment({"training": {"epochs": 3}})
    assert fingerprint(here.model_dump(mode="json")) != fingerprint(other.model_dump(mode="json"))
