"""BasicVSR++ in JAX: restore videos, train the network, exchange weights with PyTorch.

    import bvsrpp_jax as bvsrpp

    model, params = bvsrpp.load("lite")            # or a .pth, or a .safetensors
    output = model.apply({"params": params}, lq)   # lq [n, t, h, w, 3] in [0, 1]
    bvsrpp.Restorer(model, params).restore_video("in.mp4", "out.mp4")

Letters of axes, everywhere in this package:

    n  clips              h, w  height and width       g  deformable groups
    t  frames of a clip   c     channels               k  taps or sides of a kernel

Pictures are RGB in [0, 1], channels last. A flow is (x, y) in pixels, the offset of a
deformable convolution (y, x).
"""

from bvsrpp_jax.errors import InputError
from bvsrpp_jax.models.basicvsrpp import BasicVSRPlusPlus
from bvsrpp_jax.restoration import Restorer
from bvsrpp_jax.weights import load, save

__version__ = "0.1.0"
__all__ = ["BasicVSRPlusPlus", "InputError", "Restorer", "load", "save"]
