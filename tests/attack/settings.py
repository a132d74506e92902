"""Random experiments through every way in: a tree, settings by path, the command line, a file, the form.

An experiment may be accepted or refused by a short sentence. What is accepted is planned, and comes back from JSON as
it was: no run may ask for anything else than what its folder says.
"""

import json
import os
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from random import Random
from typing import Any, Literal, get_args, get_origin

import yaml
from annotated_types import Ge, Gt, Le, Lt
from pydantic.fields import FieldInfo
from streamlit.testing.v1 import AppTest

from ddlab.cli.train import parse_setting
from ddlab.experiment import Experiment, load_experiment, parse_experiment
from ddlab.experiment.base import Settings
from ddlab.problem import pose
from ddlab.recipes import RECIPES
from ddlab.registry.datasets import DATASETS
from ddlab.registry.models import MODELS
from ddlab.registry.strategies import STRATEGIES
from ddlab.strategies.stage import plan
from tests.attack import cage
from tests.attack.shown import exceptions
from tests.attack.tally import Fault, Tally

LARGE = 20_000  # characters
SECONDS = 10.0
FORM = """
import streamlit as st
from ddlab.experiment import Experiment
from pages.ui.making import form
from pages.ui.making.plan import examine
asked = form.show(Experiment().model_dump(mode="json"), "attack", True)
asked.report(examine(asked.tree).faults)
st.session_state["asked"] = asked.tree
"""
REGISTRIES = {"dataset.name": DATASETS, "model.name": MODELS, "strategies": STRATEGIES}
BOMB = "".join(f"&a{n} [{', '.join([f'*a{n - 1}' if n else '0'] * 9)}], " for n in range(9))
DRAWN = ("shapes_local", "shapes_pairs", "digits", "signals", "ct_phantom")  # need no files
WILD = (0.02, 0.4)


def fields(model: type[Settings] = Experiment, prefix: str = "") -> Iterator[tuple[str, FieldInfo]]:
    """Every field of the schema with its dotted path."""
    for name, info in model.model_fields.items():
        if isinstance(info.annotation, type) and issubclass(info.annotation, Settings):
            yield from fields(info.annotation, f"{prefix}{name}.")
        else:
            yield prefix + name, info


FIELDS = dict(fields())
ODD_NUMBERS = (0, -1, 1, 2, 3, -0.0, 0.5, 1e-308, 1e308, -1e308, 2**31, 2**63, 2**64, 10**30, 10**400, 5e-324)
ODD_FLOATS = (float("nan"), float("inf"), float("-inf"))
ODD_TEXTS = (
    *("", " ", "null", "true", "0x10", "1e5", "ddlab", "../..", "~nosuchuser/x", "~", ".", "/dev/null", "C:\\x"),
    *("a/b", "\0", "a\0b", "\x1b[31m", "\r\n", "\u202e", "\ufeff", "é", "日本", "🏔", "\U0010ffff", "\ud800", "%s%n"),
    *("{0}", "![x](http://attack.invalid/x.png)", "<script>", "$(true)", "'; --", "x" * 5000, "9" * 5000),
    *("\n" * 200,),
)
ODD_YAML = (
    *("2026-99-99", "2026-01-01", "2026-01-01T99:99:99Z", "1:60:60", "12:30:45", "0o9", "0b2", "0x", "1e400"),
    *("-.inf", ".nan", "~", "!!int a", "!!int ''", "!!float x", "!!bool 7", "!!timestamp x", "!!binary '@'"),
    *("!!null x", "!!set {a, b}", "!!omap [a]", "!!pairs [a]", "!!merge x", "!!python/name:os.system", "!x y"),
    *("!!str [1]", "*a", "&a [*a]", "&a {a: *a}", "{<<: 1}", "{<<: [1]}", "{null: 1}", "{[1]: 2}", "? {a: b}\n: c"),
    *("{1: 2, 1: 3}", "[", "]", "[1, 2", "{", "- - [", ": :", "a: b: c", "- " * 300 + "1", "[" * 3000),
    *("{a: " * 800, "9" * 5000, "0x" + "f" * 5000, "[" * 500 + "]" * 500, "[" + "1," * 5000 + "]"),
    *("'" + "é" * 5000 + "'", f"[{BOMB}*a8]", "--- 1\n--- 2", "%YAML 9.9\n--- 1", "\t1", "'\\0'", '"\\0"'),
    *('"\\ud800"', '"\\xff\\x1b"', "\0", "|\n x", "# x"),
)


def attack(count: int, seed: int) -> Tally:
    """Try ``count`` experiments."""
    return cage.run("settings", opener, range(seed, seed + count), SECONDS)


def opener() -> cage.Case:
    """Nothing is shared by the cases."""
    return case


