"""Arrays that wait on disk when the host's memory is short.

A spool is one file without a name: whatever ends the process, the system takes its
space back. Arrays are appended, and read again each time they are used, so that the
process holds none of them.
"""

import os
import tempfile
import threading
import weakref
from pathlib import Path
from typing import Self

import numpy as np

from bvsrpp_jax.errors import InputError


class Spool:
    """Holds arrays in a file until it is closed, or nobody has any of them.

    Args:
      folder: where the file is, None for the system's folder of temporary files.

    Raises:
      InputError: no file can be made there.
    """

    def __init__(self, folder: Path | None = None):
        self._folder = self.usual_folder() if folder is None else folder
        self._lock = threading.Lock()
        self._end = 0
        try:
            self._file = tempfile.TemporaryFile(  # noqa: SIM115
                dir=self._folder, buffering=0
            )
        except OSError as error:
            raise self._failure(error) from error
        weakref.finalize(self, self._file.close)

    @staticmethod
    def usual_folder() -> Path:
        """The system's folder of temporary files."""
        return Path(tempfile.gettempdir())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_) -> None:
        self.close()

    def close(self) -> None:
        """Gives the space back; arrays that were held are gone."""
        self._file.close()

    def fileno(self) -> int:
        """The file's descriptor."""
        return self._file.fileno()

    def hold(self, array: np.ndarray) -> "Spooled":
        """Writes an array; what it returns reads it when NumPy asks for it.

        Raises:
          InputError: the disk is full.
        """
        array = np.ascontiguousarray(array)
        with self._lock:
            offset, self._end = self._end, self._end + array.nbytes
        data = memoryview(array.reshape(-1).view(np.uint8))
        done = 0
        try:
            while done < len(data):
                done += os.pwrite(self.fileno(), data[done:], offset + done)
        except OSError as error:
            raise self._failure(error) from error
        return Spooled(self, offset, array.shape, array.dtype)

    def read(self, offset: int, shape: tuple[int, ...], dtype: np.dtype) -> np.ndarray:
        """The array that was written at an offset."""
        array = np.empty(shape, dtype)
        data = memoryview(array.reshape(-1).view(np.uint8))
        done = 0
        while done < len(data):
            count = os.preadv(self.fileno(), [data[done:]], offset + done)
            if not count:
                raise RuntimeError(f"{self._folder}: the file of waiting arrays ends")
            done += count
        return array

    def _failure(self, error: OSError) -> InputError:
        return InputError(
            f"{self._folder}: features cannot wait there ({error.strerror}). Name"
            " another folder with --scratch, or leave out --exact."
        )


class Spooled:
    """An array in a `Spool`; `numpy.asarray` reads it.

    Attributes:
      shape, dtype: of the array.
    """

    def __init__(self, spool: Spool, offset: int, shape, dtype: np.dtype):
        self._spool, self._offset = spool, offset
        self.shape, self.dtype = shape, dtype

    def __array__(self, dtype=None, copy=None) -> np.ndarray:
        array = self._spool.read(self._offset, self.shape, self.dtype)
        return array if dtype is None else array.astype(dtype)
