"""Class activation maps: what the page says where there are none, and what it shows of a run with real networks."""

import base64
import io
import sys

import numpy as np
import pytest
from PIL import Image

from ddlab import cli
from ddlab.analyses.decisions.probabilities import read_outcomes
from ddlab.analyses.decisions.telling import telling_image
from ddlab.data.nifti_file import to_nifti
from tests.composed_run import composed_run
from tests.made_run import made_experiment, made_run
from tests.pages.standalone import figures, open_alone

QUICK = {"strategies": ["cnn_dnn"], "dataset.name": "shapes_local", "dataset.size": 32, "training.epochs": 2}
VOLUMES = {
    "strategies": ["average"],
    "dataset.name": "ct_phantom",
    "dataset.size": None,
    "dataset.volume": [16, 16, 8],
    "dataset.train_images": 8,
    "dataset.validation_images": 4,
    "decomposition.grid": [2, 2, 1],
}


@pytest.fixture(autouse=True)
def no_example(monkeypatch, tmp_path):
    monkeypatch.setattr("ddlab.runs.listing._SHIPPED", tmp_path / "none")


@pytest.fixture(autouse=True)
def asked(monkeypatch, capsys):
    """The command that the page asks for runs in this process, which has torch already."""
    commands = []

    def run(arguments):
        commands.append(arguments)
        monkeypatch.setattr(sys, "argv", ["ddlab", *arguments])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        if ended.value.code:
            raise ValueError(capsys.readouterr().err.splitlines()[-1])

    monkeypatch.setattr("ddlab.analyses.command_results.run_subcommand", run)
    return commands


@pytest.fixture(scope="module")
def trained(home):
    return composed_run(**QUICK)


@pytest.fixture
def run(trained, monkeypatch):
    monkeypatch.setenv("DDLAB_HOME", str(trained.path.parents[1]))
    return trained


def opened(**query):
    at = open_alone("cam", **query)
    assert not at.exception, at.exception[0].stack_trace
    return at


def panels(at):
    return [note["text"] for note in figures(at)[0]["layout"]["annotations"]]


def scores(at):
    return next(frame.value for frame in at.dataframe if "insertion area" in frame.value)


def test_without_a_run_it_says_what_to_do():
    assert "there is none yet" in opened().info[0].value


def test_without_weights_it_gives_an_example():
    made_run()
    at = opened()
    assert "no weights to look into" in at.info[0].value
    assert any("ddlab train demo" in text.value for text in at.markdown)


def test_fully_connected_networks_have_no_maps():
    made_run(experiment=made_experiment(model={"name": "mlp"}))
    assert "fully connected" in opened().info[0].value


def test_every_network_is_beside_the_image(run, asked):
    at = opened(image="9")
    assert not at.error
    titles = [text.split("<br>")[0] for text in panels(at)]
    assert titles == ["Image", "Local networks", "Random, untrained", "CNN-DNN"]
    assert all("peak in the evidence" in text or "peak beside evidence" in text for text in panels(at)[1:])
    worth = at.dataframe[0].value
    assert worth["network"].tolist() == ["Local networks", "Random, untrained", "CNN-DNN"]
    assert worth["peak in the evidence"].isin([True, False]).all()
    numbers = [trace["text"] for trace in figures(at)[0]["data"] if trace.get("mode") == "text"]
    assert [len(of_subimages) for of_subimages in numbers] == [4, 4, 4]
    assert asked[0][asked[0].index("--images") + 1] == "8-15"
    before = len(asked)
    at.selectbox(key="of picker").set_value("blue cross").run()
    assert len(asked) == before  # the selectors change what is drawn, not what is computed
    assert all("blue cross" in text.replace("<br>", " ") for text in panels(at)[1:])
    assert at.query_params["of"] in ("blue cross", ["blue cross"])


