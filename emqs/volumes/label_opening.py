"""Label volumes in files, whatever the format: open one to read, or start one to write.

``volume`` says what readers and writers promise. A new format is a reader and a writer in one file,
and a line in the tables below.
"""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from emqs.errors import ConfigError, DataError
from emqs.volumes import isolated
from emqs.volumes.formats import (
    compressed,
    label_arrays,
    label_n5,
    label_precomputed,
    label_slices,
    label_streams,
)
from emqs.volumes.label_volume import (
    Box,
    Layout,
    Reader,
    Shape,
    Writer,
    boxes,
    check_axes,
    named,
    one_line,
)
from emqs.volumes.zarr_labels import format

__all__ = [
    "READ",
    "WRITE",
    "Box",
    "Layout",
    "Reader",
    "Shape",
    "Writer",
    "boxes",
    "format_of_target",
    "named",
    "open_contained",
    "open_volume",
    "start_volume",
    "target_dtype",
]

#: Endings of files, and of folders, and their formats.
ENDINGS = {
    ".npy": "npy", ".npz": "npz", ".h5": "hdf5", ".hdf5": "hdf5", ".hdf": "hdf5",
    ".tif": "tiff", ".tiff": "tiff", ".nii": "nifti", ".nrrd": "nrrd", ".ckl": "crackle",
    ".cpso": "compresso", ".compresso-miccai": "compresso-miccai", ".compresso-v2": "compresso-v2",
    ".zarr": "zarr", ".n5": "n5", ".precomputed": "precomputed",
}  # fmt: skip
READ = (
    "compresso", "compresso-miccai", "compresso-v2", "crackle", "hdf5", "n5", "nifti", "npy", "npz",
    "nrrd", "png", "precomputed", "tiff", "zarr",
)  # fmt: skip
WRITE: dict[str, Callable[[Path, Layout], Writer]] = {
    "compresso": partial(label_streams.StreamWriter, name="compresso"),
    "compresso-miccai": partial(label_streams.StreamWriter, name="compresso-miccai"),
    "compresso-v2": partial(label_streams.StreamWriter, name="compresso-v2"),
    "crackle": label_streams.CrackleWriter,
    "hdf5": label_arrays.Hdf5Writer,
    "n5": label_n5.N5Writer,
    "nifti": label_arrays.NiftiWriter,
    "npy": label_arrays.NpyWriter,
    "nrrd": label_arrays.NrrdWriter,
    "png": label_slices.PngWriter,
    "precomputed": label_precomputed.PrecomputedWriter,
    "tiff": label_slices.TiffWriter,
    "zarr": format.ZarrWriter,
}
_FIXED_AXES = ("compresso-miccai", "compresso-v2", "crackle", "compresso", "png", "precomputed")


def open_volume(
    path: Path,
    *,
    format_name: str | None = None,
    axes: str | None = None,
    dataset: str | None = None,
    scale: str | None = None,
) -> Reader:
    """Open a label volume to read it; it is never changed.

    Args:
        path: File or folder.
        format_name: One of ``READ``; None to see by ending and content.
        axes: Order of the stored axes, e.g. ``"xyz"``; None for what is usual in the format.
        dataset: Name of an array in an HDF5, N5, Zarr or .npz file; None if there is only one.
        scale: Key or number of a scale of a Precomputed or OME-Zarr folder; None for the finest.

    Raises:
        DataError: If it does not exist, is damaged, or holds no labels.
        ConfigError: If the format is not known, or a choice is missing.
    """
    if not path.exists():
        raise DataError(f"{path} does not exist. Check source=PATH.")
    name = format_of_source(path) if format_name is None else format_name
    if name not in READ:
        raise ConfigError(f"input.format must be one of {', '.join(READ)}, got '{name}'.")
    if axes is not None:
        axes = check_axes(axes)
        if name in _FIXED_AXES:
            raise ConfigError(f"input.axes: the axes of {name} are fixed. Leave it out.")
    try:
        return _opened(path, name, axes, dataset, scale)
    except MemoryError as fault:
        raise DataError(
            f"{path} promises a volume that takes more memory than there is: {one_line(fault)}."
        ) from None
    except PermissionError:
        raise DataError(f"{path} cannot be read: permission denied.") from None
    except IsADirectoryError:
        raise DataError(f"{path} is a folder, and {name} is a file.") from None
    except NotADirectoryError:
        raise DataError(f"{path} is a file, and {name} is a folder.") from None


