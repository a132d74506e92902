"""Decisions, filters and explanations on arrays small enough to check by eye."""

import numpy as np
import pytest

from ddlab.analyses.decisions.limits import OF_THE_METHOD, OF_THE_VOTE, limit_of
from ddlab.analyses.decisions.local_vs_coherent import change_of_accuracy, change_table
from ddlab.analyses.decisions.probabilities import (
    Outcomes,
    attribution_table,
    confusion,
    confusion_table,
    explain,
    find_images,
    local_table,
    named_labels,
    read_outcomes,
    weighed,
)
from ddlab.analyses.decisions.reasons import reason
from ddlab.data.shapes import BAYES_ACCURACY
from ddlab.registry.strategies import COMPARED_BY_KLAWONN
from tests.made_run import made_experiment, made_run

CLASSES = ("disc", "cross", "ring")
LABELS = np.array([0, 1, 2, 1])
DECISIONS = {
    "majority": np.array([0, 0, 2, 2]),
    "cnn_dnn": np.array([0, 1, 2, 0]),
    "transfer": np.array([0, 1, 2, 0]),
}
LOCAL = np.array(
    [
        [[0.6, 0.3, 0.1], [0.7, 0.2, 0.1], [0.1, 0.8, 0.1]],  # two votes for disc, one for cross
        [[0.6, 0.3, 0.1], [0.1, 0.8, 0.1], [0.2, 0.3, 0.5]],  # a tie of all; cross has the highest probability
        [[0.2, 0.2, 0.6], [0.2, 0.2, 0.6], [0.2, 0.2, 0.6]],
        [[0.2, 0.5, 0.3], [0.1, 0.1, 0.8], [0.3, 0.1, 0.6]],
    ]
)
ATTRIBUTIONS = np.zeros((4, 3, 3))
ATTRIBUTIONS[1, 1, 1] = 2.0
OWN = LOCAL.copy()
OWN[1, 1] = [0.0, 0.95, 0.05]
OWN[3, 0] = [0.7, 0.2, 0.1]  # names disc, no longer cross


@pytest.fixture
def outcomes():
    scores = {name: np.eye(3)[decided] for name, decided in DECISIONS.items()}
    attributions = dict.fromkeys(("cnn_dnn", "transfer"), ATTRIBUTIONS)
    return Outcomes(CLASSES, LABELS, DECISIONS, scores, LOCAL, {"transfer": OWN}, attributions)


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        ({}, [0, 1, 2, 3]),
        ({"filter": "wrong", "strategy": "majority"}, [1, 3]),
        ({"filter": "wrong", "strategy": "cnn_dnn"}, [3]),
        ({"filter": "disagree"}, [1, 3]),
        ({"filter": "rescued"}, [1]),
        ({"truth": 1}, [1, 3]),
        ({"truth": 1, "decided": 0, "strategy": "cnn_dnn"}, [3]),
        ({"filter": "wrong", "strategy": "majority", "truth": 2}, []),
    ],
)
def test_filters(outcomes, choice, expected):
    assert find_images(outcomes, **choice).tolist() == expected


def test_unknown_filter_names_the_nearest(outcomes):
    with pytest.raises(ValueError, match="did you mean 'wrong'"):
        find_images(outcomes, "wrnog")


def test_nobody_is_rescued_where_a_strategy_is_missing(outcomes):
    only = Outcomes(CLASSES, LABELS, {"majority": DECISIONS["majority"]}, {}, None)
    assert not len(find_images(only, "rescued"))


def test_confusion_has_true_classes_in_rows(outcomes):
    counts = confusion(outcomes, "majority")
    assert counts.tolist() == [[1, 0, 0], [1, 0, 1], [0, 0, 1]]
    table = confusion_table(counts, CLASSES).set_index("true class")
    assert table.loc["cross", "ring"] == 1 and table.loc["ring", "cross"] == 0


def test_a_clear_vote_is_told(outcomes):
    explanation = explain(outcomes, 0)
    assert explanation.vote.votes_MK[0].tolist() == [2, 1, 0]
    assert explanation.named.tolist() == [0, 0, 1]
    assert reason(explanation, "majority") == "2 of 3 local networks name disc."
    np.testing.assert_allclose(explanation.mean_K, [1.4 / 3, 1.3 / 3, 0.1])


def test_the_tie_rule_is_told_with_the_probability_that_decides(outcomes):
    told = reason(explain(outcomes, 1), "majority")
    assert told.startswith("A tie: disc, cross and ring have 1 of 3 votes each.")
    assert told.endswith("cross, with 80\u00a0% from subdomain 2.")


def test_the_average_tells_first_and_second(outcomes):
    assert reason(explain(outcomes, 2), "average").endswith("highest for ring (60\u00a0%), then cross (20\u00a0%).")


def test_the_dnn_tells_what_it_listens_to(outcomes):
    told = reason(explain(outcomes, 1), "cnn_dnn")
    assert told == "The DNN gives cross 100\u00a0%. What speaks most for it is that subdomain 2 gives cross 80\u00a0%."


