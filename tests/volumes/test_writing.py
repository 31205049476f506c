"""Writing volumes: read back by emqs and by hand, from every source, whole or not at all."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tensorstore
from support import volumes_on_disk as disk
from support.volumes_on_disk import SHAPE, SIZE, VOXELS

from emqs.errors import ConfigError, DataError
from emqs.volumes import (
    Box,
    Volume,
    copying,
    from_array,
    open_volume,
    write_ome_zarr,
    write_precomputed,
)

CHUNKS = (2, 3, 4)
ORIGIN = (90.0, -16.0, 40.0)


@pytest.mark.parametrize("shards", [None, (2, 6, 8)])
@pytest.mark.parametrize("version", ["0.4", "0.5"])
def test_ome_zarr_reads_back(version: str, shards: tuple | None, tmp_path: Path) -> None:
    path = tmp_path / "a.zarr"
    if shards is not None and version == "0.4":
        with pytest.raises(ConfigError, match=r"shards need 0\.5"):
            write_ome_zarr(path, VOXELS, SIZE, CHUNKS, version, shards=shards)
        return
    write_ome_zarr(path, VOXELS, SIZE, CHUNKS, version, shards=shards, origin_nm=ORIGIN)
    volume = open_volume(path)
    assert (volume.voxel_size_nm, volume.origin_nm, volume.chunks) == (SIZE, ORIGIN, CHUNKS)
    np.testing.assert_array_equal(volume.read(volume.box), VOXELS)


def test_ome_zarr_05_has_the_metadata_of_the_specification(tmp_path: Path) -> None:
    write_ome_zarr(tmp_path / "a.zarr", VOXELS, SIZE, CHUNKS)
    ome = json.loads((tmp_path / "a.zarr" / "zarr.json").read_text())["attributes"]["ome"]
    assert ome["version"] == "0.5"
    [image] = ome["multiscales"]
    assert image["axes"] == [{"name": n, "type": "space", "unit": "nanometer"} for n in "zyx"]
    [level] = image["datasets"]
    assert level["coordinateTransformations"][0] == {"type": "scale", "scale": list(SIZE)}
    array = json.loads((tmp_path / "a.zarr" / level["path"] / "zarr.json").read_text())
    assert array["dimension_names"] == ["z", "y", "x"]
    assert array["shape"] == list(SHAPE)


@pytest.mark.parametrize("version", ["0.4", "0.5"])
@pytest.mark.parametrize("kind", ["u1", "u2", ">u2", "i2", "u8", "f4", "f8"])
def test_every_type_of_voxels(kind: str, version: str, tmp_path: Path) -> None:
    voxels = (VOXELS % 251).astype(kind)
    write_ome_zarr(tmp_path / "a.zarr", voxels, SIZE, CHUNKS, version)
    volume = open_volume(tmp_path / "a.zarr")
    assert volume.dtype == np.dtype(kind).newbyteorder("=")
    np.testing.assert_array_equal(volume.read(volume.box), voxels)


def test_precomputed_reads_back_and_has_x_first(tmp_path: Path) -> None:
    write_precomputed(tmp_path / "a", VOXELS, SIZE, CHUNKS, origin_nm=ORIGIN)
    volume = open_volume(tmp_path / "a")
    assert (volume.voxel_size_nm, volume.origin_nm, volume.chunks) == (SIZE, ORIGIN, CHUNKS)
    np.testing.assert_array_equal(volume.read(volume.box), VOXELS)
    [scale] = json.loads((tmp_path / "a" / "info").read_text())["scales"]
    assert scale["size"] == [7, 6, 5]
    assert scale["resolution"] == [4, 8, 30]
    assert scale["voxel_offset"] == [10, -2, 3]
    chunk = np.fromfile(tmp_path / "a" / scale["key"] / "14-17_1-4_5-7", "<u2")
    np.testing.assert_array_equal(chunk.reshape(2, 3, 3), VOXELS[2:4, 3:6, 4:7])


def test_precomputed_begins_at_whole_voxels(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="whole number of voxels"):
        write_precomputed(tmp_path / "a", VOXELS, SIZE, CHUNKS, origin_nm=(15, 0, 0))
    with pytest.raises(DataError, match="float64"):
        write_precomputed(tmp_path / "a", VOXELS.astype(np.float64), SIZE, CHUNKS)
    assert list(tmp_path.iterdir()) == []


def test_one_format_becomes_another_block_by_block(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(copying, "BLOCK_BYTES", 100)  # four chunks at most
    source = open_volume(disk.slices(tmp_path / "png", "png"), voxel_size_nm=SIZE)
    write_precomputed(tmp_path / "a", source, None, CHUNKS)
    write_ome_zarr(tmp_path / "b.zarr", open_volume(tmp_path / "a"), None, CHUNKS)
    volume = open_volume(tmp_path / "b.zarr")
    assert volume.voxel_size_nm == SIZE
    np.testing.assert_array_equal(volume.read(volume.box), VOXELS)


@pytest.mark.parametrize(
    ("shape", "step", "itemsize", "expected"),
    [
        ((100, 2000, 3000), (64, 64, 64), 1, (64, 1344, 3008)),
        ((100, 100, 100), (10, 20, 30), 2, (100, 100, 120)),
        ((9, 30000, 40000), (8, 2048, 2048), 4, (8, 2048, 4096)),
        ((9, 30000, 40000), (8, 8192, 8192), 4, (8, 8192, 8192)),  # a chunk is never cut
    ],
)
def test_blocks_are_long_and_bounded(
    shape: tuple, step: tuple, itemsize: int, expected: tuple
) -> None:
    assert copying.block_shape(shape, step, itemsize) == expected


class Failing:
    """A source that gives two boxes and then fails."""

    def __init__(self) -> None:
        self.left = 2

    def read(self, box: Box) -> np.ndarray:
        if self.left == 0:
            raise DataError("the source is gone")
        self.left -= 1
        return VOXELS[box.slices]


@pytest.mark.parametrize("write", [write_ome_zarr, write_precomputed])
def test_a_source_that_fails_leaves_nothing(
    write: Callable[..., None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(copying, "BLOCK_BYTES", 100)
    volume = from_array(VOXELS, SIZE)
    source = Volume("it", SHAPE, volume.dtype, SIZE, volume.origin_nm, CHUNKS, Failing())
    with pytest.raises(DataError, match="the source is gone"):
        write(tmp_path / "a", source, None, CHUNKS)
    assert list(tmp_path.iterdir()) == []


def test_what_exists_is_kept(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "mine").touch()
    with pytest.raises(ConfigError, match="exists already"):
        write_ome_zarr(tmp_path / "a", VOXELS, SIZE, CHUNKS)
    assert [p.name for p in tmp_path.rglob("*")] == ["a", "mine"]
    with pytest.raises(ConfigError, match="does not exist"):
        write_ome_zarr(tmp_path / "no" / "a", VOXELS, SIZE, CHUNKS)


def test_arguments_out_of_range(tmp_path: Path) -> None:
    path = tmp_path / "a"
    with pytest.raises(ConfigError, match="no voxel size"):
        write_ome_zarr(path, VOXELS, None, CHUNKS)
    with pytest.raises(ConfigError, match="three lengths"):
        write_ome_zarr(path, VOXELS, (0, 1, 1), CHUNKS)
    with pytest.raises(ConfigError, match="at least 1"):
        write_ome_zarr(path, VOXELS, SIZE, (0, 3, 4))
    with pytest.raises(ConfigError, match=r"multiples of chunks \(2, 3, 4\)"):
        write_ome_zarr(path, VOXELS, SIZE, CHUNKS, shards=(2, 4, 4))
    with pytest.raises(ConfigError, match=r"version must be one of 0\.4, 0\.5"):
        write_ome_zarr(path, VOXELS, SIZE, CHUNKS, "0.3")
    assert not path.exists()


def test_a_flipped_bit_is_found(tmp_path: Path) -> None:
    write_ome_zarr(tmp_path / "a.zarr", VOXELS, SIZE, CHUNKS)
    chunk = tmp_path / "a.zarr" / "0" / "c" / "1" / "1" / "0"
    content = bytearray(chunk.read_bytes())
    for position in range(len(content)):
        content[position] ^= 16
        chunk.write_bytes(content)
        content[position] ^= 16
        with pytest.raises(DataError, match="cannot be read"):
            open_volume(tmp_path / "a.zarr").read(Box((2, 3, 0), (3, 4, 1)))


def test_tensorstore_opens_what_is_written_without_our_reader(tmp_path: Path) -> None:
    write_ome_zarr(tmp_path / "a.zarr", VOXELS, SIZE, CHUNKS, shards=(4, 6, 8))
    url = f"file://{tmp_path}/a.zarr/0/|zarr3:"
    array = tensorstore.open(url).result()
    np.testing.assert_array_equal(array.read().result(), VOXELS)
