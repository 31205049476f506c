"""What strangers make: each function writes it into a folder, or returns what does."""

import base64
import bz2
import gzip
import io
import json
import lzma
import os
import pickle
import struct
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import nibabel
import numpy as np
import zstandard
from PIL import Image
from support import dm_files, mrc_files, tiff_files
from support import volumes_on_disk as disk

from emqs.embedding.stores.manifest import sealed

Change = Callable[[Path], None]
LARGE = 2**32  # bytes of files that are all holes


class Trap:
    """Code where numbers are expected."""

    def __reduce__(self) -> tuple[object, ...]:
        return os.system, ("touch ran",)


def nothing(_: Path) -> None:
    """Change nothing: what is typed is hostile."""


def written(name: str, content: str | bytes) -> Change:
    """Return what writes a file."""

    def change(folder: Path) -> None:
        disk.put(folder / name, content.encode() if isinstance(content, str) else content)

    return change


def sparse(name: str) -> Change:
    """Return what makes a file of nothing of 4 GB."""

    def change(folder: Path) -> None:
        (folder / name).touch()
        os.truncate(folder / name, LARGE)

    return change


def manifest(key: str, value: object) -> Change:
    """Return what changes a value in the manifest of the store, and its checksum."""

    def change(folder: Path) -> None:
        path = folder / "e.zarr" / "zarr.json"
        group = json.loads(path.read_text())
        content = group["attributes"]["emqs"]
        del content["sha256"]
        holder, _, name = key.rpartition(".")
        (content[holder] if holder else content)[name] = value
        group["attributes"]["emqs"] = sealed(content)
        path.write_text(json.dumps(group))

    return change


def trap(name: str) -> Change:
    """Return what writes a file that runs code when it is unpickled."""
    return written(name, pickle.dumps({"state_dict": Trap(), "emqs": Trap()}))


def without_seals(group: Path) -> None:
    """Take away what emqs noted of an image: a stranger's has no checksums."""
    for file in (group / "zarr.json", group / "0" / "zarr.json"):
        content = json.loads(file.read_text())
        own = content["attributes"]
        content["attributes"] = {k: v for k, v in own.items() if not k.startswith("emqs")}
        file.write_text(json.dumps(content))


def zarr(**changed: object) -> Change:
    """Return what changes the description of the array of the volume."""

    def change(folder: Path) -> None:
        without_seals(folder / "v.zarr")
        path = folder / "v.zarr" / "0" / "zarr.json"
        path.write_text(json.dumps(json.loads(path.read_text()) | changed))

    return change