def test_a_coherent_model_tells_what_its_own_local_networks_say_and_what_they_said_before(outcomes):
    told = reason(explain(outcomes, 1), "transfer")
    assert "trained as one from trained parts, gives cross 100\u00a0%" in told
    assert told.endswith("subdomain 2 gives cross 95\u00a0%; trained on its own it gives 80\u00a0%.")


def test_what_training_as_one_changed_in_an_image(outcomes):
    table = change_table(explain(outcomes, 3), "transfer").set_index("subdomain")
    assert table.loc[1, ["names_before", "names_after"]].tolist() == ["cross", "disc"]
    assert table.loc[1, ["truth_before", "truth_after"]].tolist() == [0.5, 0.2]
    assert table.loc[2, "names_before"] == table.loc[2, "names_after"]


def test_what_training_as_one_changed_over_all_images(outcomes):
    table = change_of_accuracy(outcomes, "transfer").set_index("subdomain")
    assert table.loc[1, ["before", "after", "kept"]].tolist() == [0.75, 0.5, 0.75]
    assert table.loc[3, ["before", "after", "kept"]].tolist() == [0.25, 0.25, 1.0]
    with pytest.raises(ValueError, match="cnn_dnn: needs"):
        change_of_accuracy(outcomes, "cnn_dnn")


def test_table_of_local_probabilities(outcomes):
    table = local_table(explain(outcomes, 0))
    assert list(table["names"]) == ["disc", "disc", "cross"]
    assert table["cross"].tolist() == [0.3, 0.2, 0.8]


def test_table_of_attributions(outcomes):
    table = attribution_table(explain(outcomes, 1), "transfer").set_index("subdomain")
    assert table.loc[2, "cross"] == 2.0 and table.to_numpy().sum() == 2.0


def test_every_subdomain_is_labelled_with_what_its_network_names(outcomes):
    assert named_labels(explain(outcomes, 0)) == ["1: disc 60%", "2: disc 70%", "3: cross 80%"]


def test_what_a_strategy_weighs_decides_as_it_does(outcomes):
    explanation = explain(outcomes, 0)
    votes, mean, score = (weighed(explanation, strategy) for strategy in ("majority", "average", "cnn_dnn"))
    assert (votes[0].tolist(), votes[1]) == ([2, 1, 0], "votes")
    np.testing.assert_allclose(mean[0], [1.4 / 3, 1.3 / 3, 0.1])
    assert mean[1] == "mean probability" and (score[0].tolist(), score[1]) == ([1, 0, 0], "probability")


def test_the_limit_is_told_of_every_drawn_data_set_that_has_one():
    for dataset, best in BAYES_ACCURACY.items():
        assert (dataset in OF_THE_VOTE) == (best["majority"] < best["average"])
        assert (dataset in OF_THE_METHOD) == (best["cnn_dnn"] < best["coherent"])
    assert {*OF_THE_VOTE, *OF_THE_METHOD} == set(BAYES_ACCURACY) and limit_of("digits") == ""


def test_the_vote_is_said_to_fail_only_on_an_image_where_it_does(outcomes):
    told = [limit_of("shapes_local", explain(outcomes, index)) for index in (0, 1)]
    assert "is right here" in told[0] and "fails here" not in told[0]
    assert told[1].startswith("**Why the vote fails here.**")
    assert "fails here" not in limit_of("shapes_local")
    assert limit_of("shapes_relation", explain(outcomes, 0)).startswith("**The honest limit of the method.**")


@pytest.mark.parametrize("index", [-1, 4])
def test_there_is_no_such_image(outcomes, index):
    with pytest.raises(ValueError, match="needs 0 to 3"):
        explain(outcomes, index)


def test_a_run_tells_what_it_has():
    run = made_run("running")
    read = read_outcomes(run, 0)
    assert set(read.decisions) == {"global", "average", "majority"}
    assert read.local.shape == (64, 4, 4)
    assert not read.attributions and not read.own_local
    finished = read_outcomes(made_run(experiment=made_experiment(strategies=list(COMPARED_BY_KLAWONN))), 0)
    assert {name: values.shape for name, values in finished.attributions.items()} == dict.fromkeys(
        ("cnn_dnn", "coherent", "transfer"), (64, 4, 4)
    )
    assert set(finished.own_local) == {"coherent", "transfer"}


def test_a_coherent_model_alone_shows_its_own_local_networks():
    read = read_outcomes(made_run(experiment=made_experiment(strategies=["coherent"])), 0)
    assert read.local is None
    np.testing.assert_allclose(explain(read, 5).local_NK, read.own_local["coherent"][5])


def test_a_run_without_local_networks_cannot_be_explained():
    read = read_outcomes(made_run("queued", made_experiment()), 0)
    assert read.local is None
    with pytest.raises(ValueError, match="not trained yet"):
        explain(read, 0)
