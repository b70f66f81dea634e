"""`--verify` compares with PyTorch in a process of its own, and says what it lacks.

PyTorch is not here: an executable stands in for the Python that has it. The real one is
measured by `benchmarks/weights_round_trip.py`.
"""

import sys

import pytest

from bvsrpp_jax.cli import main
from bvsrpp_jax.errors import InputError
from bvsrpp_jax.weights import load, save
from bvsrpp_jax.weights.verify import BOUND, check_torch, verify


@pytest.fixture
def python(tmp_path):
    """Makes an executable that runs `code` in place of the script."""

    def make(code):
        path = tmp_path / "python"
        path.write_text(f"#!{sys.executable}\n{code}\n")
        path.chmod(0o755)
        return str(path)

    return make


@pytest.fixture
def network(monkeypatch):
    """What stands in for both networks: three halves of the input."""
    monkeypatch.setattr(
        "bvsrpp_jax.weights.verify.restored", lambda model, params, lq: lq * 1.5
    )


def answering(factor, weights="weights.pth"):
    """A PyTorch whose output is the input times `factor`."""
    return f"""
import sys, numpy as np
if len(sys.argv) > 2:
    _, _, weights, sizes, clip, output = sys.argv
    assert weights.endswith({weights!r}) and "mid_channels" in sizes
    np.save(output, np.load(clip) * np.float32({factor}))
"""


def test_largest_difference_is_found_relative_to_the_outputs(tiny_pth, python, network):
    found = verify(tiny_pth, python(answering(1.500005, "tiny.pth")))
    assert found.largest == pytest.approx(1.5, rel=1e-3)
    assert 0.9e-5 * 0.5 < found.difference < BOUND
    assert found.bound == pytest.approx(1.5 * BOUND, rel=1e-3)
    assert found.shape == (1, 3, 64, 65, 3)


@pytest.mark.parametrize("factor", [1.501, "'nan'"])
def test_another_output_is_an_error(tiny_pth, python, network, factor):
    with pytest.raises(
        InputError, match=r"tiny.pth: PyTorch's output differs by .*Rep"
    ):
        verify(tiny_pth, python(answering(factor, "tiny.pth")))


def test_of_safetensors_pytorch_gets_a_pth(tiny_pth, tmp_path, python, network):
    save(tmp_path / "x.safetensors", *load(tiny_pth))
    assert verify(tmp_path / "x.safetensors", python(answering(1.5))).difference == 0


def test_what_pytorch_says_is_one_line(tiny_pth, python, network):
    code = "import sys; print('a\\nplain PyTorch knows no x', file=sys.stderr); exit(2)"
    with pytest.raises(InputError) as error:
        verify(tiny_pth, python(code))
    assert "cannot verify this: plain PyTorch knows no x. Leave" in str(error.value)
    assert str(error.value).isprintable()


def test_missing_interpreter_is_one_line(tmp_path):
    with pytest.raises(InputError, match="gone: cannot be run .No such file"):
        check_torch(str(tmp_path / "gone"))


def test_without_pytorch_nothing_is_written(tiny_pth, tmp_path, python, capsys):
    absent = python("import no_such_torch")
    command = ["convert", str(tiny_pth), str(tmp_path / "x.pth"), "--verify"]
    assert main([*command, "--torch-python", absent]) == 2
    error = capsys.readouterr().err
    assert "No module named 'no_such_torch'" in error
    assert "pip install torch torchvision" in error
    assert error.count("\n") == 1
    assert not (tmp_path / "x.pth").exists()


def test_command_prints_the_difference(tiny_pth, tmp_path, python, network, capsys):
    command = ["convert", str(tiny_pth), str(tmp_path / "x.pth"), "--verify"]
    assert main([*command, "--torch-python", python(answering(1.5, "x.pth"))]) == 0
    assert "PyTorch      has the same output but for 0.0e+00" in capsys.readouterr().out


def test_option_without_effect_is_refused(tiny_pth, tmp_path, capsys):
    command = ["convert", str(tiny_pth), str(tmp_path / "x.pth")]
    assert main([*command, "--torch-python", "python"]) == 2
    assert "no effect without --verify" in capsys.readouterr().err
