"""BasicVSR++ as Flax Linen modules: they own weights, the arithmetic is in `ops`."""
