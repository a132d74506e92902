"""What can be asked, and how a wrong wish is refused."""

import pytest

from ddlab.experiment import Experiment, ExperimentError, load_experiment, parse_experiment
from ddlab.problem import pose


def test_defaults_are_valid_and_survive_yaml(tmp_path):
    path = tmp_path / "experiment.yaml"
    path.write_text(Experiment().to_yaml(full=True))
    assert load_experiment(path) == Experiment()


def test_only_differences_are_written():
    changed = Experiment().with_settings({"training.epochs": 3, "decomposition.grid": [4, 4]})
    assert changed.training.epochs == 3
    assert "epochs: 3" in changed.to_yaml() and "learning_rate" not in changed.to_yaml()
    assert parse_experiment(changed.model_dump(mode="json")) == changed


@pytest.mark.parametrize(
    ("tree", "words"),
    [
        ({"trainig": {}}, ["'trainig'", "'training'"]),
        ({"training": {"epoch": 3}}, ["training", "'epoch'", "'epochs'"]),
        ({"training": {"epochs": 0}}, ["training.epochs", "equal to 1", "got 0"]),
        ({"training": {"learning_rate": -1}}, ["training.learning_rate", "greater than 0", "-1"]),
        ({"training": {"epochs": "many"}}, ["training.epochs", "integer", "many"]),
        ({"dataset": {"name": "cifar1"}}, ["dataset.name", "'cifar1'", "'cifar10'", "shapes_local"]),
        ({"model": {"name": "resnt20"}}, ["model.name", "'resnet20'"]),
        ({"strategies": ["cnn-dnn"]}, ["strategies", "'cnn_dnn'"]),
        ({"strategies": []}, ["strategies", "at least 1"]),
        ({"seeds": [1, 1]}, ["seeds", "different"]),
        ({"training": {"plateau_factor": 1}}, ["training.plateau_factor", "less than 1"]),
        ({"model": {"reduction": "1/n"}}, ["model.reduction", "1/sqrt(N)"]),
        ({"decomposition": {"grid": [0, 2]}}, ["decomposition.grid", "at least 1"]),
        ({"aggregator": {"hidden": [8, 0]}}, ["aggregator.hidden", "at least 1 unit"]),
        ({"training": {"rate_steps": [[9, 1e-4], [3, 1e-5]]}}, ["training.rate_steps", "rising epochs", "[[9,"]),
        ({"training": {"rate_steps": [[3, 0]]}}, ["training.rate_steps", "rate above 0"]),
        ({"composed": {"rate_steps": [[0, 1e-4]]}}, ["composed.rate_steps", "at least 1"]),
        ({"composed": {"cross_rate": 2}}, ["composed.cross_rate", "less than or equal to 1"]),
        ([], ["mapping"]),
    ],
)
def test_a_wrong_wish_names_field_rule_and_value(tree, words):
    with pytest.raises(ExperimentError) as error:
        parse_experiment(tree)
    for word in words:
        assert word in str(error.value)
    assert str(error.value).count("got ") <= 1


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"training.epoch": 3}, ["--set training.epoch", "'epochs'"]),
        ({"trainin.epochs": 3}, ["'trainin'", "'training'"]),
        ({"training.epochs.much": 3}, ["'epochs'"]),
    ],
)
def test_a_wrong_path_names_the_nearest(settings, words):
    with pytest.raises(ExperimentError) as error:
        Experiment().with_settings(settings)
    for word in words:
        assert word in str(error.value)


def test_all_faults_are_told_at_once():
    with pytest.raises(ExperimentError) as error:
        parse_experiment({"training": {"epochs": 0, "batch_size": 0}})
    assert len(str(error.value).splitlines()) == 2


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"decomposition.grid": [5, 5]}, ["decomposition", "grid 5×5 does not fit 32×32 px"]),
        ({"decomposition.overlap": 20}, ["decomposition", "overlap 20 px"]),
        ({"decomposition.overlap": [1] * 5000}, ["decomposition.overlap: needs one number, or one for each of 1 to 3"]),
        ({"decomposition.grid": [2, 2, 1]}, ["decomposition", "3 axes"]),
        ({"decomposition.boxes": [[[0, 40], [0, 8]]]}, ["boxes[0]", "40"]),
        ({"aggregator.folds": 3, "dataset.train_images": 2}, ["aggregator.folds", "2 for training", "got 3"]),
        ({"model.padding": "valid", "decomposition.grid": [8, 8]}, ["model", "too small", "padding"]),
    ],
)
def test_parts_that_do_not_fit_together_are_refused_before_anything_starts(settings, words):
    with pytest.raises(ExperimentError) as error:
        pose(Experiment().with_settings(settings))
    for word in words:
        assert word in str(error.value)


def test_free_boxes_replace_the_grid():
    boxes = [[[0, 16], [0, 16]], [[8, 24], [8, 24]]]
    problem = pose(Experiment().with_settings({"decomposition.boxes": boxes}))
    assert len(problem.local_networks) == 2 and problem.local_networks[0].input == (3, 16, 16)
