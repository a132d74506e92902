"""Answers: judged against what happened, kept for each visitor, and handed over as files."""

import csv
import re

import pytest

from ddlab.lessons import (
    Visitor,
    filled,
    new_id,
    open_lesson,
    outcome_of,
    read_answer,
    recorded_facts,
    unit_asked,
    visitors,
)
from ddlab.lessons.blocks import Prediction
from ddlab.lessons.handout import as_html
from ddlab.lessons.played import as_csv, guess_of, how_far
from tests.lessons.answering import LESSONS

LESSON = open_lesson("1_vote_and_mean")
RECORDED = recorded_facts(LESSON)
FACTS = RECORDED["example"]
VOTE = FACTS["accuracy.majority"]


def asks(**settings):
    return Prediction.model_validate({"name": "x", "ask": "How many?", "why": "So.", **settings})


NUMBER = asks(number="accuracy.majority", within=0.05)
CHOICE = asks(choice={"accuracy.average": "mean", "accuracy.majority": "vote", "accuracy.cnn_dnn": "DNN"}, within=0.15)
PLACE = asks(point=279, right="evidence", within=2)


@pytest.mark.parametrize(
    ("given", "verdict"),
    [(VOTE, "right"), (VOTE + 0.049, "right"), (VOTE + 0.1, "near"), (VOTE - 0.3, "far"), (None, "none")],
)
def test_numbers_are_right_near_or_far(given, verdict):
    outcome = outcome_of(NUMBER, given, FACTS)
    assert outcome.verdict == verdict and outcome.truth == VOTE
    assert [bar.kind for bar in outcome.bars] == (["you"] if given is not None else []) + ["asked"]


@pytest.mark.parametrize(("given", "verdict"), [("DNN", "right"), ("mean", "near"), ("vote", "far"), (None, "none")])
def test_one_of_several_is_right_and_one_close_to_it_near(given, verdict):
    outcome = outcome_of(CHOICE, given, FACTS)
    assert outcome.verdict == verdict
    assert {bar.label: bar.kind for bar in outcome.bars} == {"mean": "beside", "vote": "beside", "DNN": "right"}
    assert outcome_of(asks(choice=dict(CHOICE.choice), right="lowest"), "vote", FACTS).verdict == "right"


def test_a_place_is_right_in_the_evidence():
    rows, columns = FACTS.numbers.mask(279).nonzero()
    inside = [int(rows[0]), int(columns[0])]
    assert outcome_of(PLACE, inside, FACTS).verdict == "right"
    assert outcome_of(PLACE, [int(rows[0]) - 5, int(columns[0])], FACTS).verdict == "near"
    assert outcome_of(PLACE, [0, 0], FACTS).verdict == "far"


@pytest.mark.parametrize(
    ("asked", "given"),
    [
        (NUMBER, "many"),
        (NUMBER, True),
        (NUMBER, float("nan")),
        (CHOICE, "nobody"),
        (CHOICE, 3),
        (PLACE, [1]),
        (PLACE, [-1, 2]),
    ],
)
def test_what_cannot_be_an_answer_is_refused(asked, given):
    with pytest.raises(ValueError, match="needs"):
        read_answer(asked, given)


def test_an_answer_is_given_once_or_as_often_as_the_lesson_says():
    me = Visitor(new_id())
    twice = asks(number="accuracy.majority", tries=2)
    me.record("l", "x", "prediction", 0.9)
    given = me.of_lesson("l")["x"]
    assert guess_of(NUMBER, given, FACTS).is_done and not guess_of(twice, given, FACTS).is_done
    assert guess_of(twice, given, FACTS).left == 1
    me.record("l", "x", "prediction", 0.8)
    assert guess_of(twice, me.of_lesson("l")["x"], FACTS).is_done
    assert guess_of(twice, [], FACTS).left == 2


