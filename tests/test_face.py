"""What ``import ddlab`` promises: its names, runs with their tables, figures and networks, composition, training."""

import doctest
import importlib
import inspect
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import pytest
import torch

import ddlab
from ddlab.analyses.comparison.accuracy import learning_curves, strategy_table
from ddlab.face import listed
from ddlab.face.attend import attend
from ddlab.face.material import Material
from tests.composed_run import composed_run
from tests.made_run import made_run
from tests.made_trust_region import made_trust_region_run

ROOT = Path(__file__).parent.parent
STRATEGIES = ["average", "majority", "cnn_dnn", "coherent", "composed", "global"]
TINY = {
    "dataset__name": "digits",
    "dataset__size": 16,
    "dataset__train_images": 100,
    "dataset__validation_images": 50,
    "strategies": ["average"],
    "training__epochs": 1,
    "seeds": [0],
    "placement__workers": 1,
    "placement__devices": "cpu",
}


@pytest.fixture(scope="module")
def trained(home):
    """A run with every kind of network, two seeds."""
    return ddlab.Run(composed_run(strategies=STRATEGIES, seeds=[0, 1], **{"aggregator.epochs": 2}))


@pytest.fixture(scope="module")
def made(home):
    """A run on drawn images, whose evidence is known."""
    return ddlab.Run(made_run())


# ---- its names


def test_dir_and_all_tell_what_there_is():
    assert dir(ddlab) == sorted(ddlab.__all__)
    for name in ddlab.__all__:
        value = getattr(ddlab, name)
        assert inspect.getdoc(value), name
    with pytest.raises(AttributeError, match="has no attribute 'trian'; it has .*train"):
        ddlab.trian  # noqa: B018


def test_names_for_type_checkers_are_those_that_are_imported():
    text = (ROOT / "ddlab" / "__init__.py").read_text(encoding="utf-8")
    typed = text.partition("if TYPE_CHECKING:")[2].partition("\n\n")[0]
    for name in ddlab.__all__:
        assert f" {name}" in typed, name
    assert (ROOT / "ddlab" / "py.typed").is_file()


def test_optimizers_are_named_in_their_package():
    assert {"APTS", "SAPTS", "TrustRegion"} <= set(ddlab.optim.__all__)
    weight = torch.nn.Parameter(torch.tensor([3.0]))
    optimizer = ddlab.optim.TrustRegion([weight], radius=0.5)

    def closure():
        optimizer.zero_grad()
        loss = (weight**2).sum()
        loss.backward()
        return loss

    optimizer.step(closure)
    assert abs(weight.item()) < 3
    with pytest.raises(AttributeError, match="it has APTS"):
        ddlab.optim.Adam  # noqa: B018


def test_examples_of_the_docstrings(own_home):
    for name in ("found", "networks", "run", "standing", "training"):
        module = importlib.import_module(f"ddlab.face.{name}")
        result = doctest.testmod(module)
        assert result.attempted and not result.failed, name


def test_every_public_function_says_what_it_takes_and_shows_an_example():
    public = [ddlab.train, ddlab.run, ddlab.all_runs, ddlab.recipe, ddlab.compose, ddlab.decompose, ddlab.networks]
    for function in [*public, ddlab.Run.table, ddlab.Run.figure, ddlab.Run.network, ddlab.Run.wait]:
        text = inspect.getdoc(function)
        assert "Examples\n--------" in text, function
        if inspect.signature(function).return_annotation != list[ddlab.Run]:
            assert "Raises\n------" in text, function


# ---- finding runs


def test_runs_are_found_newest_first(own_home):
    first, second = ddlab.Run(made_run()), ddlab.Run(made_run("failed"))
    assert ddlab.all_runs() == [second, first] or ddlab.all_runs() == [first, second]  # made in the same second
    assert ddlab.run(first.id) == first and hash(ddlab.run(first.id)) == hash(first)
    assert repr(first) == f"Run('{first.id}', finished)"
    with pytest.raises(ValueError, match="run: unknown 'nothing'"):
        ddlab.run("nothing")


