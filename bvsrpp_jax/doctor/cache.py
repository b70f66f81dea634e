"""The cache of compiled programs."""

import os
from pathlib import Path

from bvsrpp_jax.compilation_cache import use_compilation_cache
from bvsrpp_jax.compilation_cache.entries import entries
from bvsrpp_jax.compilation_cache.folder import Unusable, open_folder
from bvsrpp_jax.doctor.facts import Fact


def cache() -> Fact:
    """Puts it to use, and says where it is and what is in it."""
    if own := os.environ.get("JAX_COMPILATION_CACHE_DIR"):
        return Fact("cache", f"{own}, by JAX_COMPILATION_CACHE_DIR")
    try:
        folder = open_folder()
    except Unusable as reason:
        return unusable_fact(reason)
    if folder is None:
        return Fact("cache", "off, by BVSRPP_CACHE")
    use_compilation_cache()
    sizes = [status.st_size for _, status in entries(folder.parent)]
    size = f"{len(sizes)} programs, {sum(sizes) / 2**20:.1f} MiB"
    return Fact("cache", f"{shortened(folder)}, {size}")


def unusable_fact(reason: Unusable) -> Fact:
    """Each run compiles anew."""
    problem, _, remedy = str(reason).partition("; ")
    remedy = remedy[:1].upper() + remedy[1:]
    return Fact("cache", "none", f"Nothing is kept: {problem}", remedy)


def shortened(path: Path) -> str:
    """The path, with ~ for the home."""
    try:
        return f"~/{path.relative_to(Path.home().resolve())}"
    except (ValueError, RuntimeError):
        return str(path)
