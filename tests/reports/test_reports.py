"""The report of a run: everything that was asked and came of it in one file, true to the run, and nothing fetched."""

import csv
import re
from html import unescape
from pathlib import Path

import numpy as np
import pytest
import yaml

from ddlab.analyses import command_results
from ddlab.analyses.comparison.accuracy import strategy_table
from ddlab.analyses.maps.asking import arguments_of, batch_of, count_viewers, named, stamp_of
from ddlab.analyses.maps.stored import Mapped
from ddlab.data.cache import load
from ddlab.experiment import parse_experiment
from ddlab.figures.drawn import Bar, Level, Line, drawn_bars, drawn_lines
from ddlab.reports import report_csv, report_html
from ddlab.runs import annotate
from ddlab.written import percent
from tests.made_run import made_experiment, made_run

FETCHED = re.compile(r"(src|href)=[\"'](?!data:)|url\(|<script|@import")


def shown_image(html):
    return int(re.search(r"Validation image (\d+)", html).group(1))


def test_the_report_holds_what_the_run_holds_and_needs_nothing():
    run = made_run()
    html = report_html(run, 0)
    assert not FETCHED.search(html)
    told = yaml.safe_load(unescape(re.search(r"<pre>(.*?)</pre>", html, re.S).group(1)))
    assert parse_experiment(told) == run.experiment, "it is repeated as it was"
    for row in strategy_table([run]).to_dict("records"):
        cells = [row["title"], percent(row["validation"]), f"{100 * row['low']:.1f}–{100 * row['high']:.1f}"]
        assert "".join(f"<td>{cell}</td>" for cell in cells) in html
    index = shown_image(html)
    truth = load(run.experiment.dataset).description.classes[load(run.experiment.dataset).validation.labels[index]]
    assert f"in truth “{truth}”" in html and html.count('<image href="data:image/png') == 1 + 4
    assert "trained with one seed" in html and "Where the networks look" not in html
    assert run.name in html and "</html>" in html


def test_several_seeds_and_an_unfinished_run_are_told():
    html = report_html(made_run("cancelled", seeds=(0, 1)), 0)
    assert "trained with 2 seeds" in html and "The run is cancelled" in html and "of seed 0" in html


def test_a_run_that_has_nothing_yet_has_a_report():
    html = report_html(made_run("queued"), 0)
    assert "No strategy has a result yet" in html and "One image" not in html


def test_without_its_data_a_run_still_tells_its_accuracies(monkeypatch):
    run = made_run(experiment=made_experiment(strategies=["global"]))

    def gone(*anything, **settings):
        raise ValueError("dataset.path: there is no such folder")

    monkeypatch.setattr("ddlab.problem.describe", gone)
    html = report_html(run, 0)
    assert "there is no such folder" in html and "One image" not in html
    assert percent(float(strategy_table([run])["validation"][0])) in html


def test_what_people_wrote_is_text():
    run = made_run(experiment=made_experiment(strategies=["average"]))
    run.rename("<script>alert(1)</script>")
    annotate(run, note="a <b>note</b> & more")
    html = report_html(run, 0)
    assert "<script" not in html and "a &lt;b&gt;note&lt;/b&gt; &amp; more" in html
    run.rename("=1+1")
    assert next(csv.DictReader(report_csv(run, 0).splitlines()))["run"] == "'=1+1", "no spreadsheet computes it"


def test_class_activation_maps_are_shown_where_they_were_computed(monkeypatch):
    run = made_run()
    data, index = load(run.experiment.dataset), shown_image(report_html(run, 0))
    images = batch_of(index, data, sum(count_viewers(run, 0)))
    of_all = np.zeros((len(images), 4, 32, 32))
    of_all[:, :, 8:16, 8:16] = 1.0
    about = {"viewers": {"global": "Global network"}, "classes": list(data.description.classes)}
    computed = Mapped(about, {"maps:global": of_all})
    monkeypatch.setattr(command_results, "run_subcommand", lambda asked: computed.save(Path(asked[-1])))
    command_results.command_result("maps", run.id, *arguments_of(0, named(images)), stamp=stamp_of(run))
    html = report_html(run, 0)
    assert "Where the networks look" in html and html.count('<image href="data:image/png') == 1 + 4 + 1


