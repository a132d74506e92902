"""The baseline: the most frequent class of the images that judge, counted by hand."""

import numpy as np

from ddlab.analyses.comparison.baseline import Baseline, baseline_of, most_frequent, shared_baseline
from ddlab.data.cache import load
from tests.made_run import made_experiment, made_run


def test_it_is_the_share_of_the_most_frequent_class_and_not_one_of_all():
    found = most_frequent(np.array([2, 2, 0, 2, 1]), ("disc", "cross", "ring", "bar"))
    assert found == Baseline(0.6, "ring", "validation") and found.short == "always “ring”: 60.0\u00a0%"
    assert found.sentence == (
        "Always naming “ring”, the most frequent class, is right for 60.0\u00a0% of the validation images."
    )
    assert most_frequent(np.array([], dtype=int), ("disc",)) is None


def test_it_is_of_the_images_that_judge(monkeypatch):
    run = made_run(experiment=made_experiment({"test": "official"}))
    data = load(run.experiment.dataset)
    for split, wanted in (("test", None), ("validation", "validation")):
        counts = np.bincount(data.split(split).labels)
        found = baseline_of(run, wanted)
        assert (found.share, found.split) == (counts.max() / counts.sum(), split)
        assert data.description.classes.index(found.label) == counts.argmax()
    monkeypatch.setattr("ddlab.analyses.comparison.baseline.is_ready", lambda settings: False)
    assert baseline_of(run) is None, "nothing is decoded for it"


def test_runs_share_it_only_where_it_is_the_same():
    one, other = Baseline(0.4, "ring", "test"), Baseline(0.5, "ring", "test")
    assert shared_baseline([one, one]) == one
    assert shared_baseline([one, other]) is shared_baseline([one, None]) is shared_baseline([]) is None
