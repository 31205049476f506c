"""A flipped bit in a source changes nothing, or is told."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from faults.sources import SILENT, SOURCES, Original, flip_source, original
from support.nrrd_files import nrrd

from emqs.embedding.build import verify
from emqs.errors import ConfigError, DataError, EmqsError
from emqs.volumes import open_volume

SEEDS = 15


@pytest.mark.slow
@pytest.mark.parametrize("name", SOURCES)
def test_a_flipped_bit_is_told(name: str, tmp_path: Path) -> None:
    of = original(name, tmp_path / "original")
    for seed in range(SEEDS):
        own = tmp_path / str(seed)
        own.mkdir()
        flip_source(of, own, seed)


@pytest.mark.parametrize("name", ["npy.gz", "npy.zst", "npy.xz", "npy.bz2", "npz", "nrrd gzip"])
def test_what_is_packed_is_damaged_at_every_eighth_byte(name: str, tmp_path: Path) -> None:
    source = SOURCES[name]
    path = tmp_path / source.name
    source.make(path)
    whole = path.read_bytes()
    voxels = open_volume(path, **source.options).read(open_volume(path, **source.options).box)
    for at in range(0, len(whole), 8):
        content = bytearray(whole)
        content[at] ^= 4
        path.write_bytes(content)
        try:
            volume = open_volume(path, **source.options)
            got = volume.read(volume.box)
        except EmqsError:
            continue
        np.testing.assert_array_equal(got, voxels)


def test_the_checksum_at_the_end_of_an_nrrd_file_is_compared(tmp_path: Path) -> None:
    path = tmp_path / "v.nrrd"
    nrrd(path, encoding="gzip")
    content = bytearray(path.read_bytes())
    content[-5] ^= 1  # CRC-32, then the length: 4 bytes each
    path.write_bytes(content)
    with pytest.raises(DataError, match="CRC"):
        open_volume(path, **SILENT)


@pytest.mark.parametrize(("before", "after"), [(b"30.0", b"31.0"), (b"300.0", b"301.0")])
def test_another_voxel_size_or_origin_is_told(before: bytes, after: bytes, tmp_path: Path) -> None:
    of: Original = original("n5 raw", tmp_path / "original")
    path = Path(shutil.copytree(of.path, tmp_path / "v.n5"))
    attributes = path / "attributes.json"
    assert attributes.read_bytes().count(before) == 1
    attributes.write_bytes(attributes.read_bytes().replace(before, after))
    with pytest.raises(ConfigError, match="was made with"):
        verify(open_volume(path), of.model, of.store)


@pytest.mark.parametrize("name", ["v.npz", "v.zarr.zip"])
def test_a_zip_file_of_a_version_that_is_not_known(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    np.savez(path.with_suffix(".npz"), raw=np.zeros((2, 3, 4), np.uint8))
    content = bytearray(path.with_suffix(".npz").read_bytes())
    content[content.index(b"PK\1\2") + 6] ^= 64  # of the version that is needed
    path.write_bytes(content)
    with pytest.raises(DataError, match="zip file version"):
        open_volume(path)
