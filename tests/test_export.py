"""`bvsrpp export`: a file that runs without this package and gives its results."""

import errno
import hashlib
import json
import subprocess
import sys
import zipfile
from dataclasses import replace
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import run_exported_stream
from command import run
from flax.traverse_util import flatten_dict
from jax import export as jax_export
from stand_in import QUICKLY, StandIn, tiny_network

from bvsrpp_jax.errors import InputError
from bvsrpp_jax.export import export, exporting
from bvsrpp_jax.export.exporting import Export
from bvsrpp_jax.export.functions import functions_of
from bvsrpp_jax.export.report import export_text
from bvsrpp_jax.export.sizes import Sizes, arguments_of
from bvsrpp_jax.weights import save
from bvsrpp_jax.weights.store import read_weights

EXAMPLES = Path(__file__).parents[1] / "examples"
# A script in a process in which neither this package nor Flax can be imported.
ALONE = """
import runpy, sys
class Refuse:
    def find_spec(self, name, *_):
        assert name.split(".")[0] not in ("bvsrpp_jax", "flax"), name
sys.meta_path.insert(0, Refuse())
sys.argv = sys.argv[1:]
runpy.run_path(sys.argv[0], run_name="__main__")
"""


@pytest.fixture(scope="module")
def network():
    """Two branches of the four, one of each direction: half the time to compile."""
    return tiny_network(branches=("backward_1", "forward_1"))


@pytest.fixture(scope="module")
def weights(network, tmp_path_factory):
    path = tmp_path_factory.mktemp("weights") / "tiny.safetensors"
    save(path, *network)
    return path


@pytest.fixture(scope="module")
def exported(weights, tmp_path_factory) -> Export:
    folder = tmp_path_factory.mktemp("exported")
    target, text = folder / "tiny.jaxexport", folder / "tiny.mlir"
    return export(weights, target, stablehlo=text)


@pytest.fixture(scope="module")
def clip():
    """Four frames of an odd size."""
    return np.random.default_rng(0).random((4, 67, 93, 3), np.float32)


@pytest.fixture(scope="module")
def whole(network, clip):
    """What the package makes of the clip."""
    model, params = network
    function = jax.jit(model.apply, compiler_options=QUICKLY)
    return np.asarray(function({"params": params}, clip[None])[0])


def alone(script, *arguments, folder):
    command = [sys.executable, "-I", "-c", ALONE, EXAMPLES / script, *arguments]
    quickly = {"XLA_FLAGS": "--xla_backend_optimization_level=0"}
    subprocess.run(map(str, command), check=True, cwd=folder, env=quickly, timeout=300)


def members(path):
    with zipfile.ZipFile(path) as file:
        return {name: file.read(name) for name in file.namelist()}


def test_a_process_without_this_package_gives_its_result(
    exported, clip, whole, tmp_path
):
    np.save(tmp_path / "lq.npy", clip)
    alone("run_exported.py", exported.target, "lq.npy", "out.npy", folder=tmp_path)
    # Values reach 1.2; the same program, once with symbols that are filled in.
    np.testing.assert_allclose(np.load(tmp_path / "out.npy"), whole, rtol=0, atol=1e-6)


def test_a_clip_in_chunks_is_the_whole_clip(exported, clip, whole, tmp_path):
    np.save(tmp_path / "lq.npy", clip)
    script, files = "run_exported_chunks.py", (exported.target, "lq.npy", "out.npy")
    alone(script, *files, 2, folder=tmp_path)
    np.testing.assert_allclose(np.load(tmp_path / "out.npy"), whole, rtol=0, atol=1e-5)


def test_a_stream_that_looks_ahead_to_the_end_is_the_whole_clip(exported, clip, whole):
    stream = run_exported_stream.restore(exported.target, iter(clip), len(clip) - 1)
    np.testing.assert_allclose(np.stack(list(stream)), whole, rtol=0, atol=1e-5)


