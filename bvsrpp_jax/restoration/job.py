"""A restoration that survives: what is done lies in a folder beside the output.

    .out.mp4.job/
      job.json             what is restored, with what and how (`manifest.py`)
      end.json             how many frames there are, once the end has been seen
      00000000.segment     the kept frames of a window, by the number of the first
      00000084.segment     (media/segments.py; pictures lie beside as PNG)
      lock                 held while a process is at work

There is no list of what is done to be kept in step with the files: a segment has its
name when it is complete, and carries its own digest and that of `job.json`. So a run
may end at any moment, and several processes may work in one folder.
"""

import json
import os
import shutil
import warnings
from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any, Self

from bvsrpp_jax.errors import InputError
from bvsrpp_jax.locking import JUST_ENDED, Busy, hold
from bvsrpp_jax.media import Frame, Segments
from bvsrpp_jax.media.segments import (
    SUFFIX,
    Damaged,
    read_seal,
    segment_name,
)
from bvsrpp_jax.partial import write_whole
from bvsrpp_jax.restoration.manifest import (
    FORMAT,
    Unusable,
    differences,
    sealed,
    unsealed,
)


class JobFolder:
    """The folder of an output that is being made.

    A context manager: it keeps other processes out, and goes away when it is left
    without any segment done; otherwise an exception that leaves gets a note of what is
    done.

    Args:
      target: the output.
      is_owner: the folder is this process' to make and remove; another one, of the same
        restoration, only writes segments.

    Attributes:
      path: the folder.
      manifest: what is done here, after `begin` or `follow`.
      done: first frame -> number of frames, of every segment that is complete.
      num_frames: how many frames the clip has, None until its end has been seen.

    Raises:
      InputError: another process is at work here, or nothing can be written.
    """

    def __init__(self, target: Path, *, is_owner: bool = True):
        self._target, self._is_owner = target, is_owner
        self.path = target.parent / f".{target.name}.job"
        self.manifest: dict[str, Any] = {}
        self.done: dict[int, int] = {}
        self.num_frames: int | None = None
        self._lock, self._is_held = ExitStack(), False

    def __enter__(self) -> Self:
        if not self._is_owner:
            return self
        try:
            self.path.mkdir(exist_ok=True)
            self._hold()
        except Busy as error:
            raise InputError(
                f"{self._target}: is being restored by {error}. Wait for it, or give"
                " the output another name."
            ) from error
        except OSError as error:
            raise InputError(
                f"{self._target}: cannot be written here ({error.strerror}). Choose"
                " another folder."
            ) from error
        return self

    def __exit__(self, _, error: BaseException | None, __) -> None:
        if error is not None and self.done:
            error.add_note(f"{self.num_done} frames are done; the same command resumes")
        if self._is_held and not any(self.path.glob(f"*{SUFFIX}")):
            self.remove()
        self._lock.close()

    def begin(
        self,
        description: Mapping[str, Any],
        choose: Callable[[], Mapping[str, Any]],
        *,
        restart: bool,
    ) -> None:
        """Starts, or goes on where an earlier run ended.

        Args:
          description: `manifest.describe`.
          choose: what else the manifest holds; called when nothing is begun.
          restart: forget an earlier run.

        Raises:
          InputError: an earlier run was another restoration, or its manifest is
            damaged.
        """
        if restart or not any(self.path.glob(f"*{SUFFIX}")):
            self._clear()  # nothing is lost, and memory may be another today
        earlier = self._read_manifest()
        if earlier is None:
            self._clear()
            self.manifest = sealed({**description, **choose()})
            self._write("job.json", self.manifest)
        else:
            self._check_same(earlier, description)
            self.manifest = earlier
        self._clear(".*")  # what an earlier run was writing when it was killed
        self.take_stock()
        self.num_frames = self._read_end()

    def state(self) -> dict[str, Any]:
        """What the owner knows, for `follow`."""
        return {"done": list(self.done.items()), "num_frames": self.num_frames}

    def follow(self, description: Mapping[str, Any], state: Mapping[str, Any]) -> None:
        """Takes part in what the owner has begun.

        Raises:
          InputError: this process was started with something else.
        """
        self.manifest = self._read_manifest() or {}
        self._check_same(self.manifest, description)
        self.done, self.num_frames = dict(state["done"]), state["num_frames"]

    @property
    def num_done(self) -> int:
        """How many frames are done."""
        return sum(self.done.values())

    @property
    def is_complete(self) -> bool:
        """Whether every frame is done."""
        return self.num_done == self.num_frames

    def is_all_there(self) -> bool:
        """Whether every frame is done, looking for what others have written."""
        self.take_stock()
        return self.is_complete

    def segment(self, first: int) -> Path:
        """The file of the segment that begins with a frame."""
        return self.path / segment_name(first)

    def segments(self) -> list[Path]:
        """All files, in the order of the clip."""
        return [self.segment(first) for first in sorted(self.done)]

    def note_end(self, num_frames: int) -> None:
        """Remembers how long the clip is, so that nobody needs to read on for it."""
        if self.num_frames is None and self._is_owner:
            end = {"job": self.manifest["digest"], "num_frames": num_frames}
            self._write("end.json", sealed(end))
        self.num_frames = num_frames

    def write(self, segments: Segments, first: int, frames: Iterable[Frame]) -> None:
        """Makes a segment of frames."""
        path = self.segment(first)
        segments.write(path, frames, job=self.manifest["digest"], first=first)
        self.done[first] = read_seal(path).num_frames

    def take_stock(self) -> None:
        """Finds the segments that are new and whole; removes others with a note."""
        known = set(self.segments())
        for path in sorted(self.path.glob(f"*{SUFFIX}")):
            if path in known:
                continue
            try:
                seal = read_seal(path)
                if seal.job != self.manifest["digest"]:
                    raise Damaged("it is of another restoration")
                self.done[seal.first] = seal.num_frames
            except Damaged as error:
                warnings.warn(f"{path}: {error}; it is made again", stacklevel=2)
                _remove(path)

    def remove(self) -> None:
        """Removes the folder: the manifest first, without which the rest is nothing.

        Another process may make the folder its own as soon as the lock is let go. So
        what is in it goes before that, the lock at last, and then an empty folder.
        """
        (self.path / "job.json").unlink(missing_ok=True)
        self._clear()
        (self.path / "lock").unlink(missing_ok=True)
        self._lock.close()  # network file systems keep open files, and their folders
        self._is_held = False
        with suppress(OSError):
            self.path.rmdir()

    def _hold(self) -> None:
        try:
            self._lock.enter_context(hold(self.path / "lock"))
        except FileNotFoundError as error:  # the folder has just been removed
            raise Busy(JUST_ENDED) from error
        self._is_held = True

    def _clear(self, pattern: str = "*") -> None:
        """Removes everything but the lock, or what has certain names."""
        for path in self.path.glob(pattern):
            if path.name != "lock":
                _remove(path)

    def _read_manifest(self) -> dict[str, Any] | None:
        try:
            manifest = unsealed((self.path / "job.json").read_bytes())
            if manifest["format"] != FORMAT:
                raise Unusable(f"it is of format {manifest['format']}, not {FORMAT}")
            return manifest
        except FileNotFoundError:
            return None
        except (OSError, Unusable) as error:
            raise InputError(
                f"{self.path / 'job.json'}: cannot be used: {error}. Pass --restart,"
                " which begins anew."
            ) from error

    def _read_end(self) -> int | None:
        """The number of frames; a file that is not whole only costs finding it anew."""
        try:
            end = unsealed((self.path / "end.json").read_bytes())
        except (OSError, Unusable):
            return None
        return end["num_frames"] if end["job"] == self.manifest["digest"] else None

    def _check_same(self, earlier, description) -> None:
        changed = differences(earlier, description)
        if changed:
            raise InputError(
                f"{self.path}: is of another restoration: {'; '.join(changed)}. Give"
                " the earlier input and settings to resume it, or pass --restart, which"
                " begins anew."
            )

    def _write(self, name: str, content: Mapping[str, Any]) -> None:
        text = json.dumps(content, indent=2)
        try:
            write_whole(self.path / name, f"{text}\n".encode())
        except OSError as error:
            raise InputError(
                f"{self._target}: cannot be written ({error.strerror}). Make room."
            ) from error


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        os.remove(path)
