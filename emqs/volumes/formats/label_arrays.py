"""NumPy, HDF5, NIfTI and NRRD files: one array, of which any part can be read."""

import atexit
import io
import os
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from emqs.errors import ConfigError, DataError, one_line, require
from emqs.geometry import Box
from emqs.volumes.formats import compressed
from emqs.volumes.label_volume import ArrayReader, Reader, check_labels
from emqs.volumes.writer import Layout, VolumeWriter

_SHOWN = 8  # names listed in an error message
_HDF5_CHUNK = (32, 256, 256)
_NM = {"meter": 1e9, "mm": 1e6, "micron": 1e3, "unknown": None}


def read_npy(path: Path, axes: str) -> Reader:
    """Open a .npy file; it is mapped, not read, unless it is compressed."""
    try:
        if path.suffix.lower() == ".npy":
            array: Any = np.load(path, mmap_mode="r", allow_pickle=False)
        else:
            array = np.load(io.BytesIO(compressed.unpacked(path)), allow_pickle=False)
    except (ValueError, EOFError, OSError) as fault:
        raise _damaged(path, "NumPy file", fault) from None
    if not isinstance(array, np.ndarray):
        raise _damaged(path, "NumPy file", ValueError("it holds several arrays"))
    mapped = isinstance(array, np.memmap)
    return ArrayReader(
        path, "npy", array, axes=axes,
        # mapped anew for each part, so that the memory of the last is given back
        read=(lambda index: np.array(np.load(path, mmap_mode="r")[index])) if mapped else None,
    )  # fmt: skip


def read_npz(path: Path, axes: str, dataset: str | None) -> Reader:
    """Open one array of a .npz file; it is read as a whole."""
    try:
        with np.load(path, allow_pickle=False) as archive:
            name = _chosen(dataset, [n.removesuffix(".npy") for n in archive.files], path)
            array = archive[name]
    except (ValueError, EOFError, OSError) as fault:
        raise _damaged(path, "NumPy archive", fault) from None
    return ArrayReader(path, "npz", array, axes=axes)


def read_hdf5(path: Path, axes: str, dataset: str | None) -> Reader:
    """Open a dataset of an HDF5 file.

    Raises:
        DataError: If the file is damaged.
        ConfigError: If it holds several datasets that may be labels, and none was chosen.
    """
    h5py = _h5py()
    source: Any = path
    if compressed.split_ending(path)[1]:
        source = io.BytesIO(compressed.unpacked(path))
    try:
        file = h5py.File(source, "r")
    except OSError as fault:
        raise _damaged(path, "HDF5 file", fault) from None
    try:
        found: list[str] = []

        def collect(name: str, item: object) -> None:
            if isinstance(item, h5py.Dataset) and len(item.shape) >= 2:
                found.append(name)

        file.visititems(collect)
        name = dataset
        if dataset is None or dataset.strip("/") not in found:
            integers = [n for n in found if file[n].dtype.kind in "uib" and file[n].ndim >= 3]
            name = _chosen(dataset, integers if dataset is None and integers else found, path)
        array = file[name]
        check_labels(array.dtype, path)
        return ArrayReader(
            path, "hdf5", array, axes=axes, chunks=array.chunks,
            voxel_size_nm=_hdf5_voxel_size(array), closes=file.close,
        )  # fmt: skip
    except BaseException:
        file.close()
        raise


def _hdf5_voxel_size(array: Any) -> tuple[float, float, float] | None:  # noqa: ANN401
    """Return the voxel size as CREMI files state it, attribute ``resolution`` in nm, Z Y X."""
    stated = array.attrs.get("resolution")
    if stated is None or np.shape(stated) != (3,):
        return None
    z, y, x = (float(edge) for edge in stated)
    return (z, y, x) if min(z, y, x) > 0 else None


