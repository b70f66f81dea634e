"""Reads damaged videos and pictures by the thousand, and counts what becomes of them.

    python benchmarks/fuzz_media.py --seconds 120
    python benchmarks/fuzz_media.py --seconds 120 --what pictures
    python benchmarks/fuzz_media.py --seconds 120 --how child
    python benchmarks/fuzz_media.py --seconds 120 --how copy
    python benchmarks/fuzz_media.py --case 1234          # one case again

Each case flips bytes of a small clip or picture, or removes, repeats or zeroes a part
of it. A worker reads case after case in-process, which is far faster than a child for
each; when it crashes or hangs, the case is noted and a new worker goes on behind it.
`child` reads as the command does, `copy` writes the frames again with the sound beside
them, which is copied in a child. What is neither frames nor an `InputError` of one line
is listed.
"""

import argparse
import functools
import io
import random
import sys
import tempfile
import warnings
from fractions import Fraction
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

import numpy as np  # noqa: E402
from fuzzing import supervise  # noqa: E402
from malformed_media import seed  # noqa: E402
from media_files import pictures  # noqa: E402
from PIL import Image  # noqa: E402

from bvsrpp_jax.errors import InputError  # noqa: E402
from bvsrpp_jax.media import create_clip  # noqa: E402
from bvsrpp_jax.media.animations import is_animation  # noqa: E402
from bvsrpp_jax.media.child_reader import ChildReader  # noqa: E402
from bvsrpp_jax.media.frames import PictureReader  # noqa: E402
from bvsrpp_jax.media.pictures import PICTURES, encode_png  # noqa: E402
from bvsrpp_jax.media.reader import VideoReader  # noqa: E402

HOW = ("inside", "child", "copy")
VIDEOS = (
    *("clip.mp4", "fast.mp4", "fragments.mp4", "clip.mkv", "clip.avi", "raw.avi"),
    *("clip.mpg", "clip.ts", "clip.h264"),
)
ORIENTED = b"Exif\0\0MM\0*\0\0\0\x08\0\1\1\x12\0\3\0\0\0\1\0\6\0\0\0\0\0\0"
SEVERAL = {"save_all": True, "duration": 40, "loop": 0}
SAVED = {  # name -> (mode, how Pillow saves it)
    "rgb.png": ("RGB", {"icc_profile": bytes(300)}),
    "palette.png": ("P", {"transparency": 3}),
    "grey.png": ("LA", {}),
    "oriented.jpg": ("RGB", {"exif": ORIENTED}),
    "progressive.jpg": ("RGB", {"progressive": True, "subsampling": 2}),
    "four.jpg": ("CMYK", {}),
    "rgb.bmp": ("RGB", {}),
    "palette.bmp": ("P", {}),
    "lzw.tif": ("RGB", {"compression": "tiff_lzw"}),
    "deflate.tif": ("RGBA", {"compression": "tiff_adobe_deflate"}),
    "jpeg.tif": ("RGB", {"compression": "jpeg"}),
    "lossy.webp": ("RGB", {"exif": ORIENTED}),
    "lossless.webp": ("RGBA", {"lossless": True}),
    "several.gif": ("P", SEVERAL),
    "several.png": ("RGBA", SEVERAL),
    "several.webp": ("RGB", SEVERAL),
}
SEEDS = {"videos": VIDEOS, "pictures": (*SAVED, "deep.png")}
HANG = 30  # seconds


def main() -> None:
    """Runs workers until the time is over; prints counts and what stands out."""
    arguments = _arguments()
    kind = arguments.what, arguments.how
    if arguments.worker is not None:
        work(arguments.worker, *kind)
    elif arguments.case is not None:
        print(attempt(arguments.case, *kind))
    else:
        program = [sys.executable, __file__, "--what", kind[0], "--how", kind[1]]
        supervise(program, arguments.seconds, hang=HANG)


