"""The network as a file that needs no code of ours: JAX alone loads and runs it."""

from bvsrpp_jax.export.exporting import export

__all__ = ["export"]
