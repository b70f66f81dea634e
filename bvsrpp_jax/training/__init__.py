"""Training: loss, optimizer, state, step, checkpoints."""