def read_nifti(path: Path, axes: str) -> Reader:
    """Open a NIfTI file; without compression only what is asked for is read."""
    nibabel = require("nibabel", extra="labels", purpose="read NIfTI files")
    try:
        image = nibabel.load(path)
        spacing = [float(edge) for edge in image.header.get_zooms()[:3]]
        unit = _NM.get(image.header.get_xyzt_units()[0])
    except Exception as fault:  # the library's errors have no common class
        raise _damaged(path, "NIfTI file", fault) from None
    slope, shift = image.dataobj.slope, image.dataobj.inter
    if (slope, shift) != (1, 0):
        raise DataError(
            f"{path} scales its numbers (slope {slope:g}, shift {shift:g}), so they are no labels. "
            "Save it without scaling."
        )
    size = None
    if unit is not None and len(spacing) == 3 and axes == "xyz":
        size = (spacing[2] * unit, spacing[1] * unit, spacing[0] * unit)
    return ArrayReader(
        path, "nifti", image.dataobj, axes=axes, voxel_size_nm=size,
        read=lambda index: np.asarray(image.dataobj[index]),
    )  # fmt: skip


def read_nrrd(path: Path, axes: str) -> Reader:
    """Open an NRRD file; without compression only what is asked for is read."""
    nrrd = require("nrrd", extra="labels", purpose="read NRRD files")
    try:
        with path.open("rb") as stream:
            header = nrrd.read_header(stream)
            start = stream.tell()
        plain = header.get("encoding") == "raw" and "data file" not in header
        if plain and "line skip" not in header and "byte skip" not in header:
            dtype = nrrd.reader._determine_datatype(header)
            sizes = tuple(int(side) for side in header["sizes"])

            def mapped() -> np.ndarray:
                """Map the file anew, so that the memory of the last part is given back."""
                return np.memmap(path, dtype, "r", offset=start, shape=sizes, order="F")

            return ArrayReader(
                path, "nrrd", mapped(), axes=axes, read=lambda index: np.array(mapped()[index])
            )
        array: np.ndarray = nrrd.read(str(path))[0]
    except Exception as fault:  # the library's errors have no common class
        raise _damaged(path, "NRRD file", fault) from None
    return ArrayReader(path, "nrrd", array, axes=axes)


class NpyWriter(VolumeWriter):
    """One .npy file, Z Y X, mapped into memory."""

    format = "npy"
    unit = (1, -1, -1)

    def __init__(self, path: Path, layout: Layout) -> None:
        """Make the file at its full size, or open it again."""
        super().__init__(path, layout)
        if not path.exists():
            np.lib.format.open_memmap(path, mode="w+", dtype=layout.dtype, shape=layout.shape)
        with path.open("r+b") as stream:  # a page of a map that finds no room ends the process
            os.posix_fallocate(stream.fileno(), 0, path.stat().st_size)

    def write(self, box: Box, voxels: np.ndarray) -> None:
        """Write a box; the file is mapped anew, so that the memory of the last is given back."""
        array = np.lib.format.open_memmap(self.path, mode="r+")
        array[box.slices] = voxels
        array.flush()


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
    """One dataset ``main`` of an HDF5 file, as the Compresso paper's, gzip with shuffling off."""

    format = "hdf5"
    unit = _HDF5_CHUNK
    resumable = False  # a file that was cut off may not open again

    def __init__(self, path: Path, layout: Layout) -> None:
        """Make the file."""
        super().__init__(path, layout)
        self._stream = _Steady(path, "w+")
        self._file = _h5py().File(self._stream, "w")
        atexit.register(self._file.close)  # later, the library would call what is gone
        chunks = tuple(min(a, b) for a, b in zip(_HDF5_CHUNK, layout.shape, strict=True))
        name = layout.options.get("dataset") or "main"
        self._array = self._file.create_dataset(
            name, layout.shape, layout.dtype, chunks=chunks, compression="gzip", fletcher32=True
        )
        if layout.voxel_size_nm is not None:
            self._array.attrs["resolution"] = layout.voxel_size_nm  # as CREMI: Z Y X, nm

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


