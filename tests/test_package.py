"""What is installed is whole."""

import ast
import zipfile
from pathlib import Path

import pytest

import bvsrpp_jax

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
    assert "bvsrpp_jax/py.typed" in data  # type checkers believe the annotations
    for room in ("comparison", "report"):
        assert f"bvsrpp_jax/{room}/template/page.html" in data
    assert data <= held


def test_names_imported_late_are_those_that_editors_see():
    tree = ast.parse(Path(bvsrpp_jax.__file__).read_text(encoding="utf-8"))
    (seen,) = (node.body for node in tree.body if isinstance(node, ast.If))
    homes = {alias.name: line.module for line in seen for alias in line.names}
    assert homes == bvsrpp_jax._HOMES
    assert sorted(homes) == bvsrpp_jax.__all__
    for name in homes:
        assert getattr(bvsrpp_jax, name).__name__ == name
    with pytest.raises(AttributeError, match="no attribute 'restore'"):
        bvsrpp_jax.restore  # noqa: B018
