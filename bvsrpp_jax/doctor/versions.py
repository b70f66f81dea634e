"""Versions, from the installed packages' own records: none of them is imported."""

import platform
from collections.abc import Iterator
from importlib import metadata

from bvsrpp_jax.doctor.facts import Fact

_NEEDED = ("jax", "jaxlib", "flax", "numpy", "av", "pillow")
# Parts of JAX for accelerators; each starts with its own version of jaxlib alone.
PLUGINS = ("jax-cuda13-plugin", "jax-cuda12-plugin", "jax-rocm7-plugin")
_APART = "JAX's parts have different versions"


def versions() -> Iterator[Fact]:
    """Of Python, this package, and what it leans on."""
    system = f"{platform.system()} {platform.machine()}"
    library = " ".join(platform.libc_ver()).strip()  # wheels ask for one
    python = ", ".join(filter(None, (platform.python_version(), system, library)))
    yield Fact("python", python)
    own = version_of("bvsrpp-jax") or "not installed, run from its source"
    yield Fact("bvsrpp", own)
    for name in _NEEDED:
        yield _version_fact(name)
    for name in PLUGINS:
        if version := version_of(name):
            yield _part_of_jax(name, version)


def version_of(package: str) -> str | None:
    """The version that is installed, None if it is not."""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def _version_fact(name: str) -> Fact:
    version = version_of(name)
    if version is None:
        remedy = f"Run pip install {name}"
        return Fact(name, "none", "It is not installed", remedy, broken=True)
    if name == "jaxlib":
        return _part_of_jax(name, version)
    return Fact(name, version)


def _part_of_jax(name: str, version: str) -> Fact:
    """The parts of JAX are released together and refuse one another otherwise."""
    jax = version_of("jax")
    if jax in (None, version):
        return Fact(name, version)
    remedy = f'Run pip install "jax=={jax}" "{name}=={jax}"'
    return Fact(name, version, f"{_APART}, jax has {jax}", remedy)
