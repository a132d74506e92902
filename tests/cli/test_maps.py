"""``ddlab maps``: what it writes, and how it refuses."""

import json
from functools import partial

import numpy as np
import pytest

from tests.composed_run import composed_run


@pytest.fixture(scope="module")
def trained(home):
    return composed_run(strategies=["average"])


@pytest.fixture
def maps(trained, ddlab, monkeypatch):
    """Run ``ddlab maps`` for the trained run."""
    monkeypatch.setenv("DDLAB_HOME", str(trained.path.parents[1]))
    return partial(ddlab, "maps", trained.id)


def test_maps_of_several_images_go_into_one_file(maps, tmp_path):
    assert maps("--images", "0,2-3", "--out", tmp_path / "maps.npz") == (0, "", "")
    with np.load(tmp_path / "maps.npz") as arrays:
        assert arrays["maps:local"].shape == (3, 10, 16, 16)
        assert json.loads(str(arrays["about"]))["images"] == ["0", "2", "3"]


def test_pictures_go_into_a_folder(maps, tmp_path):
    code, out, _ = maps("--out", tmp_path / "pictures", "--layer", "conv2_relu")
    assert code == 0 and "Local networks" in out
    assert len(list((tmp_path / "pictures").glob("image-0-*.png"))) == 2 * 10


def test_scores_for_programs(maps):
    code, out, _ = maps("--images", "0-3", "--score", "truth", "--json")
    rows = {row["viewer"]: row for row in json.loads(out)["rows"]}
    assert code == 0 and set(rows) == {"Local networks", "Random, untrained", "Random pointing"}
    assert 0 <= rows["Local networks"]["insertion area"] <= 1
    assert "pointing game" not in rows["Local networks"]  # nobody knows where the evidence of digits is


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--layer", "conv9"], "ddlab: layer: unknown 'conv9'; did you mean"),
        (["--score", "11"], "ddlab: score: unknown '11'"),
        (["--images", "60"], "ddlab: --images: image 60 is not there; validation has 0 to 59"),
        (["--images", "me.png"], "ddlab: image: there is no file 'me.png'"),
        (["--out", "maps.nii"], "ddlab: out: needs an npz file, or a folder"),
    ],
)
def test_it_refuses_with_a_sentence(maps, tmp_path, monkeypatch, arguments, message):
    monkeypatch.chdir(tmp_path)
    code, _, error = maps(*arguments)
    assert code == 2 and error.startswith(message) and error.count("\n") == 1
    assert not list(tmp_path.glob("maps*"))
