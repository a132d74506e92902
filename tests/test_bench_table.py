"""``make bench``: the frame with rows of a stub, one real row, and what is kept of it."""

import json
from pathlib import Path

import pytest

from benchmarks import __main__ as command
from benchmarks import frame, machines, stored
from benchmarks.rows import BENCHES, Bench
from benchmarks.table import Question, Row, Sample, lines

FOLDER = Path(command.__file__).parent
HELPERS = {
    "__init__",
    "__main__",
    "frame",
    "machines",
    "made",
    "measured",
    "reached",
    "room",
    "rows",
    "stored",
    "table",
    "visitor",
}
RATIO = Question("ratio", "a over b", "×", "two cores", wanted=1.8)
SHARE = Question("share", "c of d", "%", "the setting", better="less", is_allowance=True)
STUBS = {
    "first": Bench("first", "one", (RATIO,)),
    "second": Bench("second", "one", (SHARE,), rounds=2),
    "third": Bench("third", "two", (Question("time", "e", "s", "f", wanted=5, better="less"),)),
}


def row(question, values, limits=(None,)):
    return Row(question, [Sample(value, limit) for value, limit in zip(values, limits * len(values), strict=False)])


# ---- a row


def test_a_row_is_the_median_of_its_rounds_and_says_how_near_it_is():
    found = row(RATIO, [1.5, 1.9, 1.7], (2.0,))
    assert (found.value, found.spread, found.limit, found.near) == (1.7, (1.5, 1.9), 2.0, 0.85)
    assert found.is_met is False and row(RATIO, [1.8]).is_met is True and row(RATIO, [1.8]).near is None


def test_less_is_better_of_a_time_and_an_allowance_is_used_up():
    time = row(STUBS["third"].questions[0], [4.0], (1.0,))
    assert (time.near, time.is_met) == (0.25, True)  # four times as long as it must take
    assert row(SHARE, [0.5], (2.0,)).near == 0.25  # a quarter of what it may take


def test_a_wish_can_be_a_share_of_the_limit():
    wish = Question("local", "g", "×", "roofline", wanted_of_limit=0.85)
    assert [row(wish, [value], (10.0,)).is_met for value in (8.4, 8.6)] == [False, True]
    assert row(wish, [8.6]).is_met is None  # no limit is known


def test_the_table_tells_value_rounds_limit_and_what_failed():
    failed = Row(SHARE, failed="Traceback\nMemoryError: no")
    told = lines([row(RATIO, [1.5, 1.9, 1.7], (2.0,)).plain(), failed.plain()])
    assert told[2].replace("\u00a0", " ") == (
        "| a over b | 1.70 × ✗ | 1.50 to 1.90 × | ≥ 1.80 × | 2.00 × | 85 % | two cores |"
    )
    assert "not measured: MemoryError: no" in told[3]


# ---- the rounds


class Stub:
    """In place of a worker: notes who is asked, and gives numbers that count up."""

    asked: list[str] = []
    ends_after = 99

    def __init__(self, name, home, quick, log):
        self.name, self.turn = name, 0

    def measure(self):
        Stub.asked.append(self.name)
        self.turn += 1
        if self.name == "first" and self.turn > Stub.ends_after:
            raise frame.Failed("no more")
        return {question.name: Sample(float(self.turn), 4.0) for question in STUBS[self.name].questions}

    def close(self):
        Stub.asked.append(f"{self.name} closed")


@pytest.fixture
def stubbed(monkeypatch):
    monkeypatch.setattr(frame, "Worker", Stub)
    monkeypatch.setattr(frame, "is_disturbed", lambda: len(Stub.asked) == 0)
    monkeypatch.setattr(Stub, "asked", [])


def test_benches_of_a_group_take_turns_and_groups_follow_each_other(stubbed, tmp_path):
    rows = frame.measure(STUBS, tmp_path, frame.Effort(3, 600.0), lambda line: None)
    turns = ["first", "second", "first", "second", "first", "second closed", "first closed"]
    assert Stub.asked == [*turns, "third", "third", "third", "third closed"]
    assert {name: len(each.samples) for name, each in rows.items()} == {"ratio": 3, "share": 2, "time": 3}
    assert (rows["ratio"].value, rows["ratio"].disturbed, rows["share"].disturbed) == (2.0, 1, 0)


