"""Decompose: opens, follows the URL, says what does not fit."""

import base64
import json
import struct
from functools import partial

import numpy as np
import pytest

from ddlab.layouts import boxes
from ddlab.machine import kept
from ddlab.machine.rates import Machine, Rates
from tests.pages.standalone import figures, open_alone

opened = partial(open_alone, "decompose")


@pytest.fixture(scope="module")
def shared_home(tmp_path_factory):
    return tmp_path_factory.mktemp("home")


@pytest.fixture(autouse=True)
def own_home(shared_home, monkeypatch):
    """One home for all tests here, so that the images are drawn once."""
    monkeypatch.setenv("DDLAB_HOME", str(shared_home))


def test_it_opens_with_images_costs_and_the_data_set():
    at = opened()
    assert not at.exception and not at.error
    assert len(figures(at)) == 4, "the image is not a figure: it is dragged"
    assert [metric.value for metric in at.metric] == ["29\u00a0%", "13.9×", "46\u00a0%"]
    assert any("Licence" in text.value for text in at.markdown)


def test_the_url_names_what_is_shown():
    at = opened(dataset="digits", rows="4", columns="2", overlap="2", border="shift", image="7", reduction="1/N")
    assert not at.exception and not at.error
    cut = cut_of(at)
    assert [tuple(map(tuple, box)) for box in cut["boxes"]] == [*boxes("grid", (32, 32), (4, 2), 2, "shift")]
    assert cut["title"].startswith("Image 7 ")
    assert at.query_params["rows"] in ("4", ["4"])


def cut_of(at):
    """What the image that is dragged is made of."""
    return json.loads(at.get("bidi_component")[0].proto.json)


@pytest.mark.parametrize(("border", "most"), [("clip", 9), ("shift", 8)])
def test_the_browser_knows_which_grids_and_overlaps_fit(border, most):
    """Of 32×32 px, cut into 2×2: cells of 16 px, for which the control offers 0 to 9 px; shifted inwards, 8 px fit."""
    at = opened(dataset="digits", border=border)
    fitting = cut_of(at)["fitting"]
    assert set(fitting) == {f"{rows}x{columns}" for rows in (1, 2, 4, 8) for columns in (1, 2, 4, 8)}
    assert fitting["2x2"] == most


def test_networks_are_counted_as_asked():
    """Keras counts a bias more for each of the 16 + 32 + 64 channels of the classroom's network, and 2 means."""
    bars = {}
    for way in ("torch", "keras"):
        at = opened(quantity="parameters", counted_parameters=way)
        assert not at.exception and not at.error
        chart = next(part for part in figures(at) if "counted" in part["layout"]["title"]["text"])
        packed = chart["data"][0]["y"]
        bars[way] = np.frombuffer(base64.b64decode(packed["bdata"]), packed["dtype"])
    assert bars["keras"][0] - bars["torch"][0] == 3 * (16 + 32 + 64)
    at = opened(quantity="flops", counted_flops="eq210")
    assert any("by eq. (2.10)" in part["layout"]["title"]["text"] for part in figures(at))


def test_all_ways_of_counting_stand_side_by_side():
    at = opened(layout="sixteen", reduction="1/N")
    tables = [part.value for part in at.dataframe]
    table = next(table for table in tables if "over_torch" in table)
    operations = table[table["quantity"] == "operations"].set_index("counted")
    assert operations.loc["as torch does", "over_torch"] == 0 > operations.loc["by eq. (2.10)", "over_torch"]
    assert any("one less an output than torch counts" in text.value for text in at.markdown)


def test_a_preset_sets_rows_and_columns():
    at = opened()
    at.button(key="grid (4, 2)").click().run()
    assert at.select_slider(key="rows picker").value == 4
    assert at.select_slider(key="columns picker").value == 2


def test_steps_go_through_the_images_of_a_class():
    at = opened(**{"class": "blue cross"})
    first = at.session_state["image picker"]
    at.button(key="image picker chevron_right").click().run()
    assert at.session_state["image picker"] > first
    at.button(key="image picker chevron_left").click().run()
    assert at.session_state["image picker"] == first


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ({"rows": "3"}, "32 is not divisible by 3"),
        ({"dataset": "folder", "path": "nothing"}, "path: "),
        ({"dataset": "digits", "size": "32", "rows": "8", "columns": "8", "model": "vgg9", "overlap": "0"}, None),
    ],
)
def test_what_does_not_fit_is_said_in_a_sentence(query, sentence):
    at = opened(**query)
    assert not at.exception
    if sentence is None:
        assert not at.error
    else:
        assert sentence in at.error[0].value


def test_values_in_the_url_that_are_no_choice_are_left_aside():
    at = opened(dataset="nonsense", rows="99", image="many")
    assert not at.exception and not at.error
    assert at.selectbox(key="dataset picker").value == "shapes_local"


VOLUMES = {"dataset": "ct_phantom", "volume": "32x32x16", "image": "1"}


