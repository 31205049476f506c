"""A copy of a label volume that neuroglancer shows: Precomputed with compressed_segmentation.

Neuroglancer cannot read the codec emqs.labels. Its own format is larger, but a browser decodes it.
Format: https://github.com/google/neuroglancer/blob/master/src/datasource/precomputed/volume.md
"""

import json
import shutil
from math import lcm
from pathlib import Path
from typing import Any

import numpy as np

from emqs.errors import DataError, require
from emqs.volumes.zarr_labels.index import LabelVolume
from emqs.volumes.zarr_labels.writer import Step, boxes

_CHUNK = 64  # voxels along each axis; offsets of tables have 24 bits
_BLOCK = 8
_MOST_VOXELS = 2**26  # of a piece that is read at once


def export_precomputed(
    volume: LabelVolume,
    path: Path | str,
    *,
    step: Step = lambda _stage, _done, _total: None,
) -> Path:
    """Write a label volume with all its levels as neuroglancer Precomputed.

    Args:
        volume: Three axes Z Y X, with a voxel size.
        path: Folder to make; must not exist. It has its name only when all is written.
        step: Called after each piece with the stage, and pieces done and in all.

    Returns:
        The folder.

    Raises:
        DataError: If ``path`` exists, the volume has other axes or no voxel size, or a label is
            negative.
    """
    final = Path(path)
    if final.exists() or final.is_symlink():
        raise DataError(f"{final} exists already, and is never overwritten. Choose another path.")
    if volume.axes != "zyx" or volume.voxel_size_nm is None:
        raise DataError(
            f"{volume.path}: neuroglancer needs the axes zyx and a voxel size, got the axes "
            f"{volume.axes} and {volume.voxel_size_nm} nm."
        )
    width = np.dtype(np.uint64 if volume.dtype.itemsize == 8 else np.uint32)
    partial = final.with_name(f".{final.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir()
    scales = [_scale(volume, level) for level in range(volume.n_levels)]
    info = {
        "@type": "neuroglancer_multiscale_volume",
        "type": "segmentation",
        "data_type": str(width),
        "num_channels": 1,
        "scales": scales,
    }
    (partial / "info").write_text(json.dumps(info, indent=1), encoding="utf-8")
    for level, scale in enumerate(scales):
        folder = partial / scale["key"]
        folder.mkdir()
        array = volume.level(level)
        pieces = list(boxes(array.shape, _piece(array)))
        for number, box in enumerate(pieces):
            labels = np.asarray(array[box])
            if labels.dtype.kind == "i" and int(labels.min()) < 0:
                raise DataError(
                    f"{volume.path} holds the label {labels.min()}; Precomputed has none below 0."
                )
            _write(folder, labels.astype(width, copy=False), [part.start for part in box])
            step(f"level {level}", number + 1, len(pieces))
    partial.rename(final)
    return final


def _scale(volume: LabelVolume, level: int) -> dict[str, Any]:
    """Return the entry of a level in ``info``; axes are X Y Z there."""
    sizes = volume.level_voxel_sizes_nm or []
    resolution = list(sizes[level][::-1])
    return {
        "key": "_".join(f"{size:g}" for size in resolution),
        "size": list(volume.level(level).shape[::-1]),
        "resolution": resolution,
        "voxel_offset": [0, 0, 0],
        "chunk_sizes": [[_CHUNK] * 3],
        "encoding": "compressed_segmentation",
        "compressed_segmentation_block_size": [_BLOCK] * 3,
    }


def _piece(array: Any) -> tuple[int, ...]:  # noqa: ANN401 (zarr's, which is optional)
    """Return the voxels to read at once: whole chunks of both formats unless they are too many."""
    whole = [lcm(_CHUNK, length) for length in array.chunks]
    while np.prod(whole) > _MOST_VOXELS and max(whole) > _CHUNK:
        whole[int(np.argmax(whole))] = _CHUNK
    return tuple(whole)


def _write(folder: Path, labels: np.ndarray, corner: list[int]) -> None:
    """Write a piece, Z Y X, as the chunks it consists of."""
    library = require(
        "compressed_segmentation", extra="labels", purpose="write neuroglancer Precomputed"
    )
    for box in boxes(labels.shape, (_CHUNK,) * 3):
        chunk = np.ascontiguousarray(labels[box])
        stream = library.compress(chunk.T, block_size=(_BLOCK,) * 3, order="F")
        name = "_".join(
            f"{first + part.start}-{first + part.stop}"
            for first, part in zip(corner[::-1], box[::-1], strict=True)
        )
        (folder / name).write_bytes(stream)
