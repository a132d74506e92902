"""The engine: devices, slots, processes."""