def test_state_message_and_progress(own_home):
    failed = ddlab.Run(made_run("failed"))
    assert failed.state == "failed" and "diverged" in failed.message and failed.progress == 0.7
    assert failed.wait(timeout=5) == "failed" and isinstance(failed.log(), str)
    assert ddlab.Run(made_run()).progress == 1.0
    with pytest.raises(TimeoutError, match="has not ended after 0.05 s, is running"):
        ddlab.Run(made_run("running")).wait(timeout=0.05)
    with pytest.raises(ValueError, match="nothing to cancel"):
        failed.cancel()
    with pytest.raises(ValueError, match="only a failed, cancelled or lost run can be resumed"):
        ddlab.Run(made_run()).resume()


# ---- tables and figures


def test_tables_are_those_of_the_analyses(trained):
    pd.testing.assert_frame_equal(trained.accuracies(), strategy_table([trained.folder]))
    expected = learning_curves(trained.folder).assign(run=trained.name)
    pd.testing.assert_frame_equal(trained.curves(), expected)


NEEDS = {  # what a table or figure needs that this run has not, and what it says
    "sight": "evidence of this image is not known",
    "steps": "trust_region_demo",
    "step_epochs": "trust_region_demo",
    "sweep": "ddlab sweep",
    "sweep_work": "ddlab sweep",
    "sensitivity": "ddlab sensitivity",
}


@pytest.mark.parametrize(
    ("kind", "name"), [("table", name) for name in listed.TABLES] + [("figure", name) for name in listed.FIGURES]
)
def test_every_table_and_figure_is_made_or_says_what_is_missing(trained, kind, name):
    make = getattr(trained, kind)
    if name in NEEDS:
        with pytest.raises(ValueError, match=NEEDS[name]):
            make(name)
        return
    made = make(name, seed=1)
    assert isinstance(made, pd.DataFrame if kind == "table" else go.Figure)
    if kind == "figure":
        assert len(made.data) and made.layout.title.text


@pytest.mark.parametrize("kind", ["tables", "figures"])
def test_tables_and_figures_tell_their_settings(trained, kind):
    makers = getattr(listed, kind)()
    for name, sentence in getattr(trained, kind).items():
        first, *others = inspect.signature(makers[name]).parameters.values()
        assert first.annotation is Material and all(other.kind is other.KEYWORD_ONLY for other in others), name
        assert all(other.name in sentence for other in others) and sentence.endswith("."), name


def test_settings_choose_what_is_shown(trained, made):
    assert trained.figure("confusion", strategy="majority").layout.title.text.startswith("Majority vote")
    assert trained.figure("curves", measure="validation_loss").layout.title.text.startswith("Validation loss")
    assert trained.table("confusion", strategy="global").to_numpy().sum() == 60
    other = trained.table("local_probabilities", image=3).iloc[:, 2:].to_numpy()
    assert other.shape == (4, 10) and np.allclose(other.sum(axis=1), 1, atol=1e-4)
    assert not np.allclose(other, trained.table("local_probabilities", image=3, seed=1).iloc[:, 2:])
    assert set(trained.table("accuracies", beside=[made])["run_id"]) == {trained.id, made.id}
    evident = next(i for i in range(20) if made.dataset.validation.masks[i].any())
    assert np.isclose(made.table("sight", image=evident)["evidence"].sum(), 1)
    assert made.figure("sight", image=evident).data
    tuned = ddlab.Run(made_trust_region_run())
    assert len(tuned.table("steps", strategy=tuned.experiment.strategies[0]))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("acuracy", {}), "figure: unknown 'acuracy'; did you mean 'accuracy'"),
        (("confusion", {"stratgy": "x"}), "setting of figure 'confusion': unknown 'stratgy'; did you mean 'strategy'"),
        (("confusion", {"strategy": "x"}), "strategy: unknown 'x'; choices: average"),
        (("accuracy", {"seed": 7}), "seed: unknown 7; choices: 0, 1"),
        (("decision", {"image": 99}), "image: needs 0 to 59, got 99"),
        (("subimages", {"image": -1}), "image: needs 0 to 59, got -1"),
        (("layers", {"precision": "half"}), "precision: unknown 'half'; choices: float32, float64"),
        (("feature_map", {"image": 50}), "image: maps of the first 4 validation images are kept, got 50"),
    ],
)
def test_a_wrong_setting_is_named_with_the_choices(trained, arguments, message):
    name, settings = arguments
    with pytest.raises(ValueError) as told:
        trained.figure(name, **settings)
    assert message in str(told.value)


