"""Clips for training: degradations, augmentation and the sources they come from."""
