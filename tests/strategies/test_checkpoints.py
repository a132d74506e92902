"""What training reads back is what was written, or is not read: flipped bits, and files that are something else."""

import random

import pytest
import torch
from safetensors.torch import save_file

from ddlab.data.cache import load
from ddlab.experiment import Experiment
from ddlab.problem import pose
from ddlab.ranks import Ranks
from ddlab.runs import RunFolder
from ddlab.strategies.checkpoints import read_weights, save_checkpoint, save_weights, saved_states
from ddlab.strategies.execute import execute
from ddlab.strategies.global_network import stages
from ddlab.strategies.stage import StageContext
from ddlab.training.loop import Stopped
from ddlab.training.trainee import PARTS

FLIPS = 400
SETTINGS = {"strategies": ["global"], "training.epochs": 4, "dataset.train_images": 64, "dataset.validation_images": 32}
SETTINGS |= {"placement.checkpoint_overhead": 1.0}  # after every epoch, however fast the machine is


@pytest.fixture
def context():
    experiment = Experiment().with_settings(SETTINGS)
    run, problem = RunFolder.create(experiment), pose(experiment)
    (stage,) = stages(problem)
    folder = run.stage("global", 0)
    return StageContext(problem, None, stage, 0, folder, run.stage, Ranks(), None, None)


def state(epoch):
    weights = {"weight": torch.full((7, 5), float(epoch)), "bias": torch.arange(3.0) + epoch}
    return {**dict.fromkeys(sorted(PARTS), weights), "progress": {"epoch": epoch, "best_measure": 0.5}}


def plain(tree):
    """What can be compared."""
    if isinstance(tree, dict):
        return {key: plain(value) for key, value in tree.items()}
    return tree.tolist() if isinstance(tree, torch.Tensor) else tree


def flipped(content, rng):
    place = rng.randrange(len(content))
    return content[:place] + bytes([content[place] ^ 1 << rng.randrange(8)]) + content[place + 1 :]


@pytest.mark.filterwarnings("ignore")
def test_a_flipped_bit_of_the_newest_checkpoint_leads_to_the_one_before(context):
    for epoch in (1, 2):
        save_checkpoint(context, "global", {"global": state(epoch)})
    path, rng = context.folder.checkpoint("global"), random.Random(0)
    content, told = path.read_bytes(), []
    for _ in range(FLIPS):
        path.write_bytes(flipped(content, rng))
        found = saved_states(context)["global"]
        told.append(found["progress"]["epoch"])
        assert plain(found) == plain(state(told[-1])), "what was written then, to the last bit"
    assert told.count(2) < FLIPS / 100  # in the word before the checksum alone: then it counts as one of an older ddlab


@pytest.mark.parametrize(
    "other",
    [[], [1], 3, torch.ones(3), {"global": []}, {"global": torch.ones(2)}]
    + [{"global": {key: value for key, value in state(2).items() if key != part}} for part in sorted(PARTS)]
    + [{"global": {**state(2), "progress": progress}} for progress in ([], {}, {"epoch": "2"}, {"epoch": 2, "x": 1})],
    ids=lambda other: str(other)[:40].replace("\n", " "),
)
def test_a_checkpoint_that_is_something_else_is_passed_over(context, other, caplog):
    save_checkpoint(context, "global", {"global": state(1)})
    save_checkpoint(context, "global", other)
    assert saved_states(context)["global"]["progress"]["epoch"] == 1
    assert "is damaged" in caplog.text


def test_a_flipped_bit_of_weights_is_refused(context):
    save_weights(context, "global-best", state(1)["last_state"])
    path, rng, refused = context.folder.weights("global-best"), random.Random(1), 0
    content, right = path.read_bytes(), plain(read_weights(context.folder, "global-best"))
    assert right == plain(state(1)["last_state"])
    for _ in range(FLIPS):
        path.write_bytes(flipped(content, rng))
        try:
            assert plain(read_weights(context.folder, "global-best")) == right
        except ValueError as error:
            refused += 1
            assert "delete the folder of that stage" in str(error)
    assert refused > 0.9 * FLIPS  # the rest are blanks that fill the header


def test_weights_by_an_older_ddlab_are_read(context):
    save_weights(context, "old", state(1)["last_state"])
    save_file(state(2)["last_state"], context.folder.weights("old"))
    assert plain(read_weights(context.folder, "old")) == plain(state(2)["last_state"])


def test_a_run_whose_newest_checkpoint_has_a_flipped_bit_ends_as_if_it_had_not():
    def interrupt(record):
        if record["epoch"] == 3:
            raise Stopped

    experiment = Experiment().with_settings(SETTINGS)
    whole, broken = RunFolder.create(experiment), RunFolder.create(experiment)
    execute(whole, Ranks(), lambda record: None, lambda: None)
    with pytest.raises(Stopped):
        execute(broken, Ranks(), interrupt, lambda: None)
    path = broken.stage("global", 0).checkpoint("global")
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 4
    path.write_bytes(content)
    execute(broken, Ranks(), lambda record: None, lambda: None)
    for name in ("global-best", "global-last"):
        one, other = (run.stage("global", 0).weights(name).read_bytes() for run in (whole, broken))
        assert one == other


def test_a_cache_with_a_flipped_bit_is_made_anew_before_it_is_trained_on(caplog):
    settings = Experiment().with_settings(SETTINGS).dataset
    before = load(settings)
    images = before.train.images.tobytes()
    path = before.train.images.filename
    del before
    with open(path, "r+b") as file:
        file.seek(5000)
        byte = file.read(1)[0]
        file.seek(5000)
        file.write(bytes([byte ^ 1]))
    assert load(settings).train.images.tobytes() != images  # a page looks at sizes alone
    assert load(settings, verified=True).train.images.tobytes() == images
    assert "the checksum of train-images.npy differs" in caplog.text


def test_a_changed_mean_of_a_cache_is_found(caplog):
    settings = Experiment().with_settings(SETTINGS).dataset
    mean = load(settings).mean
    from ddlab.home import home

    (meta,) = (home() / "cache").glob("*/meta.json")
    text = meta.read_text()
    number = str(mean[0])
    meta.write_text(text.replace(number, number.replace(number[3], "9" if number[3] != "9" else "1", 1), 1))
    assert load(settings).mean == mean and "damaged" in caplog.text
