"""The judge of mutants, on a checkout of one function: what is seen, what is not, what never ends."""

import pytest

from benchmarks import mutants
from benchmarks.mutants import KILLED, SURVIVED, TIMEOUT, Mutant, Reached, digest, judge, known

pytestmark = pytest.mark.slow

CODE = "def half(x):\n    return x / 2\n"
FATES = {
    "return x * 2": KILLED,
    "return 0.5 * x": SURVIVED,
    "return x / (": KILLED,
    "while True: x": TIMEOUT,
}


@pytest.fixture
def copy(tmp_path):
    folder = tmp_path / "checkout"
    folder.mkdir()
    (folder / "halves.py").write_text(CODE)
    (folder / "pytest.ini").write_text("[pytest]\n")
    (folder / "test_halves.py").write_text("from halves import half\n\n\ndef test_it():\n    assert half(4) == 2\n")
    return folder


@pytest.mark.parametrize("body", FATES)
def test_a_mutant_is_killed_where_a_test_fails_or_never_ends(copy, body):
    # 6 seconds of the processor: a pass takes less than one, so that what never ends takes no longer
    reached = Reached({"halves.py": {"2": ["test_halves.py::test_it"]}}, {"test_halves.py::test_it": -8.0}, [], "")
    mutant = Mutant("halves.py", 2, CODE.replace("return x / 2", body), "")
    assert judge(copy, mutant, reached)[0] == FATES[body]
    assert (copy / "halves.py").read_text() == CODE
    assert not list(copy.rglob("*.pyc"))  # one of the same size and second would be taken for the next mutant's


def test_what_is_kept_is_believed_of_the_same_code_alone(copy, monkeypatch):
    found = [Reached({}, {}, [], digest(copy)), Reached({}, {"a.py::new": 1.0}, [], "other")]
    monkeypatch.setattr(mutants, "reach", lambda copy: found.pop(0))
    kept = copy.parent / "kept.json"
    assert known(copy, kept) == known(copy, kept) and len(found) == 1
    (copy / "tests").mkdir()
    (copy / "tests" / "test_new.py").write_text("")
    assert known(copy, kept).seconds == {"a.py::new": 1.0}


def test_a_line_gets_the_tests_that_reach_it_and_all_of_a_file_that_prepares_with_it():
    seconds = {"a.py::one": 5.0, "a.py::two": 1.0, "b.py::one": 2.0, "b.py::fails": 0.1, "c.py::one": 9.0}
    reached = Reached({"m.py": {"7": ["a.py", "b.py::one", "b.py::fails"]}}, seconds, ["b.py::fails"], "")
    assert reached.of("m.py", 7) == ["b.py::one", "a.py::one", "a.py::two"]  # quick files first
    assert reached.of("m.py", 8) == reached.of("other.py", 7) == []
