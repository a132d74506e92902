"""Networks: one file a family, each a function from a :class:`ddlab.models.spec.NetworkSpec` to a description."""
