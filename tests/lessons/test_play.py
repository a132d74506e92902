"""Every shipped lesson played through on its page, with right and wrong answers; nothing is trained."""

import json
from dataclasses import replace

import pytest

from ddlab.lessons import Prediction, Trial, Visitor, outcome_of, recorded_facts
from ddlab.lessons.facts import FACTS
from ddlab.runs import list_runs
from pages.ui.lessons.visitor import KEY
from tests.lessons.answering import LESSONS, as_asked, right_answer, wrong_answer
from tests.pages.conftest import check_figure, open_page  # noqa: F401  (a fixture)

ME = "0123456789abcdef"
every_lesson = pytest.mark.parametrize("lesson", LESSONS, ids=lambda lesson: lesson.id)


@pytest.fixture
def without_torch(monkeypatch):
    """Maps and comparisons of weights take seconds each, and pages of their own are tested with them."""

    def refuse(*arguments, **settings):
        raise ValueError("not in this test")

    monkeypatch.setattr("pages.ui.maps.choices.command_result", refuse)
    monkeypatch.setattr("pages.ui.composition.theory.command_result", refuse)
    monkeypatch.setattr("pages.ui.maps.choices.prepare_result", lambda *arguments, **settings: False)
    shares = {"global": 0.3, "composed_untrained": 0.2, "coherent": 0.4, "cnn_dnn": 0.1}
    looks = replace(FACTS["looks"], read=lambda about, kind, rest: shares[rest.partition(".")[2]])
    monkeypatch.setitem(FACTS, "looks", looks)


def open_lesson(open_page, lesson, at=1):  # noqa: F811
    test = open_page("lessons", lesson=lesson.id, at=str(at))
    test.session_state[KEY] = ME
    return test


def answer(test, asked, given):
    """Give an answer by the widgets of the page; None presses the button of those who would rather see it."""
    if given is None:
        return press(test, "I would rather see it")
    if asked.kind == "choice":
        test.radio[0].set_value(given)
    elif asked.kind == "point":
        for box, pixel in zip(test.number_input, given, strict=True):
            box.set_value(pixel)
    else:
        (test.slider or test.number_input)[0].set_value(as_asked(asked, given))
    test.run()
    return press(test, "That is my answer")


def press(test, label):
    next(button for button in test.button if button.label == label).click().run()
    return test


def sound(test):
    assert not test.exception, test.exception[0].stack_trace
    assert not [warning.value for warning in test.warning if "which is not here" in warning.value]
    refused = [error.value for error in test.error if "not in this test" not in error.value]
    assert not refused, refused
    for chart in test.get("plotly_chart"):
        check_figure(json.loads(chart.proto.spec))


@every_lesson
def test_a_student_plays_it_through(lesson, open_page, without_torch):  # noqa: F811
    facts, wishes = recorded_facts(lesson), iter(["right", "wrong", "see", "right", "wrong", "see", "right", "wrong"])
    test = open_lesson(open_page, lesson)
    for number, step in enumerate(lesson.steps, 1):
        sound(test)
        assert test.header[0].value.startswith(step.title[:10])
        for asked in [part.content for part in step.parts if isinstance(part.content, Prediction)]:
            assert next(button for button in test.button if button.label in ("Next", "That is my answer")).label
            of = facts[asked.run or lesson.front.first]
            wish, right = next(wishes), right_answer(asked, of)
            given = {"right": right, "wrong": wrong_answer(asked, right), "see": None}[wish]
            answer(test, asked, given)
            sound(test)
            verdict = outcome_of(asked, Visitor(ME).of_lesson(lesson.id)[asked.name][-1].value, of).verdict
            assert verdict in {"right": ("right",), "wrong": ("near", "far"), "see": ("none",)}[wish], asked.name
        for trial in [part.content for part in step.parts if isinstance(part.content, Trial)]:
            assert any(button.label == "Train it" for button in test.button)
            Visitor(ME).record(lesson.id, trial.name, "trial", lesson.front.runs[lesson.front.first])
            test.run()
            sound(test)
            assert len(test.success) + len(test.warning) >= 1, "the checks say something"
        if number < len(lesson.steps):
            press(test, "Next")
    assert any("Your predictions" in text.value for text in test.markdown)
    assert not list_runs(), "nothing was trained"


def test_own_lessons_and_files_that_are_none_are_in_the_list(open_page, own_home):  # noqa: F811
    (own_home / "lessons").mkdir(parents=True)
    (own_home / "lessons" / "broken.md").write_text("no lesson", encoding="utf-8")
    front = "---\ntitle: Mine <b>\nsummary: One.\nminutes: 1\nruns: [example]\n---\n"
    own = f"{front}# A step\n\n```view\nview: nothing\n```\n"
    (own_home / "lessons" / "mine.md").write_text(own, encoding="utf-8")
    test = open_page("lessons")
    assert any("begins with a line" in error.value for error in test.error)
    assert any("Mine" in text.value and "own" in text.value for text in test.markdown)
    shown = open_page("lessons", lesson="mine", at="1")
    assert any("there is no view" in error.value for error in shown.error)
    assert open_page("lessons", lesson="broken").title[0].value == "This file is no lesson"


def test_the_server_trains_what_the_lesson_offers_and_nothing_else(open_page, monkeypatch):  # noqa: F811
    launched = []
    monkeypatch.setattr("pages.ui.runs.live.launch", launched.append)
    lesson = next(lesson for lesson in LESSONS if lesson.of_kind(Trial).get("grow"))
    at = next(number for number, step in enumerate(lesson.steps, 1) if step.title == "Try it")
    test = open_page("lessons", lesson=lesson.id, at=str(at), grow_decomposition_overlap="12")
    assert any("which is not here" in warning.value for warning in test.warning)
    press(test, "Train it")
    assert launched[0].experiment.decomposition.overlap == 0 and launched[0].name == "What overlap buys: grow"
