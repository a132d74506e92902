"""Formulas of pipelines: times, speed-ups and idle shares, with the paper that each is from.

In symbols: n ranks, m micro-batches, v modules a rank; T_F and T_B are the times that a rank needs for the forward and
the backward pass of a micro-batch, T_C that of a transfer to the next rank, T_W the part of T_B that the gradient of
the weights takes. Idle shares are of the makespan; papers that divide by the time of the work instead are converted.

References
----------
Akintoye et al., "Layer-wise partitioning and merging for efficient and scalable deep learning", 2023, Section 3.3.2.
"""


def sequential_time(num_ranks: int, forward: float, backward: float, transfer: float = 0.0) -> float:
    """Time without overlap, T_NO = n²(T_F + T_B + 2 T_C): Akintoye et al. 2023, (11), for m = n.

    It counts n transfers each way for every micro-batch; n modules have n - 1 borders.
    """
    return num_ranks**2 * (forward + backward + 2 * transfer)


def overlapped_time(num_ranks: int, forward: float, backward: float, transfer: float = 0.0) -> float:
    """Time with overlap, T_O = n(T_F + T_B + 2 T_C) + 2(n - 1) max(T_F, T_B): Akintoye et al. 2023, (12), for m = n.

    It is exact for T_F = T_B and T_C = 0. Elsewhere, without transfers, it is (n - 1)|T_B - T_F| too long; with them
    it leaves out those of the steady phase.
    """
    ramps = num_ranks * (forward + backward + 2 * transfer)
    return ramps + 2 * (num_ranks - 1) * max(forward, backward)


def overlap_speed_up(num_ranks: int, forward: float, backward: float, transfer: float = 0.0) -> float:
    """Speed-up by overlap, S = T_NO / T_O: Akintoye et al. 2023, (13), for m = n."""
    sizes = (num_ranks, forward, backward, transfer)
    return sequential_time(*sizes) / overlapped_time(*sizes)


def overlap_limit(num_ranks: int) -> float:
    """Speed-up (13) for T_F = T_B and T_C = 0, n²/(2n - 1): Akintoye et al. 2023 allow no more without transfers.

    It stays below n/2 + 1/2. As T_C grows (13) rises to n, because (11) counts n² transfers each way and (12) n.
    """
    return num_ranks**2 / (2 * num_ranks - 1)


def pipeline_speed_up(num_ranks: int, num_micro_batches: int) -> float:
    """Speed-up of GPipe and 1F1B without transfers, n m/(m + n - 1): Huang et al. 2019, Section 2.3, as a speed-up.

    For m = n it is :func:`overlap_limit`; as m grows it rises to n, which Akintoye et al. leave out.
    """
    return num_ranks * num_micro_batches / (num_micro_batches + num_ranks - 1)


def flush_bubble(num_ranks: int, num_micro_batches: int) -> float:
    """Idle share of GPipe and of 1F1B with flush, (n - 1)/(m + n - 1).

    Huang et al. 2019 (GPipe), Section 2.3; Narayanan et al. 2021 (Megatron-LM), Section 2.2.1, as (n - 1)/m of the
    work.
    """
    return (num_ranks - 1) / (num_micro_batches + num_ranks - 1)


def interleaved_bubble(num_ranks: int, num_micro_batches: int, num_chunks: int) -> float:
    """Idle share of interleaved 1F1B, (n - 1)/(v m + n - 1).

    Narayanan et al. 2021 (Megatron-LM), Section 2.2.2, as (n - 1)/(v m) of the work.
    """
    return (num_ranks - 1) / (num_chunks * num_micro_batches + num_ranks - 1)


def interleaved_kept(num_ranks: int, num_chunks: int) -> float:
    """Micro-batches that the first rank keeps in interleaved 1F1B, n(1 + (n - 1)/(n v)), where m > n.

    Korthikanti et al. 2022, "Reducing Activation Recomputation in Large Transformer Models", Section 4.2.3; 1F1B: n.
    """
    return num_ranks + (num_ranks - 1) / num_chunks


def zero_bubble_idle(num_ranks: int, forward: float, backward: float, weight: float) -> float:
    """Time that a rank is idle in ZB-H1, (n - 1)(T_F + (T_B - T_W) - T_W): Qi, Wan, Huang, Lin 2023, Table 2.

    What they call T_B is our T_B - T_W, the gradient of the input. It needs m ≥ n, and T_W no longer than T_F and than
    the gradient of the input: the last rank cannot begin before (n - 1) T_F, and is never idle afterwards at best.
    """
    return (num_ranks - 1) * (forward + backward - 2 * weight)


def zero_bubble_share(num_ranks: int, num_micro_batches: int, forward: float, backward: float, weight: float) -> float:
    """Idle share of ZB-H1: :func:`zero_bubble_idle` of it and the work m(T_F + T_B)."""
    idle = zero_bubble_idle(num_ranks, forward, backward, weight)
    return idle / (num_micro_batches * (forward + backward) + idle)
