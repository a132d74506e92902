"""A lesson's trials, trained with everything that a reader may choose."""

import pytest

from ddlab.lessons import parse_lesson
from ddlab.lessons.tried import try_lesson
from ddlab.ranks import Ranks
from ddlab.strategies.execute import execute

TEXT = """---
title: Two trials
summary: For a test.
minutes: 10
runs: {example: example}
---

# Try it

```trial
name: small
recipe: demo
set: {strategies: [average], dataset.train_images: 60, dataset.validation_images: 20, training.epochs: 1}
free:
  training.batch_size: [20, 60]
  model.width: [0.25]
seconds: SECONDS
```

```check
of: small
when: accuracy.average > WANTED
then: It is.
otherwise: It is not.
```

```check
of: small
when: FACT >= 0
then: It is.
otherwise: It is not.
```
"""


def lesson(seconds="300", wanted="2", fact="epochs.average"):
    return parse_lesson(TEXT.replace("SECONDS", seconds).replace("WANTED", wanted).replace("FACT", fact), "two")


def train(run):
    execute(run, Ranks(), lambda record: run.append_metrics(0, record), lambda: None)
    run.end("finished")


def test_every_choice_is_trained_and_every_check_is_asked():
    tried = list(try_lesson(lesson(), train))
    assert [one.chosen["training.batch_size"] for one in tried] == [20, 60]
    assert [(one.held, one.is_well) for one in tried] == [((False, True), True)] * 2


@pytest.mark.parametrize(
    ("asked", "train", "fault"),
    [
        (lesson(), lambda run: run.end("failed", "no room"), "failed: no room"),
        (lesson(fact="accuracy.global"), train, "unknown 'global'; choices: average"),
    ],
)
def test_what_goes_wrong_is_named(asked, train, fault):
    for one in try_lesson(asked, train):
        assert fault in one.fault.lower() and one.held == () and not one.is_well
