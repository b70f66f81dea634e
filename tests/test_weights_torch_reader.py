"""PyTorch files: everything that PyTorch writes for weights, and nothing else."""

import hashlib
import json
import lzma
import os
import subprocess
import sys
from collections import OrderedDict
from pathlib import Path

import ml_dtypes
import numpy as np
import pytest
from handmade import legacy, mapping, storage, tensor, zipped
from hostile_files import hostile_files
from hypothesis import given, settings
from hypothesis import strategies as st

from bvsrpp_jax.errors import InputError
from bvsrpp_jax.weights.store import read_weights
from bvsrpp_jax.weights.torch_reader import digits_in_name, read_torch
from bvsrpp_jax.weights.torch_tensor import Tensor

HERE = Path(__file__).parent
FIXTURES = HERE / "fixtures"
SENTINEL = "code_of_a_file_has_run"
HOSTILE = {name: expected for name, (_, expected) in hostile_files(SENTINEL).items()}


def read(name):
    """All tensors of a fixture as arrays, other values as they are."""
    file = read_torch(FIXTURES / name)
    return {
        key: file.array(value) if isinstance(value, Tensor) else value
        for key, value in file.value.items()
    }


@pytest.mark.parametrize("kind", ["zip", "legacy"])
def test_tensors_are_read_as_torch_wrote_them(kind):
    base = np.arange(60, dtype=np.float32)
    cube = base.reshape(3, 4, 5)
    expected = {
        "transposed": cube.transpose(2, 0, 1),
        "slice": cube[1:, 1:3, ::2],
        "same storage": cube,
        "channels last": base.reshape(1, 3, 4, 5),
        "scalar": np.array(2.5, np.float32),
        "empty": np.zeros((0, 3), np.float32),
        "half": base[:7].astype(np.float16),
        "bfloat16": base[:7].astype(ml_dtypes.bfloat16) / ml_dtypes.bfloat16(3),
        "double": base[:3].astype(np.float64) / 3,
        "long": np.array([-(2**40), 2**40]),
        "bool": np.array([True, False]),
        "byte": np.array([1, 255], np.uint8),
        "parameter": base[2:4],
    }
    tensors = read(f"odd_{kind}.pth")
    for name, array in expected.items():
        assert tensors[name].dtype == array.dtype, name
        np.testing.assert_array_equal(tensors[name], array, err_msg=name)


@pytest.mark.parametrize("kind", ["zip", "legacy"])
def test_plain_values_are_read_as_torch_wrote_them(kind):
    values = read(f"odd_{kind}.pth")
    assert values["numbers"] == [0, 255, 65535, -1, 2**31, -(2**70)]
    assert values["ordered"] == OrderedDict(a=1)
    assert values["nested"][0] == {"a": (1, 2.5, "x", None, True, (3, 4))}


@pytest.mark.parametrize("kind", ["zip", "legacy"])
def test_the_format_is_recognised_by_content(kind):
    assert read_torch(FIXTURES / f"odd_{kind}.pth").format == kind


def test_hand_made_files_are_read(tmp_path):
    """The hostile files differ from these in one thing each."""
    good = mapping(state_dict=mapping(x=tensor()))
    good_legacy = mapping(state_dict=mapping(x=tensor(storage(view=b"N"))))
    for data in (zipped(good), legacy(good_legacy)):
        path = tmp_path / "x.pth"
        path.write_bytes(data)
        file = read_torch(path)
        array = file.array(file.value["state_dict"]["x"])
        np.testing.assert_array_equal(array, [[0, 1], [2, 3]])


def test_arrays_are_views_of_the_file(tmp_path):
    file = read_torch(FIXTURES / "odd_zip.pth")
    array = file.array(file.value["same storage"])
    assert not array.flags.owndata
    assert not array.flags.writeable


@pytest.mark.parametrize(
    ("name", "word"),
    [
        ("expanded_zip.pth", "overlaps itself"),
        ("expanded_legacy.pth", "overlaps itself"),
        ("protocol_4_zip.pth", "pickle protocol 4"),
        ("module_object_zip.pth", "holds a torch.nn.modules.conv.Conv2d, not a state"),
        ("sparse_zip.pth", r"no tensors \(x: torch._utils._rebuild_sparse_tensor\)"),
    ],
)
def test_other_things_that_torch_writes_are_refused_by_name(name, word):
    with pytest.raises(InputError, match=word):
        read_weights(FIXTURES / name)


def test_object_of_any_other_class_is_its_name_and_nothing_else():
    saved = read_torch(FIXTURES / "other_class_zip.pth").value
    assert saved["history"].name == "collections.deque"
    assert vars(saved["history"]) == {"name": "collections.deque"}
    assert isinstance(saved["state_dict"]["x"], Tensor)


