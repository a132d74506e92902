"""Real processes over gloo against one: subdomains elsewhere change nothing, and three vectors a step are sent."""

import itertools
from pathlib import Path

import pytest
import torch
import torch.distributed
import torch.multiprocessing

from tests.optim.problems import method, problem

pytestmark = pytest.mark.slow

KINDS, ORDERS, STEPS = ("apts", "sapts"), (1, 2), 4
ON_TWO = [(*case, 2) for case in itertools.product(KINDS, ORDERS, (2, 4))]
ON_THREE = [(kind, order, 4, 3) for kind, order in itertools.product(KINDS, ORDERS)]


def train(name, order, count, ranks, group=None):
    """Some steps; gives the points, the vectors that were sent a step as counted and as told, and the state."""
    task = problem(torch.float32 if ranks == 2 else torch.float64)
    optimizer = method(name, task.model, order, radius=1.0, group=group, num_subdomains=count)
    sent, told, points, trials = [], [], [], []
    for _ in range(STEPS):
        before = optimizer.tally.vectors
        SENT.clear()
        task.step(optimizer)
        sent.append(SENT.count(len(task.point)))
        told.append(optimizer.tally.vectors - before)
        points.append(task.point)
        trials.append(optimizer.record.globally.trials)
    return {"points": points, "sent": sent, "told": told, "trials": trials, "state": optimizer.state_dict()}


SENT: list[int] = []  # numbers in each of this process's sums over ranks


def rank_main(rank: int, folder: str) -> None:
    """What each of three processes does."""
    torch.set_num_threads(1)
    torch.distributed.init_process_group("gloo", init_method=f"file://{folder}/store", rank=rank, world_size=3)
    plain = torch.distributed.all_reduce

    def counting(values, *arguments, **how):
        SENT.append(values.numel())
        return plain(values, *arguments, **how)

    torch.distributed.all_reduce = counting
    pair, everyone = torch.distributed.new_group([0, 1]), torch.distributed.group.WORLD
    cases = (ON_TWO if rank < 2 else []) + ON_THREE
    found = {case: train(*case, pair if case[-1] == 2 else everyone) for case in cases}
    torch.save(list(found.values()), f"{folder}/{rank}.pt")
    torch.distributed.destroy_process_group()


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    """By case: what the first two ranks tell."""
    folder = tmp_path_factory.mktemp("ranks")
    torch.multiprocessing.spawn(rank_main, (str(folder),), 3)
    told = [torch.load(Path(folder) / f"{rank}.pt", weights_only=True) for rank in (0, 1)]
    return dict(zip(ON_TWO + ON_THREE, zip(*told, strict=True), strict=True))


@pytest.mark.parametrize("case", ON_TWO + ON_THREE, ids=str)
def test_ranks_take_the_steps_of_one_process(found, case):
    """Two ranks to the last bit, in float32; three, who add in another order, to rounding."""
    alone = train(*case)
    for rank in found[case]:
        for here, there in zip(alone["points"], rank["points"], strict=True):
            if case[-1] == 2:
                assert torch.equal(here, there)
            else:
                torch.testing.assert_close(here, there, rtol=0, atol=1e-12 if case[1] == 1 else 1e-9)
    assert not torch.equal(alone["points"][0], alone["points"][-1])


@pytest.mark.parametrize("case", ON_TWO + ON_THREE, ids=str)
def test_three_vectors_a_step_go_over_the_wire(found, case):
    """Whatever ν and N: g, the step, and g where it leads.

    Of APTS the first is known, but g is wanted at every trial on all data; of second order there it is in minibatches.
    """
    for rank in found[case]:
        assert rank["sent"] == rank["told"]
        if case[:2] == ("sapts", 1):
            assert rank["sent"] == [3] * STEPS
        else:
            first, *later = (2 + trials for trials in rank["trials"])
            more = case[0] == "sapts"
            assert rank["sent"] == [1 + first, *(more + vectors for vectors in later)] and 3 in later


@pytest.mark.parametrize("case", [case for case in ON_TWO if case[1:] == (2, 4, 2)], ids=str)
def test_one_process_goes_on_where_two_stopped(found, case):
    """The state has the pairs of all subdomains, whichever rank they were learned on."""
    name, order, count, _ = case
    states = [found[case][0]["state"], train(*case)["state"]]
    ends = []
    for state in states:
        task = problem(torch.float32)
        optimizer = method(name, task.model, order, radius=1.0, num_subdomains=count)
        optimizer.load_state_dict(state)
        assert [len(memory) for memory in optimizer._memories] == [5] * (1 + count)
        for _ in range(3):
            task.step(optimizer)
        ends.append(task.point)
    assert torch.equal(*ends)
