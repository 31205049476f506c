"""Source volumes in many formats, of which one bit is flipped, and what emqs says of them.

A flip changes nothing, or is told in one line when the volume is opened or read; if the format has
no checksum of what was hit, ``embed task=verify`` tells that a store was made of something else.
"""

import bz2
import gzip
import lzma
import random
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import h5py
import nibabel
import numpy as np
import pytest
import tifffile
import zarr
import zstandard
from PIL import Image
from support import volumes_on_disk as disk
from support.embedded_volumes import model
from support.mrc_files import mrc
from support.nrrd_files import nrrd
from support.volumes_on_disk import SHAPE, VOXELS

from emqs.embedding.build import EmbedConfig, build, verify
from emqs.errors import EmqsError
from emqs.models.compute import Compute
from emqs.models.weights import Model
from emqs.patches.settings import PatchConfig
from emqs.volumes import Volume, open_volume

Make = Callable[[Path], object]
PATCHES = PatchConfig(size=2, stride=1)  # every voxel is in one
NM = (30.0, 4.0, 4.0)  # patches need square pixels
SILENT: Mapping[str, Any] = {"voxel_size_nm": NM, "axes": "zyx"}  # for what does not say it


class Source(NamedTuple):
    """How a volume is written.

    Attributes:
        make: Writes it at a path.
        name: Of its file or folder.
        is_checked: Whether its voxels have a checksum, so that no flip changes them unnoticed.
        options: What has to be said when it is opened.
    """

    make: Make
    name: str
    is_checked: bool = False
    options: Mapping[str, Any] = {}


def hdf5(path: Path, **options: object) -> None:
    """Write an HDF5 file; ``libver="latest"`` has checksums of what it says of itself."""
    newest = {"libver": options.pop("libver")} if "libver" in options else {}
    with h5py.File(path, "w", **newest) as file:
        dataset = file.create_dataset("volumes/raw", data=VOXELS, chunks=disk.CHUNKS, **options)
        dataset.attrs.update({"resolution": NM, "unit": "nm", "axes": "zyx"})


def zarr3(path: Path, **options: object) -> None:
    """Write an OME-Zarr 0.5 image by zarr, with its codecs."""
    disk.group_05(path, scale=NM)
    array = zarr.create_array(
        path / "s0", shape=SHAPE, chunks=disk.CHUNKS, dtype="u2", zarr_format=3, **options
    )
    array[:] = VOXELS


def zarr2(path: Path, **options: object) -> None:
    """Write an OME-Zarr 0.4 image by zarr, with its codecs."""
    disk.put(path / ".zgroup", {"zarr_format": 2})
    disk.put(path / ".zattrs", disk.ome(version="0.4", scale=NM))
    array = zarr.create_array(
        path / "s0", shape=SHAPE, chunks=disk.CHUNKS, dtype="u2", zarr_format=2, **options
    )
    array[:] = VOXELS


def n5_gzip(path: Path) -> None:
    """Write an N5 dataset whose blocks are packed by gzip."""
    disk.n5_cosem(path)
    attributes = path / "attributes.json"
    attributes.write_text(attributes.read_text().replace('"raw"', '"gzip"'))
    for block in path.rglob("*"):
        if block.is_file() and block != attributes:
            head, voxels = block.read_bytes()[:16], block.read_bytes()[16:]
            block.write_bytes(head + gzip.compress(voxels, mtime=0))


def checked_zstd(content: bytes) -> bytes:
    """Return content packed by zstd, with its checksum, which is left out unless asked for."""
    return zstandard.ZstdCompressor(write_checksum=True).compress(content)


def nifti(path: Path) -> None:
    """Write a NIfTI file."""
    image = nibabel.Nifti1Image(VOXELS.T, np.diag([*(edge / 1000 for edge in NM[::-1]), 1.0]))
    image.header.set_xyzt_units("micron")
    image.to_filename(path)


def precomputed_gzip(path: Path) -> None:
    """Write a precomputed volume whose chunks are packed by gzip."""
    disk.precomputed(path)
    for chunk in (path / "4_8_30").iterdir():
        chunk.with_name(f"{chunk.name}.gz").write_bytes(gzip.compress(chunk.read_bytes(), mtime=0))
        chunk.unlink()