def open_contained(path: Path, *, format_name: str | None = None, **how: str | None) -> Reader:
    """Open a label volume as ``open_volume`` does, in another process where a library may crash.

    Args:
        path: File or folder.
        format_name: As for ``open_volume``.
        **how: As for ``open_volume``.

    Raises:
        DataError: As ``open_volume``, or if reading ends the other process.
        ConfigError: As ``open_volume``.
    """
    if path.exists() and (format_name or format_of_source(path)) in isolated.FORMATS:
        return isolated.ContainedReader(path, format_name=format_name, **how)
    return open_volume(path, format_name=format_name, **how)


def _opened(
    path: Path, name: str, axes: str | None, dataset: str | None, scale: str | None
) -> Reader:
    """Open a path of a known format."""
    table: dict[str, Callable[[], Reader]] = {
        "compresso": lambda: label_streams.read_compresso(path),
        "compresso-miccai": lambda: label_streams.read_original(path, "compresso-miccai"),
        "compresso-v2": lambda: label_streams.read_original(path, "compresso-v2"),
        "crackle": lambda: label_streams.read_crackle(path),
        "hdf5": lambda: label_arrays.read_hdf5(path, axes or "zyx", dataset),
        "n5": lambda: label_n5.read_n5(path, axes, dataset),
        "nifti": lambda: label_arrays.read_nifti(path, axes or "xyz"),
        "npy": lambda: label_arrays.read_npy(path, axes or "zyx"),
        "npz": lambda: label_arrays.read_npz(path, axes or "zyx", dataset),
        "nrrd": lambda: label_arrays.read_nrrd(path, axes or "xyz"),
        "png": lambda: label_slices.SlicesReader(path),
        "precomputed": lambda: label_precomputed.PrecomputedReader(path, scale),
        "tiff": lambda: (
            label_slices.SlicesReader(path) if path.is_dir() else label_slices.read_tiff(path)
        ),
        "zarr": lambda: format.read_zarr(path, axes, dataset, scale),
    }
    return table[name]()


def format_of_source(path: Path) -> str:
    """Return the format of a file or folder.

    Raises:
        DataError: If neither its ending nor its content shows it.
    """
    if path.is_dir():
        return _format_of_folder(path)
    ending, _ = compressed.split_ending(path)
    if ending in ENDINGS:
        return ENDINGS[ending]
    with path.open("rb") as stream:
        start = stream.read(8)
    known = {b"\x93NUMPY": "npy", b"\x89HDF": "hdf5", b"crkl": "crackle", b"cpso": "compresso"}
    for magic, name in known.items():
        if start.startswith(magic):
            return name
    raise DataError(
        f"{path}: neither its ending nor its first bytes say what format it has. Give "
        f"input.format=NAME, one of {', '.join(READ)}."
    )


def _format_of_folder(path: Path) -> str:
    """Return the format of a folder."""
    if (path / "info").is_file():
        return "precomputed"
    if any((path / name).is_file() for name in ("zarr.json", ".zarray", ".zgroup")):
        return "zarr"
    if (path / "attributes.json").is_file() or path.suffix.lower() == ".n5":
        return "n5"
    endings = {p.suffix.lower() for p in path.iterdir() if p.is_file()}
    if ".png" in endings:
        return "png"
    if endings & {".tif", ".tiff"}:
        return "tiff"
    raise DataError(
        f"{path} is a folder without slices (.png, .tif), a Precomputed info file, or a Zarr or N5 "
        "volume. Give the folder that holds them."
    )


def format_of_target(path: Path, format_name: str | None) -> str:
    """Return the format in which a path is to be written.

    Raises:
        ConfigError: If it is not known, or cannot be written.
    """
    name = format_name
    if name is None:
        name = ENDINGS.get(path.suffix.lower())
    if name is None:
        raise ConfigError(
            f"target={path}: its ending does not say what to write. End it in .zarr, or give "
            f"output.format=NAME, one of {', '.join(WRITE)}."
        )
    if name not in WRITE:
        raise ConfigError(f"output.format must be one of {', '.join(WRITE)}, got '{name}'.")
    return name


def target_dtype(reader: Reader, name: str) -> np.dtype[Any]:
    """Return the dtype in which a volume is written to a format: its own, or unsigned."""
    signed = ("hdf5", "n5", "nifti", "npy", "nrrd", "tiff", "zarr")
    if reader.dtype.kind == "i" and name not in signed:
        return np.dtype(f"u{reader.dtype.itemsize}")
    if reader.dtype.kind == "b" and name not in ("hdf5", "npy", "zarr"):
        return np.dtype("u1")
    return reader.dtype


def start_volume(path: Path, name: str, layout: Layout) -> Writer:
    """Start, or go on with, a file or folder of a format; nothing is written under other names.

    Raises:
        DataError: If the format cannot hold such a volume.
    """
    return WRITE[name](path, layout)
