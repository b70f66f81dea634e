"""Reads damaged weight files of every dialect by the thousand; counts what happens.

    python benchmarks/fuzz_weights.py --seconds 120
    python benchmarks/fuzz_weights.py --case 1234          # one case again

A case damages a small file that PyTorch, MMEngine or this package has written:
anywhere, or, since checksums would notice, in the pickle of an archive that is then
packed anew, or in the header of a safetensors file. A worker, without PyTorch, watched
for code being run and with 300 MB beyond its libraries, reads case after case; when it
crashes or hangs, the case is noted and a new worker goes on behind it. What is neither
a network nor an `InputError` of one line is listed, and makes the exit code 1.
"""

import argparse
import functools
import io
import lzma
import random
import sys
import tempfile
import warnings
import zipfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests"))

from fuzzing import supervise  # noqa: E402
from handmade import archive  # noqa: E402
from read_hostile import attempt, limit_memory, watch  # noqa: E402

from bvsrpp_jax.errors import InputError  # noqa: E402
from bvsrpp_jax.weights import load_flow  # noqa: E402
from bvsrpp_jax.weights.saving import DIALECTS, save  # noqa: E402
from bvsrpp_jax.weights.store import read_weights  # noqa: E402

HANG = 20  # seconds
FIXTURES = (
    *("basicsr_zip.pth", "half_zip.pth", "half_legacy.pth", "module_legacy.pth"),
    *("mmagic_training_zip.pth", "mmagic_training_legacy.pth", "parameters_zip.pth"),
)
WRITTEN = tuple(
    f"{dialect}{suffix}" for dialect in DIALECTS for suffix in (".pth", ".safetensors")
)
SEEDS = (*FIXTURES, *WRITTEN, "None.safetensors")
# What an attacker would write: counts and opcodes at the ends of their ranges.
EXTREMES = (b"\xff" * 4, b"\0" * 4, b"\x7f" + b"\xff" * 3, b"\x80" + b"\0" * 3)
OPCODES = b"()]}.02Rbcehjlopqrstu\x81\x82\x85\x86\x87\x88\x89\x8a\x93NQX"


def main() -> int:
    args = _arguments()
    if args.case is not None:
        warnings.simplefilter("ignore")
        print(attempted(args.case, []))
        return 0
    if args.worker is not None:
        return work(args.worker)
    found = supervise([sys.executable, __file__], args.seconds, hang=HANG)
    return int(not found <= {"read", "refused"})


def work(first: int) -> None:
    """Prints one line a case."""
    warnings.simplefilter("ignore")
    with tempfile.TemporaryDirectory() as folder:
        for name in SEEDS:  # imports what is imported late
            path = Path(folder, name)
            path.write_bytes(whole(name))
            read_weights(path), load_flow(path)
    "".encode("raw-unicode-escape")  # Python's own, of an opcode that is refused
    events = watch()
    limit_memory()
    while True:
        print(attempted(first, events), flush=True)
        first += 1


def attempted(case: int, events: list) -> str:
    """The outcome of one case."""
    name, data = damaged(case)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.write_bytes(data)
        events.clear()
        raised, message = attempt(path)
        if case % 4 == 0:
            _flow(path)
        ran = [event for event in events if "mkdir" not in event]
    if ran:
        return f"other: {name} ran {ran}"
    if raised == "nothing":
        return "read"
    if raised != "InputError" or not message.isprintable():
        return f"other: {name} {raised}: {message!r:.300}"
    return "refused"


def _flow(path: Path) -> None:
    """The other way to read a file: the flow network in it, or alone."""
    try:
        load_flow(path)
    except InputError:
        return


@functools.cache
def whole(name: str) -> bytes:
    """A good file of a small network."""
    if name in FIXTURES:
        return lzma.decompress((ROOT / f"tests/fixtures/{name}.xz").read_bytes())
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder, "source.pth"), Path(folder, name)
        source.write_bytes(whole("basicsr_zip.pth"))
        weights = read_weights(source)
        dialect = None if target.stem == "None" else target.stem
        save(target, weights.model, weights.params, dialect=dialect)
        return target.read_bytes()


def damaged(case: int) -> tuple[str, bytes]:
    """The name and the bytes of a case."""
    chance = random.Random(case)
    name = chance.choice(SEEDS)
    data = whole(name)
    if name.endswith(".safetensors") and chance.random() < 0.8:
        return name, _with_header(data, chance)
    if data.startswith(b"PK") and chance.random() < 0.8:
        return name, _with_pickle(data, chance)
    # Legacy files begin with their pickle, archives end with their directory.
    reach = chance.choice((20_000, len(data)))
    if data.startswith(b"PK"):
        return name, data[:-reach] + _hurt(data[-reach:], chance)
    return name, _hurt(data[:reach], chance) + data[reach:]


def _with_pickle(data: bytes, chance: random.Random) -> bytes:
    """An archive whose pickle is damaged and whose checksums are right."""
    with zipfile.ZipFile(io.BytesIO(data)) as file:
        entries = {name: file.read(name) for name in file.namelist()}
    for name in entries:
        if name.endswith("data.pkl"):
            entries[name] = _hurt(entries[name], chance)
    return archive(entries, root="")


def _with_header(data: bytes, chance: random.Random) -> bytes:
    """A file whose header is damaged and whose length of it is right."""
    end = 8 + int.from_bytes(data[:8], "little")
    header = _hurt(data[8:end], chance)
    return len(header).to_bytes(8, "little") + header + data[end:]


def _hurt(data: bytes, chance: random.Random) -> bytes:
    """`data` with bytes flipped, or parts removed, repeated or exchanged."""
    data = bytearray(data)
    for _ in range(chance.choice((1, 1, 1, 2, 4, 16))):
        place = chance.randrange(max(len(data), 1))
        length = chance.choice((1, 4, 30, 300))
        kind = chance.randrange(7)
        if kind == 0 and data:
            data[place] ^= 1 << chance.randrange(8)
        elif kind == 1:
            data[place : place + 4] = chance.choice(EXTREMES)
        elif kind == 2:
            data[place : place + length] = chance.randbytes(length)
        elif kind == 3:
            data[place : place + 1] = bytes([chance.choice(OPCODES)])
        elif kind == 4:
            del data[place : place + length]
        elif kind == 5:
            data[place:place] = data[place : place + length]
        else:
            other = chance.randrange(max(len(data), 1))
            data[place : place + length] = data[other : other + length]
    return bytes(data)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=120)
    parser.add_argument("--case", type=int)
    parser.add_argument("--worker", type=int, help=argparse.SUPPRESS)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
