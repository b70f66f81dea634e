"""Weights: read from PyTorch files without PyTorch, stored as safetensors."""

from bvsrpp_jax.weights.flow import load_flow, load_into
from bvsrpp_jax.weights.native import save
from bvsrpp_jax.weights.store import load

__all__ = ["load", "load_flow", "load_into", "save"]
