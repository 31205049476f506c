"""Meshes of objects: read again as bytes, they enclose the objects where these lie."""

import json
from pathlib import Path

import numpy as np
import pytest

from emqs.geometry import Box
from emqs.prediction.meshes import write_meshes
from emqs.volumes import from_array

SIZE, ORIGIN = (20.0, 5.0, 4.0), (100.0, 50.0, 20.0)


def read(folder: Path, label: int) -> tuple[np.ndarray, np.ndarray]:
    """Return vertices and triangles as the format's description says, without a library."""
    (name,) = json.loads((folder / f"{label}:0").read_text())["fragments"]
    content = (folder / name).read_bytes()
    count = int.from_bytes(content[:4], "little")
    vertices = np.frombuffer(content, "<f4", 3 * count, 4).reshape(-1, 3)
    return vertices, np.frombuffer(content, "<u4", offset=4 + 12 * count).reshape(-1, 3)


def volume_of(vertices: np.ndarray, triangles: np.ndarray) -> float:
    """Return what a closed surface encloses, by the divergence theorem."""
    a, b, c = (vertices[triangles[:, i]].astype(float) for i in range(3))
    return abs(float((a * np.cross(b, c)).sum())) / 6


def test_a_mesh_encloses_its_object(tmp_path: Path) -> None:
    pytest.importorskip("zmesh")
    labels = np.zeros((12, 40, 50), dtype=np.uint32)
    labels[2:9, 5:30, 10:42] = 7
    labels[10, 35:37, 1:3] = 3
    volume = from_array(labels, SIZE, name="objects", origin_nm=ORIGIN)
    boxes = {3: Box((10, 35, 1), (11, 37, 3)), 7: Box((2, 5, 10), (9, 30, 42))}
    seen: list[int] = []
    write_meshes(tmp_path / "m", volume, boxes, step=lambda _s, done, _n: seen.append(done))
    assert seen == [1, 2]
    assert json.loads((tmp_path / "m" / "info").read_text())["@type"] == "neuroglancer_legacy_mesh"
    vertices, triangles = read(tmp_path / "m", 7)
    assert triangles.max() < len(vertices)
    size, origin = np.array(SIZE)[::-1], np.array(ORIGIN)[::-1]
    low, high = np.array([10, 5, 2]) - 0.5, np.array([41, 29, 8]) + 0.5
    np.testing.assert_allclose(vertices.min(axis=0), origin + low * size, atol=1e-3)
    np.testing.assert_allclose(vertices.max(axis=0), origin + high * size, atol=1e-3)
    assert volume_of(vertices, triangles) == pytest.approx(7 * 25 * 32 * 400, rel=0.03)
