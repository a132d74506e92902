"""Images to begin with, and sentences worth noticing, on arrays small enough to check by eye."""

import numpy as np

from ddlab.analyses.decisions import notice
from ddlab.analyses.decisions.probabilities import Outcomes
from ddlab.analyses.decisions.telling import contrasts, telling_image

LABELS = np.array([0, 1, 1, 0, 1])
VOTES = np.array([[2, 1], [2, 1], [3, 0], [2, 1], [1, 2]]) / 3  # wrong about images 1 and 2
DNN = np.array([[0.9, 0.1], [0.1, 0.9], [0.2, 0.8], [0.3, 0.7], [0.1, 0.9]])  # right about both, wrong about 3
LOCAL = np.zeros((5, 3, 2))
LOCAL[:, :, 0], LOCAL[:, :, 1] = 0.6, 0.4
LOCAL[1, 2] = [0.05, 0.95]  # somebody has seen what image 1 shows; nobody what image 2 does


def outcomes(**scores):
    decisions = {name: values.argmax(1) for name, values in scores.items()}
    return Outcomes(("a", "b"), LABELS, decisions, scores, LOCAL)


def test_the_contrast_is_that_of_a_vote_that_fails_where_somebody_knew():
    found = contrasts(outcomes(majority=VOTES, cnn_dnn=DNN))
    np.testing.assert_allclose(found, [0, 0.9 - 1 / 3, 0.4 - 0, 0, 0], atol=1e-12)
    assert telling_image(outcomes(majority=VOTES, cnn_dnn=DNN), np.arange(5)) == 1


def test_of_the_images_that_are_found_the_best_is_taken_and_else_the_first():
    made = outcomes(majority=VOTES, cnn_dnn=DNN)
    assert telling_image(made, np.array([0, 2, 3])) == 2
    assert telling_image(made, np.array([3, 4])) == 3


def test_without_a_vote_the_aggregator_that_fails_is_taken_and_a_network_of_the_whole_image_is_none():
    assert telling_image(outcomes(average=VOTES, cnn_dnn=DNN), np.arange(5)) == 1
    assert not contrasts(outcomes(**{"global": DNN, "majority": VOTES})).any()
    assert not contrasts(outcomes(**{"global": DNN})).any()


def test_the_notice_of_a_run_counts_errors_of_the_vote_and_who_mends_them():
    told = notice.of_outcomes(outcomes(majority=VOTES, cnn_dnn=DNN))
    assert "errs on 40.0\u00a0% of the 5 images" in told and "decides 100.0\u00a0% correctly" in told
    assert notice.of_outcomes(outcomes(majority=VOTES)) == ""
    assert "no aggregator is right" in notice.of_outcomes(outcomes(majority=VOTES, average=VOTES))


def test_the_notice_of_a_cut_tells_who_is_blind_and_what_the_work_is():
    told = notice.of_cut(np.array([0.0, 0.75, 0.25, 0.0]), 0.29, 4)
    assert told.startswith("Subdomain 2 sees 75\u00a0% of this image's evidence, 2 of 4 see none")
    assert "29\u00a0% of the global network's work" in told
    assert "subdomain" not in notice.of_cut(None, 0.29, 4).lower()


def test_the_notice_of_the_example_tells_the_gain_over_the_vote():
    accuracies = {"global": 1.0, "majority": 0.452, "average": 0.922, "cnn_dnn": 0.984}
    told = notice.of_example(accuracies, {"cnn_dnn": 0.304})
    assert "CNN-DNN decides 98.4\u00a0%" in told and "53.2 points" in told and "30\u00a0% of the global" in told
    assert notice.of_example({"global": 1.0, "majority": 0.5}, {}) == ""
    assert notice.of_example({"majority": 0.5, "average": 0.51}, {}) == ""
