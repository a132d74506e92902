"""Optimizers without a learning rate, for any torch model. Nothing else of ddlab is needed to use them."""

from ddlab.registry import Entry

__all__ = ["OPTIMIZERS"]

OPTIMIZERS: dict[str, Entry] = {
    "trust_region": Entry(
        "Trust region",
        "Minimises a model of the loss in a ball whose radius follows from how well the loss obeys the model.",
        "ddlab.optim.trust_region:TrustRegion",
        "Conn, Gould, Toint 2000, Algorithm 6.1.1",
    ),
    "apts": Entry(
        "APTS",
        "The trust-region method, preconditioned by trainings on subdomains of all data.",
        "ddlab.optim.apts:APTS",
        "Cruz Alegría, Trotti, Kopaničáková, Krause, Algorithm 1",
    ),
    "sapts": Entry(
        "SAPTS",
        "APTS in minibatches, whose subdomains are microbatches.",
        "ddlab.optim.apts:SAPTS",
        "Cruz Alegría, Trotti, Kopaničáková, Krause, Algorithm 1",
    ),
}
