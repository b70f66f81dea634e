"""`bvsrpp doctor`: a sound machine is found sound, and each problem has its remedy."""

import json
import os
import shutil
from importlib import metadata
from pathlib import Path
from types import SimpleNamespace

import jax
import numpy as np
import pytest

import bvsrpp_jax.doctor
from bvsrpp_jax import cli
from bvsrpp_jax.compilation_cache.folder import Unusable
from bvsrpp_jax.doctor import cache, codecs, devices, hardware, machine, self_test
from bvsrpp_jax.doctor import versions as package_versions
from bvsrpp_jax.doctor.facts import Fact, as_text, attempt
from bvsrpp_jax.doctor.hardware import Hardware
from bvsrpp_jax.errors import InputError


@pytest.fixture(autouse=True)
def environment(monkeypatch):
    """Nothing that the advice depends on."""
    for name in ("JAX_PLATFORMS", "CUDA_VISIBLE_DEVICES", "LD_LIBRARY_PATH"):
        monkeypatch.delenv(name, raising=False)


def install(monkeypatch, **packages):
    """Has the records say that these are installed: name=version, _ for -."""
    known = {name.replace("_", "-"): version for name, version in packages.items()}

    def version(name):
        if name not in known:
            raise metadata.PackageNotFoundError(name)
        return known[name]

    monkeypatch.setattr(metadata, "version", version)


def test_this_machine_is_sound(capsys):
    """The real self-test: the bundled network, and every output format."""
    code = cli.main(["doctor"])
    out = capsys.readouterr().out
    assert code == 0, out
    facts = dict(line[2:].split(maxsplit=1) for line in out.splitlines())
    assert facts["jax"] == jax.__version__
    assert " answer, " in facts["network"]
    assert facts["outputs"] == ".mp4 .m4v .mov .mkv .webm, written and read back"
    assert facts["cache"] == "off, by BVSRPP_CACHE"
    assert os.uname().nodename not in out


def test_what_is_broken_is_exit_code_2_and_named(capsys, monkeypatch):
    facts = [
        Fact("fine", "1"),
        Fact("slow", "2", "It is slow", "Wait"),
        Fact("part", "3", "It is in two", "Glue it", broken=True),
    ]
    monkeypatch.setattr(bvsrpp_jax.doctor, "examine", lambda: iter(facts))
    assert cli.main(["doctor"]) == 2
    out, err = capsys.readouterr()
    assert out.splitlines() == [
        "  fine         1",
        "! slow         2",
        "               It is slow. Wait.",
        "! part         3",
        "               It is in two. Glue it.",
    ]
    assert err == "bvsrpp: error: part: does not work. Do what the lines above say.\n"
    assert cli.main(["doctor", "--json"]) == 2
    told = json.loads(capsys.readouterr().out)
    assert not told["sound"]
    assert [fact["name"] for fact in told["facts"]] == ["fine", "slow", "part"]
    assert told["facts"][2]["remedy"] == "Glue it"
    facts.pop()
    assert cli.main(["doctor", "--json"]) == 0  # slow, but it works
    assert json.loads(capsys.readouterr().out)["sound"]


def test_a_jax_that_does_not_start_ends_neither_the_rest(monkeypatch):
    def fail(*_):
        raise RuntimeError("Unable to initialize backend 'cuda'\nmore lines")

    monkeypatch.setattr(jax, "devices", fail)
    monkeypatch.setattr(self_test, "_outputs", lambda: Fact("outputs", "all"))
    facts = {fact.name: fact for fact in bvsrpp_jax.doctor.examine()}
    assert facts["devices"].broken
    assert "RuntimeError: Unable to initialize backend" in facts["devices"].problem
    assert "more lines" not in as_text(facts["devices"])
    assert "JAX_PLATFORMS=cpu" in facts["devices"].remedy
    assert {"encoders", "cache", "weights", "outputs"} <= facts.keys()
    assert "network" not in facts
    monkeypatch.setenv("JAX_PLATFORMS", "cuda")
    (fact,) = devices.devices()
    assert fact.remedy.startswith("JAX_PLATFORMS=cuda is set, unset it")