def _packed_zeros(n_bytes: int) -> bytes:
    packer, zeros = zlib.compressobj(1), bytes(2**24)
    return b"".join([*(packer.compress(zeros) for _ in range(n_bytes // 2**24)), packer.flush()])


def zarr_noted(folder: Path) -> None:
    """Make a volume note of 2**60 chunks which were written, in zeros that are packed."""
    zarr(shape=[2**20] * 3, chunk_grid={
        "name": "regular", "configuration": {"chunk_shape": [1] * 3},
    })(folder)  # fmt: skip
    file = folder / "v.zarr" / "zarr.json"
    content = json.loads(file.read_text())
    bomb = base64.b64encode(_packed_zeros(2**31)).decode()
    content["attributes"]["emqs_stored_chunks"] = {"0": bomb}
    file.write_text(json.dumps(content))


def zarr_level(path: str) -> Change:
    """Return what makes the volume name another place as its only level."""

    def change(folder: Path) -> None:
        (folder / "outside").mkdir()
        without_seals(folder / "v.zarr")
        file = folder / "v.zarr" / "zarr.json"
        content = json.loads(file.read_text())
        content["attributes"]["ome"]["multiscales"][0]["datasets"][0]["path"] = path
        file.write_text(json.dumps(content))

    return change


def pickled_zarr(folder: Path) -> None:
    """Write a Zarr array of objects that are unpickled."""
    about = {
        "zarr_format": 2, "shape": [3, 32, 32], "chunks": [3, 32, 32], "dtype": "|O",
        "compressor": None, "fill_value": None, "order": "C", "filters": [{"id": "pickle"}],
    }  # fmt: skip
    disk.put(folder / "p.zarr" / ".zarray", about)
    disk.put(folder / "p.zarr" / "0.0.0", pickle.dumps(Trap()))


def n5(**changed: object) -> Change:
    """Return what writes an N5 volume with other attributes; None takes one away."""

    def change(folder: Path) -> None:
        disk.n5_cosem(folder / "v.n5")
        path = folder / "v.n5" / "attributes.json"
        content = json.loads(path.read_text()) | changed
        kept = {key: value for key, value in content.items() if value is not None}
        path.write_text(json.dumps(kept))

    return change


def n5_level(path: str) -> Change:
    """Return what writes an N5 group that names another place as its only level."""
    return n5(multiscales=[{"datasets": [{"path": path}]}], dimensions=None)


def n5_block(folder: Path) -> None:
    """Write an N5 volume, a block of which claims to be larger than all computers."""
    disk.n5_cosem(folder / "v.n5")
    path = folder / "v.n5" / "0" / "0" / "0"
    path.write_bytes(struct.pack(">HHIII", 0, 3, 2**30, 2**30, 2**30) + path.read_bytes()[16:])


def scale(**changed: object) -> Change:
    """Return what changes the one scale of the precomputed volume."""

    def change(folder: Path) -> None:
        path = folder / "v.precomputed" / "info"
        content = json.loads(path.read_text())
        content["scales"][0] |= changed
        path.write_text(json.dumps(content))

    return change


def tiff(tag: int, value: int) -> Change:
    """Return what writes a TIFF of two slices with another value of a tag."""

    def change(folder: Path) -> None:
        one = tiff_files.page(np.zeros((32, 32), np.uint8))
        pages = [one | {tag: (one[tag][0], value)} for _ in range(2)]
        tiff_files.write(folder / "v.tif", pages)

    return change


def tiff_circle(folder: Path) -> None:
    """Write a TIFF whose one page is followed by itself."""
    path = folder / "v.tif"
    tiff_files.write(path, [tiff_files.page(np.zeros((32, 32), np.uint8))])
    content = bytearray(path.read_bytes())
    first = struct.unpack_from("<I", content, 4)[0]
    n_tags = struct.unpack_from("<H", content, first)[0]
    struct.pack_into("<I", content, first + 2 + 12 * n_tags, first)
    path.write_bytes(content)


def mrc_claim(folder: Path) -> None:
    """Write an MRC file that claims 10,000 sections of 100,000 x 100,000."""
    path = mrc_files.mrc(folder / "v.mrc", np.zeros((2, 4, 4), np.uint8))
    path.write_bytes(struct.pack("<3i", 100_000, 100_000, 10_000) + path.read_bytes()[12:])


def nifti_claim(folder: Path) -> None:
    """Write a NIfTI file that claims 32,767 x 32,767 x 32,767 voxels."""
    path = folder / "v.nii"
    nibabel.Nifti1Image(np.zeros((4, 4, 4), np.uint8), np.eye(4)).to_filename(path)
    content = bytearray(path.read_bytes())
    struct.pack_into("<4h", content, 40, 3, 32767, 32767, 32767)
    path.write_bytes(content)


def _npy(shape: tuple[int, ...], content: bytes) -> bytes:
    head = io.BytesIO()
    about = {"descr": "|u1", "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(head, about)
    return head.getvalue() + content


def npy_claim(folder: Path) -> None:
    """Write an .npy file that claims a terabyte."""
    (folder / "v.npy").write_bytes(_npy((10_000, 10_000, 10_000), bytes(100)))


def npy_code(folder: Path) -> None:
    """Write an .npy file of objects that are unpickled."""
    np.save(folder / "v.npy", np.array([[[Trap()]]], dtype=object), allow_pickle=True)


def npz_code(folder: Path) -> None:
    """Write an .npz file of objects that are unpickled."""
    np.savez(folder / "v.npz", raw=np.array([[[Trap()]]], dtype=object))


def zip_outside(name: str) -> Change:
    """Return what writes a zip file whose one file has a name that leads outside."""

    def change(folder: Path) -> None:
        with zipfile.ZipFile(folder / name, "w") as file:
            file.writestr("../../secret.npy", _npy((3, 32, 32), bytes(3 * 32 * 32)))

    return change


def zip_claim(folder: Path) -> None:
    """Write a zip file of the volume, of which each file claims to unpack to 3 GB."""
    with zipfile.ZipFile(folder / "v.zarr.zip", "w", zipfile.ZIP_DEFLATED) as file:
        for path in sorted((folder / "v.zarr").rglob("*")):
            if path.is_file():
                file.write(path, path.relative_to(folder / "v.zarr"))
        for entry in file.infolist():
            entry.file_size = 3 * 10**9  # written at the end of the file


def png_claim(folder: Path) -> None:
    """Write a slice of a few bytes that claims a terapixel."""

    def part(kind: bytes, content: bytes) -> bytes:
        check = struct.pack(">I", zlib.crc32(kind + content))
        return struct.pack(">I", len(content)) + kind + content + check

    head = struct.pack(">IIBBBBB", 10**6, 10**6, 8, 0, 0, 0, 0)
    parts = ((b"IHDR", head), (b"IDAT", zlib.compress(bytes(1000))), (b"IEND", b""))
    content = b"\x89PNG\r\n\x1a\n" + b"".join(part(*one) for one in parts)
    disk.put(folder / "slices" / "0.png", content)
    disk.put(folder / "slices" / "1.png", content)


def jpeg_claim(side: int) -> Change:
    """Return what writes slices of a few bytes that claim so many pixels along each side."""

    def write(folder: Path) -> None:
        stream = io.BytesIO()
        Image.fromarray(np.zeros((16, 16), np.uint8)).save(stream, "JPEG")
        content = bytearray(stream.getvalue())
        at = content.index(b"\xff\xc0") + 5  # after length and depth: height and width
        content[at : at + 4] = struct.pack(">HH", side, side)
        for name in ("0.jpg", "1.jpg"):
            disk.put(folder / "slices" / name, bytes(content))

    return write


def jpeg_cut(folder: Path) -> None:
    """Write slices that are cut off in the middle of their pixels."""
    stream = io.BytesIO()
    noise = np.random.default_rng(0).integers(0, 256, (200, 200), dtype=np.uint8)
    Image.fromarray(noise).save(stream, "JPEG")
    content = stream.getvalue()
    for name in ("0.jpg", "1.jpg"):
        disk.put(folder / "slices" / name, content[: len(content) // 2])


def dm_changed(change: Callable[[bytes], bytes]) -> Change:
    """Return what writes a DM4 file that is changed afterwards."""

    def write(folder: Path) -> None:
        path = dm_files.dm(folder / "v.dm4", np.zeros((3, 60, 70), np.uint8))
        path.write_bytes(change(path.read_bytes()))

    return write


def dm_claim(content: bytes) -> bytes:
    """Let the dimensions of a DM4 file claim terabytes, and its data as many."""
    tag = dm_files.Writer(4)
    for length in (3, 60, 70):
        content = content.replace(tag.unsigned("", length), tag.unsigned("", 20_000), 1)
    n_voxels = tag.number(3 * 60 * 70)
    return content.replace(n_voxels, tag.number(20_000**3), 1)


def dm_tags(content: bytes) -> bytes:
    """Let the first group of a DM4 file claim 2**60 tags."""
    return content[:18] + dm_files.Writer(4).number(2**60) + content[26:]


def dm_text(content: bytes) -> bytes:
    """Let a text of a DM4 file claim terabytes."""
    tag = dm_files.Writer(4)
    note = tag.text("Note", "made by hand")
    return content.replace(note, note.replace(tag.number(12), tag.number(2**41)), 1)


def dm_deep(folder: Path) -> None:
    """Write a DM4 file of groups 20,000 deep."""
    tag = dm_files.Writer(4)
    one = tag.group("", b"")[: -len(tag.number(0))] + tag.number(1)
    root = b"\1\0" + tag.number(1) + one * 20_000
    (folder / "v.dm4").write_bytes(
        struct.pack(">i", 4) + tag.number(len(root)) + struct.pack(">i", 1) + root + bytes(8)
    )


def hdf5_claim(folder: Path) -> None:
    """Write an HDF5 file of a petavoxel, of which nothing is stored."""
    with h5py.File(folder / "v.h5", "w") as file:
        file.create_dataset("main", (100_000,) * 3, "u1", chunks=(64, 64, 64))


def hdf5_virtual(folder: Path) -> None:
    """Write an HDF5 file whose voxels lie in another one, outside."""
    with h5py.File(folder.parent / "other.h5", "w") as file:
        file["main"] = np.ones((10, 32, 32), np.uint8)
    layout = h5py.VirtualLayout((10, 32, 32), "u1")
    layout[:] = h5py.VirtualSource(str(folder.parent / "other.h5"), "main", (10, 32, 32))
    with h5py.File(folder / "v.h5", "w") as file:
        file.create_virtual_dataset("main", layout)


def hdf5_link(folder: Path) -> None:
    """Write an HDF5 file with a link to another one, outside."""
    with h5py.File(folder.parent / "other.h5", "w") as file:
        file["main"] = np.ones((10, 32, 32), np.uint8)
    with h5py.File(folder / "v.h5", "w") as file:
        file["main"] = h5py.ExternalLink("../other.h5", "main")


def external(folder: Path) -> None:
    """Write an HDF5 file whose voxels lie outside of its folder."""
    with h5py.File(folder / "labels.h5", "w") as file:
        outside = str(folder.parent / "secret.raw")
        file.create_dataset("main", (10, 10, 10), "u1", external=[(outside, 0, 1000)])


def xml_bomb(folder: Path) -> None:
    """Write XML of a few lines that grows to gigabytes."""
    lines = ['<!DOCTYPE x [<!ENTITY a0 "aaaaaaaaaa">']
    lines += [f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 10)]
    (folder / "v.xml").write_text("".join(lines) + "]><SpimData>&a9;</SpimData>")


def xml_outside(folder: Path) -> None:
    """Write XML of BigDataViewer whose file lies outside."""
    loader = '<ImageLoader format="bdv.hdf5"><hdf5 type="relative">../o.h5</hdf5></ImageLoader>'
    text = f"<SpimData><SequenceDescription>{loader}</SequenceDescription></SpimData>"
    (folder / "v.xml").write_text(text)


def nrrd(file: str) -> Change:
    """Return what writes an NRRD header whose voxels lie in another file."""
    text = f"type: uint8\ndimension: 3\nsizes: 10 10 10\nencoding: raw\ndata file: {file}\n"
    return written("labels.nhdr", f"NRRD0004\n{text}\n")


def packed_bomb(name: str) -> Change:
    """Return what writes a few kilobytes that unpack to gigabytes, by the ending of the name."""
    opened: dict[str, Any] = {
        "zst": zstandard.open, "gz": gzip.open, "xz": lzma.open, "bz2": bz2.open,
    }  # fmt: skip

    def change(folder: Path) -> None:
        with opened[name.rpartition(".")[2]](folder / name, "wb") as stream:
            stream.write(_npy((4000, 1000, 1000), b""))
            for _ in range(64):
                stream.write(bytes(2**22))

    return change
