"""Layer by layer: what the page shows of the recorded networks, and what the address keeps."""

import json
import os
import sys

import pytest
from streamlit.testing.v1 import AppTest

from ddlab import cli
from tests.made_run import made_run


@pytest.fixture(scope="module")
def shared(home):
    return os.environ["DDLAB_HOME"]


@pytest.fixture(autouse=True)
def asked(shared, monkeypatch, capsys):
    """The command runs in this process, which has torch already; answers are kept for all tests."""
    monkeypatch.setenv("DDLAB_HOME", shared)
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


def titles(at):
    trees = [json.loads(chart.proto.spec) for chart in at.get("plotly_chart")]
    return [tree["layout"]["title"]["text"].replace("<br>", " ") for tree in trees]


def files(at):
    return [button.proto.label for button in at.get("download_button")]


def test_it_opens_with_the_network_that_is_surest_of_the_image(open_page, asked):
    at = open_page("layers", image="57")
    decided, rows, channels = titles(at)
    number = at.selectbox(key="subdomain picker").options[0].split(",")[0]
    assert decided == f"What comes out of local network {number}"
    assert rows == f"Local network {number} on image 57: the 6 strongest channels of every layer"
    assert channels.startswith("All 24 channels of pool3")
    assert f"local-{number}" in asked[-1]
    assert any(text.value.startswith("**Notice:** Of the ") for text in at.markdown)
    assert (
        files(at) == [f"Activations of local network {number} (npz)"] and at.session_state["subdomain shown"] == "all"
    )


def test_the_address_names_network_subdomain_layer_channel_and_who_is_beside(open_page):
    asked = {"network": "transfer", "subdomain": "2", "maps": "conv2_relu", "channel": "3", "beside": "global"}
    at = open_page("layers", image="57", layers_shown="every", **asked)
    local, whole = "Local network 2, CNN-DNN transfer", "Global network"
    assert titles(at) == [
        f"What comes out of {local[0].lower()}{local[1:]}",
        f"What comes out of {whole[0].lower()}{whole[1:]}",
        f"{local} on image 57: the 6 strongest channels of every layer",
        f"Channel 3 of conv2_relu, {local}",
        f"{whole} on image 57, over the subdomain: the 6 strongest channels of every layer",
        f"Channel 3 of conv2_relu, {whole}, over the subdomain",
    ]
    at.selectbox(key="channel picker").set_value("all").run()
    assert titles(at)[3].startswith("All 12 channels of conv2_relu, Local")
    assert at.query_params["channel"] in ("all", ["all"]) and not at.error


def test_a_network_on_the_whole_image_is_whole_until_a_subdomain_is_chosen(open_page):
    at = open_page("layers", image="57", network="global")
    assert titles(at)[1].startswith("Global network on image 57: ")
    at.selectbox(key="subdomain picker").set_value("1").run()
    assert titles(at)[1].startswith("Global network on image 57, over the subdomain")


def volume():
    import numpy as np
    import streamlit as st

    from ddlab.analyses.layers.stored import Activations
    from pages.ui.layers import choices

    st.write(str(choices.pick_depth(Activations({}, {"input": np.zeros((1, 4, 4, 8), np.uint8)}))))


def test_volumes_are_cut_at_a_slice():
    at = AppTest.from_function(volume)
    at.query_params["axial"] = "0"
    at.run()
    assert at.markdown[0].value == str(0.5 / 8), "the middle of the first of eight slices"
    at.select_slider[0].set_value(7).run()
    assert at.markdown[0].value == str(7.5 / 8)


def test_a_network_without_maps_has_rows_of_numbers(open_page):
    at = open_page("layers", run="example-trust-region")
    assert len(titles(at)) == 2 and not at.error
    assert not [box for box in at.selectbox if box.label == "Maps of the layer"]


def test_a_run_without_weights_says_so_and_offers_an_example(open_page):
    run = made_run()
    at = open_page("layers", run=run.id)
    assert "no weights to look into" in at.info[0].value
    assert any(button.label.startswith("Look at an example") for button in at.button)
