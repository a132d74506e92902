"""What every shipped lesson promises: nothing is wrong in it; it asks, trains, checks and says what was learned."""

import re

import pytest

from ddlab.lessons import Check, Lesson, Prediction, Trial, check_lesson, list_lessons, outcome_of, recorded_facts
from ddlab.lessons.facts import FACTS

LESSONS = [lesson for lesson in list_lessons() if isinstance(lesson, Lesson)]
every_lesson = pytest.mark.parametrize("lesson", LESSONS, ids=lambda lesson: lesson.id)


def test_there_are_eight_in_their_order():
    assert [lesson.id[:2] for lesson in LESSONS] == [f"{number}_" for number in range(1, 9)]


@every_lesson
def test_nothing_is_wrong_in_it(lesson):
    assert [str(fault) for fault in check_lesson(lesson)] == []


@every_lesson
def test_it_asks_trains_and_checks(lesson):
    assert 10 <= lesson.front.minutes <= 20 and lesson.front.sources
    assert len(lesson.of_kind(Prediction)) >= 2 and len(lesson.of_kind(Trial)) == 1
    assert sum(isinstance(block, Check) for _, block in lesson.blocks()) in (1, 2)
    assert all(trial.seconds <= 60 for trial in lesson.of_kind(Trial).values())
    last = lesson.steps[-1]
    assert last.title == "What you have learned" and "paper" in str(last.parts[0].content)


@every_lesson
def test_no_share_is_written_by_hand(lesson):
    """Numbers with a percent sign come from facts, but for such as 25 % for each of four."""
    for step in lesson.steps:
        for part in step.parts:
            if isinstance(part.content, str):
                assert not re.findall(r"\d\.\d+ ?%", part.content), part.line


@every_lesson
def test_its_options_have_one_right_answer(lesson):
    facts = recorded_facts(lesson)
    for asked in lesson.of_kind(Prediction).values():
        if asked.choice and not any(FACTS[text.partition(".")[0]].refuse for text in asked.choice if "looks" in text):
            of = facts[asked.run or lesson.front.first]
            values = sorted((float(of.of(text)) for text in asked.choice), reverse=asked.right == "highest")
            assert values[0] != values[1], asked.name
            assert outcome_of(asked, None, of).verdict == "none"
