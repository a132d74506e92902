"""The batch script of a run under SLURM: one agent of torchrun a machine, started by srun.

It names neither the run nor its folder, which are given to it when it is sent, so that it can be read and edited
before there is a run.
"""

import re
import shlex
import sys

from ddlab.engine.devices import num_workers
from ddlab.experiment import Experiment

WARNING = 60  # seconds before the limit of time at which the ranks are stopped; SLURM may be up to 60 s early
STOP = "3"  # seconds from SIGTERM to SIGKILL of the ranks
WORKER = 'ddlab.engine.worker "$1"'
MOST_SCRIPT = 100_000  # characters
EDITABLE = "DDLAB_EDIT_SCRIPTS"  # environment variable: whether visitors of the pages may edit scripts

_HEAD = """\
#!/bin/bash
{directives}

# A run of ddlab. sbatch is told the run's folder: it works there, and gets it as $1. Lines may be added,
# such as 'module load cuda' or another GLOO_SOCKET_IFNAME; "ddlab train ... --script FILE" sends the edited script.
{exports}
python={python}

"$python" -m ddlab.engine.job begin "$1" || exit 1
"""
_MEET = """
# The ranks meet on the first machine, at the address by which SLURM itself reaches it.
head=$(scontrol show hostnames "$SLURM_JOB_NODELIST" | head -n 1)
address=$(scontrol show node "$head" | sed -n 's/.*NodeAddr=\\([^ ]*\\).*/\\1/p')
port=$((20000 + SLURM_JOB_ID % 20000))
"""
_SRUN = """
srun --kill-on-bad-exit=1 --cpus-per-task={cores} \\
"""
_TORCHRUN = """\
  "$python" -m ddlab.engine.torchrun \\
  --nnodes="$SLURM_JOB_NUM_NODES" --nproc-per-node={workers} --max-restarts=0 \\
  --rdzv-backend=c10d --rdzv-endpoint="$address:$port" --rdzv-id="$SLURM_JOB_ID.${{SLURM_RESTART_COUNT:-0}}" \\
  -m {worker} {kind} &
"""
_ALONE = """\
  "$python" -m {worker} {kind} &
"""
_TAIL = """\
ranks=$!

# Shortly before the limit of time, or when others get the machines, SLURM sends USR1: the ranks stop, and go on from
# their last checkpoint when the job begins again. TERM reaches them without us.
trap 'echo "SLURM wants the machines back"; scancel --signal=TERM "$SLURM_JOB_ID"' USR1
trap ':' TERM
wait "$ranks"
while kill -0 "$ranks" 2>/dev/null; do wait "$ranks"; done  # a signal ends a wait, not the ranks
"$python" -m ddlab.engine.job end "$1"
"""


def batch_script(experiment: Experiment) -> str:
    """Write the batch script that trains an experiment whose engine is SLURM."""
    placement, asked = experiment.placement, experiment.slurm
    kind, total = num_workers(placement.model_dump())
    workers = total // placement.machines
    exports = {"OMP_NUM_THREADS": str(asked.cores), "MKL_NUM_THREADS": str(asked.cores)}
    exports["TORCH_ELASTIC_SHUTDOWN_TIMEOUT"] = STOP
    if kind == "cpu":
        exports["CUDA_VISIBLE_DEVICES"] = ""
    facts = {"workers": workers, "worker": WORKER, "kind": kind, "cores": workers * asked.cores}
    head = _HEAD.format(
        directives="\n".join(f"#SBATCH {directive}" for directive in _directives(experiment, kind, workers)),
        exports="\n".join(f"export {name}={shlex.quote(value)}" for name, value in exports.items()),
        python=shlex.quote(sys.executable),
    )
    ranks = [_SRUN, _ALONE] if total == 1 else [_MEET, _SRUN, _TORCHRUN]
    return head + "".join(part.format(**facts) for part in ranks) + _TAIL


def _directives(experiment: Experiment, kind: str, workers: int) -> list[str]:
    placement, asked = experiment.placement, experiment.slurm
    name = re.sub(r"[^\w.-]+", "-", experiment.name)[:40].strip("-") or "run"
    chosen = {"partition": asked.partition, "account": asked.account, "time": asked.time}
    return [
        f"--job-name=ddlab-{name}",
        f"--nodes={placement.machines}",
        "--ntasks-per-node=1",
        f"--cpus-per-task={workers * asked.cores}",
        *([f"--gpus-per-node={workers}"] if kind == "cuda" else []),
        *(f"--{option}={value}" for option, value in chosen.items() if value),
        f"--signal=B:USR1@{WARNING}",
        "--requeue",
        "--output=log.txt",
        "--open-mode=append",
        *asked.directives,
    ]


def check_script(text: str) -> str:
    """Return an edited batch script with the ends of lines that a shell knows.

    Raises
    ------
    ValueError
        If it cannot be a script that trains: empty, too long, or without the ranks.
    """
    text = text.replace("\r\n", "\n").rstrip("\n") + "\n"
    if len(text) > MOST_SCRIPT:
        raise ValueError(f"script: has room for {MOST_SCRIPT:,} characters, got {len(text):,}")
    if not text.startswith("#!"):
        raise ValueError("script: must begin with the program that reads it, such as #!/bin/bash")
    missing = [part for part in ("ddlab.engine.job begin", "ddlab.engine.worker") if part not in text]
    if missing:
        raise ValueError(f"script: has lost {' and '.join(map(repr, missing))}, without which nothing is trained")
    return text
