"""What the recipes promise, trained for real as a user does: one seed of each; three are in ``benchmarks.recipes``."""

import json
import subprocess
import sys

import pytest

from ddlab.data.shapes import BAYES_ACCURACY
from ddlab.recipes import RECIPES, title

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def train(tmp_path_factory):
    """Train a recipe with one seed by the command; gives every strategy's accuracy on the test images, or others."""
    home = tmp_path_factory.mktemp("recipes")

    def train(recipe: str, images: str = "test") -> dict[str, float]:
        command = [sys.executable, "-m", "ddlab", "train", recipe, "--set", "seeds=[0]", "--json"]
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("DDLAB_HOME", str(home))
            done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
        return {name: row[images] for name, row in json.loads(done.stdout)["strategies"].items()}

    return train


def test_the_classroom_sees_the_vote_fail_where_average_and_dnn_do_not(train):
    reached = train("classroom")
    assert reached["global"] > 0.9
    assert reached["cnn_dnn"] >= reached["majority"] + 0.2
    assert reached["cnn_dnn"] >= reached["average"] - 0.01


def test_pairs_come_within_three_points_of_what_is_possible(train):
    for strategy, accuracy in train("pairs").items():
        assert accuracy == pytest.approx(BAYES_ACCURACY["shapes_pairs"][strategy], abs=0.03), strategy


def test_a_relation_between_subdomains_needs_networks_that_are_trained_as_one(train):
    reached = train("relation")
    for strategy in ("global", "coherent", "transfer"):
        assert reached.pop(strategy) > 0.9, strategy
    assert set(reached) == {"average", "majority", "cnn_dnn"}
    for strategy, accuracy in reached.items():
        assert accuracy == pytest.approx(0.5, abs=0.05), strategy


def test_real_digits(train):
    reached = train("digits")
    assert reached["global"] >= 0.97 and reached["cnn_dnn"] >= 0.95
    assert reached["transfer"] >= 0.95 and reached["coherent"] >= 0.9


def test_composed_networks_are_better_than_their_parts_and_learn_on(train):
    reached = train("theorem")
    assert reached["average"] < reached["composed_untrained"] < reached["composed"]
    assert reached["composed"] > 0.93


@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe_says_its_command_and_what_to_expect(name):
    assert title(name)
    assert f"ddlab train {name}" in (RECIPES[name].__doc__ or "")
    assert RECIPES[name]().name == name


def test_no_learning_rate_is_as_good_as_tuned_ones(train):
    reached = train("trust_region_demo", "validation")
    assert min(reached["sapts"], reached["adam"], reached["sgd"]) > 0.95
    assert reached["apts"] > 0.9 and reached["trust_region"] > 0.93


@pytest.mark.parametrize("name", RECIPES)
def test_own_recipes_are_judged_by_images_that_chose_nothing_and_the_papers_as_they_do(name):
    of_a_paper = name.startswith(("klawonn_", "gu_", "apts_"))
    assert RECIPES[name]().dataset.test == ("validation" if of_a_paper else "official")