def work(first: int, what: str, how: str) -> None:
    """Prints one line a case."""
    warnings.simplefilter("ignore")
    for name in SEEDS[what]:
        whole(name)
    while True:
        print(attempt(first, what, how), flush=True)
        first += 1


def attempt(case: int, what: str, how: str) -> str:
    """The outcome of one case."""
    with tempfile.TemporaryDirectory() as folder:
        name, data = damaged(case, SEEDS[what])
        path = Path(folder) / name
        path.write_bytes(data)
        try:
            count = read(path, how)
        except InputError as error:
            text = str(error)
            if "\n" in text:
                return f"other: more than a line: {text!r:.300}"
            return "crashed: " + text if "crashed" in text else "refused"
        except Exception as error:  # noqa: BLE001 - which one it is, is the result
            return f"other: {type(error).__name__}: {error!r:.300}"
    return "read" if count else "other: no frames"


def read(path: Path, how: str) -> int:
    """The number of frames."""
    with opened(path, how) as source:
        if how != "copy":
            return sum(1 for _ in source)
        target = path.with_name("copy.mkv")
        with create_clip(target, source, source.info, codec="ffv1") as sink:
            for count, frame in enumerate(source, 1):  # noqa: B007
                sink.write(frame)
            sink.commit()
        return count


def opened(path: Path, how: str) -> VideoReader | PictureReader | ChildReader:
    """As `open_clip` opens it, in a child or not."""
    is_picture = path.suffix in PICTURES and not is_animation(path)
    rate = {"rate": Fraction(25)} if is_picture else {}
    if how == "child":
        return ChildReader(path, **rate)
    Image.MAX_IMAGE_PIXELS = None  # as in the child
    return (PictureReader if is_picture else VideoReader)(path, **rate)


@functools.cache
def whole(name: str) -> bytes:
    """A small video of each container, a small picture of each kind."""
    if name in VIDEOS:
        return seed(name)
    if name == "deep.png":
        return encode_png(pictures(1)[0].astype(np.uint16) * 257)
    mode, options = SAVED[name]
    first, *rest = (Image.fromarray(picture).convert(mode) for picture in pictures(3))
    if "save_all" in options:
        options = {**options, "append_images": rest}
    saved, suffix = io.BytesIO(), name.rpartition(".")[2]
    first.save(saved, {"jpg": "JPEG", "tif": "TIFF"}.get(suffix, suffix), **options)
    return saved.getvalue()


def damaged(case: int, names: tuple[str, ...]) -> tuple[str, bytes]:
    """The name and the bytes of a case; half of the damage is near the beginning."""
    chance = random.Random(case)
    name = chance.choice(names)
    data = bytearray(whole(name))
    for _ in range(chance.choice((1, 1, 2, 4, 16, 64))):
        reach = chance.choice((400, len(data), len(data)))
        place = chance.randrange(min(reach, len(data)))
        length = chance.choice((1, 4, 30, 300))
        kind = chance.randrange(6)
        if kind == 0:
            data[place] ^= 1 << chance.randrange(8)
        elif kind == 1:
            data[place : place + 4] = chance.choice(
                (b"\xff" * 4, b"\0" * 4, b"\x7f" + b"\xff" * 3, b"\x80" + b"\0" * 3)
            )
        elif kind == 2:
            data[place : place + length] = chance.randbytes(length)
        elif kind == 3:
            data[place] = chance.randrange(256)
        elif kind == 4 and chance.random() < 0.2:
            del data[place : place + length]
        elif kind == 5 and chance.random() < 0.2:
            data[place:place] = data[place : place + length]
    return name, bytes(data)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=120)
    parser.add_argument("--what", choices=SEEDS, default="videos")
    parser.add_argument("--how", choices=HOW, default="inside")
    parser.add_argument("--case", type=int)
    parser.add_argument("--worker", type=int, help=argparse.SUPPRESS)
    return parser.parse_args()


if __name__ == "__main__":
    main()
