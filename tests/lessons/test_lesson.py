"""The file of a lesson: its parts, and what is wrong in one, with its line."""

import json

import pytest

from ddlab.lessons import (
    Check,
    LessonError,
    Prediction,
    Trial,
    View,
    check_lesson,
    list_lessons,
    own_folder,
    parse_lesson,
)

FRONT = """---
title: A lesson
summary: One sentence.
minutes: 5
runs: [example]
---
"""
WHOLE = f"""{FRONT}
# First

Text with $x^2$ and {{fact:accuracy.average}}.

```view
view: local
show: {{image: 3}}
```

```prediction
name: vote
ask: How many?
number: accuracy.majority
why: Because.
```

```python
# not a step
```

# Second

```trial
name: quick
recipe: demo
free: {{training.epochs: [1, 2]}}
```

```check
of: quick
when: accuracy.average > 0.5
then: Yes.
otherwise: No.
```
"""


def faults_of(text):
    """Lines and sentences of what is wrong, whether in the file or in what it names."""
    try:
        return [(fault.line, fault.sentence) for fault in check_lesson(parse_lesson(text, "test"))]
    except LessonError as error:
        return [(fault.line, fault.sentence) for fault in error.faults]


def replaced(old, new):
    assert old in WHOLE
    return WHOLE.replace(old, new)


def line_of(text, part):
    return next(number for number, line in enumerate(text.splitlines(), 1) if part in line)


def test_a_lesson_is_read_in_its_order():
    lesson = parse_lesson(WHOLE, "test")
    assert [step.title for step in lesson.steps] == ["First", "Second"]
    kinds = [[type(part.content) for part in step.parts] for step in lesson.steps]
    assert kinds == [[str, View, Prediction], [Trial, Check]] or kinds == [[str, View, Prediction, str], [Trial, Check]]
    assert lesson.front.runs == {"example": "example"} and lesson.front.first == "example"
    assert "# not a step" in str(lesson.steps[0].parts[-1].content), "a block of code is text"
    for step in lesson.steps:
        for part in step.parts:
            if not isinstance(part.content, str):
                assert WHOLE.splitlines()[part.line - 1].startswith("```")


def test_nothing_is_wrong_in_it():
    assert faults_of(WHOLE) == []


@pytest.mark.parametrize(
    ("old", "new", "where", "said"),
    [
        ("title: A lesson", "titel: A lesson", "titel:", "title"),
        ("minutes: 5", "minutes: soon", "minutes:", "minutes"),
        ("runs: [example]", "runs: [exemple]", "---", "exemple"),
        ("```view\n", "```wiew\n", "```wiew", "did you mean 'view'"),
        ("view: local", "view: lokal", "```view", "did you mean 'local'"),
        ("show: {image: 3}", "show: {immage: 3}", "```view", "did you mean 'image'"),
        ("show: {image: 3}", "show: {image: yes}", "```view", "in quotes"),
        ("show: {image: 3}", "show: {image: 3", "```view", "cannot be read"),
        ("number: accuracy.majority", "number: accuracy.magority", "```prediction", "did you mean 'majority'"),
        ("number: accuracy.majority", "number: acuracy.majority", "```prediction", "did you mean 'accuracy'"),
        ("number: accuracy.majority", "number: accuracy.majority > 1", "number:", "not a comparison"),
        ("number: accuracy.majority", "point: 0", "```prediction", "right: of a point it is evidence"),
        ("why: Because.", "within: -1", "within:", "greater than 0"),
        ("{fact:accuracy.average}", "{fact:accuracy.avrage}", "Text with", "did you mean 'average'"),
        ("recipe: demo", "recipe: demmo", "```trial", "did you mean 'demo'"),
        ("free: {training.epochs: [1, 2]}", "free: {training.epocs: [1, 2]}", "```trial", "epochs"),
        ("free: {training.epochs: [1, 2]}", "free: {training.epochs: [1, 1]}", "```trial", "each of them once"),
        ("free: {training.epochs: [1, 2]}", "free: {training.epochs: [5000]}", "```trial", "it takes"),
        ("of: quick", "of: quik", "```check", "did you mean 'quick'"),
        ("when: accuracy.average > 0.5", "when: accuracy.average", "when:", "needs a comparison"),
        ("when: accuracy.average > 0.5", "when: accuracy.transfer > 0.5", "```check", "transfer"),
        ("name: quick", "name: vote", "```trial", "is the name of line"),
        ("otherwise: No.\n```", "otherwise: No.", "```check", "has no end"),
    ],
)
def test_what_is_wrong_is_named_with_its_line(old, new, where, said):
    text = replaced(old, new)
    found = faults_of(text)
    line = line_of(text, where)
    assert [fault for fault in found if abs(fault[0] - line) <= 1 and said in fault[1]], (line, found)


def test_views_of_a_step_do_not_share_what_can_be_chosen():
    twice = replaced("```prediction", "```view\nview: local\n```\n\n```prediction")
    assert any("a step shows a view once" in sentence for _, sentence in faults_of(twice))
    shared = replaced("```prediction", "```view\nview: decisions\nfree: [image]\n```\n\n```prediction")
    assert any("once a step" in sentence for _, sentence in faults_of(shared))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "begins with a line '---'"),
        ("# Only a step\n", "begins with a line '---'"),
        (FRONT, "has no step"),
        (FRONT + "text\n# Step\n", "before the first heading"),
        ("x" * 200_000, "at most"),
        ("\0\n---\n---\n", "begins with"),
    ],
)
def test_what_is_no_lesson_says_why(text, said):
    assert any(said in sentence for _, sentence in faults_of(text))


def test_own_lessons_are_files_in_a_folder():
    own_folder().mkdir(parents=True)
    (own_folder() / "mine.md").write_text(WHOLE, encoding="utf-8")
    (own_folder() / "broken.md").write_text("no lesson", encoding="utf-8")
    (own_folder() / "bytes.md").write_bytes(b"\xff\xfe\x00")
    found = list(list_lessons())
    assert [one.id for one in found if not isinstance(one, tuple) and one.own] == ["mine"]
    assert [one[0] for one in found if isinstance(one, tuple)] == ["broken", "bytes"]


def test_the_commands_list_show_and_check(ddlab, tmp_path):
    code, out, _ = ddlab("lesson", "list", "--json")
    assert code == 0 and len(json.loads(out)["lessons"]) >= 8
    code, out, _ = ddlab("lesson", "show", "1_vote_and_mean", "--json")
    assert code == 0 and json.loads(out)["steps"][0]["blocks"][0]["kind"] == "prediction"
    assert ddlab("lesson", "show", "1_vote_and_mean")[0] == 0 and ddlab("lesson", "list")[0] == 0
    good, bad = tmp_path / "good.md", tmp_path / "bad.md"
    good.write_text(WHOLE, encoding="utf-8")
    bad.write_text(replaced("view: local", "view: lokal"), encoding="utf-8")
    assert ddlab("lesson", "check", good)[0] == 0
    code, _, said = ddlab("lesson", "check", bad)
    assert code == 1 and "line 12" in said and "did you mean 'local'" in said
    code, out, _ = ddlab("lesson", "check", bad, "--json")
    assert code == 1 and json.loads(out)["faults"][0]["line"] == 12
    assert ddlab("lesson", "check", tmp_path / "nothing.md")[0] != 0
