"""A network that any test can afford: every output pixel is its input pixel."""

from dataclasses import dataclass, replace

import jax
import jax.numpy as jnp
import numpy as np

from bvsrpp_jax.models.basicvsrpp import BasicVSRPlusPlus
from bvsrpp_jax.models.grid import BRANCHES

QUICKLY = {"xla_backend_optimization_level": 0}  # half the time to compile
TINY = {
    "mid_channels": 8,
    "num_blocks": 1,
    "deform_groups": 2,
    "num_extract_blocks": 1,
    "num_reconstruction_blocks": 1,
    "hr_channels": 8,
    "spynet_channels": (4, 4, 4, 4),
}


def tiny_network(**changes) -> tuple[BasicVSRPlusPlus, dict]:
    """A real network of the smallest kind, with random weights."""
    model = BasicVSRPlusPlus(**{**TINY, **changes})
    side = model.min_side
    lq = jax.ShapeDtypeStruct((1, 2, side, side, 3), jnp.float32)
    shapes = jax.eval_shape(model.init, jax.random.key(0), lq)["params"]
    random = np.random.default_rng(0)
    return model, jax.tree.map(
        lambda leaf: jnp.asarray(random.normal(0, 0.1, leaf.shape), leaf.dtype), shapes
    )


@dataclass(frozen=True)
class StandIn:
    """Has what restoration asks of a network; `params` is what it multiplies with."""

    scale: int = 4
    min_side: int = 64
    side_multiple: int = 1
    mid_channels: int = 8
    num_blocks: int = 1
    deform_groups: int = 2
    hr_channels: int = 8
    spynet_channels: tuple[int, ...] = (4, 4, 4, 4)
    branches: tuple[str, ...] = BRANCHES
    second_order: bool = True
    alignment: str = "deformable"
    dtype: str = "float32"

    @property
    def feature_stride(self) -> int:
        return 4 if self.scale == 1 else 1

    @property
    def enlargement(self) -> int:
        return self.scale * self.feature_stride

    def clone(self, **changes):
        return replace(self, **changes)

    def apply(self, variables, *arguments, method=None):
        """One of the network's methods; whole clips are not asked for."""
        return getattr(self, method)(variables["params"], *arguments)

    def features(self, params, lq: jax.Array) -> jax.Array:
        _, _, h, w, _ = lq.shape
        if (
            min(h, w) < self.min_side
            or h % self.side_multiple
            or w % self.side_multiple
        ):
            raise ValueError(f"lq: {h}x{w}")
        return lq[..., :1]

    def flows(self, params, lq: jax.Array) -> tuple[jax.Array, jax.Array]:
        flow = jnp.zeros((*lq[:, 1:].shape[:-1], 2))
        return flow, flow

    def propagate(self, params, branch, feats, flow_n1, carry):
        return feats[0], carry

    def reconstruct(self, params, lq: jax.Array, feats) -> jax.Array:
        return params * lq.repeat(self.scale, 2).repeat(self.scale, 3)
