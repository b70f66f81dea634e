"""Clips out of record files that `builders` wrote."""

import importlib.util
from bisect import bisect_right
from itertools import accumulate, chain
from pathlib import Path

import numpy as np
import tensorflow_datasets as tfds

from bvsrpp_jax.data.pictures import decode_picture
from bvsrpp_jax.data.sources import Clip, check_window
from bvsrpp_jax.errors import InputError

_AGAIN = "Build it again."


class TfdsClips:
    """The clips of one split of a built data set.

    Args:
      folder: `<data set>/<config>/<version>`.
      split: "train", "validation" or "test"; without a validation part of its own, a
        data set is validated on its test part.

    Attributes:
      clips: their names and lengths.

    Raises:
      InputError: there is no such split, or files of it are missing.
    """

    def __init__(self, folder: Path, split: str):
        self._folder, self._split = Path(folder), split
        self._open()

    def __getstate__(self) -> tuple[Path, str]:
        return self._folder, self._split

    def __setstate__(self, state: tuple[Path, str]) -> None:
        """Opens the files again, which a process has to do for itself."""
        self._folder, self._split = state
        self._open()

    def read(self, clip: int, start: int, stop: int) -> dict[str, np.ndarray]:
        """See `ClipSource.read`."""
        name, _ = self.clips[clip]
        check_window(self.clips[clip], start, stop)
        spans = (range(first, first + length) for first, length in self._runs[clip])
        examples = self._fetch(list(chain.from_iterable(spans))[start:stop])
        window = {key: [] for key in ("gt", "lq") if key in examples[0]}
        for number, example in enumerate(examples, start):
            place = f"{self._folder}: frame {number} of clip {name}"
            if (example["clip"].decode(), int(example["frame"])) != (name, number):
                raise InputError(f"{place}: another one is in its place. {_AGAIN}")
            for key, frames in window.items():
                frames.append(decode_picture(example[key], f"{place} ({key})"))
        return {key: np.stack(frames) for key, frames in window.items()}

    def _fetch(self, records: list[int]) -> list[dict]:
        """Reads records, each of which carries a checksum."""
        try:
            return self._records.__getitems__(records)
        except RuntimeError as error:
            files = sorted({str(self._file_of(record)) for record in records})
            raise InputError(
                f"{' or '.join(files)}: is damaged ({error}). {_AGAIN}"
            ) from error

    def _file_of(self, record: int) -> Path:
        return self._files[bisect_right(self._ends, record)]

    def _open(self) -> None:
        if importlib.util.find_spec("array_record") is None:
            raise InputError(
                f"{self._folder}: needs array_record, which is not installed here."
                " Train from the data set's own folder."
            )
        builder = tfds.builder_from_directory(self._folder)
        split = _split_of(builder.info, self._split, self._folder)
        self._files = [Path(path) for path in split.filepaths]
        self._ends = list(accumulate(split.shard_lengths))
        for file in self._files:
            if not file.is_file():
                raise InputError(f"{file}: is missing. {_AGAIN}")
        table = builder.info.metadata["clips"][split.name]
        self._runs = [runs for _, runs in table]
        self.clips = tuple(
            Clip(name, sum(length for _, length in runs)) for name, runs in table
        )
        pictures = builder.info.features.keys() & {"gt", "lq"}
        undecoded = {key: tfds.decode.SkipDecoding() for key in pictures}
        self._records = builder.as_data_source(split.name, decoders=undecoded)


def _split_of(info: tfds.core.DatasetInfo, split: str, folder: Path):
    if split == "validation" and split not in info.splits:
        split = "test"
    if split not in info.splits:
        raise InputError(
            f"split: {folder} has no {split!r}. Choose one of {', '.join(info.splits)}."
        )
    return info.splits[split]
