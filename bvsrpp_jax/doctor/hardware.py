"""Accelerators of this machine, found without JAX."""

import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

_GOOGLE = "0x1ae0"
_NETWORK, _STORAGE = "0x02", "0x01"  # Google's virtual cards of other kinds


@dataclass(frozen=True)
class Hardware:
    """Accelerators of the machine, whether or not JAX sees them.

    Attributes:
      nvidia, amd, tpu: whether there is one.
      driver: the version of NVIDIA's driver, "" if it does not answer.
    """

    nvidia: bool = False
    amd: bool = False
    tpu: bool = False
    driver: str = ""


def find_hardware() -> Hardware:
    """Looks for accelerators without JAX."""
    driver = _nvidia_driver()
    files = ("/dev/nvidia0", "/dev/nvidiactl")
    return Hardware(
        nvidia=bool(driver) or any(map(os.path.exists, files)),
        amd=os.path.exists("/dev/kfd"),
        tpu=os.path.exists("/dev/accel0") or any(map(_is_tpu, _cards())),
        driver=driver,
    )


def _nvidia_driver() -> str:
    program = shutil.which("nvidia-smi")
    if program is None:
        return ""
    query = [program, "--query-gpu=driver_version", "--format=csv,noheader"]
    try:
        answer = subprocess.run(query, capture_output=True, text=True, timeout=20)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    version = answer.stdout.strip().partition("\n")[0]
    return version if re.match(r"\d+\.", version) and not answer.returncode else ""


def _cards() -> list[Path]:
    folder = Path("/sys/bus/pci/devices")
    return list(folder.iterdir()) if folder.exists() else []


def _is_tpu(card: Path) -> bool:
    try:
        vendor, kind = ((card / name).read_text() for name in ("vendor", "class"))
    except OSError:
        return False
    return vendor.strip() == _GOOGLE and not kind.startswith((_NETWORK, _STORAGE))
