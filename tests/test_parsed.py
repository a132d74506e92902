"""What Python's parser reads in one thread is read whole while other threads parse."""

import ast
import gc
import sys
import threading

import numpy as np
import pytest

from ddlab.data.cache import _open_split
from ddlab.parsed import TRIES, undisturbed

THREADS, EACH = 6, 2000


@pytest.fixture
def disturbing():
    """Threads take turns all the time, and what is collected in the middle of a parse runs Python."""
    before, collected = sys.getswitchinterval(), gc.get_threshold()
    sys.setswitchinterval(1e-6)
    gc.set_threshold(5, 2, 2)
    yield
    sys.setswitchinterval(before)
    gc.set_threshold(*collected)


class Collected:
    """Leaves something to do in the middle of what others do."""

    def __init__(self):
        self.me = self

    def __del__(self):
        sum(range(50))


def test_threads_parse_side_by_side(disturbing):
    failed = []

    def work():
        for _ in range(EACH):
            Collected()
            try:
                undisturbed(lambda: ast.literal_eval("{'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }"))
            except SystemError as error:
                failed.append(error)

    threads = [threading.Thread(target=work) for _ in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failed


def test_a_data_set_is_opened_in_spite_of_a_disturbed_parser(monkeypatch, tmp_path):
    np.save(tmp_path / "train-images.npy", np.zeros((2, 1, 3, 3), np.uint8))
    np.save(tmp_path / "train-labels.npy", np.arange(2))
    load, disturbed = np.load, iter([True, True, False, True, False])

    def stumbles(*args, **settings):
        if next(disturbed):
            raise SystemError("AST constructor recursion depth mismatch (before=18, after=17)")
        return load(*args, **settings)

    monkeypatch.setattr(np, "load", stumbles)
    assert _open_split(tmp_path, "train", has_masks=False).labels.tolist() == [0, 1]


def test_what_is_wrong_every_time_is_said():
    tries = []

    def broken():
        tries.append(1)
        raise SystemError("bad argument to internal function")

    with pytest.raises(SystemError, match="internal function"):
        undisturbed(broken)
    assert len(tries) == TRIES
