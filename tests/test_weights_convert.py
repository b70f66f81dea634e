"""`bvsrpp convert`: a summary that says what happened, and no half-written file."""

import lzma
from pathlib import Path

import pytest

from bvsrpp_jax import commands
from bvsrpp_jax.errors import InputError
from bvsrpp_jax.weights import saving
from bvsrpp_jax.weights.catalogue import OFFICIAL
from bvsrpp_jax.weights.convert import convert
from bvsrpp_jax.weights.native import read_native
from bvsrpp_jax.weights.report import conversion_text
from bvsrpp_jax.weights.saving import unusual_sizes
from bvsrpp_jax.weights.store import read_weights

FIXTURES = Path(__file__).parent / "fixtures"


def test_the_command_offers_every_dialect():
    assert commands.convert.DIALECTS == saving.DIALECTS


@pytest.fixture
def source(tmp_path):
    path = tmp_path / "basicsr.pth"
    path.write_bytes(lzma.decompress((FIXTURES / "basicsr_zip.pth.xz").read_bytes()))
    return path


def test_summary_says_what_was_read_and_written(source, tmp_path):
    target = tmp_path / "out.safetensors"
    conversion = convert(source, target)
    read = conversion.read
    assert (read.dialect, read.wrapper) == ("BasicSR", "params_ema")
    assert conversion.variant == "c4n1 x4"
    assert (read.keys, read.ignored) == (178, ("params",))
    assert conversion.digest.encode() in target.read_bytes()
    model, params = read_native(target)
    assert model == read_weights(source).model
    assert conversion.parameters == 31_769


def test_text_has_every_part_of_the_summary(source, tmp_path):
    conversion = convert(source, tmp_path / "out.safetensors")
    text = conversion_text(conversion)
    for part in ("BasicSR", "params_ema", "c4n1 x4", "178", "1 (params)", "checksums"):
        assert part in text
    assert conversion.digest in text
    assert f"{conversion.parameters:,}" in text


@pytest.mark.parametrize(
    ("dialect", "name", "told"),
    [
        (None, "x.pth", "x.pth (MMEditing / MMagic, zip)"),
        ("basicsr", "x.pth", "x.pth (BasicSR, zip)"),
        ("bare", "x.safetensors", "x.safetensors (bare state dict, safetensors)"),
        (None, "x.safetensors", "x.safetensors (bvsrpp, safetensors)"),
    ],
)
def test_text_says_what_was_written_and_reading_says_the_same(
    source, tmp_path, dialect, name, told
):
    conversion = convert(source, tmp_path / name, dialect=dialect)
    assert told in conversion_text(conversion)
    read = conversion_text(convert(tmp_path / name, tmp_path / "y.pth"))
    assert told.rstrip(")") in read.splitlines()[0]
    assert conversion.digest in read


def test_sizes_that_the_classes_of_other_projects_have_not_are_told(tmp_path):
    text = conversion_text(convert("lite", tmp_path / "x.pth"))
    told = "deform_groups, num_extract_blocks, num_reconstruction_blocks, hr_channels"
    assert f"the classes of MMEditing / MMagic are fixed in {told}" in text
    text = conversion_text(convert("lite", tmp_path / "y.pth", dialect="bare"))
    assert "fixed in" not in text
    assert not any(unusual_sizes(entry.model) for entry in OFFICIAL)


def test_preset_and_workdir_become_files_of_pytorch(source, tmp_path):
    assert convert("lite", tmp_path / "lite.pth").read.dialect == "bvsrpp"
    workdir = tmp_path / "runs"
    workdir.mkdir()
    convert(source, workdir / "weights.safetensors")
    convert(workdir, tmp_path / "trained.pth")
    assert read_weights(tmp_path / "trained.pth").model == read_weights(source).model


def test_existing_file_is_replaced_only_when_told_to(source, tmp_path):
    target = tmp_path / "out.safetensors"
    target.write_text("precious")
    with pytest.raises(
        InputError, match="out.safetensors: exists already.*--overwrite"
    ):
        convert(source, target)
    assert target.read_text() == "precious"
    convert(source, target, overwrite=True)
    read_native(target)


def test_input_is_never_overwritten(source, tmp_path):
    """A checkpoint holds more than its weights."""
    before = source.read_bytes()
    (tmp_path / "link.pth").symlink_to(source)
    for target in (source, tmp_path / "link.pth"):
        with pytest.raises(InputError, match="is the input itself. Name another"):
            convert(source, target, overwrite=True)
    assert source.read_bytes() == before


def test_directory_as_target_is_one_line(source, tmp_path):
    (tmp_path / "out.pth").mkdir()
    with pytest.raises(InputError, match="out.pth: is a directory. Name a file in it"):
        convert(source, tmp_path / "out.pth", overwrite=True)


@pytest.mark.parametrize("name", ["out.ckpt", "out"])
def test_other_target_suffix_is_refused(source, tmp_path, name):
    with pytest.raises(InputError, match=f"{name}: .*suffix"):
        convert(source, tmp_path / name)


def test_bad_source_writes_nothing(source, tmp_path):
    source.write_bytes(source.read_bytes()[:-100])
    with pytest.raises(InputError, match="basicsr.pth"):
        convert(source, tmp_path / "out.safetensors")
    assert [path.name for path in tmp_path.iterdir()] == ["basicsr.pth"]


def test_converting_a_converted_file_changes_nothing(source, tmp_path):
    first = convert(source, tmp_path / "a.safetensors")
    second = convert(tmp_path / "a.safetensors", tmp_path / "b.safetensors")
    assert second.read.dialect == "bvsrpp"
    assert second.digest == first.digest
