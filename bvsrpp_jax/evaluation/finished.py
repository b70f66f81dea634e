"""Clips that are done, in a folder, so that an interrupted evaluation goes on.

Each clip is one file, complete or absent, with the digest of the settings, of the
weights and of every frame that was read: a finished clip counts only if all of them are
still the same. Pictures of the worst clips lie beside them.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import NamedTuple

import numpy as np

from bvsrpp_jax.evaluation.pictures import ClipPictures
from bvsrpp_jax.evaluation.record import ClipScores, plain, scores_from_json
from bvsrpp_jax.media.failures import told_as
from bvsrpp_jax.partial import PartialFile, write_whole


class Finished(NamedTuple):
    """A clip that is done.

    Attributes:
      scores: of the output, then of the baseline if there is input.
      mode: what the engine did.
      digest: of the frames that were read.
    """

    scores: Sequence[ClipScores]
    mode: str
    digest: str


class FinishedClips:
    """The folder.

    Args:
      folder: made if it is missing.
      key: digest of all that decides the values besides the frames.
    """

    def __init__(self, folder: Path, key: str):
        self._folder, self._key = folder, key
        with told_as(folder, "cannot be made", "Choose another --workdir."):
            folder.mkdir(parents=True, exist_ok=True)

    def find(self, number: int, name: str) -> Finished | None:
        """What is known of the clip of that number and name, made with the key."""
        path = self._path(number, ".json")
        if not path.exists():
            return None
        try:
            content = json.loads(path.read_bytes())
            if content["key"] != self._key:
                return None
            scores = tuple(map(scores_from_json, content["scores"]))
            if scores[0].name != name:
                return None
            return Finished(scores, content["mode"], content["digest"])
        except (ValueError, KeyError, TypeError):  # by a disk: no better than none
            return None

    def add(self, number: int, finished: Finished, pictures: ClipPictures) -> None:
        """Keeps a clip: its pictures first, since its scores say that it is done."""
        arrays = {f"frame {name}": view for name, view in pictures.frames.items()}
        arrays |= {f"profile {name}": view for name, view in pictures.profiles.items()}
        arrays |= {"worst": pictures.worst, "key": self._key + finished.digest}
        content = plain({"key": self._key, **finished._asdict()})
        content["scores"] = [plain(asdict(scores)) for scores in finished.scores]
        with told_as(self._folder, "cannot be written", "Make room there."):
            with PartialFile(self._path(number, ".npz")) as partial:
                np.savez(partial.handle, **arrays)
                partial.publish()
            write_whole(self._path(number, ".json"), json.dumps(content).encode())

    def pictures(self, number: int, finished: Finished) -> ClipPictures | None:
        """The pictures of a clip, if they are kept and its own."""
        path = self._path(number, ".npz")
        if not path.exists():
            return None
        with np.load(path) as arrays:
            if str(arrays["key"]) != self._key + finished.digest:
                return None
            views = {"frame": {}, "profile": {}}
            for key in arrays.files:
                kind, _, name = key.partition(" ")
                if name:
                    views[kind][name] = arrays[key]
            return ClipPictures(int(arrays["worst"]), views["frame"], views["profile"])

    def forget_pictures(self, number: int) -> None:
        """Gives back the space of pictures that nobody will look at."""
        self._path(number, ".npz").unlink(missing_ok=True)

    def _path(self, number: int, suffix: str) -> Path:
        return self._folder / f"{number:05d}{suffix}"
