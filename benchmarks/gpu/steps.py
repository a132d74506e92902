"""The steps of ``make gpu``, each a function to the rows of a table: ``python -m benchmarks.gpu.steps NAME FILE``.

Times are medians in milliseconds, on a GPU between two waits for the device. Without a GPU the sizes shrink.
"""

import json
import platform
import re
import statistics
import subprocess
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

Rows = list[dict[str, Any]]
GPU = torch.cuda.is_available()
DEVICE = "cuda:0" if GPU else "cpu"
ROUNDS = 20 if GPU else 3
BATCH = 128 if GPU else 32
IMAGES = 40 * BATCH if GPU else 4 * BATCH


def milliseconds(work: Callable[[], object], rounds: int = ROUNDS) -> float:
    """Median time of a call, after one that warms up."""
    times = []
    for _ in range(rounds + 1):
        _wait()
        began = time.perf_counter()
        work()
        _wait()
        times.append(1e3 * (time.perf_counter() - began))
    return statistics.median(times[1:])


def _wait() -> None:
    if GPU:
        torch.cuda.synchronize()


# ---- the machine


def machine() -> Rows:
    """What there is, and what it does at best."""
    rows: Rows = [
        {"what": "torch", "value": torch.__version__},
        {"what": "python", "value": platform.python_version()},
        {"what": "device", "value": torch.cuda.get_device_name(0) if GPU else platform.processor() or "processor"},
        {"what": "GPUs", "value": torch.cuda.device_count()},
    ]
    side = 8192 if GPU else 512
    for name, kind, tf32 in (
        ("float32", torch.float32, False),
        ("tf32", torch.float32, True),
        ("bfloat16", torch.bfloat16, False),
    ):
        torch.backends.cuda.matmul.allow_tf32 = tf32
        a, b = (torch.randn(side, side, device=DEVICE, dtype=kind) for _ in range(2))
        rate = 2 * side**3 / milliseconds(lambda a=a, b=b: a @ b) / 1e9
        rows.append({"what": f"matrix product, {name}, TFLOP/s", "value": rate})
    values = torch.empty(2**29 if GPU else 2**24, dtype=torch.uint8, device=DEVICE)
    rate = 2 * values.nbytes / milliseconds(values.clone) / 1e6
    return [*rows, {"what": "copy on the device, read and written, GB/s", "value": rate}]


def tests() -> Rows:
    """The tests that need a GPU."""
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-m",
        "gpu",
        "-p",
        "no:cacheprovider",
        "tests/training",
        "tests/engine",
    ]
    done = subprocess.run(command, capture_output=True, text=True)
    counts = {word: int(count) for count, word in re.findall(r"(\d+) (passed|failed|skipped|errors?)", done.stdout)}
    faults = re.findall(r"^(?:FAILED|ERROR) .*", done.stdout, re.M)
    if done.returncode not in (0, 1, 5):
        raise RuntimeError((done.stdout + done.stderr)[-2000:])
    return [{**counts, "faults": "; ".join(faults)}]


# ---- the engine


def strategies() -> Rows:
    """Every strategy, trained by the engine on all GPUs and on one core: how it ended, and what it reached."""
    from ddlab.registry.strategies import STRATEGIES

    rows: dict[str, dict[str, Any]] = {name: {"strategy": name} for name in STRATEGIES}
    for kind in ("cuda", "cpu") if GPU else ("cpu",):
        left = list(STRATEGIES)
        while left:
            run = _trained(left, kind)
            reached = {one["stage"]: one["validation_accuracy"] for one in run.results()}
            finished = [name for name in left if name in reached]
            for name in finished:
                rows[name] |= {kind: reached[name], f"{kind}, why": ""}
            left = [name for name in left if name not in finished]
            if run.state().state == "finished":
                break
            stage = (run.failure() or {}).get("stage")
            broken = stage if stage in left else left[0]  # what it shares with others fails again, one by one
            rows[broken] |= {kind: None, f"{kind}, why": run.state().message}
            left.remove(broken)
    return list(rows.values())


def shared() -> Rows:
    """One rank on each GPU, which talk by NCCL, and two, which talk by gloo: how they ended, and what they reached."""
    strategies, kind = ["average", "coherent", "global"], "cuda" if GPU else "cpu"
    rows = []
    for workers in (torch.cuda.device_count(), 2 * torch.cuda.device_count()) if GPU else (1,):
        began, run = time.monotonic(), _trained(strategies, kind, workers)
        reached = {one["stage"]: one["validation_accuracy"] for one in run.results() if one["stage"] in strategies}
        row = {"ranks": workers, "seconds": time.monotonic() - began, **reached, "why": run.state().message}
        rows.append(row | {"place": run.status().get("place", {}).get("because", "")})
    return rows