def test_the_command_writes_either_kind_and_names_what_it_cannot(ddlab, tmp_path):
    run = made_run(experiment=made_experiment(strategies=["average", "majority"]))
    code, out, _ = ddlab("report", run.id, tmp_path / "r.html")
    assert code == 0 and "\u00a0kB)" in out and (tmp_path / "r.html").read_text().startswith("<!doctype html>")
    assert ddlab("report", run.id, tmp_path / "r.csv")[0] == 0
    rows = list(csv.DictReader((tmp_path / "r.csv").read_text().splitlines()))
    assert [row["strategy"] for row in rows] == ["average", "majority"]
    table = strategy_table([run])
    assert [float(row["validation"]) for row in rows] == pytest.approx(table["validation"].tolist())
    code, _, said = ddlab("report", run.id, tmp_path / "r.pdf")
    assert code == 2 and "needs one of .html, .csv" in said and "r.pdf" in said
    code, _, said = ddlab("report", run.id, tmp_path / "r.html", "--seed", 7)
    assert code == 2 and "seed: the run has 0, got 7" in said


# ---- the drawings


def numbers(svg, pattern):
    return [tuple(map(float, found.groups())) for found in re.finditer(pattern, svg)]


def test_bars_are_as_long_as_their_values():
    bars = [Bar("a", 0.5, "50 %", "#123456", (0.4, 0.6)), Bar("b <c>", 1.0, "100 %", "#123456")]
    svg = drawn_bars(bars, "T", 1.0, Level("baseline", 0.25))
    widths = [width for (width,) in numbers(svg, r'<rect x="[\d.]+" y="[\d.]+" width="([\d.]+)"')]
    assert widths[1] == pytest.approx(2 * widths[0]) and "b &lt;c&gt;" in svg
    ((first, last, _),) = numbers(svg, r'd="M([\d.]+) [\d.]+H([\d.]+)M([\d.]+)')
    assert (first, last) == pytest.approx((0.4 * widths[1], 0.6 * widths[1]), abs=0.1)
    ((level,),) = numbers(svg, r'd="M([\d.]+) 0V')
    assert level == pytest.approx(0.25 * widths[1], abs=0.1)


def test_negative_bars_begin_where_the_others_do():
    svg = drawn_bars([Bar("a", -1.0, "-1", "#123456"), Bar("b", 3.0, "3", "#123456")], "T")
    (left, short), (middle, long) = numbers(svg, r'<rect x="([\d.]+)" y="[\d.]+" width="([\d.]+)"')
    assert left == 0 and middle == pytest.approx(short, abs=0.1) and long == pytest.approx(3 * short, abs=0.2)


def test_lines_go_through_their_points():
    svg = drawn_lines([Line("a", "#123456", [0, 5, 10], [0.0, 0.5, 1.0])], "T", ("epoch", "accuracy"))
    path = re.search(r'd="M([^"]*)" fill="none" stroke="#123456"', svg).group(1)
    points = [tuple(map(float, point.split())) for point in path.split("L")]
    assert points[1] == pytest.approx(np.mean([points[0], points[2]], axis=0)), "half way between the ends"
    assert points[0][1] > points[2][1], "higher is better"
    for tick in ("0 %", "100 %", ">10<"):
        assert tick.replace(" ", "\u00a0") in svg


@pytest.mark.parametrize(
    ("x", "y"), [([3.0], [0.7]), ([0.0], [0.0]), ([1.0, 2.0], [0.5, 0.5]), ([1e12, 2e12], [0.9, 0.901])]
)
def test_lines_of_one_point_or_one_level_are_drawn(x, y):
    svg = drawn_lines([Line("a", "#123456", x, y)], "T", ("work", "accuracy"), Level("baseline", 0.5))
    assert "nan" not in svg and "inf" not in svg and "baseline" in svg