def test_answers_are_kept_for_each_visitor_and_a_cut_line_is_left_out():
    me, other = Visitor(new_id()), Visitor(new_id())
    me.record(LESSON.id, "vote", "prediction", 0.7)
    other.record(LESSON.id, "vote", "prediction", None)
    with me.path.open("a") as file:
        file.write('{"lesson": "1_vo\n[1]\n"text"\n')
    assert [answer.value for answer in Visitor(me.id).of_lesson(LESSON.id)["vote"]] == [0.7]
    assert sorted(one.id for one in visitors()) == sorted([me.id, other.id])
    assert how_far(LESSON, me)[0] == 1
    me.forget(LESSON.id)
    assert not me.of_lesson(LESSON.id) and other.of_lesson(LESSON.id)


@pytest.mark.parametrize("id", ["", "short", "../../etc/passwd", "A" * 20, "a" * 50, "a" * 20 + "\n"])
def test_an_id_is_letters_and_digits(id):
    with pytest.raises(ValueError, match="visitor"):
        Visitor(id)


def test_one_visitor_cannot_fill_the_disk(monkeypatch):
    monkeypatch.setattr("ddlab.lessons.answers.MOST_BYTES", 300)
    me = Visitor(new_id())
    with pytest.raises(ValueError, match="too many"):
        for _ in range(10):
            me.record("l", "x", "prediction", 0.1)
    assert me.path.stat().st_size < 600


def played():
    me = Visitor("0123456789abcdef")
    rows, columns = FACTS.numbers.mask(279).nonzero()
    me.record(LESSON.id, "evidence", "prediction", [int(rows[0]), int(columns[0])])
    me.record(LESSON.id, "vote", "prediction", 0.8)
    me.record(LESSON.id, "dnn", "prediction", None)
    me.record(LESSON.id, "cut", "trial", "example", {"decomposition.grid": [2, 2]})
    return me


def test_the_student_s_file_holds_everything_and_needs_nothing():
    html = as_html(LESSON, played(), RECORDED)
    assert not re.search(r"(src|href)=[\"'](?!data:)|url\(|<script|@import", html)
    for part in ("You said 80.0", "43.8", "Far off.", "You looked without a guess.", "<svg", "data:image/png", "2, 2"):
        assert part in html, part
    assert html.count("<section>") == 4 and "1 of 3 predictions right" in html
    why = filled(LESSON.of_kind(Prediction)["vote"].why, FACTS)
    assert why[:30] in html and "{fact:" not in html


def test_the_lecturer_s_csv_has_a_row_an_answer(ddlab):
    rows = list(csv.DictReader(as_csv(LESSON, [played()], RECORDED).splitlines()))
    assert [(row["name"], row["verdict"]) for row in rows] == [
        ("evidence", "right"),
        ("vote", "far"),
        ("dnn", "none"),
        ("cut", ""),
    ]
    assert float(rows[1]["happened"]) == pytest.approx(VOTE, abs=1e-5) and rows[1]["unit"] == "share"
    assert rows[3]["run"] == "example" and rows[3]["checks"] == "1 of 1"
    code, out, _ = ddlab("lesson", "answers", LESSON.id, "--csv")
    assert code == 0 and list(csv.DictReader(out.splitlines())) == rows
    assert ddlab("lesson", "answers", LESSON.id)[0] == 0


def test_what_a_spreadsheet_would_compute_is_text():
    me = Visitor(new_id())
    me.record(LESSON.id, "cut", "trial", "=1+1", {})
    (row,) = csv.DictReader(as_csv(LESSON, [me], RECORDED).splitlines())
    assert row["run"] == "'=1+1"


@pytest.mark.parametrize("lesson", LESSONS, ids=lambda lesson: lesson.id)
def test_nobody_is_right_who_leaves_the_slider_where_it_begins(lesson):
    recorded = recorded_facts(lesson)
    for name, asked in lesson.of_kind(Prediction).items():
        facts = recorded[asked.run or lesson.front.first]
        if asked.kind == "number" and (asked.between or unit_asked(asked) == "share") and "looks" not in asked.number:
            lowest = (asked.between or (0.0, 1.0))[0]
            assert outcome_of(asked, lowest, facts).verdict != "right", name
