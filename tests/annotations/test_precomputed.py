"""Precomputed annotations, read back byte by byte as their specification says."""

import json
import struct
from pathlib import Path

import numpy as np
import pytest
from support import volumes_on_disk as disk
from support.failing_server import Server

from emqs.annotations.precomputed import write_points
from emqs.errors import ConfigError, DataError
from emqs.volumes.opening import with_prefix

SHAPE, SIZE, ORIGIN = (50, 60, 70), (30.0, 8.0, 4.0), (60.0, 0.0, 8.0)
SIZES = {"float32": 4, "int32": 4, "uint32": 4, "uint16": 2, "int16": 2, "uint8": 1, "int8": 1}
LETTERS = {"float32": "f", "uint32": "I", "uint16": "H", "uint8": "B", "int8": "b"}


def some(n: int) -> tuple[np.ndarray, np.ndarray, dict[str, np.ndarray]]:
    """Points in nm (Z Y X), their numbers, and properties listed in an order that is not theirs."""
    rng = np.random.default_rng(0)
    voxels = rng.integers(0, SHAPE, size=(n, 3))
    properties = {
        "hamming": rng.integers(0, 65, n).astype(np.uint8),
        "score": rng.normal(size=n).astype(np.float32),
        "small": rng.integers(-128, 128, n).astype(np.int8),
        "middle": rng.integers(0, 2**16, n).astype(np.uint16),
        "rank": np.arange(1, n + 1, dtype=np.uint32),
    }
    return voxels * SIZE + np.array(ORIGIN), np.arange(100, 100 + n), properties


def decode(info: dict, content: bytes) -> tuple[tuple[float, ...], dict[str, float]]:
    """Decode one annotation: the point, then values of 4, of 2 and of 1 byte, then padding."""
    assert info["annotation_type"].lower() == "point"
    at = 12
    point = struct.unpack("<3f", content[:at])
    values = {}
    for width in (4, 2, 1):
        for described in info["properties"]:
            if SIZES[described["type"]] == width:
                letter = LETTERS[described["type"]]
                values[described["id"]] = struct.unpack(f"<{letter}", content[at : at + width])[0]
                at += width
    assert content[at:] == bytes(-at % 4)
    return point, values


def test_every_point_is_found_by_its_number_and_in_the_cell(tmp_path: Path) -> None:
    points, ids, properties = some(23)
    write_points(
        tmp_path / "a", points, ids, properties, shape=SHAPE, voxel_size_nm=SIZE, origin_nm=ORIGIN
    )
    info = json.loads((tmp_path / "a" / "info").read_text())
    assert info["@type"] == "neuroglancer_annotations_v1"
    assert info["dimensions"] == {"x": [4e-9, "m"], "y": [8e-9, "m"], "z": [3e-8, "m"]}
    assert (info["lower_bound"], info["upper_bound"]) == ([2, 0, 2], [72, 60, 52])
    assert [list(p) for p in info["properties"]] == [["id", "type"]] * 5
    for row, number in enumerate(ids.tolist()):
        content = (tmp_path / "a" / info["by_id"]["key"] / str(number)).read_bytes()
        point, values = decode(info, content)
        # voxel i spans i to i + 1, and the volume begins at (2, 0, 2)
        z, y, x = (points[row] - ORIGIN) / SIZE
        assert point == pytest.approx((x + 2.5, y + 0.5, z + 2.5))
        assert values == {name: column[row] for name, column in properties.items()}
    (level,) = info["spatial"]
    product = np.array(level["grid_shape"]) * level["chunk_size"]
    np.testing.assert_array_equal(product, np.subtract(info["upper_bound"], info["lower_bound"]))
    assert level["limit"] >= 23
    cell = (tmp_path / "a" / level["key"] / "0_0_0").read_bytes()
    count, width = struct.unpack("<Q", cell[:8])[0], len(content)
    assert (count, len(cell)) == (23, 8 + 23 * (width + 8))
    numbers = struct.unpack(f"<{count}Q", cell[8 + count * width :])
    assert sorted(numbers) == ids.tolist() != list(numbers)  # in no order that means anything
    for i, number in enumerate(numbers):
        alone = (tmp_path / "a" / "by_id" / str(number)).read_bytes()
        assert cell[8 + i * width : 8 + (i + 1) * width] == alone


def test_no_points_at_all(tmp_path: Path) -> None:
    points, ids, properties = some(0)
    write_points(tmp_path / "a", points, ids, properties, shape=SHAPE, voxel_size_nm=SIZE)
    assert (tmp_path / "a" / "spatial0" / "0_0_0").read_bytes() == bytes(8)
    assert json.loads((tmp_path / "a" / "info").read_text())["spatial"][0]["limit"] == 1


def test_what_cannot_be_written(tmp_path: Path) -> None:
    points, ids, properties = some(2)
    with pytest.raises(DataError, match="property wide of the points has the type float64"):
        write_points(
            tmp_path / "a", points, ids, {"wide": np.zeros(2)}, shape=SHAPE, voxel_size_nm=SIZE
        )
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "a").mkdir()
    with pytest.raises(ConfigError, match="exists already"):
        write_points(tmp_path / "a", points, ids, properties, shape=SHAPE, voxel_size_nm=SIZE)


@pytest.mark.parametrize(
    ("make", "prefix"),
    [(disk.ome_zarr_04, "zarr2"), (disk.ome_zarr_05, "zarr3"), (disk.precomputed, "precomputed"),
     (disk.n5_viewer, "n5")],
)  # fmt: skip
def test_viewers_are_told_the_format(
    make: object,
    prefix: str,
    server: Server,
    tmp_path: Path,
) -> None:
    make(tmp_path / "a")  # type: ignore[operator]
    assert with_prefix(f"{server.url}/a") == f"{prefix}://{server.url}/a"
    server.always = "403"  # what has a prefix is not looked at
    assert with_prefix("n5://https://example.org/v") == "n5://https://example.org/v"