@pytest.fixture(scope="module")
def hostile_results(tmp_path_factory):
    """What happens when a child process reads every hostile file."""
    folder = tmp_path_factory.mktemp("hostile")
    work = tmp_path_factory.mktemp("work")
    for name, (data, _) in hostile_files(SENTINEL).items():
        (folder / name).write_bytes(data)
    good = work / "good.pth"
    packed = (FIXTURES / "basicsr_zip.pth.xz").read_bytes()
    good.write_bytes(lzma.decompress(packed))
    child = subprocess.run(
        [sys.executable, HERE / "read_hostile.py", folder, good],
        check=False,
        cwd=work,
        env={**os.environ, "PYTHONPATH": str(HERE.parent), "JAX_PLATFORMS": "cpu"},
        capture_output=True,
        text=True,
    )
    assert child.returncode == 0, child.stderr[-2000:]
    assert sorted(path.name for path in work.iterdir()) == ["good.pth"]
    return folder, json.loads(child.stdout)


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_file_is_refused_in_one_line(name, hostile_results):
    folder, results = hostile_results
    assert results[name]["raised"] == "InputError", results[name]
    prefix, message = f"{folder / name}: ", results[name]["message"]
    assert message.startswith(prefix)
    assert HOSTILE[name] in message.removeprefix(prefix)
    assert message.isprintable()
    assert len(message) < 800


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_file_runs_no_code_and_takes_no_memory(name, hostile_results):
    _, results = hostile_results
    assert results[name]["events"] == []
    assert results[name]["grown_mb"] < 100


def test_good_file_is_read_where_torch_cannot_be_imported(hostile_results):
    """The child reads one, with torch blocked, before it reads any hostile file."""
    assert hostile_results


def test_no_module_of_the_reader_imports_pickle_or_torch():
    """`pickletools` imports `pickle` itself; ours never name it."""
    for path in (HERE.parent / "bvsrpp_jax" / "weights").glob("*.py"):
        text = path.read_text()
        for module in ("pickle", "torch", "zipfile", "shelve", "marshal"):
            assert f"import {module}\n" not in text
            assert f"from {module} " not in text


@pytest.mark.parametrize("name", ["gone.pth", "", "a\0b.pth", "x" * 300 + ".pth"])
def test_missing_file_is_one_line(tmp_path, name):
    with pytest.raises(InputError) as error:
        read_torch(tmp_path / name)
    assert str(error.value).isprintable()


def test_named_pipe_is_refused_without_waiting(tmp_path):
    os.mkfifo(tmp_path / "pipe.pth")
    with pytest.raises(InputError, match="not a regular file"):
        read_torch(tmp_path / "pipe.pth")


def test_directory_is_refused(tmp_path):
    with pytest.raises(InputError, match="is a directory"):
        read_torch(tmp_path)


def test_file_too_large_is_refused_unread(tmp_path):
    path = tmp_path / "sparse.pth"
    with path.open("wb") as file:
        file.truncate(3 << 30)
    with pytest.raises(InputError, match="GB"):
        read_torch(path)


def test_line_breaks_in_names_do_not_reach_the_message(tmp_path):
    path = tmp_path / "a\nb\x1b[31m.pth"
    path.write_bytes(zipped(mapping(x=b"cos\nsy\x1bstem\n")))
    with pytest.raises(InputError) as error:
        read_torch(path)
    assert str(error.value).isprintable()
    assert "names os.sy?stem" in str(error.value)


@pytest.mark.parametrize(
    ("name", "digits"),
    [
        ("basicvsr_plusplus_denoise-28f6920c.pth", "28f6920c"),
        ("reds4_20210217-db622b2f (1).pth", "db622b2f"),
        ("mine-20240131.pth", None),  # a date
        ("mine-20241331.pth", "20241331"),  # no date
        ("mine-db622b2f9.pth", None),
        ("mine_db622b2f.pth", None),
    ],
)
def test_digits_of_the_sha256_are_found_in_the_name(name, digits):
    assert digits_in_name(name) == digits


def test_digits_in_the_name_are_verified(tmp_path):
    data = (FIXTURES / "odd_legacy.pth").read_bytes()
    digits = hashlib.sha256(data).hexdigest()[:8]
    path = tmp_path / f"weights-{digits}.pth"
    path.write_bytes(data)
    assert digits in read_torch(path).verified
    damaged = data[:-1] + bytes([data[-1] ^ 1])  # legacy files have no other checksum
    path.write_bytes(damaged)
    with pytest.raises(InputError, match=f"does not start with {digits}.*again"):
        read_torch(path)


def test_report_says_what_vouches_for_a_file_without_digits():
    assert "checksums" in read_torch(FIXTURES / "odd_zip.pth").verified
    assert "nothing" in read_torch(FIXTURES / "odd_legacy.pth").verified


@settings(max_examples=150, deadline=None)
@given(
    kind=st.sampled_from(["zip", "legacy"]),
    edits=st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 255)), max_size=4),
    cut=st.one_of(st.none(), st.integers(0, 10**6)),
)
def test_mutated_file_is_read_or_refused(tmp_path_factory, kind, edits, cut):
    data = bytearray((FIXTURES / f"odd_{kind}.pth").read_bytes())
    for place, value in edits:
        data[place % len(data)] = value
    path = tmp_path_factory.mktemp("mutated") / "x.pth"
    path.write_bytes(data if cut is None else data[: cut % len(data)])
    try:
        file = read_torch(path)
        values = file.value.values() if isinstance(file.value, dict) else ()
        for value in values:
            if isinstance(value, Tensor):
                file.array(value).tobytes()
    except InputError:  # whatever else is raised fails the test
        return
