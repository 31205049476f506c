"""Starts a volume: finds out the format that is meant, and lets that write it."""

from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from emqs.errors import ConfigError
from emqs.volumes.writer import Layout, VolumeWriter

#: What writes each format, ``module:class`` below ``emqs.volumes``; loaded when it is used.
WRITE = {
    "compresso": "formats.label_streams:CompressoWriter",
    "compresso-miccai": "formats.label_streams:MiccaiWriter",
    "compresso-v2": "formats.label_streams:VersionTwoWriter",
    "crackle": "formats.label_streams:CrackleWriter",
    "hdf5": "formats.hdf5_writer:Hdf5Writer",
    "n5": "formats.n5_writer:N5Writer",
    "nifti": "formats.medical:NiftiWriter",
    "npy": "formats.arrays:NpyWriter",
    "nrrd": "formats.medical:NrrdWriter",
    "png": "formats.slices:PngWriter",
    "precomputed": "formats.precomputed_writer:PrecomputedWriter",
    "tiff": "formats.tiff:TiffWriter",
    "zarr": "zarr_labels.format:ZarrWriter",
}
_SIGNED = ("hdf5", "n5", "nifti", "npy", "nrrd", "tiff", "zarr")
_BOOL = ("hdf5", "npy", "zarr")


def create_volume(path: Path, layout: Layout, format: str | None = None) -> VolumeWriter:
    """Start, or go on with, a file or folder; nothing is written under other names.

    Args:
        path: File or folder to make.
        layout: Shape, dtype, voxel size, origin and options.
        format: A key of ``WRITE``; None to see by the ending.

    Raises:
        DataError: If the format cannot hold such a volume.
        ConfigError: If the format is not known, or needs a voxel size that is unknown.
    """
    module, _, name = WRITE[format_of_target(path, format)].partition(":")
    writer: VolumeWriter = getattr(import_module(f"emqs.volumes.{module}"), name)(path, layout)
    return writer


def format_of_target(path: Path, format: str | None) -> str:
    """Return the format in which a path is to be written.

    Raises:
        ConfigError: If it is not known, or cannot be written.
    """
    from emqs.volumes.opening import ENDINGS

    name = ENDINGS.get(path.suffix.lower()) if format is None else format
    if name is None:
        raise ConfigError(
            f"target={path}: its ending does not say what to write. End it in .zarr, or give "
            f"output.format=NAME, one of {', '.join(WRITE)}."
        )
    if name not in WRITE:
        raise ConfigError(f"output.format must be one of {', '.join(WRITE)}, got '{name}'.")
    return name


def target_dtype(dtype: np.dtype[Any], format: str) -> np.dtype[Any]:
    """Return the dtype in which labels are written to a format: their own, or unsigned."""
    if dtype.kind == "i" and format not in _SIGNED:
        return np.dtype(f"u{dtype.itemsize}")
    if dtype.kind == "b" and format not in _BOOL:
        return np.dtype("u1")
    return dtype
