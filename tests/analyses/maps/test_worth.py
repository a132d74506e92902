"""What maps are worth and what is said of them, on maps that are read by eye."""

import numpy as np
import pytest

from ddlab.analyses.maps.notice import of_maps
from ddlab.analyses.maps.stored import Mapped
from ddlab.analyses.maps.worth import worth_of, worth_table

SURE = float(np.log(0.98 / 0.02))


def mapped(with_mask=True, without=(0.0, SURE)):
    maps = np.zeros((1, 2, 2, 4), np.float32)
    maps[0, 1, 0, 0], maps[0, 1, 1, 3] = 4.0, -1.0  # largest in the left half, the evidence lies in the right one
    mask = np.zeros((1, 2, 4), bool)
    mask[0, :, 2:] = True
    arrays = {"maps:dnn": maps, "probabilities:dnn": np.array([[0.02, 0.98]]), "odds:dnn": np.array([[-SURE, SURE]])}
    arrays |= {"masks": mask} if with_mask else {}
    if without:
        arrays["without:dnn"] = np.array([[[-SURE + value, SURE - value] for value in without]])
    return Mapped({"classes": ["a", "b"], "viewers": {"dnn": "CNN-DNN"}, "images": ["0"]}, arrays)


def test_a_map_is_worth_its_range_its_peak_and_what_is_lost():
    worth = worth_of(mapped(), 0, {"dnn": 1})["dnn"]
    assert (worth.low, worth.high, worth.hit, worth.energy) == (-1.0, 4.0, False, 0.0)
    np.testing.assert_allclose(worth.effects, [0, SURE])
    assert worth.most == 1 and worth.without(1) == pytest.approx(0.5)
    row = worth_table({"dnn": worth}).iloc[0]
    assert row["most rests on"] == 2 and row["probability without"] == pytest.approx(0.5)


def test_without_evidence_or_hiding_nothing_is_said_of_them():
    worth = worth_of(mapped(with_mask=False, without=()), 0, {"dnn": 1})["dnn"]
    assert worth.hit is None and worth.effects is None and worth.most is None
    table = worth_table({"dnn": worth})
    assert "peak in the evidence" not in table and table["most rests on"].isna().all()


def test_a_map_that_points_elsewhere_than_the_decision_rests_is_noticed():
    told = of_maps(worth_of(mapped(), 0, {"dnn": 1}), [4.0], np.array([0.0, 1.0]))
    assert told == (
        "Without subimage 2, which holds 100\u00a0% of the evidence, CNN-DNN would give b 50.0\u00a0% instead of "
        "98.0\u00a0%; its map is largest beside the evidence."
    )


def test_a_sure_decision_with_a_faint_map_is_noticed_on_that_scale_alone():
    worths = worth_of(mapped(with_mask=False), 0, {"dnn": 1})
    assert of_maps(worths, [172.0], None).startswith("The map of CNN-DNN is nearly empty on this scale")
    assert "empty" not in of_maps(worths, [4.0], None)


def test_a_decision_that_misses_nothing_is_told():
    worths = worth_of(mapped(without=(0.1, 0.2)), 0, {"dnn": 1})
    assert "no subimage is missed" in of_maps(worths, [4.0], None).lower()
    assert of_maps(worth_of(mapped(without=()), 0, {"dnn": 1}), [4.0], None) == ""
