"""What changes in the metadata of a volume that emqs wrote is told, bit by bit."""

import json
from pathlib import Path

import numpy as np
import pytest
import zarr

from emqs.errors import EmqsError
from emqs.ingestion.pyramid import Image, levels_of
from emqs.volumes import Box, Volume, open_volume, seals, write_ome_zarr

SHAPE, SIZE, ORIGIN = (4, 300, 320), (40.0, 8.0, 4.5), (-120.0, 2048.0, 1024.0)


def voxels() -> np.ndarray:
    return np.random.default_rng(0).integers(1, 255, SHAPE, dtype=np.uint8)


def copied(path: Path, version: str = "0.5") -> Path:
    write_ome_zarr(path, voxels(), SIZE, (4, 64, 64), version, origin_nm=ORIGIN)
    return path


def ingested(path: Path) -> Path:
    path.mkdir()
    image = Image(path, levels_of(SHAPE, SIZE), np.dtype(np.uint8), (4, 64, 64), (4, 128, 128))
    for box in image.shards(0):
        image.write(0, box, voxels()[box.slices])
    for level in image.levels[1:]:
        for box in image.shards(level.number):
            image.shrink(level.number, box)
    image.finish("v", ORIGIN, window=(0, 255), extra={"emqs": {"made_by": "a test"}})
    return path


def facts(volume: Volume) -> tuple[object, ...]:
    box = Box((0, 0, 0), (1, 8, 8))
    return (volume.shape, volume.dtype, volume.voxel_size_nm, volume.origin_nm, volume.n_levels,
            volume.read(box).tobytes())  # fmt: skip


def told_or_the_same(file: Path, root: Path, expected: tuple[object, ...]) -> None:
    """Flip bits of a file, one after the other: an error, or the same facts and voxels."""
    whole = file.read_bytes()
    bits = np.random.default_rng(1).choice(8 * len(whole), 120, replace=False).tolist()
    n_told = 0
    for bit in bits:
        damaged = bytearray(whole)
        damaged[bit // 8] ^= 1 << bit % 8
        file.write_bytes(damaged)
        try:
            got = facts(open_volume(str(root)))
        except EmqsError:
            n_told += 1
            continue
        assert got == expected, (file, bit)
    file.write_bytes(whole)
    assert n_told > len(bits) / 3
    assert facts(open_volume(str(root))) == expected


@pytest.mark.parametrize("name", ["zarr.json", "0/zarr.json"])
def test_a_flipped_bit_of_an_ingested_volume_is_told(tmp_path: Path, name: str) -> None:
    root = ingested(tmp_path / "v.zarr")
    told_or_the_same(root / name, root, facts(open_volume(str(root))))


@pytest.mark.parametrize(
    ("version", "name"),
    [("0.5", "zarr.json"), ("0.5", "0/zarr.json"), ("0.4", ".zattrs"), ("0.4", "0/.zarray")],
)
def test_a_flipped_bit_of_a_copy_is_told(tmp_path: Path, version: str, name: str) -> None:
    root = copied(tmp_path / "v.zarr", version)
    told_or_the_same(root / name, root, facts(open_volume(str(root))))


def changed(file: Path, before: str, after: str) -> None:
    text = file.read_text()
    assert before in text
    file.write_text(text.replace(before, after))


def test_a_size_that_was_edited_is_told_with_what_to_do(tmp_path: Path) -> None:
    root = copied(tmp_path / "v.zarr")
    changed(root / "zarr.json", "4.5", "6.5")
    for opened in (root, root / "0"):  # also where the array is opened by its own path
        with pytest.raises(EmqsError, match="remove emqs_crc32c from all attributes"):
            open_volume(str(opened))
    node = json.loads((root / "zarr.json").read_text())
    del node["attributes"]["emqs_crc32c"]
    (root / "zarr.json").write_text(json.dumps(node))
    with pytest.raises(EmqsError, match="remove emqs_crc32c from all attributes"):
        open_volume(str(root))
    changed(root / "0" / "zarr.json", "emqs_crc32c", "was_emqs_crc32c")
    assert open_volume(str(root)).voxel_size_nm == (40.0, 8.0, 6.5)


def test_what_others_add_is_no_damage(tmp_path: Path) -> None:
    """Plain zarr writes the files anew, with attributes of its own."""
    root = ingested(tmp_path / "v.zarr")
    expected = facts(open_volume(str(root)))
    group = zarr.open_group(root, mode="r+")
    group.attrs["note"] = "mine"
    group["0"].attrs["note"] = "mine, too"
    assert facts(open_volume(str(root))) == expected


def test_the_checksum_is_that_of_the_castagnoli_polynomial() -> None:
    """The check value of CRC-32C, of the text "123456789" with the quotes of JSON."""
    crc = 0xFFFFFFFF
    for byte in b'"123456789"':
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    assert seals.checksum("123456789") == crc ^ 0xFFFFFFFF
