"""Compiled networks: the same training to rounding, the layers are still seen, words where there is no compiler."""

import subprocess
import sys

import pytest

from ddlab.training import compiled

CODE = """
import torch
from ddlab.training import compiled
from tests.training.test_loop import DOUBLE, QUARTERS, loop_of, small_images
from dataclasses import replace

calls, records, ends = [], [], []

def backend(graph, examples):
    # What stands in for the compiler that writes C++: calls the graph that it gets, and counts.
    return lambda *inputs: calls.append(1) or graph(*inputs)

compiled.BACKEND = backend
for whether in (False, True):
    loop = loop_of(small_images(), QUARTERS[:2], DOUBLE, report=records.append)
    if whether:
        loop = replace(loop, compute=compiled.compiled(loop.model, "cpu"))
    loop.run()
    ends.append([trainee.last_state for trainee in loop.trainees])
assert len(calls) == 3 * loop.feed.steps, "training steps are compiled, as one graph, and nothing else is"
for ours, plain in zip(*ends):
    for name, value in plain.items():
        torch.testing.assert_close(ours[name], value, rtol=1e-9, atol=1e-12)
plain, ours = records[:len(records) // 2], records[len(records) // 2:]
for one, other in zip(plain, ours, strict=True):
    assert one["dead_units"] == other["dead_units"] and one["worst_layer"] == other["worst_layer"]
"""


def test_compiled_networks_train_alike_and_their_layers_are_still_seen():
    """In a process of its own: torch's compiler stays in the process that has used it."""
    done = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(("device", "missing"), [("cpu", r"C\+\+ compiler"), ("cuda", "Triton")])
def test_without_a_compiler_the_setting_is_named(monkeypatch, device, missing):
    monkeypatch.setenv("CXX", "no-such-compiler")
    monkeypatch.setattr(compiled, "find_spec", lambda name: None)
    with pytest.raises(ValueError, match=rf"^training\.compile: needs .*{missing}"):
        compiled.compiled(None, device)
