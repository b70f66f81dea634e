"""The network in plain PyTorch that the others measure against, from the package.

It lies where `bvsrpp convert --verify` has it, in a folder that is no part of the
package's modules: the Python with PyTorch need not have JAX.
"""

import pathlib
import sys

ROOT = pathlib.Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "bvsrpp_jax" / "weights" / "pytorch"))

from plain_torch import BRANCHES, BasicVSRPlusPlus  # noqa: E402

__all__ = ["BRANCHES", "BasicVSRPlusPlus"]
