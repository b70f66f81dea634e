"""The page of the Python API is what the docstrings say, and their examples run."""

import doctest
import inspect
import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from media_files import pictures, write_video

import bvsrpp_jax as bvsrpp
from bvsrpp_jax.restoration.options import Options
from tools.make_api_page import FACE, PAGE, anchor, page, things

ENTRIES = {name: thing for names in FACE.values() for name, thing in things(names)}
GLOBALS = {"bvsrpp": bvsrpp, "jax": jax, "jnp": jnp, "np": np}


def examples(name):
    return doctest.DocTestParser().get_doctest(
        inspect.getdoc(ENTRIES[name]), dict(GLOBALS), name, None, None
    )


@pytest.fixture
def quick_compiler():
    """Half the time to compile; the examples print nothing that it changes."""
    jax.config.update("jax_disable_most_optimizations", True)
    yield
    jax.config.update("jax_disable_most_optimizations", False)


def test_page_is_what_the_generator_writes():
    assert PAGE.read_text(encoding="utf-8") == page(), "run tools/make_api_page.py"


def test_links_of_the_page_lead_to_its_headings():
    text = page()
    headings = {anchor(title) for title in re.findall(r"^#+ (.*)$", text, re.M)}
    links = re.findall(r"\]\(#(.*?)\)", text)
    assert len(links) == len(ENTRIES)
    assert set(links) <= headings


def test_names_of_the_package_are_all_on_the_page():
    assert {f"bvsrpp.{name}" for name in bvsrpp.__all__} <= ENTRIES.keys()


@pytest.mark.long
@pytest.mark.parametrize("name", ENTRIES)
def test_every_example_runs(name, tmp_path, monkeypatch, quick_compiler):
    monkeypatch.chdir(tmp_path)
    write_video("in.mp4", pictures(2))
    test, told = examples(name), []
    assert test.examples
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS)
    runner.run(test, out=told.append)
    assert not runner.summarize(verbose=False).failed, "".join(told)


@pytest.mark.parametrize("name", [n for n in ENTRIES if n != "bvsrpp.InputError"])
def test_every_parameter_has_a_type(name):
    signature = inspect.signature(ENTRIES[name])
    parameters = dict(signature.parameters)
    for first in ("self", "restorer", "args", "kwargs", "parent", "name"):
        parameters.pop(first, None)  # of methods, exceptions, Flax modules
    for parameter in parameters.values():
        assert parameter.annotation is not parameter.empty, parameter
    if not inspect.isclass(ENTRIES[name]):
        assert signature.return_annotation is not signature.empty


def test_options_of_from_pretrained_are_those_of_the_class():
    parameters = inspect.signature(bvsrpp.Restorer).parameters
    keywords = {p.name: p.annotation for p in parameters.values() if p.kind == 3}
    assert Options.__annotations__ == keywords
