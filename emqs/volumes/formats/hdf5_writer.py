"""HDF5 datasets that are written, in a file of their own."""

import atexit
import io
from pathlib import Path
from typing import Any

import numpy as np

from emqs.geometry import Box
from emqs.volumes.formats.hdf5 import h5py_library
from emqs.volumes.writer import Layout, VolumeWriter

_CHUNK = (32, 256, 256)


class _Steady(io.FileIO):
    """A file that takes all that is written: at an error the HDF5 library would end the process."""

    fault: OSError | None = None

    def write(self, content: Any, /) -> int:  # noqa: ANN401 (a buffer)
        """Write all of it; keep the first error, and write nothing from then on."""
        rest = memoryview(content).cast("B")
        try:
            while self.fault is None and rest:
                rest = rest[super().write(rest) :]
        except OSError as fault:
            self.fault = fault
        return memoryview(content).nbytes

    def truncate(self, size: int | None = None, /) -> int:
        """Set the length, unless there was an error."""
        try:
            return super().truncate(size) if self.fault is None else size or 0
        except OSError as fault:
            self.fault = fault
            return size or 0

    def check(self) -> None:
        """Raise the error that was kept.

        Raises:
            OSError: If there is one.
        """
        if self.fault is not None:
            raise self.fault


class Hdf5Writer(VolumeWriter):
    """One dataset ``main`` of an HDF5 file, as the Compresso paper's, gzip with shuffling off.

    Voxel size and origin are the attributes ``resolution`` and ``offset`` of CREMI's files, with
    ``unit`` and ``axes`` beside them.
    """

    format = "hdf5"
    unit = _CHUNK
    resumable = False  # a file that was cut off may not open again

    def __init__(self, path: Path, layout: Layout) -> None:
        """Make the file."""
        super().__init__(path, layout)
        self._stream = _Steady(path, "w+")
        self._file = h5py_library().File(self._stream, "w")
        atexit.register(self._file.close)  # later, the library would call what is gone
        chunks = tuple(min(a, b) for a, b in zip(_CHUNK, layout.shape, strict=True))
        name = layout.options.get("dataset") or "main"
        self._array = self._file.create_dataset(
            name, layout.shape, layout.dtype, chunks=chunks, compression="gzip", fletcher32=True
        )
        self._array.attrs["axes"] = "zyx"
        if layout.voxel_size_nm is not None or any(layout.origin_nm):
            self._array.attrs["unit"] = "nm"
        if layout.voxel_size_nm is not None:
            self._array.attrs["resolution"] = layout.voxel_size_nm
        if any(layout.origin_nm):
            self._array.attrs["offset"] = layout.origin_nm

    def write(self, box: Box, voxels: np.ndarray) -> None:
        """Write a box."""
        self._array[box.slices] = voxels
        self._stream.check()

    def finish(self) -> None:
        """Close the file."""
        self._file.close()
        atexit.unregister(self._file.close)
        self._stream.check()
        self._stream.close()
