"""Checks of the whole folder of a run for damage: for one run at a time, lists check less."""

import re
from typing import Any

from ddlab.records import ANYTHING, Kind
from ddlab.runs.folder import RunFolder
from ddlab.runs.records import ASKED, FAILURE, HEARTBEAT, PROGRESS, RESULT, STATUS, WRITTEN

KINDS: dict[str, Kind[Any]] = {
    "experiment.json": ASKED,
    "status.json": STATUS,
    "progress.json": PROGRESS,
    "failure.json": FAILURE,
    "heartbeat.json": HEARTBEAT,
    "environment.json": ANYTHING,
    "notes.json": WRITTEN,
}


def damaged_files(run: RunFolder) -> list[str]:
    """Say of every damaged file of a run what is wrong with it: its records, and the results of its stages.

    Checkpoints and weights are looked at by those who load them.
    """
    faults = [kind.fault(run.path / name) for name, kind in KINDS.items()]
    for path in sorted(run.path.glob("stages/*/seed[0-9]*/result.json")):
        stage = run.stage(path.parents[1].name, int(re.sub(r"\D", "", path.parent.name)))
        fault = RESULT.fault(path)
        faults.append(fault and f"{fault[:-1]}; stage {stage.name}, seed {stage.seed})")
        if (stage.path / "predictions.npz").exists():
            try:
                stage.predictions()
            except ValueError as error:
                faults.append(str(error))
    return list(filter(None, faults))
