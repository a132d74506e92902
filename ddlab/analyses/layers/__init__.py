"""What the layers of one network make of one image, layer after layer: activations, their statistics, dead channels."""
