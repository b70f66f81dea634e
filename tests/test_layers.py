"""The layers of docs/architecture.md, read off the import statements."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import bvsrpp_jax

PACKAGE = Path(bvsrpp_jax.__file__).parent
NAME = PACKAGE.name

COMMON = (
    "errors",
    "background",
    "partial",
    "locking",
    "differences",
    "processes",
)  # of use to all, and free of all
# Which of our own parts a part may import, besides itself and `COMMON`.
MAY_IMPORT = {
    "ops": set(),
    "models": {"ops"},
    "media": {"ops"},
    "data": {"ops", "media"},
    "weights": {"models", "ops"},
    "restoration": {"models", "ops", "media", "weights"},
    "compilation_cache": set(),
    "evaluation": {"models", "ops", "data", "media", "restoration"},
    "pages": set(),
    "comparison": {"media", "evaluation", "pages"},
    "report": {"evaluation", "media", "pages"},
    "training": {"models", "ops", "data"},
    "export": {"models", "ops", "restoration", "weights"},
    "doctor": {"compilation_cache", "media", "restoration", "weights"},
    "errors": set(),
    "background": set(),
    "partial": set(),
    "locking": set(),
    "differences": set(),
    "processes": set(),
}
# These tie the parts together.
TOP = {"__init__", "__main__", "cli", "commands", "scripts"}

CORE = {"jax", "flax", "numpy", "chex", "av", "PIL", "safetensors", "rich", "ml_dtypes"}

# To restore a video, `pip install bvsrpp-jax` is enough: these are the extras.
EXTRAS = {
    "optax": {"training"},
    "orbax": {"training"},
    "tensorflow_datasets": {"data"},
    "grain": {"data"},
    "ml_collections": set(),  # a ConfigDict stops at the scripts
    "absl": {"data", "scripts"},  # grain's workers want its flags parsed
    "tensorboardX": {"training"},
    "skimage": {"evaluation"},
}

# Scripts for a Python that has PyTorch, started by `weights.verify` as a process of its
# own. They are no modules: nothing imports them, and they import nothing of ours.
PYTORCH = PACKAGE / "weights" / "pytorch"

MODULES = sorted(p for p in PACKAGE.rglob("*.py") if PYTORCH not in p.parents)


def imported(source: str, package: str) -> Iterator[str]:
    """Yields the absolute dotted name of everything a module imports, anywhere in it.

    Args:
      source: The module's text.
      package: Dotted name of the package it lies in, for relative imports.
    """
    parents = package.split(".")
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            start = parents[: len(parents) + 1 - node.level] if node.level else []
            start = [*start, *([node.module] if node.module else [])]
            yield from (".".join([*start, alias.name]) for alias in node.names)


def part_of(path: Path) -> str:
    """The part a file belongs to: its folder, or its own name beside the folders."""
    inside = path.relative_to(PACKAGE)
    return inside.parts[0] if len(inside.parts) > 1 else inside.stem


def imports_of(path: Path) -> set[str]:
    package = ".".join([NAME, *path.relative_to(PACKAGE).parts[:-1]])
    return set(imported(path.read_text(encoding="utf-8"), package))


def wrong_imports(part: str, imports: set[str]) -> set[str]:
    """The imports of our own that a module of `part` may not have."""
    allowed = {f"{NAME}.{name}" for name in (*MAY_IMPORT[part], part, *COMMON)}
    ours = {name for name in imports if name.split(".")[0] == NAME}
    return {n for n in ours if ".".join(n.split(".")[:2]) not in allowed}


@pytest.fixture(scope="module")
def imports() -> dict[Path, set[str]]:
    return {path: imports_of(path) for path in MODULES}


@pytest.fixture(scope="module")
def roots(imports) -> dict[Path, set[str]]:
    """Top-level names only."""
    return {path: {n.split(".")[0] for n in names} for path, names in imports.items()}


def test_every_part_has_its_place_in_the_layers():
    assert {part_of(path) for path in MODULES} <= MAY_IMPORT.keys() | TOP


def test_layers_have_no_cycle():
    below: set[str] = set()
    while rest := MAY_IMPORT.keys() - below:
        free = {part for part in rest if MAY_IMPORT[part] <= below}
        assert free, f"cycle among {sorted(rest)}"
        below |= free


def test_imports_point_downward_only(imports):
    wrong = {
        path: wrong_imports(part_of(path), names)
        for path, names in imports.items()
        if part_of(path) not in TOP
    }
    assert not {path: names for path, names in wrong.items() if names}


def test_no_module_imports_torch_or_tensorflow(roots):
    heavy = {"torch", "torchvision", "tensorflow"}
    assert not {path for path, names in roots.items() if heavy & names}


def test_scripts_for_pytorch_and_the_package_do_not_import_each_other(imports):
    assert not (PYTORCH / "__init__.py").exists()
    scripts = {path.stem for path in PYTORCH.glob("*.py")}
    assert scripts == {"plain_torch", "restore_clip"}
    for path in PYTORCH.glob("*.py"):
        assert not {n for n in imports_of(path) if n.split(".")[0] in (NAME, "jax")}
    used = {part for names in imports.values() for n in names for part in n.split(".")}
    assert not used & {"pytorch", *scripts}


def test_only_declared_dependencies_are_imported(roots):
    known = {NAME, *CORE, *EXTRAS, *sys.stdlib_module_names}
    assert not {path: names - known for path, names in roots.items() if names - known}


def test_extras_stay_where_they_belong(roots):
    assert not [
        (path, extra)
        for path, names in roots.items()
        for extra in names & EXTRAS.keys()
        if part_of(path) not in EXTRAS[extra]
    ]


@pytest.mark.parametrize(
    ("part", "source", "wrong"),
    [
        ("ops", "import bvsrpp_jax.models.spynet", True),
        ("ops", "from bvsrpp_jax import models", True),
        ("ops", "from bvsrpp_jax.models import spynet", True),
        ("ops", "def f():\n    from bvsrpp_jax.models import spynet", True),
        ("ops", "from ..models import spynet", True),
        ("ops", "from .. import models", True),
        ("media", "from bvsrpp_jax.restoration import plan", True),
        ("data", "from bvsrpp_jax.training import loss", True),
        ("ops", "import bvsrpp_jax", True),
        ("ops", "from . import warp", False),
        ("ops", "from .warp import flow_warp", False),
        ("models", "from bvsrpp_jax.ops.warp import flow_warp", False),
        ("media", "from bvsrpp_jax.errors import InputError", False),
        ("ops", "import jax.numpy as jnp", False),
    ],
)
def test_the_reading_sees_every_way_to_import(part, source, wrong):
    names = set(imported(source, f"{NAME}.{part}"))
    assert bool(wrong_imports(part, names)) == wrong
