"""Values that people type: what is read, and that everything else is refused in a sentence."""

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as given_by

from ddlab.cli.train import parse_setting
from ddlab.experiment import Experiment, ExperimentError, load_experiment, parse_experiment
from ddlab.plain import DEEPEST, LONGEST, read_plain
from ddlab.problem import pose
from ddlab.registry import nearest, shortened, unknown
from ddlab.strategies.stage import plan

LAUGHS = "&a [x,x,x,x,x,x,x,x,x]\n" + "\n".join(
    f"- &{after} [{','.join([f'*{before}'] * 9)}]" for before, after in zip("abcdefgh", "bcdefghi", strict=True)
)
HOSTILE = [
    "!!bool 7",
    "!!timestamp x",
    "!!int a",
    "!!python/object/apply:os.getcwd []",
    "{null: 1}",
    "{1: 2}",
    "{[1]: 2}",
    LAUGHS,
    "[*a]",
    "&a [*a]",
    "[" * 3000,
    "[" * 3000 + "]" * 3000,
    "- " * 3000 + "1",
    "? " * 3000,
    "9" * 5000,
    "0x" + "f" * 5000,
    "0x_",
    str(2**63),
    ".nan",
    "[1, -.inf]",
    "1.0e+999",
    "{a: 1",
    "a: b: c",
    "%YAML 9",
    "1\n--- 2",
    "\0",
    '"\\ud800"',
    "x" * (LONGEST + 1),
]


@pytest.mark.parametrize("text", HOSTILE, ids=lambda text: text[:20])
def test_what_json_cannot_say_is_refused_in_a_short_sentence(text):
    for read in (read_plain, lambda text: parse_setting(f"training.epochs={text}")):
        with pytest.raises(ValueError) as refused:
            read(text)
        assert type(refused.value) is ValueError and 10 < len(str(refused.value)) < 400


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("3", 3),
        ("[2, 4]", [2, 4]),
        ("1.5", 1.5),
        ("true", True),
        ("", None),
        ("null", None),
        ("{a: [1, {b: x}]}", {"a": [1, {"b": "x"}]}),
        ("2026-99-99", "2026-99-99"),
        ("2026-01-01", "2026-01-01"),
        ("=", "="),
        ("{<<: 1}", {"<<": 1}),
        ("[" * DEEPEST + "]" * DEEPEST, json.loads("[" * DEEPEST + "]" * DEEPEST)),
        ('{"name": "ü", "seeds": [0, 1]}', {"name": "ü", "seeds": [0, 1]}),
    ],
)
def test_what_json_can_say_is_read(text, value):
    assert read_plain(text) == value


def test_every_experiment_is_read_as_it_is_written():
    assert read_plain(Experiment().to_yaml(full=True)) == Experiment().model_dump(mode="json")


@pytest.mark.parametrize("content", [*(text.encode("utf-8", "replace") for text in HOSTILE), b"\xff\xfe\x00", b"[]"])
def test_a_hostile_file_is_refused_in_a_sentence(tmp_path, content):
    path = tmp_path / "experiment.yaml"
    path.write_bytes(content)
    with pytest.raises(ExperimentError) as refused:
        load_experiment(path)
    assert len(str(refused.value)) < 600


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"seeds": [10**5000]}, ["seeds", "below 2⁶³", "too large to be shown"]),
        ({"aggregator.early_stopping": "9" * 100}, ["aggregator.early_stopping", "below 2⁶³"]),
        ({"trust_region.max_radius": float("inf")}, ["trust_region.max_radius", "finite"]),
        ({"dataset.window": [float("nan"), 1]}, ["dataset.window", "finite"]),
        ({"model.name": "v" * 5000}, ["model.name", "'vvv", "..."]),
        ({"a" * 5000: 1}, ["--set aaa", "..."]),
        ({"apts": {None: 1}}, ["apts", "null"]),
        ({"trust_region": {1: 2}, "trust_region.radius": 1}, ["--set trust_region.radius"]),
        ({"decomposition.boxes": [1] * 5000}, ["decomposition.boxes.0", "and 4,990 more faults"]),
    ],
)
def test_what_a_message_repeats_is_cut(settings, words):
    with pytest.raises(ExperimentError) as refused:
        Experiment().with_settings(settings)
    assert all(word in str(refused.value) for word in words), str(refused.value)[:500]
    assert max(map(len, str(refused.value).splitlines())) < 400


def test_a_value_is_shown_on_one_line():
    assert shortened("two\nlines") == "'two\\nlines'"
    assert shortened([1, 2]) == "[1, 2]" and len(shortened(["x" * 5000])) < 100
    assert "too large" in shortened(10**5000)
    assert nearest("demo" * 2000, ["demo"] * 1000) is None
    assert unknown("field", 3, ["a"]) == "field: unknown 3; choices: a"


# ---- any text and any tree

LEAVES = given_by.none() | given_by.booleans() | given_by.integers() | given_by.floats() | given_by.text(max_size=8)
TREES = given_by.recursive(
    LEAVES | given_by.sampled_from([10**300, "a" * 5000, "/proc", "\0", "\ud800", [2, 2], "folder", "ct_phantom"]),
    lambda inner: (
        given_by.lists(inner, max_size=4) | given_by.dictionaries(given_by.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=8,
)


def paths(tree: dict, prefix: str = "") -> list[str]:
    below = [path for name, part in tree.items() if isinstance(part, dict) for path in paths(part, f"{prefix}{name}.")]
    return [f"{prefix}{name}" for name in tree] + below


quickly = settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)


@quickly
@given(given_by.sampled_from(paths(Experiment().model_dump())), TREES)
def test_of_any_setting_comes_an_experiment_or_a_sentence(path, value):
    try:
        plan(pose(Experiment().with_settings({path: value})))
    except ValueError as refused:
        assert len(str(refused)) < 2000


@quickly
@given(given_by.text(alphabet="[]{}:,- \n\"'&*!#|>%@`?~=<0123456789.eExab\t", max_size=40))
def test_of_any_text_comes_a_value_or_a_sentence(text):
    try:
        name, value = parse_setting(text)
        json.dumps(value, allow_nan=False)
        parse_experiment({name: value})
    except ValueError as refused:
        assert len(str(refused)) < 2000
