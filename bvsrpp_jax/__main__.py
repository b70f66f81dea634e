"""`python -m bvsrpp_jax`: the command `bvsrpp`."""

import sys

from bvsrpp_jax.cli import main

if __name__ == "__main__":
    sys.exit(main())
