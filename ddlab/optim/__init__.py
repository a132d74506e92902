"""Optimizers without a learning rate, for any torch model."""