# ---- images and networks


def test_a_network_repeats_what_the_run_said(trained):
    images = trained.images("validation")
    for name in ("global", "composed", "cnn_dnn", "coherent"):
        network = trained.network(name, seed=1)
        assert not network.training and not any(p.requires_grad for p in network.parameters())
        said = trained.folder.stage(name, 1).predictions()["validation"]
        assert np.allclose(network(images).softmax(1).numpy(), said, atol=2e-3), name
        assert (network(images).argmax(1).numpy() == said.argmax(1)).mean() > 0.95, name


def test_local_networks_see_subimages(trained):
    parts = trained.decomposition.split(trained.images("validation", range(5)))
    said = trained.folder.stage("local", 0).predictions()["validation"][:5]
    for number, part in enumerate(parts):
        logits = trained.network(f"local-{number + 1}")(part)
        assert np.allclose(logits.softmax(1).numpy(), said[:, number], atol=2e-3)


def test_own_images_are_normalised_as_the_runs(trained):
    own = torch.from_numpy(trained.dataset.validation.images[:3].copy()).float() / 255
    assert torch.allclose(trained.normalise(own), trained.images("validation", range(3)), atol=1e-5)
    assert (trained.labels("validation") == trained.dataset.validation.labels).all()
    with pytest.raises(ValueError, match=r"needs the shape \(B, 1, 16, 16\), got \(3, 1, 8, 8\)"):
        trained.normalise(own[..., :8, :8])
    with pytest.raises(ValueError, match=r"needs values in \[0, 1\], got 0 to 255"):
        trained.normalise(255 * own)
    with pytest.raises(ValueError, match="split: unknown 'test'; choices: train, validation"):
        trained.images("test")
    with pytest.raises(ValueError, match="indices: validation has the images 0 to 59, got 60"):
        trained.images("validation", [0, 60])


def test_a_network_that_is_not_there_is_named(trained, made):
    with pytest.raises(ValueError, match="network: unknown 'golbal'; did you mean 'global'"):
        trained.network("golbal")
    with pytest.raises(ValueError, match="has no weights"):
        made.network("global")
    assert made.networks() == {} and "coherent-2" in trained.networks(1)


# ---- composition


def test_compose_is_what_the_run_composed_and_decompose_its_reverse(trained):
    parts = [trained.network(f"local-{number}") for number in range(1, 5)]
    whole = ddlab.compose(parts, trained.experiment)
    images = trained.images("validation", range(6))
    assert torch.equal(whole(images), trained.network("composed_untrained")(images))
    again = ddlab.decompose(whole, trained.experiment)
    for part, back in zip(parts, again, strict=True):
        for key, value in part.state_dict().items():
            if key != "classifier.bias":
                assert torch.equal(value, back.state_dict()[key]), key
    together = sum(part.state_dict()["classifier.bias"] for part in again)
    assert torch.allclose(together, whole.state_dict()["classifier.bias"])


def test_compose_keeps_double_precision():
    experiment = ddlab.recipe("theorem")
    parts = [part.double() for part in ddlab.networks(experiment)[1]]
    assert ddlab.compose(parts, experiment)(torch.zeros(1, 1, 48, 48, dtype=torch.float64)).dtype == torch.float64


