"""The layers of one network, one after the other, for one image: activations, their statistics, dead channels."""
