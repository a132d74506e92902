"""What the layers of one network make of one image: a row of channels a layer, and the channels of one layer."""
