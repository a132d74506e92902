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
from ddlab.analyses.comparison.accuracy import curves_of, strategy_table
from ddlab.analyses.comparison.communication import communication_table
from ddlab.analyses.comparison.cost import cost_table, plan_table, work_ratio
from ddlab.analyses.trust_region.landscapes import LANDSCAPES
from ddlab.analyses.trust_region.plane_steps import METHODS, Walk, history
from ddlab.analyses.trust_region.playground import walk
from ddlab.analyses.trust_region.step_words import tell
from ddlab.face import listed
from ddlab.face.attend import attend
from ddlab.face.material import Material, Posed
from ddlab.problem import pose
from tests.composed_run import composed_run
from tests.made_run import made_run
from tests.made_trace import traced_run
from tests.made_trust_region import made_trust_region_run

KINDS = ("table", "figure")
VOLUME = {"dataset__volume": [16, 16, 8], "decomposition__grid": [2, 2, 2], "decomposition__overlap": 0}
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
    names = (
        "found",
        "networks",
        "pipeline",
        "playground",
        "preview",
        "recorded",
        "run",
        "shown",
        "standing",
        "training",
    )
    for name in names:
        module = importlib.import_module(f"ddlab.face.{name}")
        result = doctest.testmod(module)
        assert result.attempted and not result.failed, name


def test_every_public_function_says_what_it_takes_and_shows_an_example():
    public = [ddlab.train, ddlab.run, ddlab.all_runs, ddlab.recipe, ddlab.compose, ddlab.decompose, ddlab.networks]
    public += [ddlab.preview, ddlab.playground, ddlab.recorded, ddlab.pipeline_plan, ddlab.Preview.table]
    public += [ddlab.Preview.figure]
    for function in [*public, ddlab.Run.table, ddlab.Run.figure, ddlab.Run.network, ddlab.Run.wait]:
        text = inspect.getdoc(function)
        assert "Examples\n--------" in text, function
        if inspect.signature(function).return_annotation not in (list[ddlab.Run], ddlab.Recorded):
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
    expected = curves_of([trained.folder])
    pd.testing.assert_frame_equal(trained.curves(), expected)


