"""A chunk that emqs wrote and that is gone is told; one that was never written is of zeros."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from support.failing_server import Server

from emqs.errors import DataError
from emqs.geometry import Box
from emqs.ingestion.pyramid import Image, Level
from emqs.volumes import open_volume, write_ome_zarr

SIZE = (30.0, 5.0, 5.0)
SHAPE = (4, 40, 60)


def voxels(dtype: str = "u1") -> np.ndarray:
    """Return voxels of which a quarter are zeros, so that their chunks are not written."""
    made = np.random.default_rng(0).integers(1, 200, SHAPE).astype(dtype)
    made[:2, :, :30] = 0
    return made


@pytest.mark.parametrize("dtype", ["u1", "f4"])
@pytest.mark.parametrize(
    ("version", "shards"), [("0.4", None), ("0.5", None), ("0.5", (2, 20, 30))]
)
def test_a_lost_chunk_of_a_copy_is_told(
    tmp_path: Path, version: str, shards: tuple[int, int, int] | None, dtype: str
) -> None:
    image, path = voxels(dtype), tmp_path / "v.zarr"
    write_ome_zarr(path, image, SIZE, (1, 10, 15) if shards else (2, 20, 30), version=version,
                   shards=shards)  # fmt: skip
    volume = open_volume(path)
    np.testing.assert_array_equal(volume.read(volume.box), image)
    assert not volume.read(Box((0, 0, 0), (2, 40, 30))).any()
    files = sorted(f for f in (path / "0").rglob("*") if f.is_file() and f.name.isdigit())
    assert len(files) == 6  # of eight
    files[-1].unlink()
    for opened in (open_volume(path), open_volume(path / "0")):
        with pytest.raises(DataError, match=r"The chunk .*1/1/1 is missing"):
            opened.read(opened.box)
        part = Box((0, 0, 0), (2, 40, 60))
        np.testing.assert_array_equal(opened.read(part), image[part.slices])


def test_a_lost_chunk_of_a_smaller_level_is_told(tmp_path: Path) -> None:
    levels = [
        Level(0, SHAPE, (1, 1, 1), SIZE, (0.0, 0.0, 0.0)),
        Level(1, (4, 20, 30), (1, 2, 2), (30.0, 10.0, 10.0), (0.0, 2.5, 2.5)),
    ]
    made = Image(tmp_path / "v.zarr", levels, np.dtype("u1"), (2, 10, 15), (2, 20, 30))
    for box in made.shards(0):
        made.write(0, box, voxels()[box.slices])
    for box in made.shards(1):
        made.shrink(1, box)
    made.finish("v", (0.0, 0.0, 0.0), window=(0, 255), extra={})
    file = max((tmp_path / "v.zarr" / "1" / "c").rglob("[0-9]*/[0-9]*/[0-9]*"))
    file.unlink()
    volume = open_volume(tmp_path / "v.zarr", level=1)
    with pytest.raises(DataError, match=r"The chunk .* is missing"):
        volume.read(volume.box)
    whole = open_volume(tmp_path / "v.zarr")
    np.testing.assert_array_equal(whole.read(whole.box), voxels())


def test_a_server_without_a_chunk_that_was_written(server: Server, tmp_path: Path) -> None:
    write_ome_zarr(tmp_path / "v.zarr", voxels(), SIZE, (2, 20, 30))
    shutil.rmtree(tmp_path / "v.zarr" / "0" / "c" / "1" / "1")
    volume = open_volume(f"{server.url}/v.zarr")
    with pytest.raises(DataError, match=r"The chunk http://.*1/1/0 is missing"):
        volume.read(volume.box)
    assert not volume.read(Box((0, 0, 0), (2, 40, 30))).any()
