"""Composed networks: theorems, blocks of weights, feature maps."""