class NrrdWriter(VolumeWriter):
    """One .nrrd file without compression, X fastest as that format has it."""

    format = "nrrd"
    unit = (1, -1, -1)
    resumable = False

    def __init__(self, path: Path, layout: Layout) -> None:
        """Write the header."""
        super().__init__(path, layout)
        names = {1: "8", 2: "16", 4: "32", 8: "64"}
        kind = "int" if layout.dtype.kind == "i" else "uint"
        z, y, x = layout.shape
        head = (
            f"NRRD0004\ntype: {kind}{names[layout.dtype.itemsize]}\ndimension: 3\n"
            f"sizes: {x} {y} {z}\nendian: little\nencoding: raw\n"
        )
        if layout.voxel_size_nm is not None:
            dz, dy, dx = layout.voxel_size_nm
            head += f'spacings: {dx:g} {dy:g} {dz:g}\nunits: "nm" "nm" "nm"\n'
        self._file = path.open("wb")
        self._file.write((head + "\n").encode("ascii"))
        self._dtype = np.dtype("u1") if layout.dtype == bool else layout.dtype.newbyteorder("<")

    def write(self, box: Box, voxels: np.ndarray) -> None:  # noqa: ARG002 (slices come in order)
        """Write the next slices."""
        self._file.write(voxels.astype(self._dtype).tobytes())

    def finish(self) -> None:
        """Close the file."""
        self._file.close()


class NiftiWriter(VolumeWriter):
    """One .nii file without compression, NIfTI-2 where a side is over 32,767."""

    format = "nifti"
    unit = (1, -1, -1)
    resumable = False

    def __init__(self, path: Path, layout: Layout) -> None:
        """Write the header."""
        super().__init__(path, layout)
        nibabel = require("nibabel", extra="labels", purpose="write NIfTI files")
        if path.suffix.lower() != ".nii":  # programs open these files by their ending
            raise DataError(f"{path}: the name of a NIfTI file must end in .nii.")
        large = max(layout.shape) > np.iinfo(np.int16).max
        header = (nibabel.Nifti2Header if large else nibabel.Nifti1Header)()
        self._dtype = np.dtype("u1") if layout.dtype == bool else layout.dtype
        header.set_data_dtype(self._dtype)
        header.set_data_shape(layout.shape[::-1])
        if layout.voxel_size_nm is not None:
            header.set_zooms([edge / 1e3 for edge in layout.voxel_size_nm[::-1]])
            header.set_xyzt_units("micron")
        header["magic"] = header.single_magic
        header["vox_offset"] = header.single_vox_offset
        self._file = path.open("wb")
        header.write_to(self._file)
        self._file.write(b"\0" * (int(header.single_vox_offset) - self._file.tell()))

    def write(self, box: Box, voxels: np.ndarray) -> None:  # noqa: ARG002 (slices come in order)
        """Write the next slices."""
        self._file.write(voxels.astype(self._dtype).tobytes())

    def finish(self) -> None:
        """Close the file."""
        self._file.close()


def _h5py() -> ModuleType:
    """Return the h5py library."""
    return require("h5py", extra="labels", purpose="read and write HDF5 files")


def _chosen(dataset: str | None, names: list[str], path: Path) -> str:
    """Return the array that was asked for, or the only one.

    Raises:
        ConfigError: If it does not exist, or there are several.
    """
    listed = ", ".join(names[:_SHOWN]) + (" ..." if len(names) > _SHOWN else "")
    if dataset is not None:
        if dataset.strip("/") not in names:
            raise ConfigError(
                f"{path} has no array '{dataset}'. It holds: {listed or 'none'}. Choose one with "
                "input.dataset=NAME."
            )
        return dataset.strip("/")
    if not names:
        raise DataError(f"{path} holds no array that could be a label volume.")
    if len(names) > 1:
        raise ConfigError(
            f"{path} holds several arrays: {listed}. Choose one with input.dataset=NAME."
        )
    return names[0]


def _damaged(path: Path, what: str, fault: BaseException) -> DataError:
    why = one_line(fault)
    if "pickle" in why or "Python objects" in why:
        why = "it is none, or holds Python objects, which are never loaded"
    return DataError(
        f"{path} cannot be read as a {what}: {why}. Copy or export it again, or say "
        "what it is with input.format=NAME."
    )
