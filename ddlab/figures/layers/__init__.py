"""The layers of one network for one image: a row of channels a layer, and the channels of one layer."""
