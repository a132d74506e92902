"""Names of the networks of a CNN-DNN, in the files of a run and in the state of the whole model."""

DNN = "dnn"


def local_name(subdomain: int) -> str:
    """Name the local network of a subdomain, counted from 0."""
    return f"subdomain{subdomain}"