def test_without_time_every_row_still_has_a_round(stubbed, tmp_path):
    rows = frame.measure(STUBS, tmp_path, frame.Effort(3, 0.0), lambda line: None)
    assert {name: len(each.samples) for name, each in rows.items()} == {"ratio": 1, "share": 1, "time": 1}


def test_a_bench_that_fails_keeps_its_rounds_and_ends_no_other(stubbed, monkeypatch, tmp_path):
    monkeypatch.setattr(Stub, "ends_after", 1)
    rows = frame.measure(STUBS, tmp_path, frame.Effort(3, 600.0), lambda line: None)
    assert (len(rows["ratio"].samples), rows["ratio"].failed, len(rows["time"].samples)) == (1, "no more", 3)


def test_a_process_that_ends_leaves_its_last_words(tmp_path):
    with (tmp_path / "log.txt").open("ab") as log, pytest.raises(frame.Failed, match="KeyError: 'nonsense'"):
        frame.Worker("nonsense", tmp_path, True, log)


def test_a_busy_machine_is_refused(monkeypatch):
    monkeypatch.setattr(frame, "free_share", lambda: 0.3)
    with pytest.raises(ValueError, match="leave 30\u00a0% of a core, and 60\u00a0% are needed"):
        frame.refuse_when_busy()
    monkeypatch.setattr(frame, "free_share", lambda: 0.99)
    frame.refuse_when_busy()


@pytest.mark.slow
def test_a_real_row_is_measured_and_kept(monkeypatch, tmp_path, capsys):
    from ddlab.machine import kept

    monkeypatch.setattr(kept, "this_machine", lambda: "known")  # so that it is not measured here
    path = tmp_path / "table.json"
    with pytest.raises(SystemExit) as ended:
        command.main(["--rows", "bank_cnn", "--rounds", "1", "--quick", "--busy", "--out", str(path)])
    assert not ended.value.code, capsys.readouterr().out
    kept_rows = json.loads(path.read_text())["rows"]
    assert set(kept_rows) == {"bank_vgg3", "bank_cnn"}
    assert all(len(each["samples"]) == 1 and each["value"] > 0 < each["limit"] for each in kept_rows.values())


# ---- what is named, and what is kept


def test_rows_are_chosen_by_their_names_or_by_their_bench():
    assert list(command.chosen(["textbook_cnn", "bank"])) == ["bank", "textbook"]
    assert command.chosen(None) == BENCHES
    with pytest.raises(ValueError, match="there is no bnk; choices: local_phase, bank"):
        command.chosen(["bnk"])


def test_everything_in_the_folder_is_a_helper_or_listed():
    found = {path.stem for path in FOLDER.iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()}
    listed = [name for names in command.OTHERS.values() for name in names]
    assert found - HELPERS == set(listed) and len(set(listed)) == len(listed)
    assert all(command.about(name).endswith((".", "``")) for name in listed)


def test_every_bench_has_its_module_and_every_row_is_explained():
    text = machines.README.read_text(encoding="utf-8")
    assert all((FOLDER / "rows" / f"{bench.module}.py").exists() for bench in BENCHES.values())
    names = [question.name for bench in BENCHES.values() for question in bench.questions]
    assert len(names) == len(set(names))
    assert [name for name in names if f"`{name}`" not in text] == []


def test_rows_of_before_stay_in_the_order_of_the_benches():
    now = {"format": machines.FORMAT, "measured": "2026-11-22T10:00"}
    names = ["bank_cnn", "workers_sharded"]
    one, two = ({name: row(RATIO, [1.0])} for name in names)
    before = machines.merged({}, now, two)
    after = machines.merged(before, now | {"measured": "2026-11-23T10:00"}, one)
    assert {name: each["date"] for name, each in after["rows"].items()} == {
        "bank_cnn": "2026-11-23",
        "workers_sharded": "2026-11-22",
    }
    assert list(after["rows"]) == names


def test_the_tables_are_those_that_are_kept():
    """If this fails, run: python -m benchmarks --write."""
    text = machines.README.read_text(encoding="utf-8")
    assert machines.documented(text) == text
    for path in machines.FOLDER.glob("*.json"):
        assert stored.read(path)["machine"] in text