def case(seed: int) -> list[Fault]:
    """One random experiment, one way in."""
    rng = Random(seed)
    return rng.choice(WAYS)(rng, seed)


# ---- ways in


def by_tree(rng: Random, seed: int) -> list[Fault]:
    """As a tree: of JSON, or of another program."""
    tree: Any = _recipe(rng).model_dump(mode="json")
    wild = rng.choice(WILD)
    changed = [_disturb(rng, tree, wild) for _ in range(rng.randint(1, 4))]
    tree = tree if rng.random() < 0.97 else odd(rng)
    words = f"a tree with {'; '.join(changed)}" if isinstance(tree, dict) else f"the tree {cage.shorten(tree)}"
    return _ask(seed, words, lambda: parse_experiment(tree))


def by_settings(rng: Random, seed: int) -> list[Fault]:
    """As settings by path."""
    wild = rng.choice(WILD)
    settings = {name: value(rng, FIELDS[name], name, wild) for name in rng.sample(list(FIELDS), rng.randint(1, 3))}
    if rng.random() < wild:
        settings[path(rng)] = odd(rng)
    asked = _recipe(rng)
    return _ask(seed, f"with_settings({cage.shorten(settings)})", lambda: asked.with_settings(settings))


def by_option(rng: Random, seed: int) -> list[Fault]:
    """As the command line does it."""
    texts = [f"{path(rng)}{rng.choice('==== :')}{text(rng)}" for _ in range(rng.randint(1, 3))]
    asked = _recipe(rng)
    words = " ".join(f"--set {cage.shorten(text)}" for text in texts)
    return _ask(seed, words, lambda: asked.with_settings(dict(map(parse_setting, texts))))


def by_file(rng: Random, seed: int) -> list[Fault]:
    """As a YAML file."""
    tree: Any = _recipe(rng).model_dump(mode="json")
    changed = _disturb(rng, tree, rng.choice(WILD))
    content = cage.shorten(tree, LARGE)
    try:
        if len(ascii(tree)) < LARGE:  # YAML takes long to write a large one
            content = yaml.safe_dump(tree, allow_unicode=True, default_flow_style=rng.choice((None, False, True)))
    except (yaml.YAMLError, RecursionError):  # what YAML cannot write
        pass
    lines = content.splitlines(keepends=True)
    added = rng.choice(("", text(rng), f"{path(rng)}: {text(rng)}"))
    lines.insert(rng.randrange(len(lines) + 1), f"{added}\n")
    raw = "".join(lines).encode("utf-8", "surrogatepass")
    for _ in range(rng.choice((0, 0, 0, 1, 5))):
        place = rng.randrange(len(raw))
        raw = raw[:place] + rng.randbytes(1) + raw[place + rng.choice((0, 1)) :]
    file = Path(os.environ["TMPDIR"], "asked.yaml")
    file.write_bytes(raw)
    return _ask(seed, f"a file with {changed} and the line {cage.shorten(added)}", lambda: load_experiment(file))


def by_form(rng: Random, seed: int) -> list[Fault]:
    """As somebody types it into the form."""
    page = AppTest.from_string(FORM, default_timeout=60 * SECONDS).run()
    typed = {}
    for field in rng.sample(list(page.text_input), rng.randint(1, 3)):
        typed[field.key] = text(rng).encode("utf-8", "replace").decode()  # all that a browser can send
        field.input(typed[field.key])  # unless it is longer than the field takes
    words = f"typed {cage.shorten(typed)}"
    cage.note(words)
    faults = exceptions(page.run(), seed, words)
    return faults or _ask(seed, words, lambda: parse_experiment(page.session_state["asked"]))


WAYS: tuple[Callable[[Random, int], list[Fault]], ...] = (by_tree, by_settings, by_option, by_file, by_form)


def _ask(seed: int, words: str, way: Callable[[], Experiment]) -> list[Fault]:
    """Go the way in, and on to the plan."""
    asked: list[Experiment] = []
    faults = cage.attempt(lambda: asked.append(way()), seed, words)
    for experiment in asked:
        faults += cage.attempt(lambda asked=experiment: plan(pose(asked)), seed, words)  # type: ignore[misc]
        if not _comes_back(experiment):
            faults.append(Fault("lost", seed, "an experiment that is accepted does not come back from its file", words))
    return faults


def _comes_back(experiment: Experiment) -> bool:
    try:
        return parse_experiment(json.loads(json.dumps(experiment.model_dump(mode="json")))) == experiment
    except ValueError:
        return False


# ---- what is asked


def _recipe(rng: Random) -> Experiment:
    """An experiment to begin with; mostly of images that are drawn, so that it can be planned here."""
    asked = rng.choice([Experiment, *RECIPES.values()])()
    return asked.with_settings({"dataset": {"name": rng.choice(DRAWN)}}) if rng.random() < 0.8 else asked