def test_a_stream_gives_a_frame_as_soon_as_enough_have_come(monkeypatch):
    """With functions that only count: no network is needed to see the order."""
    frames, came = [np.full((2, 2, 3), i, np.float32) for i in range(5)], []
    one = np.zeros((1, 1, 2, 2, 1), np.float32)
    functions = {
        "encode": lambda params, pair: (one, one, one),
        "empty_carry": lambda feat, fill: fill,
        "backward_1": lambda params, feats, flow, carry: (feats[0], carry),
        "reconstruct": lambda params, lq, feats: lq,
    }
    about = {"branches": {"backward_1": "backward"}}
    monkeypatch.setattr(run_exported_stream, "load", lambda _: (about, {}, functions))
    coming = (came.append(frame) or frame for frame in frames)
    stream = run_exported_stream.restore("", coming, 2)
    order = [(int(output[0, 0, 0]), len(came)) for output in stream]
    assert order == [(0, 3), (1, 4), (2, 5), (3, 5), (4, 5)]


@pytest.mark.parametrize("size", [(5, 9), (16, 16), (17, 30)])
def test_frames_of_any_size_come_back_at_their_own(size):
    """A stand-in that takes sides from 16 up in multiples of four, and enlarges."""

    class Network(StandIn):
        def apply(self, variables, *arguments, method):
            gain = variables["params"]["gain"]
            return super().apply({"params": gain}, *arguments, method=method)

        def features(self, params, lq):
            return lq[..., :1]

        def reconstruct(self, params, lq, feats):
            assert lq.shape[:4] == feats[0].shape[:4]  # both padded
            return super().reconstruct(params, lq, feats)

    model, params = Network(min_side=16, side_multiple=4), {"gain": jnp.float32(1)}
    lq = np.random.default_rng(0).random((2, 3, *size, 3), np.float32)
    function = jax_export.export(jax.jit(functions_of(model)["restore"]))
    arguments = arguments_of(model, params, Sizes())["restore"].values()
    output = function(*arguments).call(params, lq)
    np.testing.assert_array_equal(output, lq.repeat(4, 2).repeat(4, 3))


def test_same_size_networks_take_any_size_too():
    """Their features are a quarter of the padded frames, whatever these are."""
    model, params = tiny_network(scale=1)
    arguments = arguments_of(model, flatten_dict(params, sep="/"), Sizes())
    functions = functions_of(model)
    feat, *_ = jax.eval_shape(functions["encode"], *arguments["encode"].values())
    assert str(feat.shape).count("floordiv(max(h, 256) + 3, 4)") == 1
    of_reconstruct = arguments["reconstruct"]
    assert feat == of_reconstruct["feats"][-1]
    output = jax.eval_shape(functions["reconstruct"], *of_reconstruct.values())
    assert str(output.shape) == "(n, t, h, w, 3)"


def test_one_file_is_for_every_platform(exported):
    files = members(exported.target)
    for name in exported.about["functions"]:
        function = jax_export.deserialize(bytearray(files[f"{name}.bin"]))
        assert function.platforms == ("cpu", "cuda", "tpu")


def test_the_description_says_what_each_function_takes_and_gives(exported):
    about = json.loads(members(exported.target)["description.json"])
    assert about == exported.about
    functions = about["functions"]
    assert functions["restore"]["arguments"]["lq"] == "float32[n, t, h, w, 3]"
    assert functions["restore"]["results"] == {"output": "float32[n, t, 4*h, 4*w, 3]"}
    for i, branch in enumerate(about["branches"], 1):
        feats = functions[branch]["arguments"]["feats"]
        assert feats == ["float32[n, t, rows, cols, 8]"] * i


def test_fixed_sizes_leave_the_others_open(network):
    model, params = network
    flat = flatten_dict(params, sep="/")
    arguments = arguments_of(model, flat, Sizes(n=1, h=30, t=2))
    assert str(arguments["restore"]["lq"].shape) == "(1, 2, 30, w, 3)"
    assert str(arguments["encode"]["lq"].shape) == "(1, 3, 30, w, 3)"
    assert str(arguments["forward_1"]["flow_n1"].shape) == "(1, 2, 64, cols, 2)"
    assert str(arguments["reconstruct"]["feats"][-1].shape) == (
        "(1, 2, 64, max(w, 64), 8)"
    )


def test_features_of_bfloat16_leave_frames_and_flows_in_float32(network):
    model, params = network
    model = model.clone(dtype=jnp.bfloat16)
    flat = flatten_dict(params, sep="/")
    arguments = arguments_of(model, flat, Sizes(1, 2, 64, 64))
    encode = functions_of(model)["encode"]
    feat, backward, _ = jax.eval_shape(encode, *arguments["encode"].values())
    assert (feat.dtype, backward.dtype) == (jnp.bfloat16, jnp.float32)
    of_branch = arguments["backward_1"]
    assert (of_branch["feats"][0].dtype, of_branch["flow_n1"].dtype) == (
        jnp.bfloat16,
        jnp.float32,
    )


