"""Right and wrong answers to the predictions of lessons, for those who play them in tests."""

from ddlab.lessons import Facts, Prediction, list_lessons, unit_asked

LESSONS = [lesson for lesson in list_lessons() if not isinstance(lesson, tuple)]


def right_answer(asked: Prediction, facts: Facts):
    """What happened: a number, the name of an option, or a pixel of the evidence."""
    if asked.kind == "number":
        return float(facts.of(asked.number))
    if asked.kind == "choice":
        pick = min if asked.right == "lowest" else max
        return asked.choice[pick(asked.choice, key=facts.of)]
    rows, columns = facts.numbers.mask(asked.point).nonzero()
    middle = len(rows) // 2
    return int(rows[middle]), int(columns[middle])


def wrong_answer(asked: Prediction, right):
    """Something else, far from what happened: the farther end, another option, or a corner."""
    if asked.kind == "number":
        low, high = asked.between or (0.0, 1.0)
        return low if right - low > high - right else high
    if asked.kind == "choice":
        return next(label for label in asked.choice.values() if label != right)
    return 0, 0


def as_asked(asked: Prediction, given: float) -> float:
    """A number as the page asks for it: a share and points in per cent."""
    return round(100 * given) if unit_asked(asked) in ("share", "points") else given