def path(rng: Random) -> str:
    """A field, nearly always."""
    name = rng.choice(list(FIELDS))
    return rng.choice([name] * 20 + [name.upper(), f"{name}.x", name.split(".")[0], f".{name}", "", "..", "x" * 5000])


def text(rng: Random) -> str:
    """What somebody may write where a value is expected."""
    kind = rng.random()
    if kind < 0.4:
        return rng.choice(ODD_YAML)
    if kind < 0.5:
        return rng.choice(ODD_TEXTS)
    if kind < 0.6:
        inner = rng.choice(ODD_YAML)
        return rng.choice(("[{}]", "{{a: {}}}", "[1, {}]", "[[0, {}]]", "!!set {{{}}}", "&b {}")).format(inner)
    if kind < 0.7:
        return "".join(rng.choices("0123456789.,:;-+x×[]{}!&*#|>'\"%@` \n\tabez~", k=rng.randint(1, 30)))
    name = rng.choice(list(FIELDS))
    return str(value(rng, FIELDS[name], name, 0.1))


def value(rng: Random, info: FieldInfo, name: str, wild: float) -> Any:
    """A value for a field: one of its own, one at its limits, or none at all, the more often the wilder."""
    if rng.random() < wild:
        return odd(rng)
    if name in REGISTRIES:
        chosen = rng.choice([*REGISTRIES[name], "nothing", rng.choice(list(REGISTRIES[name]))[:-1]])
        return [chosen] * rng.randint(1, 2) if name == "strategies" else chosen
    if get_origin(info.annotation) is Literal:
        return rng.choice([*get_args(info.annotation), "none of them"])
    limits = [float(getattr(m, type(m).__name__.lower())) for m in info.metadata if isinstance(m, Ge | Gt | Le | Lt)]
    near = [limit + step for limit in limits for step in (-1, -1e-9, 0, 1e-9, 1)] or [rng.randint(-2, 600)]
    number = rng.choice(near)
    number = int(number) if "int" in str(info.annotation) else number
    if "tuple" in str(info.annotation):
        return _nested(rng, number)
    return rng.choice((number, number, number, str(number), [number], info.default))


def odd(rng: Random) -> Any:
    """A value that no field is made for."""
    return rng.choice(
        (
            lambda: rng.choice(ODD_NUMBERS),
            lambda: rng.choice(ODD_FLOATS),
            lambda: rng.choice(ODD_TEXTS),
            lambda: rng.choice((None, True, False, b"bytes", {1, 2}, date(1, 1, 1), [], {}, (), [[]], {"a": {}})),
            lambda: _nested(rng, rng.choice(ODD_NUMBERS)),
            lambda: {rng.choice((*ODD_TEXTS, None, 1)): rng.choice(ODD_TEXTS)},
            lambda: [rng.choice(ODD_NUMBERS)] * rng.choice((1, 3, 50, 51, 100_000)),
            lambda: _deep(rng.choice((list, dict)), rng.choice((10, 500, 900))),
        )
    )()


def _nested(rng: Random, number: Any) -> list[Any]:
    """Lists of numbers, as grids, boxes and plans are written."""
    one = rng.choice((lambda: number, lambda: rng.randint(-1, 70), lambda: rng.choice(ODD_FLOATS)))
    flat = [one() for _ in range(rng.choice((0, 1, 2, 2, 3, 4)))]
    return rng.choice((flat, [flat], [flat, flat], [[flat, flat]], [[flat], [flat, flat]], [flat, None], [str(number)]))


def _deep(kind: type, levels: int) -> Any:
    tree: Any = kind()
    for _ in range(levels):
        tree = [tree] if kind is list else {"a": tree}
    return tree


def _disturb(rng: Random, tree: dict[str, Any], wild: float) -> str:
    """Change one place of an experiment: its value, its name, or whether it is there. Tells what it did."""
    *parents, key = (name := rng.choice(list(FIELDS))).split(".")
    branch: Any = tree
    for parent in parents:
        branch = branch.get(parent) if isinstance(branch, dict) else None
    if not isinstance(branch, dict):
        return f"{name} left alone"
    match rng.randrange(20):
        case 0:
            branch.pop(key, None)
            return f"no {name}"
        case 1:
            key = rng.choice((*ODD_TEXTS, 1, None))
        case 2 if parents:
            branch, key = tree, parents[0]
    branch[key] = odd(rng) if key != name.split(".")[-1] else value(rng, FIELDS[name], name, wild)
    return f"{'.'.join(parents)} {cage.shorten(key)} = {cage.shorten(branch[key])}"
