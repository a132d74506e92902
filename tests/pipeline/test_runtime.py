"""Schedules on real ranks against the whole network: loss, gradients and statistics in float64, and what is traced."""

import itertools
from dataclasses import replace
from pathlib import Path

import pytest
import torch
import torch.distributed
import torch.multiprocessing
from torch.nn.functional import cross_entropy

from ddlab.models.bank import Bank
from ddlab.pipeline.model import PipelineModel, whole_state
from ddlab.pipeline.partition import partition, sub_layers
from ddlab.pipeline.placement import place
from ddlab.pipeline.runtime import Clock, make_runtime
from ddlab.pipeline.schedules import SCHEDULES
from ddlab.ranks import Ranks
from ddlab.registry.models import MODELS
from tests.pipeline.networks import built, conditioned, difference

pytestmark = pytest.mark.slow

SIZE = 2  # samples of a micro-batch, so that batch normalisation has some
DEEP = [name for name in MODELS if len(sub_layers(conditioned(name))) > 1]
IN_TURN = itertools.cycle(SCHEDULES)
EVERY_MODEL = [(name, next(IN_TURN), 2, 1 + number % 8) for number, name in enumerate(sorted(2 * DEEP))]
EVERY_SIZE = [("vgg3", *sizes) for sizes in itertools.product(SCHEDULES, (1, 2, 3, 4), range(1, 9))]
CASES = list(dict.fromkeys(EVERY_MODEL + EVERY_SIZE))


def placement_of(name, schedule, ranks, micro_batches):
    """Of as many modules as there are ranks, and of twice as many where a rank has several."""
    network = conditioned(name)
    several = SCHEDULES[schedule].least_chunks
    modules = min(len(sub_layers(network)), several * ranks)
    return place(partition(network, modules - modules % several), schedule, ranks, micro_batches)


def batch_of(network, micro_batches):
    torch.manual_seed(micro_batches)
    inputs = torch.randn(SIZE * micro_batches, *network.input, dtype=torch.float64)
    return inputs, torch.arange(len(inputs)) % network.outputs


def loss_of(total):
    return lambda logits, labels: cross_entropy(logits, labels, reduction="sum") / total


def whole(network):
    """The whole network as it is trained by itself."""
    bank = Bank(network, 1).double()
    bank.load_state_of(0, built(network).state_dict())
    return bank.prepare("cpu", torch.float64)


def expected(name, micro_batches):
    """What the whole network has after a batch in micro-batches: gradients, statistics and the logits."""
    network = conditioned(name)
    inputs, labels = batch_of(network, micro_batches)
    module = whole(network).networks
    said = [module(part) for part in inputs.chunk(micro_batches)]
    for part, right in zip(said, labels.chunk(micro_batches), strict=True):
        loss_of(len(labels))(part, right).backward()
    return with_gradients(module.named_parameters(), module.named_buffers()), torch.cat(said).detach()


def with_gradients(parameters, buffers):
    gradients = {f"{name} gradient": parameter.grad.clone() for name, parameter in parameters}
    return gradients | {name: buffer.clone().double() for name, buffer in buffers}


def found(case, ranks):
    """The largest difference of what this rank has after a training step, and of the logits that all ranks evaluate."""
    name, _, _, micro_batches = case
    network = conditioned(name)
    model = PipelineModel(placement_of(*case), ranks).to(torch.float64)
    model.load_whole(built(network).state_dict())
    model.prepare("cpu", torch.float64)
    inputs, labels = batch_of(network, micro_batches)
    logits = make_runtime(model.train(), Clock(torch.device("cpu"))).step(inputs, labels, loss_of(len(labels)))
    gradients, said = expected(name, micro_batches)
    own = whole_state({key.removeprefix("banks."): value for key, value in named(model).items()})
    worst = difference(own, {key: gradients[key] for key in own})
    if logits is not None:
        worst = max(worst, difference({"logits": logits}, {"logits": said}))
    return max(worst, evaluated(model, network, inputs))


def named(model):
    """Gradients and buffers by ``module-1.layer.name``."""
    parts = with_gradients(model.named_parameters(), model.named_buffers()).items()
    return {key.replace(".networks.", "."): value for key, value in parts if key.startswith("banks.")}


def evaluated(model, network, inputs):
    plain = whole(network).eval()
    model.load_whole(built(network).state_dict())
    with torch.no_grad():
        return difference({"logits": model.eval()(inputs)}, {"logits": plain(inputs)})


def rank_main(rank: int, folder: str) -> None:
    """What each of four processes does: the cases of two, of three and of four ranks."""
    torch.set_num_threads(1)
    torch.distributed.init_process_group("gloo", init_method=f"file://{folder}/store", rank=rank, world_size=4)
    groups = {size: Ranks(rank, 4).first(size) for size in (2, 3, 4)}
    told = {}
    for case in CASES:
        used = placement_of(*case).num_ranks
        if used > 1 and rank < used:
            told[case] = found(case, groups[used])
    told["trace"] = traced(groups[2]) if rank < 2 else None
    torch.save(told, f"{folder}/{rank}.pt")
    torch.distributed.destroy_process_group()


def traced(ranks):
    """Begin and end of the actions of this rank in a traced step."""
    model = PipelineModel(placement_of("vgg3", "zero_bubble", 2, 4), ranks).prepare("cpu", torch.float32)
    clock = Clock(torch.device("cpu"))
    runtime = make_runtime(model, clock)
    inputs, labels = batch_of(conditioned("vgg3"), 4)
    clock.begin()
    runtime.step(inputs.float(), labels, loss_of(len(labels)))
    step = clock.end()
    return {tuple(action): (step.starts[action], step.ends[action]) for action in step.starts}


@pytest.fixture(scope="module")
def ranks(tmp_path_factory):
    """What every rank tells."""
    folder = tmp_path_factory.mktemp("ranks")
    torch.multiprocessing.spawn(rank_main, (str(folder),), 4)
    return [torch.load(Path(folder) / f"{rank}.pt", weights_only=True) for rank in range(4)]


@pytest.mark.parametrize("case", CASES, ids=lambda case: "-".join(map(str, case)))
def test_a_step_is_that_of_the_whole_network(ranks, case):
    used = placement_of(*case).num_ranks
    if used == 1:
        assert found(case, Ranks()) <= 1e-12
        return
    told = [rank[case] for rank in ranks[:used]]
    assert len(told) == used and max(told) <= 1e-12


def test_every_action_is_traced_after_what_it_needs(ranks):
    schedule = placement_of("vgg3", "zero_bubble", 2, 4).schedule
    times = {action: span for rank in ranks[:2] for action, span in rank["trace"].items()}
    assert set(times) == {tuple(action) for order in schedule.orders for action in order}
    for rank, order in enumerate(schedule.orders):
        own = [ranks[rank]["trace"][tuple(action)] for action in order]
        ends = list(itertools.chain.from_iterable(own))
        assert ends == sorted(ends), "a rank does one after the other, in the order of the schedule"


def test_a_torch_without_our_two_names_would_be_noticed():
    from torch.distributed.pipelining import schedules

    action = schedules._Action(1, schedules._ComputationType.BACKWARD_INPUT, 3)
    assert (action.stage_index, action.microbatch_index) == (1, 3)
    assert hasattr(schedules._PipelineScheduleRuntime, "_prepare_schedule_with_comms")


def test_one_rank_and_its_group():
    assert replace(Ranks(), size=1).first(1) == Ranks()
