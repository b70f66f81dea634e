"""Weights: read from PyTorch files without PyTorch, stored as safetensors."""

from bvsrpp_jax.weights.native import save
from bvsrpp_jax.weights.store import load

__all__ = ["load", "save"]
