"""What is installed is whole."""

import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
CODE = {".py", ".pyc"}


def test_a_wheel_has_every_file_of_the_package(tmp_path):
    wheels = pytest.importorskip("hatchling.builders.wheel")
    (wheel,) = wheels.WheelBuilder(str(ROOT)).build(
        directory=str(tmp_path), versions=["standard"]
    )
    held = set(zipfile.ZipFile(wheel).namelist())
    files = {p for p in (ROOT / "bvsrpp_jax").rglob("*") if p.is_file()}
    data = {p.relative_to(ROOT).as_posix() for p in files if p.suffix not in CODE}
    for room in ("comparison", "report"):
        assert f"bvsrpp_jax/{room}/template/page.html" in data
    assert data <= held
