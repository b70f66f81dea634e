"""Plans and writes the record files of a built data set.

A record is a frame; the frames of a clip or tile follow one another, so that a window
is a run of records. A shard is written by one process from start to end and knows all
it needs: the same job runs here, in a pool of processes, or in a Beam worker.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import tensorflow_datasets as tfds

from bvsrpp_jax.data.pictures import encode_png
from bvsrpp_jax.data.sources import StoredClips
from bvsrpp_jax.data.tiles import Tile, cut, tiles_of, whole
from bvsrpp_jax.errors import InputError

PIXELS_PER_SHARD = 2**28  # some 200 MB of PNG
PIXELS_AT_ONCE = 2**25  # decoded at a time: 36 frames of 1280x720, 100 MB

# [(name of the clip or tile, [(first record, number of records), ...]), ...]
ClipTable = list[tuple[str, list[tuple[int, int]]]]


class Piece(NamedTuple):
    """Frames start to stop - 1 of one clip, with all of its tiles."""

    source: StoredClips
    start: int
    stop: int
    tiles: tuple[Tile, ...]
    scale: int | None
    num_frames_at_once: int

    @property
    def name(self) -> str:
        """Name of the clip."""
        return self.source.clips[0].name

    @property
    def num_records(self) -> int:
        """How many records it becomes."""
        return (self.stop - self.start) * len(self.tiles)


class Shard(NamedTuple):
    """What goes into one file."""

    pieces: tuple[Piece, ...]

    @property
    def num_records(self) -> int:
        """How many records the file has."""
        return sum(piece.num_records for piece in self.pieces)


def plan_shards(source: StoredClips, *, tiled: bool) -> tuple[list[Shard], ClipTable]:
    """Deals the frames of all clips out to shards of similar size, in order.

    Args:
      source: the clips.
      tiled: cut frames into tiles.

    Returns:
      The shards, and where the frames of each clip or tile are.

    Raises:
      InputError: a first frame cannot be read, or the clips differ in scale.
    """
    pieces = []
    for clip in range(len(source.clips)):
        pieces += _pieces(source, clip, tiled)
        _check_scale(pieces[0], pieces[-1])
    return _pack(pieces), _table(pieces)


def examples(shard: Shard) -> Iterator[dict]:
    """Yields the records of a shard: the frames of a tile, then those of the next."""
    for piece in shard.pieces:
        for tile, frames in zip(piece.tiles, _encode(piece), strict=True):
            for number, pictures in enumerate(frames, piece.start):
                name = _full_name(piece, tile)
                yield {"clip": name, "frame": number, **pictures}


def features(*, has_lq: bool) -> tfds.features.FeaturesDict:
    """What a record holds. Pictures are fed as PNG: arrays would need TensorFlow."""
    pictures = ("gt", "lq") if has_lq else ("gt",)
    image = {"shape": (None, None, 3), "encoding_format": "png"}
    return tfds.features.FeaturesDict(
        {
            "clip": tfds.features.Text(),
            "frame": np.int32,
            **{key: tfds.features.Image(**image) for key in pictures},
        }
    )


def write_shard(path: str, shard: Shard) -> None:
    """Writes a record file; the same clips always give the same bytes.

    Raises:
      InputError: a frame cannot be read, or the file not be written.
    """
    form = features(has_lq=shard.pieces[0].scale is not None)
    serializer = tfds.core.ExampleSerializer(form.get_serialized_info())
    records = (
        serializer.get_tf_example(form.encode_example(example))
        for example in examples(shard)
    )
    keyed = (
        (number, record.SerializeToString(deterministic=True))
        for number, record in enumerate(records)
    )
    try:
        tfds.core.ExampleWriter(tfds.core.FileFormat.ARRAY_RECORD).write(path, keyed)
    except RuntimeError as error:  # whatever happens to its file, say a full disk
        raise InputError(f"{path}: cannot be written ({error}). Free space.") from error


def _pieces(source: StoredClips, clip: int, tiled: bool) -> list[Piece]:
    """Cuts a clip that is longer than a shard."""
    (height, width), scale = source.size(clip)
    tiles = tiles_of(height, width) if tiled else whole(height, width)
    length = max(1, PIXELS_PER_SHARD // _area(tiles))
    at_once = max(1, PIXELS_AT_ONCE // (height * width))
    alone, num_frames = source.only(clip), source.clips[clip].num_frames
    return [
        Piece(alone, start, min(start + length, num_frames), tiles, scale, at_once)
        for start in range(0, num_frames, length)
    ]


def _check_scale(first: Piece, piece: Piece) -> None:
    if piece.scale != first.scale:
        raise InputError(
            f"{piece.name}: its ground truth is {piece.scale} times larger than its"
            f" input, that of {first.name} {first.scale} times. A data set has one"
            " scale."
        )


def _pack(pieces: list[Piece]) -> list[Shard]:
    shards, filled = [[]], 0
    for piece in pieces:
        pixels = (piece.stop - piece.start) * _area(piece.tiles)
        if shards[-1] and filled + pixels > PIXELS_PER_SHARD:
            shards.append([])
            filled = 0
        shards[-1].append(piece)
        filled += pixels
    return [Shard(tuple(pieces)) for pieces in shards]


def _table(pieces: list[Piece]) -> ClipTable:
    runs: dict[str, list[tuple[int, int]]] = {}
    first = 0
    for piece in pieces:
        for tile in piece.tiles:
            run = (first, piece.stop - piece.start)
            runs.setdefault(_full_name(piece, tile), []).append(run)
            first += run[1]
    return list(runs.items())


def _area(tiles: tuple[Tile, ...]) -> int:
    return sum(tile.height * tile.width for tile in tiles)


def _full_name(piece: Piece, tile: Tile) -> str:
    return f"{piece.name}/{tile.name}" if tile.name else piece.name


def _encode(piece: Piece) -> list[list[dict[str, bytes]]]:
    """For each tile, for each frame: its pictures as PNG."""
    encoded = [[] for _ in piece.tiles]
    for start in range(piece.start, piece.stop, piece.num_frames_at_once):
        stop = min(start + piece.num_frames_at_once, piece.stop)
        window = piece.source.read(0, start, stop)
        scales = {"gt": 1, "lq": piece.scale}
        for i in range(stop - start):
            for tile, frames in zip(piece.tiles, encoded, strict=True):
                frames.append(
                    {
                        key: encode_png(cut(window[key][i], tile, scale=scales[key]))
                        for key in window
                    }
                )
    return encoded