def test_untrained_networks_are_of_their_seed():
    experiment = ddlab.recipe("theorem")
    (first, parts), (again, _), (other, _) = (ddlab.networks(experiment, seed) for seed in (0, 0, 1))
    state = first.state_dict()
    assert all(torch.equal(value, again.state_dict()[key]) for key, value in state.items())
    assert any(not torch.equal(value, other.state_dict()[key]) for key, value in state.items())
    weights = [next(part.parameters()) for part in parts]
    assert not torch.equal(weights[0], weights[1])


def test_what_cannot_be_composed_is_named():
    experiment = ddlab.recipe("theorem")
    whole, parts = ddlab.networks(experiment)
    with pytest.raises(ValueError, match="local: needs 4 networks, one a subdomain, got 3"):
        ddlab.compose(parts[:3], experiment)
    with pytest.raises(ValueError, match="local network 2: is not the experiment's: .* needs the shape"):
        ddlab.compose([parts[0], whole, *parts[2:]], experiment)
    with pytest.raises(ValueError, match="global network: is not the experiment's: it does not have the tensor"):
        ddlab.decompose(torch.nn.Sequential(), experiment)
    with pytest.raises(ValueError, match="local network 1: needs a torch.nn.Module, got OrderedDict"):
        ddlab.compose([parts[0].state_dict(), *parts[1:]], experiment)


# ---- training


def test_a_wrong_setting_makes_no_run(own_home):
    with pytest.raises(ddlab.ExperimentError, match="did you mean 'epochs'"):
        ddlab.train("demo", training__epoch=3)
    with pytest.raises(ValueError, match="recipe: unknown 'dmo'; did you mean 'demo'"):
        ddlab.train("dmo")
    with pytest.raises(ValueError, match="recipe: unknown 'dmo'; did you mean 'demo'"):
        ddlab.recipe("dmo")
    assert ddlab.all_runs() == []


@pytest.mark.slow
def test_training_in_the_foreground_shows_where_it_stands(own_home, capfd):
    run = ddlab.train(ddlab.recipe("demo"), **TINY)
    assert run.state == "finished" and run.experiment.training.epochs == 1
    assert list(run.accuracies()["strategy"]) == ["average"]
    assert f"finished: {run.id}" in capfd.readouterr().err


@pytest.mark.slow
def test_training_in_the_background_is_cancelled_and_gone_on_with(own_home):
    run = ddlab.train("demo", background=True, **{**TINY, "training__epochs": 5000})
    assert run.state in ("queued", "running")
    run.cancel()
    assert run.wait(timeout=5) == "cancelled"
    assert run.resume(background=True) is run and run.state in ("queued", "running")
    run.cancel()


@pytest.fixture
def heard():
    """Interrupts are heard, also where the shell that began the tests ignores them, as it does for jobs behind it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.slow
def test_an_interrupt_cancels_and_is_raised_again(own_home, capfd, heard):
    def interrupt():
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and not any(run.state == "running" for run in ddlab.all_runs()):
            time.sleep(0.1)
        signal.raise_signal(signal.SIGINT)

    threading.Thread(target=interrupt).start()
    with pytest.raises(KeyboardInterrupt):
        ddlab.train("demo", **{**TINY, "training__epochs": 5000})
    (run,) = ddlab.all_runs()
    assert run.state == "cancelled" and f"ddlab.run('{run.id}').resume() goes on" in capfd.readouterr().err


def test_following_a_run_that_fails_says_why(own_home):
    with pytest.raises(RuntimeError, match="failed; Training diverged: the loss is not a number"):
        attend(made_run("failed"))


@pytest.mark.slow
def test_types_are_seen_by_a_type_checker(tmp_path):
    given = tmp_path / "given.py"
    given.write_text("import ddlab\nreveal_type(ddlab.run('x').accuracies())\nreveal_type(ddlab.train)\nddlab.trian\n")
    command = [sys.executable, "-m", "mypy", "--ignore-missing-imports", "--follow-imports=silent", str(given)]
    told = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=250).stdout
    assert "pandas" in told and "DataFrame" in told and "background: bool" in told
    assert 'Module has no attribute "trian"' in told
