"""What JAX computes on, and accelerators that it does not see."""

import os
import re
from collections import Counter
from collections.abc import Iterator
from importlib import metadata

from bvsrpp_jax.doctor.facts import Fact, cause_of
from bvsrpp_jax.doctor.hardware import Hardware, find_hardware
from bvsrpp_jax.doctor.machine import GIB
from bvsrpp_jax.doctor.versions import PLUGINS, version_of

# Oldest driver of each CUDA, by JAX's installation guide.
_DRIVERS = {"cuda13": 580, "cuda12": 525}


def devices() -> Iterator[Fact]:
    """The devices, by kind; an accelerator that lies idle is a problem."""
    try:
        import jax

        found = jax.devices()
    except Exception as error:  # whatever a plugin raises
        yield start_fact(error)
        return
    kinds = Counter((d.platform, d.device_kind, _memory_of(d)) for d in found)
    for (platform, kind, size), count in kinds.items():
        memory = f", {size / GIB:.1f} GiB each" if size else ""
        name = platform if platform == kind else f"{kind} ({platform})"
        yield Fact("devices", f"{count} x {name}{memory}")
    yield from idle(find_hardware(), {d.platform for d in found})


def start_fact(error: Exception) -> Fact:
    """JAX has no device at all."""
    remedy = (
        "Where its parts have different versions, install the same ones; to do without"
        " the accelerator, set JAX_PLATFORMS=cpu"
    )
    if asked := os.environ.get("JAX_PLATFORMS"):
        remedy = f"JAX_PLATFORMS={asked} is set, unset it or install what it names"
    problem = f"JAX does not start: {cause_of(error)}"
    return Fact("devices", "none", problem, remedy, broken=True)


def idle(hardware: Hardware, platforms: set[str]) -> Iterator[Fact]:
    """A fact for each accelerator that JAX does not use.

    Args:
      hardware: what there is.
      platforms: of JAX's devices.
    """
    gpu = {"gpu", "cuda", "rocm"} & platforms
    if hardware.nvidia and not gpu:
        yield _idle("NVIDIA GPU", _cuda_remedy(hardware.driver))
    if hardware.amd and not gpu:
        yield _idle("AMD GPU", f"Run {_install('rocm')}")
    if hardware.tpu and "tpu" not in platforms:
        yield _idle("TPU", _tpu_remedy())


def _idle(what: str, remedy: str) -> Fact:
    if asked := os.environ.get("JAX_PLATFORMS"):
        remedy = f"JAX_PLATFORMS={asked} is set, unset it"
    return Fact("idle", what, "It is in this machine, but JAX does not use it", remedy)


def _cuda_remedy(driver: str) -> str:
    hidden = os.environ.get("CUDA_VISIBLE_DEVICES")
    if hidden in ("", "-1"):
        return f"CUDA_VISIBLE_DEVICES={hidden} hides it, unset it"
    if any(version_of(name) for name in PLUGINS if "cuda" in name):
        libraries = "unset LD_LIBRARY_PATH, " if "LD_LIBRARY_PATH" in os.environ else ""
        return (
            f"Its plugin is installed and does not start{_reason('cuda')}: see that"
            f" nvidia-smi works, {libraries}and that no other program has all of its"
            " memory"
        )
    if not driver:
        driver_first = "Install NVIDIA's driver, until nvidia-smi works"
        return f"{driver_first}; then run {_install('cuda')}"
    number, oldest = int(driver.partition(".")[0]), min(_DRIVERS.values())
    if number < oldest:
        return f"NVIDIA's driver {driver} is too old, install {oldest} or newer"
    return f"Run {_install('cuda', driver=number)}"


def _tpu_remedy() -> str:
    if version_of("libtpu"):
        return (
            f"libtpu is installed and does not start{_reason('tpu')}: end the other"
            " process that has it, for one alone can use it"
        )
    return f"Run {_install('tpu')}"


def _reason(platform: str) -> str:
    """What JAX says when it is asked for nothing else."""
    import jax

    try:
        jax.devices(platform)
    except RuntimeError as error:
        return f" ({cause_of(error)})"
    return ""


def _install(kind: str, *, driver: int | None = None) -> str:
    """The command that adds an accelerator to the JAX that is installed.

    Args:
      kind: "cuda", "rocm" or "tpu".
      driver: version of NVIDIA's driver, None if it is not known.
    """
    extras = metadata.metadata("jax").get_all("Provides-Extra") or []
    known = [e for e in extras if re.fullmatch(rf"{kind}\d*(-local)?", e)]
    # The newest first, and those last that want libraries of the system.
    known.sort(key=lambda e: (not e.endswith("-local"), e), reverse=True)
    if driver is not None:
        known = [e for e in known if driver >= _DRIVERS.get(e, driver + 1)]
    extra = next(iter(known), kind)
    return f'pip install "jax[{extra}]=={version_of("jax")}"'


def _memory_of(device) -> int:
    """Bytes that JAX may use there; 0 if it does not say, as on the CPU."""
    return (device.memory_stats() or {}).get("bytes_limit", 0)
