"""A second copy of a volume, which neuroglancer reads from any web server."""

import shutil
from collections.abc import Callable
from functools import partial
from math import prod
from pathlib import Path

from emqs.geometry import Box, Lengths, boxes, count_boxes
from emqs.ingestion.pyramid import Image
from emqs.volumes.chunks import tensorstore, wait
from emqs.volumes.formats.precomputed_writer import whole_offset

Step = Callable[[str, int, int], None]
CHUNK = (64, 64, 64)
BLOCK = (64, 512, 512)  # of voxels that are copied at once: whole chunks


def write_precomputed(image: Image, folder: Path, origin_nm: Lengths, step: Step) -> None:
    """Write all levels of an image as a precomputed volume, raw chunks in files of their own.

    Args:
        image: That is whole.
        folder: To make; what is there from a run that was stopped is written again.
        origin_nm: Of the first voxel, whole voxels of every level.
        step: Told the stage, the parts done, and the parts in all.

    Raises:
        ConfigError: If the origin is no whole number of voxels.
        DataError: If the disk is full.
    """
    shutil.rmtree(folder, ignore_errors=True)
    total = sum(count_boxes(level.shape, BLOCK) for level in image.levels)
    done = 0
    for level in image.levels:
        offset = whole_offset(origin_nm, level.voxel_size_nm, "origin")
        spec = {
            "driver": "neuroglancer_precomputed",
            "kvstore": {"driver": "file", "path": f"{folder.absolute()}/"},
            "multiscale_metadata": {
                "type": "image", "data_type": image.dtype.name, "num_channels": 1,
            },
            "scale_metadata": {
                "size": level.shape[::-1], "encoding": "raw", "chunk_size": CHUNK[::-1],
                "resolution": level.voxel_size_nm[::-1], "voxel_offset": offset[::-1],
            },
        }  # fmt: skip
        target = wait(partial(tensorstore().open, spec, create=True, open=True), 0, str(folder))
        for box in boxes(level.shape, BLOCK):
            voxels = image.read(level.number, box)
            part = target[_place(box, offset)]
            turned = voxels.transpose(2, 1, 0)[..., None]
            wait(partial(part.write, turned), prod(box.shape) * image.dtype.itemsize, str(folder))
            done += 1
            step("precomputed", done, total)


def _place(box: Box, offset: tuple[int, int, int]) -> tuple[slice, ...]:
    """Return a box as an index into axes X Y Z and channel."""
    z, y, x = box.moved(offset).slices
    return x, y, z, slice(0, 1)