def boxes_of_the_viewer(at):
    message = at.get("bidi_component")[0].proto.bytes
    (length,) = struct.unpack("<I", message[:4])
    return json.loads(message[4 : 4 + length])["boxes"]


def test_volumes_are_cut_along_three_axes_and_shown_in_the_viewer():
    at = opened(**VOLUMES)
    assert not at.exception and not at.error
    assert len(figures(at)) == 4, "the viewer stands in the place of the picture"
    assert [box["stop"] for box in boxes_of_the_viewer(at)] == [[16, 16, 16], [16, 32, 16], [32, 16, 16], [32, 32, 16]]
    assert any("32×32×16 voxels" in text.value and "HU" in text.value for text in at.markdown)
    at.button(key="grid (4, 4, 2)").click().run()
    assert at.select_slider(key="depth picker").value == 2
    assert len(boxes_of_the_viewer(at)) == 32
    assert not at.exception and not at.error


def test_overlap_of_volumes_may_differ_from_axis_to_axis():
    at = opened(**VOLUMES, depth="2", overlap_of="own", overlap_rows="3", overlap_depth="1")
    assert not at.exception and not at.error
    assert boxes_of_the_viewer(at)[0]["stop"] == [19, 16, 9]


def test_windows_take_the_place_of_a_grid():
    at = opened(dataset="shapes_local", size="64", layout="eight")
    assert not at.exception and not at.error
    assert "rows picker" not in [slider.key for slider in at.select_slider]
    cut = cut_of(at)
    assert len(cut["boxes"]) == 8 and cut["settings"] is None, "windows are where the paper has them"
    assert figures(at)[0]["layout"]["title"]["text"].startswith("Its subimages, 27×27 px")


def test_a_layout_that_does_not_fit_its_grid_says_why():
    at = opened(layout="centre", rows="1", columns="1")
    assert not at.exception and "a cell in the middle already" in at.error[0].value


def test_windows_are_for_flat_images_alone():
    at = opened(**VOLUMES)
    assert list(at.selectbox(key="layout picker").options) == ["Grid", "Shifted grid", "Grid and centre"]


def test_signals_are_drawn_as_lines_and_cut_in_time():
    at = opened(dataset="signals", rows="4", overlap="8", image="2")
    assert not at.exception and not at.error
    boxes = [trace["hovertemplate"] for trace in figures(at)[0]["data"] if trace.get("text")]
    assert [box.split("<")[0] for box in boxes] == [
        "subdomain 1: 72 samples, 0..71",
        "subdomain 2: 80 samples, 56..135",
        "subdomain 3: 80 samples, 120..199",
        "subdomain 4: 72 samples, 184..255",
    ]
    assert "Its subimages, 72 to 80 samples" in figures(at)[1]["layout"]["title"]["text"]
    assert any("256 samples" in text.value for text in at.markdown)


# ---- the limit of a machine


@pytest.fixture
def unmeasured():
    """A home that knows no machine, and knows none afterwards."""
    assert not kept.machines()
    yield
    kept.file().unlink(missing_ok=True)


def test_an_unmeasured_machine_says_how_to_measure_it_and_what_is_counted(unmeasured):
    at = opened()
    told = at.info[0].value
    assert "3.5 times less work" in told and "not measured yet" in told and "ddlab machine" in told
    assert any(button.label == "Measure this machine" for button in at.button)


def test_the_button_measures_by_a_command(monkeypatch, unmeasured):
    """What the command leaves is drawn at once; its refusal is told."""
    asked = []

    def command(arguments):
        asked.append(list(arguments))
        if len(asked) == 1:
            raise ValueError("machine: too busy")
        kept.keep(Machine(kept.machine_name(), {1: Rates(1e11, ((0.0, 1e10),))}, "2026-11-01T12:00:00+00:00", "a test"))

    monkeypatch.setattr("pages.ui.comparison.limit.run_subcommand", command)
    at = opened()
    at = next(button for button in at.button if button.label == "Measure this machine").click().run()
    assert asked == [["machine", "--measure"]] and "too busy" in at.error[0].value
    at = next(button for button in at.button if button.label == "Measure this machine").click().run()
    assert not at.exception and len(asked) == 2
    titles = [part["layout"]["title"]["text"] for part in figures(opened())]
    assert any("times faster" in title for title in titles)


@pytest.mark.parametrize("bars", ["kind", "layer"])
def test_another_machine_is_told_by_its_data_sheet(bars):
    at = opened(limit_machine="a100_tf32", limit_bars=bars, reduction="1/N")
    assert not at.exception and not at.error
    titles = [part["layout"]["title"]["text"].replace("<br>", " ") for part in figures(at)]
    assert len(titles) == 6 and any("A100, TF32" in title for title in titles)
    assert any("another machine (A100, TF32; its data sheet)" in text.value for text in at.markdown)
    assert any("On four V100" in text.value for text in at.markdown)
