"""Where compiled programs are kept, and whether that place can be trusted.

JAX runs what it finds there. So nobody but the user and the system's administrator may
be able to write to it, or to put another folder in its place: the rule by which OpenSSH
trusts a home.
"""

import hashlib
import os
import platform
import stat
from pathlib import Path

_ROOT = 0  # the user id
_OTHERS = stat.S_IWGRP | stat.S_IWOTH
_ADVICE = "set BVSRPP_CACHE to another folder, or to off"
# Lines of /proc/cpuinfo that decide which instructions XLA uses, on x86 and on ARM.
_CPU_LINES = {
    "vendor_id",
    "cpu family",
    "model",
    "model name",
    "flags",
    "CPU implementer",
    "CPU part",
    "CPU variant",
    "Features",
}


class Unusable(Exception):
    """Nothing can be kept; the message says why, and what to do."""


def open_folder() -> Path | None:
    """The folder for this machine and this JAX, created if there is none.

    Returns:
      An absolute path without symbolic links, so that none can be exchanged later; None
      if the user wants nothing to be kept.

    Raises:
      Unusable: there is no place, it cannot be written, or others can write to it.
    """
    if os.environ.get("BVSRPP_CACHE", "").lower() == "off":
        return None
    root = _root()
    try:
        folder = Path(root, "compiled", machine_key()).resolve()
        for level in reversed([folder, *folder.parents]):
            level.mkdir(mode=0o700, exist_ok=True)
        check_private(folder)
    except OSError as error:
        raise Unusable(f"{root}: {error.strerror}; {_ADVICE}") from error
    except RuntimeError as error:  # symbolic links in a circle, before Python 3.13
        raise Unusable(f"{root}: leads in a circle; {_ADVICE}") from error
    if not os.access(folder, os.W_OK | os.X_OK):
        raise Unusable(f"{folder}: cannot be written; {_ADVICE}")
    return folder


def _root() -> Path:
    """Of all that the command keeps."""
    if moved := os.environ.get("BVSRPP_CACHE"):
        return Path(moved)
    base = os.environ.get("XDG_CACHE_HOME", "")
    if os.path.isabs(base):  # its specification has relative ones ignored
        return Path(base, "bvsrpp")
    try:
        home = Path.home()
    except RuntimeError as error:
        raise Unusable(f"there is no home folder; {_ADVICE}") from error
    if not home.is_dir():
        raise Unusable(f"there is no home folder {home}; {_ADVICE}")
    return home / ".cache" / "bvsrpp"


def machine_key() -> str:
    """A name for this JAX on this kind of processor.

    A home may be shared by machines, and code for AVX-512 ends a process elsewhere.
    JAX's own key has the processor's features as well, the kind of accelerator and all
    that goes into a program; this holds even where that has a gap.
    """
    import jax
    import jax.lib

    compiler = jax.lib.__version__
    facts = (compiler, platform.machine(), platform.system(), _processor())
    digest = hashlib.sha256("\n".join(facts).encode()).hexdigest()
    return f"jax-{jax.__version__}-{platform.machine()}-{digest[:12]}"


def _processor() -> str:
    """What tells kinds of processors apart."""
    described = Path("/proc/cpuinfo")
    if not described.exists():
        return platform.processor()
    first, _, _ = described.read_text(errors="replace").partition("\n\n")
    lines = (line.partition(":") for line in first.splitlines())
    pairs = ((name.strip(), value.strip()) for name, _, value in lines)
    return "\n".join(f"{name}:{value}" for name, value in pairs if name in _CPU_LINES)


def check_private(folder: Path) -> None:
    """Checks who can write to an absolute path, or exchange a part of it.

    Raises:
      Unusable: somebody else can.
      OSError: there is no such folder.
    """
    if os.name != "posix":  # a Windows profile is the user's own
        return
    for level in (folder, *folder.parents):
        status = level.stat()
        if status.st_uid not in (_ROOT, os.geteuid()):
            raise Unusable(f"{level}: belongs to somebody else; {_ADVICE}")
        # In a folder like /tmp everybody can write, but not to what others have there.
        is_sticky = level != folder and status.st_mode & stat.S_ISVTX
        if status.st_mode & _OTHERS and not is_sticky:
            raise Unusable(
                f"{level}: can be written by others; run chmod go-w on it, {_ADVICE}"
            )
