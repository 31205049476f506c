"""A box of a volume in one file: TIFF with a page for each slice, NumPy or HDF5.

python -m emqs.web.downloads --url brain.zarr --kind image --box '[[0,0,0],[9,99,99]]' --out x.tif
"""

import argparse
import json
import sys
from collections.abc import Callable, Iterator
from math import prod
from pathlib import Path

import numpy as np
import tifffile

from emqs.errors import ConfigError, DataError, EmqsError, require
from emqs.files import replacing
from emqs.volumes import Box, Volume
from emqs.web.sources import Place, open_place

SLAB_BYTES = 2**27  # read at once
MOST_BYTES = 2**40  # of one file

Step = Callable[[float, str], None]


def write(volume: Volume, box: Box, path: Path, step: Step = lambda _fraction, _text: None) -> None:
    """Write a box of a volume into a file, whole or not at all.

    Args:
        volume: What is read, slab by slab.
        box: Not empty, inside of the volume.
        path: Ends in ``.tif``, ``.npy`` or ``.h5``; its folder exists.
        step: Called with the fraction that is done and a few words.

    Raises:
        ConfigError: If the box is empty, too large, or the ending is none of these.
        DataError: If the box lies outside, the volume cannot be read, or the disk is full.
    """
    for axis, start, stop, length in zip("zyx", box.start, box.stop, volume.shape, strict=True):
        if not 0 <= start < stop <= length:
            raise ConfigError(
                f"The box goes from {start} to {stop} along {axis}; it must lie within 0 to "
                f"{length}, and not be empty."
            )
    n_bytes = prod(box.shape) * volume.dtype.itemsize
    if n_bytes > MOST_BYTES:
        raise ConfigError(
            f"The box is {n_bytes / 1e9:.0f} GB, and a file holds at most "
            f"{MOST_BYTES / 1e9:.0f} GB. Take a smaller one."
        )
    writers = {".tif": _tiff, ".npy": _npy, ".h5": _hdf5}
    if path.suffix not in writers:
        raise ConfigError(f"{path} must end in one of {', '.join(writers)}.")
    try:
        with replacing(path) as temporary:
            writers[path.suffix](volume, box, temporary, step)
    except OSError as error:
        raise DataError(f"{path} cannot be written: {error.strerror or error}.") from None
    step(1.0, "done")


def _slabs(volume: Volume, box: Box, step: Step) -> Iterator[tuple[int, np.ndarray]]:
    """Yield the first slice of each slab, counted from that of the box, and its voxels."""
    slice_bytes = prod(box.shape[1:]) * volume.dtype.itemsize
    depth = max(1, min(64, SLAB_BYTES // slice_bytes))
    for first in range(0, box.shape[0], depth):
        last = min(first + depth, box.shape[0])
        start, stop = (box.start[0] + first, *box.start[1:]), (box.start[0] + last, *box.stop[1:])
        yield first, volume.read(Box(start, stop))
        step(0.999 * last / box.shape[0], f"{last} of {box.shape[0]} slices")


def _tiff(volume: Volume, box: Box, path: Path, step: Step) -> None:
    size = dict(zip("zyx", volume.require_voxel_size(), strict=True))
    described = {"axes": "ZYX", "voxel_size_nm": size, "first_voxel": list(box.start)}
    with tifffile.TiffWriter(path, bigtiff=True) as file:
        for first, slab in _slabs(volume, box, step):
            for number, page in enumerate(slab):
                file.write(
                    page,
                    contiguous=False,
                    photometric="minisblack",
                    compression="zlib",
                    predictor=False,
                    description=json.dumps(described) if first + number == 0 else None,
                    metadata=None,
                )


def _npy(volume: Volume, box: Box, path: Path, step: Step) -> None:
    with path.open("wb") as stream:
        header = {"descr": volume.dtype.str, "fortran_order": False, "shape": box.shape}
        np.lib.format.write_array_header_1_0(stream, header)
        for _, slab in _slabs(volume, box, step):
            stream.write(slab.tobytes())


def _hdf5(volume: Volume, box: Box, path: Path, step: Step) -> None:
    h5py = require("h5py", extra="volumes", purpose="write HDF5")
    # no lock of its own: ``replacing`` holds one on the file
    with h5py.File(path, "w", locking=False) as file:
        array = file.create_dataset(
            "voxels",
            box.shape,
            volume.dtype,
            chunks=tuple(min(64, n) for n in box.shape),
            compression="gzip",
            compression_opts=1,
        )
        array.attrs["axes"] = "zyx"
        array.attrs["voxel_size_nm"] = volume.require_voxel_size()
        array.attrs["first_voxel"] = box.start
        for first, slab in _slabs(volume, box, step):
            array[first : first + len(slab)] = slab


def main(arguments: list[str] | None = None) -> None:
    """Write one box; the server's workers call this in a process of its own."""
    parser = argparse.ArgumentParser(prog="python -m emqs.web.downloads")
    parser.add_argument("--url", required=True)
    parser.add_argument("--kind", choices=("image", "segmentation"), required=True)
    parser.add_argument("--settings", default="{}", help="JSON, of emqs.volumes.open_volume")
    parser.add_argument("--box", required=True, help="JSON: first voxel, and one past the last")
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args(arguments)
    start, stop = json.loads(options.box)

    def step(fraction: float, text: str) -> None:
        sys.stdout.write(f"{fraction:.4f} {text}\n")
        sys.stdout.flush()

    try:
        volume = open_place(Place(options.url, options.kind, json.loads(options.settings)))
        write(volume, Box(tuple(start), tuple(stop)), options.out, step)
    except EmqsError as error:
        sys.exit(f"emqs.web.downloads: {' '.join(str(error).split())}")


if __name__ == "__main__":
    main()
