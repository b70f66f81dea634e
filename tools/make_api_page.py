"""Writes docs/api.md, the page of the Python API, from signatures and docstrings.

python tools/make_api_page.py
"""

import ast
import inspect
import re
import textwrap
from collections.abc import Iterator
from functools import reduce
from importlib import import_module
from pathlib import Path

PAGE = Path(__file__).parents[1] / "docs" / "api.md"
WIDTH = 88

# What other people's code may rely on: title -> module -> names in it.
FACE = {
    "Restore": {
        "bvsrpp_jax": (
            "Restorer",
            *("Restorer.from_pretrained", "Restorer.save_pretrained"),
            *("Restorer.stream", "Restorer.restore_video"),
            *("Restorer.plan", "Restorer.exactly"),
        ),
        "bvsrpp_jax.restoration": ("Plan",),
        "bvsrpp_jax.media": ("open_clip",),
    },
    "Networks and weights": {
        "bvsrpp_jax": (
            *("load", "save", "BasicVSRPlusPlus"),
            *("BasicVSRPlusPlus.features", "BasicVSRPlusPlus.flows"),
            *("BasicVSRPlusPlus.propagate", "BasicVSRPlusPlus.reconstruct"),
        ),
    },
    "Export": {"bvsrpp_jax.export": ("export",)},
    "Errors": {"bvsrpp_jax": ("InputError",)},
    "Operations": {
        "bvsrpp_jax.ops.warp": ("flow_warp",),
        "bvsrpp_jax.ops.deform_conv": ("modulated_deform_conv",),
    },
    "Measures": {"bvsrpp_jax.evaluation.metrics": ("psnr", "ssim")},
    "Degradations": {
        "bvsrpp_jax.data.degradations": ("bicubic_resize", "blur_downsample"),
    },
}
IMPORTS = """\
import jax
import jax.numpy as jnp
import numpy as np

import bvsrpp_jax as bvsrpp
"""
HEAD = f"""\
# Python API

What other code may rely on; the rest may change. `tools/make_api_page.py` writes this
page from the docstrings, and `tests/test_api_page.py` runs their examples, which begin
with

```python
{IMPORTS}```

"""


def main() -> None:
    PAGE.write_text(page(), encoding="utf-8")


def page() -> str:
    """The whole page."""
    contents, body = [], []
    for title, names in FACE.items():
        entries = dict(things(names))
        links = (f"[{name.rpartition('.')[2]}](#{anchor(name)})" for name in entries)
        contents.append(f"- {title}: {', '.join(links)}\n")
        body.append(f"\n## {title}\n")
        body += [entry(*pair) for pair in entries.items()]
    return HEAD + "".join(contents) + "".join(body)


def things(names: dict[str, tuple[str, ...]]) -> Iterator[tuple[str, object]]:
    """Names as one writes them, and what they are."""
    for module, members in names.items():
        shown = "bvsrpp" if module == "bvsrpp_jax" else module
        for member in members:
            parts = member.split(".")
            yield f"{shown}.{member}", reduce(getattr, parts, import_module(module))


def anchor(name: str) -> str:
    """Where GitHub puts a heading."""
    return re.sub(r"[^\w -]", "", name.lower()).replace(" ", "-")


def entry(name: str, thing: object) -> str:
    """A function's or class's part of the page."""
    shown = f"{name.rpartition('.')[2]}{signature(thing)}".replace("'", '"')
    shown = f"class {shown}" if inspect.isclass(thing) else shown
    text = markdown(inspect.getdoc(thing))
    return f"\n### {name}\n\n```python\n{shown}\n```\n\n{text}"


def signature(thing: object) -> str:
    """The parameters as the source has them, so that no version prints them its way."""
    (node,) = ast.parse(textwrap.dedent(inspect.getsource(thing))).body
    if isinstance(node, ast.FunctionDef):
        parameters, returns = of_function(node), f" -> {ast.unparse(node.returns)}"
    else:
        parameters, returns = of_class(node), ""
    line = f"({', '.join(parameters)}){returns}"
    if len(line) <= WIDTH - 20:
        return line
    lines = "".join(f"    {parameter},\n" for parameter in parameters)
    return f"(\n{lines}){returns}"


def of_class(node: ast.ClassDef) -> list[str]:
    """The parameters of `__init__`, else the fields, else what it is a kind of."""
    for item in node.body:
        if isinstance(item, ast.FunctionDef) and item.name == "__init__":
            return of_function(item)
    fields = [item for item in node.body if isinstance(item, ast.AnnAssign)]
    return [ast.unparse(item) for item in fields or node.bases]


def of_function(node: ast.FunctionDef) -> list[str]:
    """Every parameter with its type and default, without the first of a method."""
    arguments = node.args
    plain = [*arguments.posonlyargs, *arguments.args]
    missing = [None] * (len(plain) - len(arguments.defaults))
    shown = [
        with_default(*pair)
        for pair in zip(plain, [*missing, *arguments.defaults], strict=True)
        if pair[0].arg not in ("self", "cls", "restorer")
    ]
    if arguments.kwonlyargs:
        shown.append("*")
    pairs = zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)
    shown += [with_default(*pair) for pair in pairs]
    if arguments.kwarg:
        shown.append(f"**{ast.unparse(arguments.kwarg)}")
    return shown


def with_default(argument: ast.arg, default: ast.expr | None) -> str:
    text = ast.unparse(argument)
    return text if default is None else f"{text} = {ast.unparse(default)}"


def markdown(docstring: str) -> str:
    """A docstring of Google's form as Markdown."""
    parts = re.split(r"^(\w+):\n(?=  )", docstring, flags=re.MULTILINE)
    text = parts[0].strip() + "\n"
    for title, section in zip(parts[1::2], parts[2::2], strict=True):
        section, _, rest = section.partition("\n\n")  # a paragraph may follow
        section = textwrap.dedent(section).rstrip()
        if title == "Example":
            text += f"\n```python\n{section}\n```\n"
        elif title in ("Returns", "Yields"):
            text += f"\n**{title}** {' '.join(section.split())}\n"
        else:
            text += f"\n**{title}**\n\n{listed(section)}"
        text += f"\n{rest.strip()}\n" if rest.strip() else ""
    return text


def listed(section: str) -> str:
    """`name: text` with continuation lines -> a list."""
    items = re.split(r"\n(?! )", section)
    pairs = (" ".join(item.split()).partition(": ") for item in items)
    return "".join(f"- `{name}`: {text}\n" for name, _, text in pairs)


if __name__ == "__main__":
    main()
