"""BasicVSR++ in JAX: restore videos, train the network, exchange weights with PyTorch.

    import bvsrpp_jax as bvsrpp

    model, params = bvsrpp.load("lite")            # or a .pth, or a .safetensors
    output = model.apply({"params": params}, lq)   # lq [n, t, h, w, 3] in [0, 1]
    bvsrpp.Restorer.from_pretrained("lite").restore_video("in.mp4", "out.mp4")

Letters of axes, everywhere in this package:

    n  clips              h, w  height and width       g  deformable groups
    t  frames of a clip   c     channels               k  taps or sides of a kernel

Pictures are RGB in [0, 1], channels last. A flow is (x, y) in pixels, the offset of a
deformable convolution (y, x).
"""

from importlib import import_module
from typing import TYPE_CHECKING

__version__ = "0.1.0"

# Imported when they are first used: the command answers --help without loading JAX.
_HOMES = {
    "BasicVSRPlusPlus": "bvsrpp_jax.models.basicvsrpp",
    "InputError": "bvsrpp_jax.errors",
    "Restorer": "bvsrpp_jax.restoration",
    "load": "bvsrpp_jax.weights",
    "save": "bvsrpp_jax.weights",
}
__all__ = ["BasicVSRPlusPlus", "InputError", "Restorer", "load", "save"]

if TYPE_CHECKING:
    from bvsrpp_jax.errors import InputError
    from bvsrpp_jax.models.basicvsrpp import BasicVSRPlusPlus
    from bvsrpp_jax.restoration import Restorer
    from bvsrpp_jax.weights import load, save
else:  # or every misspelt name would pass for one of these

    def __getattr__(name):
        if name in _HOMES:
            return getattr(import_module(_HOMES[name]), name)
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return [*globals(), *_HOMES]
