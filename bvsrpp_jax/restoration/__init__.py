"""The engine: clips of any length and size through the network, frame by frame."""

from bvsrpp_jax.restoration.plan import Plan
from bvsrpp_jax.restoration.restorer import Restorer
from bvsrpp_jax.restoration.video import Job

__all__ = ["Job", "Plan", "Restorer"]