NEEDS = {  # what a table or figure needs that this run has not, and what it says
    "sight": "evidence of this image is not known",
    "steps": "trust_region_demo",
    "step_epochs": "trust_region_demo",
    "split_or_shared": "no other run has APTS or SAPTS and differs in apts.data alone",
    "traces": "no pipeline whose steps are traced",
    "modules": "pipeline_demo",
    "trace": "pipeline_demo",
    "predicted_step": "pipeline_demo",
    "staleness": "no method with old gradients",
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
        assert first.annotation in (Material, Posed) and all(other.kind is other.KEYWORD_ONLY for other in others), name
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
    cut = ddlab.Run(traced_run())
    assert list(cut.table("modules")["rank"]) == [0, 1] and cut.figure("trace", strategy="layerwise").data
    assert "DDG" in set(cut.table("staleness")["title"]) and len(cut.table("traces")) == 1
    assert cut.figure("predicted_step").layout.title.text.startswith("1F1B") and cut.figure("staleness").data
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


# ---- tables and figures without a run


@pytest.fixture(scope="module")
def shown(home):
    """Everything that has tables and figures and is no run."""
    ground = ddlab.playground("sine", "at the hill", radius=1.0)
    without = {"preview": ddlab.preview("demo", **TINY), "playground": ground, "recorded": ddlab.recorded()}
    return without | {"pipeline": ddlab.pipeline_plan("cnn", 2)}


WITHOUT_A_RUN = {
    "preview": (listed.PLANNED_TABLES, listed.PLANNED_FIGURES),
    "playground": (listed.WALK_TABLES, listed.WALK_FIGURES),
    "recorded": (listed.RECORDED_TABLES, listed.RECORDED_FIGURES),
    "pipeline": (listed.PIPELINE_TABLES, listed.PIPELINE_FIGURES),
}


@pytest.mark.parametrize(
    ("of", "kind", "name"),
    [(of, kind, n) for of, both in WITHOUT_A_RUN.items() for kind, ns in zip(KINDS, both, strict=True) for n in ns],
)
def test_every_table_and_figure_without_a_run_is_made(shown, of, kind, name):
    made = getattr(shown[of], kind)(name)
    assert isinstance(made, pd.DataFrame if kind == "table" else go.Figure)
    assert len(made) if kind == "table" else len(made.data) and made.layout.title.text
    sentence = getattr(shown[of], f"{kind}s")[name]
    lists = dict(zip(KINDS, WITHOUT_A_RUN[of], strict=True))
    first, *others = inspect.signature(listed.loaded(lists[kind])[name]).parameters.values()
    assert issubclass(type(shown[of]), first.annotation) and all(other.kind is other.KEYWORD_ONLY for other in others)
    assert all(other.name in sentence for other in others) and sentence.endswith(".")


@pytest.mark.parametrize("of", WITHOUT_A_RUN)
def test_names_without_a_run_are_all_listed(shown, of):
    assert [[*shown[of].tables], [*shown[of].figures]] == [[*names] for names in WITHOUT_A_RUN[of]]
    assert type(shown[of]).__name__ in repr(shown[of])


def test_what_is_planned_is_what_the_analyses_plan(shown):
    planned, problem = shown["preview"], pose(shown["preview"].experiment)
    pd.testing.assert_frame_equal(planned.table("cost"), cost_table(problem))
    pd.testing.assert_frame_equal(planned.table("communication"), communication_table(problem))
    assert planned.table("plan")["flops"].tolist() == plan_table(problem)["flops"].tolist()
    assert planned.table("work")["total"].item() == work_ratio(problem).total
    more = planned.table("cost", quantity="parameters", counted="keras")["parameters"]
    assert (more > planned.table("cost")["parameters"]).all()
    assert planned.figure("cost", counted="keras").data[0].y.tolist() == more.tolist()
    assert planned.table("classes")["train"].sum() == problem.description.num_train
    assert planned.figure("subdomains", image=3).layout.title.text.startswith("Image 3 (")
    assert [len(planned.figure("communication").data), "measured" in planned.table("communication")] == [2, False]
    sgd = ddlab.preview("demo", training__optimizer="sgd", training__batch_size=7).figure("memory")
    assert sgd.layout.title.text.replace("<br>", " ") == "Memory that training holds, with SGD and 7 images a batch"


def test_a_sweep_is_planned_before_it_is_trained(shown):
    table = shown["preview"].table("sweep", grids=[(2, 2), (99, 99)], layouts=["grid"], overlaps=[0])
    assert table["reason"].eq("").tolist() == [True, False]
    tuned = shown["preview"].table("sensitivity", strategies=["adam"], values=[0.1, 0.01])
    assert tuned["value"].tolist() == [0.01, 0.1] and tuned["open"].all()


def test_a_preview_needs_no_images_for_costs():
    planned = ddlab.preview("demo", **TINY)
    planned.table("cost"), planned.figure("memory")
    assert "dataset" not in vars(planned)


@pytest.mark.slow
def test_a_volume_is_previewed_by_its_subimages():
    planned = ddlab.preview("demo", dataset__name="ct_phantom", dataset__size=None, **VOLUME)
    assert planned.figure("subimages").data
    with pytest.raises(ValueError, match="draws images and signals, these are volumes; 'subimages' draws them"):
        planned.figure("subdomains")


def test_a_pipeline_is_planned_as_on_the_page(shown):
    own = shown["pipeline"]
    assert own.table("methods").set_index("name")["seconds"]["1f1b"] == own.seconds and 0 < own.bubble < 1
    drawn = [bar for bar in own.figure("schedule", until=3).data if bar.name in ("F", "B")]
    assert sum(len(bar.x) for bar in drawn) == 3 and len(own.table("actions")) == 2 * 2 * 8
    assert set(own.table("ways")["machines"]) == set(range(1, 9))
    free = ddlab.pipeline_plan("cnn", 2, "gpipe", bandwidth=float("inf"), sample=(1, 28, 28), num_classes=3)
    assert free.plan.ratio == 0 and free.plan.network.input == (1, 28, 28) and free.plan.network.outputs == 3


@pytest.mark.parametrize(
    ("arguments", "settings", "message"),
    [
        (("cnn", 9), {}, "modules: must be at most the model's 5 sub-layers, got 9"),
        (("cn",), {}, "model.name: unknown 'cn'; did you mean 'cnn'"),
        (("cnn",), {"batches": 3}, "setting of a pipeline: unknown 'batches'; did you mean 'batch_size'"),
        (("cnn",), {"num_micro_batches": 0}, "num_micro_batches: must be at least 1, got 0"),
    ],
)
def test_a_pipeline_that_cannot_be_says_why(arguments, settings, message):
    with pytest.raises(ValueError) as told:
        ddlab.pipeline_plan(*arguments, **settings)
    assert str(told.value).startswith(message)


def test_the_playground_walks_as_the_page_does(shown):
    ground = shown["playground"]
    steps = walk(Walk("sine", (3.2, 1.8), radius=1.0))
    pd.testing.assert_frame_equal(ground.table("steps"), history(steps))
    assert ground.table("step", step=2).to_dict("split")["data"] == [[*pair] for pair in tell(steps[1]).items()]
    assert ground.figure("step", step=2).layout.title.text.startswith("Step 2, close up: sum rejected")
    by_surface = [ground.figure("step", step=2, surface=name).data[0].z for name in ("f", "model", "2")]
    assert not np.array_equal(by_surface[0], by_surface[1]) and not np.array_equal(by_surface[0], by_surface[2])
    assert list(ground.paths) == ["apts", "trust_region", "descent"]
    there = ddlab.playground("bowl", (1.5, -0.5), "descent", rate=0.2)
    assert there.walk.start == (1.5, -0.5) and there.figure("timeline").layout.title.text.startswith("Gradient descent")
    still = ddlab.playground("saddle", (0, 0))
    assert still.table("steps").empty
    with pytest.raises(ValueError, match="start: the gradient is zero there"):
        still.figure("path")


@pytest.mark.parametrize("name", LANDSCAPES)
@pytest.mark.parametrize("method", METHODS)
def test_every_playground_has_its_figures(name, method):
    ground = ddlab.playground(name, method=method, order=2)
    assert all(ground.figure(figure).data for figure in ground.figures)


@pytest.mark.parametrize(
    ("arguments", "settings", "message"),
    [
        (("sien",), {}, "landscape: unknown 'sien'; did you mean 'sine'? choices: sine, logistic"),
        (("sine", "top"), {}, "start: needs two numbers, -0.5 to 4.5 and -3 to 3, or one of far away, at the hill"),
        (("sine", (9, 9)), {}, "start: needs two numbers, -0.5 to 4.5 and -3 to 3, or one of far away, at the hill"),
        (("sine", None, "sgd"), {}, "method: unknown 'sgd'; choices: apts, trust_region, descent"),
        (("sine",), {"radios": 1}, "setting of the playground: unknown 'radios'; did you mean 'radius'"),
        (("sine",), {"radius": 0}, "radius: needs a number above 0, got 0"),
        (("sine",), {"rate": float("nan")}, "rate: needs a number above 0, got NaN"),
        (("sine",), {"local_steps": 0}, "local_steps: needs a whole number from 1 on, got 0"),
        (("sine",), {"num_subdomains": 3}, "num_subdomains: must divide the 8 samples evenly, got 3"),
        (("sine",), {"order": 3}, "order: unknown 3; choices: 1, 2"),
        (("sine",), {"norm": 2}, "norm: unknown 2; choices: 2, 1, inf"),
        (("sine",), {"order": 2, "norm": "inf"}, "norm: a model of second order needs '2', got 'inf'"),
    ],
)
def test_a_wrong_setting_of_the_playground_is_named(arguments, settings, message):
    with pytest.raises(ValueError) as told:
        ddlab.playground(*arguments, **settings)
    assert message in str(told.value)


@pytest.mark.parametrize(
    ("of", "name", "settings", "message"),
    [
        ("preview", "curves", {}, "figure: unknown 'curves'; choices: subdomains, subimages, classes"),
        ("preview", "cost", {"seed": 0}, "setting of figure 'cost': unknown 'seed'; choices: quantity, counted"),
        ("preview", "cost", {"quantity": "bytes"}, "quantity: unknown 'bytes'; choices: parameters, flops"),
        ("preview", "cost", {"counted": "eq210"}, "counted: unknown 'eq210'; choices: torch, keras"),
        ("preview", "subimages", {"image": 50}, "image: needs 0 to 19, got 50"),
        ("playground", "path", {"step": 0}, "step: needs 1 to "),
        ("playground", "step", {"surface": "3"}, "surface: unknown '3'; choices: f, model, 1, 2"),
        ("recorded", "split_or_shared", {"measure": "time"}, "measure: unknown 'time'; choices: accuracy, loss"),
    ],
)
def test_a_wrong_setting_without_a_run_is_named_with_the_choices(shown, of, name, settings, message):
    with pytest.raises(ValueError) as told:
        shown[of].figure(name, **settings)
    assert message in str(told.value)


def test_an_experiment_that_does_not_fit_has_no_preview(shown):
    with pytest.raises(ddlab.ExperimentError, match="did you mean 'epochs'"):
        ddlab.preview("demo", training__epoch=3)
    with pytest.raises(ddlab.ExperimentError, match="decomposition: "):
        ddlab.preview("demo", decomposition__grid=[99, 99])
    with pytest.raises(ValueError, match="recipe: unknown 'dmo'; did you mean 'demo'"):
        ddlab.preview("dmo")
    with pytest.raises(ValueError, match="workers: needs at least 1, got 0"):
        shown["preview"].table("work", workers=0)


def test_runs_with_split_and_with_shared_data_stand_against_each_other(own_home):
    split = ddlab.Run(made_trust_region_run())
    shared = ddlab.Run(made_trust_region_run(apts={"data": "shared"}))
    assert set(split.table("split_or_shared", beside=[shared])["run"]) == {"split data", "shared data"}
    assert split.figure("split_or_shared").data


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
    lines = ["import ddlab", "reveal_type(ddlab.run('x').accuracies())", "reveal_type(ddlab.train)", "ddlab.trian"]
    lines += ["reveal_type(ddlab.preview('demo').table('plan'))", "reveal_type(ddlab.recorded())"]
    lines += ["reveal_type(ddlab.playground('sine', order=2).steps)", "ddlab.playground('sine', radios=1.0)"]
    given.write_text("\n".join(lines) + "\n")
    command = [sys.executable, "-m", "mypy", "--ignore-missing-imports", "--follow-imports=silent", str(given)]
    told = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=250).stdout
    assert "pandas" in told and "DataFrame" in told and "background: bool" in told
    assert 'Module has no attribute "trian"' in told
    assert "PlaneStep]" in told and "Recorded" in told and told.count("pandas") == 2
    assert 'Unexpected keyword argument "radios"' in told