def _trained(strategies: list[str], devices: str, workers: int = 0) -> Any:
    from ddlab.engine.launch import launch
    from ddlab.experiment import parse_experiment
    from ddlab.runs import RunFolder

    all_of_them = torch.cuda.device_count() if devices == "cuda" else 1
    tree = {
        "dataset": {"name": "shapes_local", "train_images": 1000 if GPU else 100, "validation_images": 200},
        "model": {"name": "cnn", "width": 0.5, "reduction": "1/N"},
        "training": {"epochs": 3 if GPU else 1, "batch_size": 48},
        "aggregator": {"epochs": 5},
        "transfer": {"epochs": 2},
        "composed": {"epochs": 2},
        "strategies": strategies,
        "placement": {"devices": devices, "workers": workers or all_of_them},
    }
    run = RunFolder.create(parse_experiment(tree))
    launch(run)
    while run.state().is_live:
        time.sleep(0.1)
    return run


# ---- a step of training


def _network(name: str, width: float, side: int = 32) -> Any:
    from ddlab.models.spec import NetworkSpec
    from ddlab.registry.models import MODELS

    return MODELS[name].load()(NetworkSpec((3, side, side), 10, width=width))


def _step(module: nn.Module, inputs: Tensor, labels: Tensor, **options: Any) -> Callable[[], Tensor]:
    """Forward, loss, backward, Adam's step."""
    optimizer = torch.optim.Adam(module.parameters(), fused=True, **options)

    def step() -> Tensor:
        loss = cross_entropy(module(inputs).reshape(len(labels), -1), labels)
        loss.backward()
        optimizer.step()
        optimizer.zero_grad(set_to_none=False)
        return loss

    return step


def _bank_step(copies: int, side: int = 16, **options: Any) -> Callable[[], Tensor]:
    from ddlab.models.bank import Bank

    bank = Bank(_network("vgg3", 0.25, side), copies).prepare(DEVICE, torch.float32)
    inputs = torch.randn(BATCH, copies * 3, side, side, device=DEVICE)
    return _step(bank, inputs, torch.randint(10, (BATCH * copies,), device=DEVICE), **options)


def bank() -> Rows:
    """Local networks as one grouped network against one after the other."""
    rows = []
    for copies in (4, 16, 64) if GPU else (4,):
        alone = [_bank_step(1) for _ in range(copies)]
        one, each = milliseconds(_bank_step(copies)), milliseconds(lambda alone=alone: [step() for step in alone])
        rows.append({"networks": copies, "bank, ms": one, "one by one, ms": each, "ratio": each / one})
    return rows


def feeds() -> Rows:
    """Batches that are augmented and cut into four: from the device's memory, and from a file that is read ahead."""
    from benchmarks.made import images, loop
    from ddlab.decomposition import Decomposition
    from ddlab.experiment import TrainingSettings
    from ddlab.training import batches
    from ddlab.training.samples import FromFile, OnDevice

    boxes = Decomposition.from_grid((32, 32), (2, 2), 4).subdomains
    settings, data = TrainingSettings(batch_size=BATCH, flip=True, shift=0.1), images(IMAGES)
    rows = []
    for name, kind in (("on the device", OnDevice), ("from the file", FromFile)):
        batches.samples_of = kind
        made = loop(_network("vgg3", 0.25, 20), boxes, data, settings, DEVICE)
        feeding = milliseconds(lambda made=made: list(made.feed.train(0)), 5)
        training = milliseconds(lambda made=made: made.back_propagate(1, made.trainees), 5)
        rows.append(
            {"images": name, "feeding an epoch, ms": feeding, "an epoch, ms": training, "share": feeding / training}
        )
    return rows


def arithmetic() -> Rows:
    """Float32 and bfloat16, contiguous and channels last."""
    rows = []
    for name, width in (("cnn", 1.0), ("vgg3", 2.0), ("resnet20", 1.0), ("resnet20", 0.5)):
        for layout in (torch.contiguous_format, torch.channels_last):
            for kind in (torch.float32, torch.bfloat16):
                rows.append({"network": f"{name}, width {width:g}", **_timed(name, width, layout, kind)})
    return rows


