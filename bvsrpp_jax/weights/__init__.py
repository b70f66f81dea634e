"""Weights: read and written as PyTorch projects do, without PyTorch; safetensors."""

from bvsrpp_jax.weights.flow import load_flow, load_into
from bvsrpp_jax.weights.saving import save
from bvsrpp_jax.weights.store import load

__all__ = ["load", "load_flow", "load_into", "save"]
