"""SLURM, a cluster's queue, as its programs tell it: jobs are sent, looked at, stopped and put back into the queue."""

from ddlab.slurm.commands import Refused, available
from ddlab.slurm.jobs import Job, job_of

__all__ = ["Job", "Refused", "available", "job_of"]
