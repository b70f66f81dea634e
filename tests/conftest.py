"""Files that the tests of several modules read, and a limit to how long one takes."""

import lzma
import os
import signal
from pathlib import Path

import pytest

TIME_LIMIT = 30  # seconds
# Tests, and the commands they start, neither read nor fill the user's own cache.
os.environ["BVSRPP_CACHE"] = "off"

FIXTURES = Path(__file__).parent / "fixtures"


@pytest.fixture(scope="session")
def tiny_pth(tmp_path_factory):
    """A whole network as PyTorch's older format has it, unpacked."""
    path = tmp_path_factory.mktemp("pth") / "tiny.pth"
    packed = (FIXTURES / "module_legacy.pth.xz").read_bytes()
    path.write_bytes(lzma.decompress(packed))
    return path


@pytest.fixture
def no_hang():
    """Fails a test that hangs."""

    def fail(*_):
        raise AssertionError(f"more than {TIME_LIMIT} s")

    previous = signal.signal(signal.SIGALRM, fail)
    signal.alarm(TIME_LIMIT)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, previous)


def pytest_terminal_summary(terminalreporter):
    """Says which browser the page was tested in; skips say that there was none."""
    passed = terminalreporter.stats.get("passed", ())
    if any("_browser" in report.nodeid for report in passed):
        from browser import find_browser

        terminalreporter.write_line(f"pages were tested in {find_browser()}")
