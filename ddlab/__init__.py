"""ddlab: training convolutional networks by domain decomposition."""
