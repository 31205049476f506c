"""Label volumes and files of them."""

from pathlib import Path

import numpy as np

from emqs.geometry import box_size, boxes
from emqs.volumes import Layout, create_volume

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