@pytest.mark.parametrize("scale", ["own", "one"])
def test_the_maps_of_a_pinned_image_stand_beside_on_the_same_scales(run, scale):
    at = opened(image="9", pin="2", scale=scale)
    assert not at.error
    pinned, chosen = figures(at)[:2]
    titles = [figure["layout"]["title"]["text"] for figure in (pinned, chosen)]
    assert [title.split(" shows")[0] for title in titles] == ["Image 2", "Image 9"]
    limits, most = [], []
    for figure in (pinned, chosen):
        maps = [trace for trace in figure["data"] if trace["type"] == "heatmap"]
        limits.append([trace["zmax"] for trace in maps])
        most.append([largest(trace["z"]) for trace in maps])
    assert limits[0] == limits[1] and len(limits[0]) == 3
    assert (len(set(limits[0])) == 1) == (scale == "one")
    if scale == "own":
        assert limits[0] == pytest.approx(np.max(most, axis=0))
    at.button(key="pin keep_off").click().run()
    assert "Image 9" in figures(at)[0]["layout"]["title"]["text"]


def largest(values):
    """The largest number of an array as plotly sends it, whatever its sign."""
    array = np.frombuffer(base64.b64decode(values["bdata"]), values["dtype"]) if isinstance(values, dict) else values
    return float(np.nanmax(np.abs(np.asarray(array, dtype=float))))


def test_it_begins_where_strategies_part(run):
    outcomes = read_outcomes(run, 0)
    at = opened()
    assert at.session_state["image picker"] == telling_image(outcomes, np.arange(len(outcomes.labels)))


def test_without_a_network_nothing_is_drawn_and_the_score_that_was_chosen_comes_back(run):
    at = opened(score="image")
    at.pills(key="networks picker").set_value([]).run()
    assert not figures(at) and any("at least one network" in info.value for info in at.info)
    at.pills(key="networks picker").set_value(["local"]).run()
    assert len(scores(at)) == 4


def test_the_url_names_layer_class_networks_scale_and_score(run, asked):
    at = opened(layer="conv2_relu", of="prediction", networks="cnn_dnn,local", scale="own", score="image", image="3")
    assert not at.error
    assert [text.split("<br>")[0] for text in panels(at)] == ["Image", "Local networks", "CNN-DNN"]
    limits = {trace["zmax"] for trace in figures(at)[0]["data"] if trace["type"] == "heatmap"}
    assert len(limits) == 2
    assert asked[-1][asked[-1].index("--score") + 1] == "prediction"
    assert asked[-1][asked[-1].index("--images") + 1] == "3" and "conv2_relu" in asked[-1]
    table = scores(at)
    assert table["viewer"].tolist()[-1] == "Random pointing" and "pointing game" in table


def test_a_sample_is_scored_with_standard_errors(run):
    table = scores(opened(score="sample")).set_index("viewer")
    assert " ± " in table.loc["CNN-DNN", "pointing game"]


def png():
    buffer = io.BytesIO()
    Image.new("RGB", (40, 30), (200, 80, 0)).save(buffer, "PNG")
    return buffer.getvalue()


@pytest.mark.parametrize(("content", "fault"), [(png(), ""), (b"no picture", "damaged, or not an image")])
def test_an_own_picture(run, content, fault):
    at = opened(source="own")
    assert not figures(at)
    at.file_uploader(key="own image").set_value(("me.png", content, "image/png")).run()
    assert not at.exception
    if fault:
        assert fault in at.error[0].value and not figures(at)
    else:
        assert "truth" not in at.selectbox(key="of picker").options
        assert len(panels(at)) == 4


def test_a_scan_of_another_kind_is_warned_of(tmp_path):
    composed_run(**VOLUMES)
    voxels = np.linspace(0, 900, 16 * 16 * 8, dtype=np.float32).reshape(16, 16, 8)  # no air: no CT
    content = to_nifti(voxels, (20.0, 20.0, 30.0)).to_bytes()
    at = opened(source="own")
    at.file_uploader(key="own image").set_value(("head.nii", content, "application/octet-stream")).run()
    assert not at.exception and not at.error
    assert any("another kind" in warning.value and "air" in warning.value for warning in at.warning)


@pytest.mark.parametrize("model", ["cnn", "resattnet18"])
def test_a_volume_is_shown_in_the_viewer(model):
    composed_run(**VOLUMES, **{"model.name": model})
    at = opened(image="1", layer="stage3_attention" if model == "resattnet18" else "")
    assert not at.error
    assert len(at.get("bidi_component")) == 1
    assert len(panels(at)) == 3
    assert any("NIfTI" in button.proto.label for button in at.get("download_button"))
