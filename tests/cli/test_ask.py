"""``ddlab ask``: what it writes, and how it refuses."""

import json
from functools import partial

import numpy as np
import pytest

from tests.composed_run import composed_run


@pytest.fixture(scope="module")
def trained(home):
    return composed_run(strategies=["average"])


@pytest.fixture
def ask(trained, ddlab, monkeypatch):
    """Run ``ddlab ask`` for the trained run."""
    monkeypatch.setenv("DDLAB_HOME", str(trained.path.parents[1]))
    return partial(ddlab, "ask", trained.id)


def test_a_table_for_people_and_one_for_programs(ask):
    code, out, _ = ask("--image", "3", "--edits", "occlude:2")
    assert code == 0 and out.splitlines()[0].split()[:3] == ["WHO", "BEFORE", "PROBABILITY"]
    rows = json.loads(ask("--image", "3", "--edits", " occlude:2 ", "--json")[1])
    assert rows["edits"] == "occlude:2"
    assert [row["saw a change"] for row in rows["rows"]] == [True, False, True, False, False]


def test_the_answers_go_into_a_file(ask, tmp_path):
    assert ask("--edits", "swap:1:4", "--maps", "--out", tmp_path / "answers.npz") == (0, "", "")
    with np.load(tmp_path / "answers.npz") as arrays:
        assert arrays["images"].shape == (2, 1, 16, 16) and arrays["maps:local"].shape == (2, 10, 16, 16)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--edits", "occlude:7"], "ddlab: edits: 'occlude:7': place must be all or a subdomain from 1 to 4, got '7'"),
        (["--image", "60"], "ddlab: image: image 60 is not there; validation has 0 to 59"),
        (["--out", "answers.nii"], "ddlab: out: needs an npz file, got answers.nii"),
    ],
)
def test_it_refuses_with_a_sentence(ask, tmp_path, monkeypatch, arguments, message):
    monkeypatch.chdir(tmp_path)
    code, _, error = ask(*arguments)
    assert code == 2 and error.startswith(message) and error.count("\n") == 1
