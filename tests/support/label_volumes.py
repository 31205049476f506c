"""Label volumes and files of them."""

from pathlib import Path
from typing import Any

import numpy as np

from emqs.geometry import Box, box_size, boxes
from emqs.volumes import Layout, Volume, create_volume
from emqs.volumes.axes import Request
from emqs.volumes.isolated import open_labels_isolated
from emqs.volumes.opening import open_request

SIZE = (40.0, 8.0, 4.0)
CODEC = {"name": "crackle", "chunks": [2, 32, 33], "compressor": "zstd", "level": 3}
CODEC |= {"markov_order": 0, "pins": False}


def blocky(dtype: str = "uint32", seed: int = 0) -> np.ndarray:
    """A small segmentation: blocks of random labels, all of 0 in one corner."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(1, 200, (5, 7, 6))
    volume = coarse.repeat(10, 1).repeat(11, 2)
    volume[:, :40, :40] = 0
    return volume.astype(dtype)


def written(path: Path, name: str, volume: np.ndarray, **options: object) -> Path:
    layout = Layout(volume.shape, volume.dtype, SIZE, options={"codec": CODEC, **options})  # type: ignore[arg-type]
    writer = create_volume(path, layout, name)
    size = box_size(volume.shape, writer.unit, volume.itemsize, 20_000)  # type: ignore[arg-type]
    for box in boxes(volume.shape, size):  # type: ignore[arg-type]
        writer.write(box, np.ascontiguousarray(volume[box.slices]))
    writer.finish()
    return path


def opened(path: Path, **how: Any) -> Volume:  # noqa: ANN401 (as Request takes it)
    """The labels in a file, as ``compress`` opens them but in this process."""
    return open_request(path, Request(labels=True, prefix="input.", **how)).require_labels()


def contained(path: Path, **how: Any) -> Volume:  # noqa: ANN401 (as Request takes it)
    """The same in another process, where a library may crash."""
    return open_labels_isolated(path, Request(labels=True, prefix="input.", **how))


def box_of(parts: tuple[slice, slice, slice]) -> Box:
    """``np.s_[...]`` as a box."""
    z, y, x = parts
    return Box((z.start, y.start, x.start), (z.stop, y.stop, x.stop))
