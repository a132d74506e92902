"""The engine: devices and their queue, launching detached processes on run folders, stopping and resuming them."""