@pytest.mark.parametrize(
    ("found", "remedy"),
    [
        (Hardware(nvidia=True, driver="580.65"), 'Run pip install "jax[cuda13]==0.12"'),
        (Hardware(nvidia=True, driver="570.1"), 'Run pip install "jax[cuda12]==0.12"'),
        (Hardware(nvidia=True, driver="390.1"), "driver 390.1 is too old, install 525"),
        (
            Hardware(nvidia=True),
            "Install NVIDIA's driver, until nvidia-smi works; then",
        ),
        (Hardware(amd=True), 'Run pip install "jax[rocm7-local]==0.12"'),
        (Hardware(tpu=True), 'Run pip install "jax[tpu]==0.12"'),
    ],
)
def test_an_idle_accelerator_needs_its_jax(monkeypatch, found, remedy):
    extras = ["cuda", "cuda12", "cuda12-local", "cuda13", "rocm7-local", "tpu"]
    record = SimpleNamespace(get_all=lambda _: extras)
    monkeypatch.setattr(metadata, "metadata", lambda _: record)
    install(monkeypatch, jax="0.12")
    (fact,) = devices.idle(found, {"cpu"})
    assert remedy in fact.remedy
    assert fact.problem
    assert not fact.broken


def test_an_accelerator_whose_jax_is_there_but_does_not_start(monkeypatch):
    def fail(platform):
        raise RuntimeError(f"no {platform} today")

    monkeypatch.setattr(jax, "devices", fail)
    install(monkeypatch, jax="0.12", libtpu="0.0.50", jax_cuda13_plugin="0.12")
    monkeypatch.setenv("LD_LIBRARY_PATH", "/usr/local/cuda/lib64")
    (gpu,) = devices.idle(Hardware(nvidia=True, driver="580.1"), {"cpu"})
    assert "no cuda today" in gpu.remedy
    assert "unset LD_LIBRARY_PATH" in gpu.remedy
    (tpu,) = devices.idle(Hardware(tpu=True), {"cpu"})
    assert "no tpu today" in tpu.remedy
    assert "end the other process" in tpu.remedy


def test_an_accelerator_that_the_user_hides(monkeypatch):
    found = Hardware(nvidia=True, driver="580.1")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    (fact,) = devices.idle(found, {"cpu"})
    assert fact.remedy == "CUDA_VISIBLE_DEVICES= hides it, unset it"
    monkeypatch.setenv("JAX_PLATFORMS", "cpu")
    (fact,) = devices.idle(found, {"cpu"})
    assert fact.remedy == "JAX_PLATFORMS=cpu is set, unset it"


def test_accelerators_in_use_are_no_problem():
    everything = Hardware(nvidia=True, amd=True, tpu=True, driver="580.1")
    assert not list(devices.idle(everything, {"gpu", "tpu"}))
    assert not list(devices.idle(Hardware(), {"cpu"}))


def test_the_driver_is_asked_for(tmp_path, monkeypatch):
    program = tmp_path / "nvidia-smi"
    monkeypatch.setattr(shutil, "which", lambda _: str(program))
    answers = {
        "echo 580.65.06; echo 580.65.06": "580.65.06",  # a line for each card
        "echo NVIDIA-SMI has failed": "",
        "echo 580.65.06; exit 9": "",
    }
    for script, driver in answers.items():
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o700)
        assert hardware.find_hardware().driver == driver


def test_a_tpu_is_told_from_a_network_card(tmp_path):
    def card(vendor, kind):
        (tmp_path / "vendor").write_text(f"{vendor}\n")
        (tmp_path / "class").write_text(f"{kind}\n")
        return hardware._is_tpu(tmp_path)

    assert card("0x1ae0", "0x120000")
    assert not card("0x1ae0", "0x020000")
    assert not card("0x8086", "0x120000")
    assert not hardware._is_tpu(tmp_path / "none")


def test_devices_of_a_kind_are_counted(monkeypatch):
    def device(memory):
        return SimpleNamespace(
            platform="gpu", device_kind="A100", memory_stats=lambda: memory
        )

    monkeypatch.setattr(jax, "devices", lambda: [device({"bytes_limit": 2**35})] * 2)
    assert next(devices.devices()).value == "2 x A100 (gpu), 32.0 GiB each"
    monkeypatch.setattr(jax, "devices", lambda: [device(None)])
    assert next(devices.devices()).value == "1 x A100 (gpu)"


