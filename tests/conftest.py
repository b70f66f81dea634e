"""Files that the tests of several modules read."""

import lzma
from pathlib import Path

import pytest

FIXTURES = Path(__file__).parent / "fixtures"


@pytest.fixture(scope="session")
def tiny_pth(tmp_path_factory):
    """A whole network as PyTorch's older format has it, unpacked."""
    path = tmp_path_factory.mktemp("pth") / "tiny.pth"
    packed = (FIXTURES / "module_legacy.pth.xz").read_bytes()
    path.write_bytes(lzma.decompress(packed))
    return path
