"""Sentences about what edits of an image changed, from the answers before and after them."""

from collections.abc import Sequence

import numpy as np

from ddlab.analyses.what_if.edits import Edit
from ddlab.analyses.what_if.stored import AFTER, BEFORE, Answers
from ddlab.written import listed, percent

CLEAR = 0.005  # of a probability: less is not worth a sentence


def of_answers(answers: Answers, edits: Sequence[Edit]) -> str:
    """Say which decisions the edits turn; where none, which probability they move most. Nothing without an edit."""
    if not edits:
        return ""
    doing, s = (edits[0].told(doing=True), "s") if len(edits) == 1 else (f"These {len(edits)} edits", "")
    if not answers.about["changed"] and (answers.images[BEFORE] == answers.images[AFTER]).all():
        return f"{doing} change{s} no pixel."
    strategies = answers.about["strategies"]
    turns = _turns(answers)
    if not turns:
        return f"{doing} change{s} no decision{_moved_most(answers)}."
    turned = [name for names in turns.values() for name in names]
    stay = [answers.about["titles"][name] for name in strategies if name not in turned]
    others = f"; {_listed(stay, most=3)} {'stay' if len(stay) > 1 else 'stays'}" if stay else ""
    told = "; ".join(_turn(answers, names, *classes) for classes, names in turns.items())
    return f"{doing} turn{s} {len(turned)} of {len(strategies)} decisions: {told}{others}."


def of_reach(answers: Answers) -> str:
    """Say which networks got another input: overlap gives a neighbour a part of what is edited."""
    changed, count = answers.about["changed"], answers.about["subdomains"]
    if not changed:
        return "No local network got another subimage."
    same = [str(number) for number in range(1, count + 1) if number not in changed]
    who = f"Local network{'s' * (len(changed) > 1)} {_listed(list(map(str, changed)), most=12)}"
    rest = f"; {_listed(same, most=12)} the same as before" if same else ""
    return (
        f"{who} got another subimage{rest}. A network on the whole image sees every edit; a DNN hears of it from these."
    )


# ---- their parts


def _turns(answers: Answers) -> dict[tuple[int, int], list[str]]:
    """Group the strategies whose decision turned by their classes before and after."""
    turns: dict[tuple[int, int], list[str]] = {}
    for name in answers.about["strategies"]:
        before, after = map(int, answers.arrays[f"decisions:{name}"])
        if before != after:
            turns.setdefault((before, after), []).append(name)
    return turns


def _turn(answers: Answers, names: Sequence[str], before: int, after: int) -> str:
    """Name strategies with their decision before and after; of known images the right one is marked."""
    classes, truth = answers.about["classes"], answers.about["label"]
    first, second = (f"{classes[index]}{' (right)' * (index == truth)}" for index in (before, after))
    return f"{_listed([answers.about['titles'][name] for name in names], most=3)} from {first} to {second}"


def _moved_most(answers: Answers) -> str:
    """Name the strategy whose probability of its decision moved most."""
    moves = {}
    for name in answers.about["strategies"]:
        decided = int(answers.arrays[f"decisions:{name}"][BEFORE])
        moves[name] = answers.arrays[f"scores:{name}"][:, decided]
    if not moves:
        return ""
    most = max(moves, key=lambda name: abs(float(np.diff(moves[name])[0])))
    before, after = map(float, moves[most])
    if abs(after - before) < CLEAR:
        return ", and hardly any probability"
    verb = "falls" if after < before else "rises"
    named = answers.about["classes"][int(answers.arrays[f"decisions:{most}"][BEFORE])]
    return (
        f"; most moves {answers.about['titles'][most]}, whose {named} {verb} from {percent(before)} to {percent(after)}"
    )


def _listed(words: Sequence[str], most: int = 4) -> str:
    """Join words as a sentence does; of more than ``most`` the rest is counted."""
    if len(words) > most + 1:
        words = [*words[:most], f"{len(words) - most} more"]
    return listed(words)
