"""`bvsrpp doctor`: what this machine has, what is wrong with it, and what to do.

A check gives `Fact`s; one that is a problem says so itself. Nothing of JAX is imported
before its own check, so that one that does not start is a fact like any other. No fact
names the host or the user.
"""

from bvsrpp_jax.doctor.examination import examine
from bvsrpp_jax.doctor.facts import Fact

__all__ = ["Fact", "examine"]