def packed(make: Make, name: str, pack: Callable[[bytes], bytes] = gzip.compress) -> Make:
    """Return what writes a file and packs it."""

    def write(path: Path) -> None:
        plain = path.with_name(name)
        make(plain)
        path.write_bytes(pack(plain.read_bytes()))
        plain.unlink()

    return write


def tiff(path: Path, **options: object) -> None:
    """Write a TIFF with the voxel size of ImageJ or OME."""
    disk.tiff_ome(path, **options)


def imagej(path: Path) -> None:
    """Write a TIFF as ImageJ does: one directory, and the slices after it."""
    about = {"axes": "ZYX", "spacing": 0.03, "unit": "um"}
    tifffile.imwrite(path, VOXELS, imagej=True, resolution=(250, 250), metadata=about)


def jpeg(path: Path) -> None:
    """Write a folder of JPEG slices."""
    path.mkdir()
    for z, image in enumerate(VOXELS):
        Image.fromarray((image // 2).astype(np.uint8)).save(path / f"{z}.jpg", quality=95)


GZIP = {"name": "gzip", "configuration": {"level": 5}}
BLOSC = {
    "name": "blosc", "configuration": {"cname": "lz4", "clevel": 5, "shuffle": "shuffle",
                                       "typesize": 2, "blocksize": 0},
}  # fmt: skip
SOURCES = {
    "zarr2 raw": Source(lambda p: disk.ome_zarr_04(p, scale=NM), "v.zarr"),
    "zarr2 zlib": Source(lambda p: zarr2(p, compressors={"id": "zlib"}), "v.zarr", True),
    "zarr3 raw": Source(lambda p: disk.ome_zarr_05(p, scale=NM), "v.zarr"),
    "zarr3 sharded": Source(disk.ome_zarr_05_sharded, "v.zarr", options={"voxel_size_nm": NM}),
    "zarr3 crc32c": Source(
        lambda p: zarr3(p, compressors=[{"name": "crc32c"}]), "v.zarr", True
    ),
    "zarr3 gzip": Source(lambda p: zarr3(p, compressors=[GZIP]), "v.zarr", True),
    "zarr3 zstd": Source(lambda p: zarr3(p), "v.zarr"),
    "zarr3 blosc": Source(lambda p: zarr3(p, compressors=[BLOSC]), "v.zarr"),
    "n5 raw": Source(disk.n5_cosem, "v.n5"),
    "n5 gzip": Source(n5_gzip, "v.n5", True),
    "precomputed raw": Source(disk.precomputed, "v.precomputed"),
    "hdf5 raw": Source(hdf5, "v.h5"),
    "hdf5 gzip": Source(lambda p: hdf5(p, compression="gzip"), "v.h5"),
    "hdf5 fletcher32": Source(
        lambda p: hdf5(p, fletcher32=True, libver="latest"), "v.h5", True
    ),
    "tiff raw": Source(tiff, "v.ome.tif"),
    "tiff zlib": Source(lambda p: tiff(p, compression="zlib"), "v.ome.tif", True),
    "tiff lzw": Source(lambda p: tiff(p, compression="lzw"), "v.ome.tif"),
    "tiff imagej": Source(imagej, "v.tif"),
    "tiff slices": Source(lambda p: disk.slices(p, "tif"), "v", True, SILENT),
    "png slices": Source(lambda p: disk.slices(p, "png"), "v", True, SILENT),
    "jpeg slices": Source(jpeg, "v", options=SILENT),
    "mrc": Source(lambda p: mrc(p, VOXELS, cell_angstrom=(280, 240, 1500)), "v.mrc"),
    "mrc.gz": Source(
        packed(lambda p: mrc(p, VOXELS, cell_angstrom=(280, 240, 1500)), "p.mrc"), "v.mrc.gz", True
    ),
    "nrrd raw": Source(lambda p: nrrd(p, spacings=NM[::-1], units="nm"), "v.nrrd"),
    "nrrd gzip": Source(
        lambda p: nrrd(p, spacings=NM[::-1], units="nm", encoding="gzip"), "v.nrrd", True
    ),
    "npy": Source(lambda p: np.save(p, VOXELS), "v.npy", options=SILENT),
    "npy.gz": Source(packed(lambda p: np.save(p, VOXELS), "p.npy"), "v.npy.gz", True, SILENT),
    "npy.zst": Source(
        packed(lambda p: np.save(p, VOXELS), "p.npy", checked_zstd), "v.npy.zst", True, SILENT
    ),
    "npy.xz": Source(
        packed(lambda p: np.save(p, VOXELS), "p.npy", lzma.compress), "v.npy.xz", True, SILENT
    ),
    "npy.bz2": Source(
        packed(lambda p: np.save(p, VOXELS), "p.npy", bz2.compress), "v.npy.bz2", True, SILENT
    ),
    "nifti": Source(nifti, "v.nii"),
    "nifti gzip": Source(packed(nifti, "p.nii"), "v.nii.gz", True),
    "precomputed gzip": Source(precomputed_gzip, "v.precomputed", True),
    "npz": Source(lambda p: np.savez_compressed(p, raw=VOXELS), "v.npz", True, SILENT),
}  # fmt: skip


@dataclass(frozen=True)
class Original:
    """A source as it was written, and what was made of it.

    Attributes:
        source: How it is written.
        path: Where.
        voxels: What it holds.
        facts: What it says of itself.
        model: An encoder.
        store: Made of it by that encoder.
    """

    source: Source
    path: Path
    voxels: np.ndarray
    facts: Mapping[str, object]
    model: Model
    store: Path


def facts(volume: Volume) -> dict[str, object]:
    """Return what decides what is made of a volume, and where its places lie."""
    return {
        "shape": volume.shape, "dtype": volume.dtype, "voxel_size_nm": volume.voxel_size_nm,
        "origin_nm": volume.origin_nm,
    }  # fmt: skip


def original(name: str, folder: Path) -> Original:
    """Write a source, and embed it."""
    source = SOURCES[name]
    folder.mkdir(parents=True)
    path = folder / source.name
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(disk, "SIZE", NM)
        source.make(path)
    volume = open_volume(path, **source.options)
    encoder = model(name="pixels")
    build(
        volume, encoder, folder / "store.zarr", patch=PATCHES,
        settings=EmbedConfig(block=8, n_sample=64), compute=Compute(device="cpu"),
    )  # fmt: skip
    voxels = volume.read(volume.box)
    return Original(source, path, voxels, facts(volume), encoder, folder / "store.zarr")


def flip_source(of: Original, folder: Path, seed: int) -> str:
    """Flip a bit of a source; return who told it, or that nothing changed.

    Raises:
        AssertionError: If another volume is read, and nobody tells.
    """
    chance = random.Random(f"{of.source.name}{seed}")
    path = folder / of.source.name
    (shutil.copytree if of.path.is_dir() else shutil.copy)(of.path, path)
    files = sorted(f for f in (path.rglob("*") if path.is_dir() else [path]) if f.is_file())
    file = chance.choice(files)
    content = bytearray(file.read_bytes())
    at, bit = chance.randrange(len(content)), chance.randrange(8)
    content[at] ^= 1 << bit
    file.write_bytes(content)
    where = f"bit {bit} of byte {at} of {file.relative_to(folder)}"
    try:
        volume = open_volume(path, **of.source.options)
        voxels = volume.read(volume.box)
    except EmqsError as told:
        return _in_one_line(told, where, "refused")
    known = facts(volume)
    is_same = known == of.facts and np.array_equal(voxels, of.voxels)
    if is_same:
        return "nothing changed"
    assert not of.source.is_checked or known != of.facts, f"{where}: other voxels"
    try:
        verify(volume, of.model, of.store).check()
    except EmqsError as told:
        return _in_one_line(told, where, "verified")
    raise AssertionError(f"{where}: nobody tells; {known}")


def _in_one_line(told: EmqsError, where: str, how: str) -> str:
    assert "\n" not in str(told), where
    return how
