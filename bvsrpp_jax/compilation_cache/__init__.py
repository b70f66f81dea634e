"""Compiled programs, kept from one run of the command to the next.

Only commands ask for it: who imports the library has JAX's own settings. What JAX keeps
is machine code, so the folder is the user's alone (`folder`) and no entry is loaded
that is not, byte for byte, what was written (`entries`). Environment:

    BVSRPP_CACHE=off             keep nothing
    BVSRPP_CACHE=FOLDER          keep it there, not in ~/.cache/bvsrpp
    JAX_COMPILATION_CACHE_DIR    JAX's own setting; it is left alone and wins
"""

import warnings
from pathlib import Path

from bvsrpp_jax.compilation_cache.entries import evict, remove_damaged, seal
from bvsrpp_jax.compilation_cache.folder import Unusable, open_folder

LIMIT = 256 * 2**20  # bytes; a network compiled for one frame size takes 0.5 MB on CPU
# JAX reports it when a program has been compiled, and written if it was to be kept.
_COMPILED = "/jax/core/compile/backend_compile_duration"


def use_compilation_cache() -> Path | None:
    """Lets JAX keep compiled programs; to be called before anything is compiled.

    Where that cannot be done safely, a warning says why, and programs are compiled
    anew: never an error.

    Returns:
      The folder, None if nothing is kept.
    """
    import jax

    if jax.config.jax_compilation_cache_dir:
        return Path(jax.config.jax_compilation_cache_dir)
    try:
        folder = open_folder()
    except Unusable as reason:
        warnings.warn(f"compiled programs are not kept: {reason}", stacklevel=2)
        return None
    if folder is None:
        return None
    remove_damaged(folder)
    evict(folder.parent, limit=LIMIT)
    _configure(folder)
    return folder


def _configure(folder: Path) -> None:
    import jax

    jax.config.update("jax_compilation_cache_dir", str(folder))
    # Everything, however small: loading weights alone is forty programs, and a second.
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)
    jax.config.update("jax_persistent_cache_min_entry_size_bytes", -1)
    # XLA's own caches would be files that nothing here verifies or bounds.
    jax.config.update("jax_persistent_cache_enable_xla_caches", "none")
    # JAX compiles again; there is nothing that a user could do about an entry.
    warnings.filterwarnings(
        "ignore", message="Error (reading|writing) persistent compilation cache"
    )

    def on_event(event: str, duration: float, **_) -> None:
        if event == _COMPILED:
            seal(folder)

    jax.monitoring.register_event_duration_secs_listener(on_event)