def test_the_same_export_gives_the_same_bytes(weights, tmp_path, monkeypatch):
    """Of the smallest function; the second time, its weights come in another order."""
    name = "reconstruct"
    monkeypatch.setattr(
        exporting, "functions_of", lambda model: {name: functions_of(model)[name]}
    )
    once = export(weights, tmp_path / "once.jaxexport", platforms=["cpu"])
    read = read_weights(weights)
    turned = replace(read, params=dict(reversed(read.params.items())))
    monkeypatch.setattr(exporting, "read_weights", lambda source: turned)
    jax.clear_caches()
    again = export(weights, tmp_path / "again.jaxexport", platforms=["cpu", "cpu"])
    assert again.digest == once.digest
    data = (tmp_path / "again.jaxexport").read_bytes()
    assert hashlib.sha256(data).hexdigest() == again.digest


def test_unpacked_files_can_be_read(exported):
    with zipfile.ZipFile(exported.target) as file:
        assert {entry.external_attr >> 16 for entry in file.infolist()} == {0o644}


def test_no_path_of_the_machine_is_in_the_file(exported):
    data = Path(exported.target).read_bytes()
    assert b".py" not in data
    assert jax.config.jax_traceback_in_locations_limit  # is put back


def test_the_network_as_text_is_stablehlo_in_full_precision(exported):
    text = Path(exported.target).with_suffix(".mlir").read_text()
    assert "stablehlo.convolution" in text
    assert "HIGHEST" in text
    assert "DEFAULT" not in text
    assert ".py" not in text


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("out.jax",), "out.jax: has another suffix than .jaxexport"),
        (("taken.jaxexport",), "taken.jaxexport: exists already. Add --overwrite"),
        (("o.jaxexport", "--stablehlo", "taken.jaxexport"), "taken.jaxexport: exists"),
        (("o.jaxexport", "--stablehlo", "o.jaxexport"), "is the output itself"),
        (("o.jaxexport", "--platforms", "cpu,gpu"), "platforms: 'gpu' is no platform"),
        (("o.jaxexport", "--dtype", "float16"), "dtype: 'float16' is neither"),
        (("o.jaxexport", "--frames", "0"), "frames: 0 is less than one"),
        (("o.jaxexport", "--size", "64"), "'64' is no size"),
    ],
)
def test_bad_options_are_one_line(tmp_path, monkeypatch, capsys, options, message):
    monkeypatch.chdir(tmp_path)
    Path("taken.jaxexport").write_text("precious")
    code, out, err = run(capsys, "export", "lite", *options)
    assert (code, out) == (2, "")
    assert message in err
    assert err.count("\n") == 1
    assert [path.name for path in tmp_path.iterdir()] == ["taken.jaxexport"]
    assert Path("taken.jaxexport").read_text() == "precious"


def test_weights_are_not_replaced_by_what_is_made_of_them(weights, tmp_path):
    before = weights.read_bytes()
    with pytest.raises(InputError, match="is the input itself"):
        export(weights, tmp_path / "o.jaxexport", stablehlo=weights, overwrite=True)
    assert weights.read_bytes() == before


def test_unknown_weights_are_one_line(tmp_path, capsys):
    code, _, err = run(capsys, "export", "none.pth", str(tmp_path / "o.jaxexport"))
    assert code == 2
    assert "none.pth: no such file" in err


def test_what_is_not_installed_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(exporting, "find_spec", lambda name: None)
    with pytest.raises(InputError, match=r"flatbuffers.*pip install.*\[export\]"):
        export("lite", tmp_path / "o.jaxexport")


def test_a_full_disk_leaves_nothing(weights, tmp_path, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(exporting, "functions_of", lambda model: {})
    monkeypatch.setattr(exporting, "packed", lambda *_: ({}, b"data"))
    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(InputError, match="o.jaxexport: cannot be written .No space"):
        export(weights, tmp_path / "o.jaxexport")
    assert not list(tmp_path.iterdir())


def test_the_command_says_what_it_wrote(exported):
    text = export_text(exported)
    assert "lq float32[n, t, h, w, 3] -> output float32[n, t, 4*h, 4*w, 3]" in text
    for part in ("c8n1 x4", "float32", "cpu, cuda, tpu", "carry", exported.digest):
        assert part in text
