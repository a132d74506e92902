"""Split against shared data: means, efforts and paired differences against numbers worked out by hand."""

import math

import pytest

from ddlab.analyses.trust_region.split_or_shared import (
    MEASURES,
    RECORDED,
    differences,
    in_words,
    own_in_words,
    partner,
    recorded,
    summarize,
)
from ddlab.figures.trust_region.split_or_shared import split_or_shared_lines
from tests.made_run import made_experiment, made_run
from tests.made_trust_region import made_trust_region_run


def of(data, seed, accuracy, subdomains=4, **changes):
    own = {"dataset": "digits", "mode": "paper", "order": 1, "subdomains": subdomains, "data": data, "seed": seed}
    own |= {"accuracy": accuracy, "loss": [1.0 - a for a in accuracy], "data_passes": [8.0 * (1 + i) for i in range(3)]}
    return own | {"seconds": 2.0, "rejected": 0.5} | changes


RUNS = [
    *(of("split", 0, [0.5, 0.8, 0.9]), of("split", 1, [0.6, 0.7, 0.86])),
    *(of("shared", 0, [0.5, 0.7, 0.85]), of("shared", 1, [0.4, 0.85, 0.858])),
]


def row(table, data, subdomains=4):
    (found,) = table[(table["data"] == data) & (table["subdomains"] == subdomains)].to_dict("records")
    return found


def test_means_and_what_the_highest_accuracy_of_all_takes():
    """0.85 is what every seed of both kinds reaches; N ranks share the passes of split data alone."""
    table = summarize(RUNS)
    split, shared = row(table, "split"), row(table, "shared")
    assert split["seeds"] == 2 and split["accuracy"] == pytest.approx(0.88) and split["target"] == 0.85
    assert split["accuracy_sd"] == pytest.approx(0.02 * 2**0.5) and shared["loss"] == pytest.approx(0.146)
    assert split["passes_to_target"] == 24 and shared["passes_to_target"] == 20
    assert split["rank_passes_to_target"] == 6 and shared["rank_passes_to_target"] == 20
    assert split["data_passes"] == 24 and split["rejected"] == 0.5 and split["seconds"] == 2


def test_the_target_is_one_for_all_numbers_of_subdomains():
    more = [of(data, seed, [0.1, 0.2, 0.62], subdomains=6) for data in ("split", "shared") for seed in (0, 1)]
    table = summarize([*RUNS, *more])
    assert set(table["target"]) == {0.62} and row(table, "split")["passes_to_target"] == 16


def test_differences_are_paired_by_seed():
    """+5 and +0.2 points: 2.6 ± t · sd / √2 with t = 12.71 of one degree of freedom."""
    (found,) = differences(RUNS).to_dict("records")
    sd = math.sqrt(2 * 0.024**2)
    assert found["seeds"] == 2 and found["difference"] == pytest.approx(0.026)
    assert found["interval"] == pytest.approx(12.71 * sd / math.sqrt(2))
    assert in_words(differences(RUNS)) == ["digits, mode paper, first order: N = 4: +2.6 ± 30.5 points."]


@pytest.mark.parametrize("measure", MEASURES)
def test_a_line_a_kind_over_the_number_of_subdomains(measure):
    table = summarize([*RUNS, *(of(d, s, [0.1, 0.2, 0.62], subdomains=6) for d in ("split", "shared") for s in (0, 1))])
    figure = split_or_shared_lines(table, measure, "What it costs")
    assert [trace.name for trace in figure.data] == ["split data", "shared data"]
    assert all(list(trace.x) == [4, 6] for trace in figure.data)
    assert figure.data[0].y[0] == row(table, "split")[measure]
    assert len(list(figure.select_xaxes())) == 1, "no empty axes beside an odd panel"
    assert (figure.data[0].error_y.array is not None) == (measure in ("accuracy", "loss"))


def test_what_ships_is_whole_and_small():
    told, table = recorded()
    assert told["command"] == "python -m benchmarks.split_or_shared" and RECORDED.stat().st_size < 60_000
    assert set(table["data"]) == {"split", "shared"} and {"digits", "mnist"} <= set(table["dataset"])
    assert set(table["subdomains"]) == {2, 4, 6} and table["seeds"].min() >= 3
    panels = table.groupby(["dataset", "mode", "order"]).size()
    assert set(panels) == {6} and len(told["words"]) == len(panels)


def test_a_partner_differs_in_its_data_alone():
    run, shared = (made_trust_region_run(apts={"data": data}, name=data) for data in ("split", "shared"))
    other = made_trust_region_run(apts={"data": "shared", "subdomains": 3})
    elsewhere = made_run("finished", made_experiment(strategies=["average"]))
    assert partner(run, [run, elsewhere, other, shared]).id == shared.id
    assert partner(other, [run, shared, elsewhere]) is None and partner(elsewhere, [run, shared]) is None
    assert own_in_words(shared, run) == "APTS with split data 86.5\u00a0%; APTS with shared data 86.5\u00a0%"