def _timed(name: str, width: float, layout: torch.memory_format, kind: torch.dtype) -> dict[str, Any]:
    from ddlab.models.build import build

    module = build(_network(name, width), 1).to(DEVICE).to(memory_format=layout)
    inputs = torch.randn(BATCH, 3, 32, 32, device=DEVICE).to(memory_format=layout)
    step = _step(module, inputs, torch.randint(10, (BATCH,), device=DEVICE))

    def mixed() -> Tensor:
        with torch.autocast(torch.device(DEVICE).type, torch.bfloat16, enabled=kind is torch.bfloat16):
            return step()

    told = {"layout": str(layout).removeprefix("torch."), "type": str(kind).removeprefix("torch.")}
    return {**told, "step, ms": milliseconds(mixed), "loss": float(mixed())}


def graphs() -> Rows:
    """A step of a bank as one CUDA graph against launching its kernels one by one."""
    rows = []
    for copies in (1, 4, 16) if GPU else (1,):
        row: dict[str, Any] = {"networks": copies, "launched, ms": milliseconds(_bank_step(copies))}
        if GPU:
            row |= {"graph, ms": (fast := milliseconds(_captured(copies).replay)), "ratio": row["launched, ms"] / fast}
        rows.append(row)
    return rows


def _captured(copies: int) -> "torch.cuda.CUDAGraph":
    step = _bank_step(copies, capturable=True)
    side = torch.cuda.Stream()
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):
        for _ in range(3):
            step()
    torch.cuda.current_stream().wait_stream(side)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        step()
    return graph


def waits() -> Rows:
    """How often an epoch of our loop waits for the GPU: each one is a gap in which nothing is computed."""
    from benchmarks.made import SHAPE, images, loop
    from ddlab.decomposition import Subdomain
    from ddlab.experiment import TrainingSettings

    settings = TrainingSettings(batch_size=BATCH, flip=True, shift=0.1)
    made = loop(_network("vgg3", 1.0), (Subdomain((0, 0), SHAPE),), images(IMAGES, 2 * BATCH), settings, DEVICE)
    made.back_propagate(1, made.trainees)
    rows = []
    for part, work in (
        ("training", lambda: made.back_propagate(2, made.trainees)),
        ("evaluation", lambda: made.evaluate("validation")),
    ):
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always")
            if GPU:
                torch.cuda.set_sync_debug_mode("warn")
            work()
            if GPU:
                torch.cuda.set_sync_debug_mode("default")
        found = [one for one in told if "synchroniz" in str(one.message)]
        where = sorted({f"{Path(one.filename).name}:{one.lineno}" for one in found})
        rows.append({"part": part, "steps": made.feed.steps, "waits": len(found), "where": ", ".join(where)})
    return rows


def phases() -> Rows:
    """The local phase against global training on one device: VGG of widths 64/128/256, 2×2, channels / N."""
    from benchmarks.made import SHAPE, images, loop
    from ddlab.decomposition import Decomposition, Subdomain
    from ddlab.experiment import TrainingSettings
    from ddlab.models.spec import NetworkSpec
    from ddlab.registry.models import MODELS

    build, data, settings = MODELS["vgg3"].load(), images(IMAGES), TrainingSettings(batch_size=BATCH)
    boxes = Decomposition.from_grid(SHAPE, (2, 2)).subdomains
    spec = NetworkSpec((3, *SHAPE), 10, width=2.0)
    whole, local = build(spec), build(spec.for_subimage(boxes[0].shape, len(boxes), "1/N"))
    loops = [
        loop(whole, (Subdomain((0, 0), SHAPE),), data, settings, DEVICE),
        loop(local, boxes, data, settings, DEVICE),
    ]
    slow, fast = (milliseconds(lambda one=one: one.back_propagate(1, one.trainees), 5) for one in loops)
    counted = whole.flops() / (len(boxes) * local.flops())
    return [{"global, ms an epoch": slow, "4 local, ms": fast, "ratio": slow / fast, "counted": counted}]


STEPS: dict[str, Callable[[], Rows]] = {
    step.__name__: step for step in (machine, tests, strategies, shared, bank, feeds, arithmetic, graphs, waits, phases)
}

if __name__ == "__main__":
    rows = STEPS[sys.argv[1]]()
    Path(sys.argv[2]).write_text(json.dumps(rows), encoding="utf-8")