def test_packages_that_are_missing_or_do_not_fit(monkeypatch):
    install(monkeypatch, jax="0.12", jaxlib="0.11", av="1", jax_cuda13_plugin="0.10")
    facts = {fact.name: fact for fact in package_versions.versions()}
    assert facts["flax"].broken
    assert facts["flax"].remedy == "Run pip install flax"
    for name in ("jaxlib", "jax-cuda13-plugin"):
        assert "jax has 0.12" in facts[name].problem
        assert facts[name].remedy == f'Run pip install "jax==0.12" "{name}==0.12"'
    assert not facts["av"].problem


def test_little_memory_and_little_disk_are_told(tmp_path, monkeypatch):
    assert not machine.memory_fact(2**33, 2**34).problem
    assert machine.memory_fact(2**30, 2**34).problem
    assert not machine.memory_fact(None, None).problem
    assert machine.disk_fact("disk", tmp_path / "none", "Do").value == "unknown"
    usage = SimpleNamespace(free=2**29, total=2**40)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    fact = machine.disk_fact("disk", tmp_path, "Do")
    assert (fact.value, fact.remedy) == ("0.5 GiB free of 1024.0", "Do")


def test_missing_encoders_and_decoders_are_named(monkeypatch):
    monkeypatch.setattr(codecs, "_has", lambda codec, mode: codec not in ("libx265",))
    fact = codecs.encoders_fact()
    assert fact.problem == "Missing: libx265"
    assert "libx264" in fact.value
    # FFmpeg's own av1 decodes nothing without a graphics card.
    monkeypatch.setattr(codecs, "_has", lambda codec, mode: codec in ("h264", "av1"))
    assert "av1" in codecs.decoders_fact().problem


def test_an_unusable_cache_is_told_with_its_remedy():
    fact = cache.unusable_fact(Unusable("/x: cannot be written; set BVSRPP_CACHE"))
    assert fact.problem == "Nothing is kept: /x: cannot be written"
    assert fact.remedy == "Set BVSRPP_CACHE"


def test_the_home_is_not_spelled_out(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    assert cache.shortened(tmp_path / ".cache" / "bvsrpp") == "~/.cache/bvsrpp"
    assert cache.shortened(Path("/elsewhere")) == "/elsewhere"


def output_with(answer):
    """Pictures that have these pixels where it matters."""
    output = np.zeros((5, 256, 256, 3), np.float32)
    output[:, :: self_test.STEP, :: self_test.STEP] = answer
    return output


def test_a_network_that_computes_something_else_is_broken():
    answer = self_test.answer()
    output = output_with(answer)
    codes = np.rint(255 * output).astype(np.uint8)
    assert not self_test.network_fact(output, codes, 1.0).problem
    for wrong in (answer + 2e-4, np.where(answer > 0.5, np.nan, answer)):
        assert self_test.network_fact(output_with(wrong), codes, 1.0).broken
    assert self_test.network_fact(output, codes + 1, 1.0).broken


def test_damaged_weights_are_broken(monkeypatch):
    def fail(source):
        raise InputError("lite.safetensors: its digest is another. Get it anew.")

    monkeypatch.setattr("bvsrpp_jax.weights.store.read_weights", fail)
    first, *_ = self_test.self_test(network=False)
    assert first.broken
    assert "its digest is another" in first.problem


def test_an_output_that_fails_is_named(monkeypatch):
    def fail_for_webm(folder, suffix):
        if suffix == ".webm":
            raise InputError("codec libvpx-vp9: not a video encoder")

    monkeypatch.setattr(self_test, "_round_trip", fail_for_webm)
    fact = self_test._outputs()
    assert fact.value == ".mp4 .m4v .mov .mkv"
    assert ".webm fails, InputError: codec libvpx-vp9" in fact.problem
    assert not fact.broken
    assert self_test.outputs_fact([".mp4"], {".mp4": "it fails"}).broken


def test_pictures_that_come_back_changed_fail(tmp_path, monkeypatch):
    self_test._round_trip(tmp_path, ".mkv")
    real, calls = self_test.clip, []

    def another_the_second_time():
        calls.append(None)
        return real() if len(calls) == 1 else real()[::-1]

    monkeypatch.setattr(self_test, "clip", another_the_second_time)
    with pytest.raises(ValueError, match="came back changed"):
        self_test._round_trip(tmp_path, ".mov")


def test_a_check_that_fails_is_a_fact():
    fact = attempt("check", lambda: 1 // 0)
    assert fact.broken
    assert fact.problem.startswith("ZeroDivisionError")
