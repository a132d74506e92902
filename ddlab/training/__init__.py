"""Training: the one loop, its batches, the network in training, and epochs of trust-region methods."""
