"""Label volumes in files: each format against its own library, axes by hand, damage by name."""

import gzip
import json
import lzma
from collections.abc import Callable
from pathlib import Path

import compressed_segmentation
import compresso
import crackle
import h5py
import nibabel
import nrrd
import numpy as np
import pytest
import tensorstore
import tifffile
import zarr
from PIL import Image
from support.label_volumes import SIZE, blocky, box_of, opened, written

from emqs.codecs import get_codec
from emqs.errors import ConfigError, DataError, EmqsError
from emqs.geometry import Box, box_size, boxes, count_boxes, touched
from emqs.volumes.creating import WRITE
from emqs.volumes.label_answers import answers_of
from emqs.volumes.opening import ENDINGS

SHAPE = (5, 70, 66)


def by_library(path: Path, name: str) -> np.ndarray:  # noqa: C901 (a table)
    """Read a file as a user of the format does, without emqs; Z Y X."""
    if name == "npy":
        return np.load(path)
    if name == "hdf5":
        with h5py.File(path) as file:
            assert file["main"].attrs["resolution"].tolist() == list(SIZE)
            return file["main"][:]
    if name == "tiff":
        return tifffile.imread(path)
    if name == "png":
        return np.stack([np.asarray(Image.open(p)) for p in sorted(path.iterdir())])
    if name == "nifti":
        image = nibabel.load(path)
        assert np.allclose(image.header.get_zooms(), [0.004, 0.008, 0.04])
        return np.asarray(image.dataobj).T
    if name == "nrrd":
        labels, header = nrrd.read(str(path))
        assert header["spacings"].tolist() == [4, 8, 40]
        return labels.T
    if name == "crackle":
        return crackle.decompress(path.read_bytes()).T
    if name == "compresso":
        return compresso.decompress(path.read_bytes()).T
    if name == "n5":
        spec = {"driver": "n5", "kvstore": f"file://{path}/labels/"}
        return tensorstore.open(spec).result().read().result().T
    if name == "zarr":
        return zarr.open(path, mode="r")["0"][:]
    if name == "precomputed":
        return precomputed_by_hand(path)
    return get_codec(name).decode(path.read_bytes())


def precomputed_by_hand(path: Path) -> np.ndarray:
    info = json.loads((path / "info").read_text())
    (scale,) = info["scales"]
    assert scale["resolution"] == [4, 8, 40]
    volume = np.zeros(scale["size"], info["data_type"])
    for file in (path / scale["key"]).iterdir():
        box = tuple(slice(*map(int, part.split("-"))) for part in file.stem.split("_"))
        stream = file.read_bytes()
        shape = volume[box].shape
        volume[box] = compressed_segmentation.decompress(stream, shape, volume.dtype, order="F")
    return volume.T


def dtype_for(name: str) -> str:
    return "uint16" if name == "png" else "uint32"


# each format


@pytest.mark.parametrize("name", sorted(WRITE))
def test_what_is_written_is_read_by_the_library_of_the_format(name: str, tmp_path: Path) -> None:
    volume = blocky(dtype_for(name))
    ending = next((e for e, n in ENDINGS.items() if n == name), "")
    path = written(tmp_path / f"volume{ending}", name, volume)
    assert np.array_equal(by_library(path, name), volume)


@pytest.mark.parametrize("name", sorted(WRITE))
def test_boxes_are_read_back(name: str, tmp_path: Path) -> None:
    volume = blocky(dtype_for(name))
    path = written(tmp_path / ("volume.nii" if name == "nifti" else "volume"), name, volume)
    with opened(path, format=name) as reader:
        assert reader.shape == SHAPE
        for box in [np.s_[0:5, 0:70, 0:66], np.s_[1:4, 31:66, 30:35], np.s_[4:5, 69:70, 65:66]]:
            found = reader.read(box_of(box))
            assert np.array_equal(found, volume[box])
            assert found.flags.c_contiguous
        if name in ("hdf5", "n5", "nifti", "precomputed", "zarr"):
            assert reader.voxel_size_nm == pytest.approx(SIZE)
        for box in reader.blocks():
            listed = answers_of(reader).block_labels(box)
            if listed is not None:
                assert np.array_equal(np.unique(listed), np.unique(volume[box.slices])), box
            counts = answers_of(reader).block_counts(box)
            if counts is not None:
                expected = np.unique(volume[box.slices], return_counts=True)
                order = np.argsort(counts[0])
                assert np.array_equal(counts[0][order], expected[0])
                assert np.array_equal(counts[1][order], expected[1])


@pytest.mark.parametrize("dtype", ["int8", "int32", "int64", "uint8", "uint64", "bool"])
@pytest.mark.parametrize("name", ["npy", "hdf5", "zarr"])
def test_dtypes_are_kept(name: str, dtype: str, tmp_path: Path) -> None:
    volume = (blocky("int64") % 100 - (50 if dtype.startswith("i") else 0)).astype(dtype)
    with opened(written(tmp_path / "v", name, volume), format=name) as reader:
        assert reader.dtype == volume.dtype
        assert np.array_equal(reader.read(reader.box), volume)


def test_axes_of_a_file_are_named_by_hand(tmp_path: Path) -> None:
    volume = blocky()
    np.save(tmp_path / "xyz.npy", volume.T)
    np.save(tmp_path / "yzx.npy", volume.transpose(1, 0, 2))
    np.save(tmp_path / "channel.npy", volume[None, ..., None])
    np.save(tmp_path / "slice.npy", volume[0])
    for name, axes in (("xyz", "xyz"), ("yzx", "yzx"), ("channel", None)):
        with opened(tmp_path / f"{name}.npy", axes=None if axes is None else tuple(axes)) as reader:
            assert np.array_equal(reader.read(reader.box), volume), name
            assert np.array_equal(
                reader.read(box_of(np.s_[1:3, 5:9, 0:2])), volume[1:3, 5:9, :2]
            ), name
    with opened(tmp_path / "slice.npy") as reader:
        assert np.array_equal(reader.read(reader.box), volume[:1])


def test_big_endian_files_are_read(tmp_path: Path) -> None:
    volume = blocky("int32")
    np.save(tmp_path / "big.npy", volume.astype(">i4"))
    with h5py.File(tmp_path / "big.h5", "w") as file:
        file["stack"] = volume.astype(">i4")
    tifffile.imwrite(tmp_path / "big.tif", volume, byteorder=">", photometric="minisblack")
    for name in ("big.npy", "big.h5", "big.tif"):
        with opened(tmp_path / name) as reader:
            found = reader.read(reader.box)
            assert np.array_equal(found, volume), name
            assert found.dtype.isnative


@pytest.mark.parametrize("pack", [gzip.compress, lzma.compress])
def test_files_that_are_compressed_as_a_whole(
    pack: Callable[[bytes], bytes], tmp_path: Path
) -> None:
    volume = blocky()
    ending = ".gz" if pack is gzip.compress else ".lzma"
    for name in ("compresso", "compresso-miccai", "crackle", "hdf5", "npy"):
        plain = written(tmp_path / name, name, volume)
        inner = next(e for e, n in ENDINGS.items() if n == name)
        path = tmp_path / f"v{inner}{ending}"
        path.write_bytes(pack(plain.read_bytes()))
        with opened(path) as reader:
            assert np.array_equal(reader.read(reader.box), volume), name
        path.write_bytes(path.read_bytes()[:-20])
        with pytest.raises(DataError, match="cannot be decompressed"):
            opened(path)


def test_a_precomputed_folder_of_another_program(tmp_path: Path) -> None:
    """Compresso and raw chunks, an offset, and a chunk that is missing."""
    volume = blocky()
    for encoding in ("compresso", "crackle", "raw"):
        top = tmp_path / encoding
        (top / "8_8_40").mkdir(parents=True)
        scale = {
            "key": "8_8_40", "size": [66, 70, 5], "voxel_offset": [100, 20, 7],
            "chunk_sizes": [[33, 40, 5]], "resolution": [8, 8, 40], "encoding": encoding,
        }  # fmt: skip
        info = {"data_type": "uint32", "num_channels": 1, "scales": [scale]}
        (top / "info").write_text(json.dumps(info))
        expected = volume.copy()
        for y, x in ((0, 0), (0, 33), (40, 0), (40, 33)):
            part = np.asfortranarray(volume[:, y : y + 40, x : x + 33].T)
            name = f"{100 + x}-{133 + x}_{20 + y}-{min(60 + y, 90)}_7-12"
            if (y, x) == (40, 33):
                expected[:, 40:, 33:] = 0
                continue
            stream = (
                part.tobytes("F")
                if encoding == "raw"
                else {"compresso": compresso, "crackle": crackle}[encoding].compress(part)
            )
            (top / "8_8_40" / f"{name}.gz").write_bytes(gzip.compress(bytes(stream)))
        for scale_name in (0, "8_8_40", "0", "8840"):  # Hydra reads 8_8_40 as a number
            with opened(top, level=scale_name) as reader:
                assert np.array_equal(reader.read(reader.box), expected), encoding
                assert reader.voxel_size_nm == (40, 8, 8)
                assert reader.notes == ("1 of 4 chunks are missing: background 0.",)
        with opened(top) as reader:
            for box in reader.blocks():
                listed = answers_of(reader).block_labels(box)
                if listed is not None:
                    assert np.array_equal(np.unique(listed), np.unique(expected[box.slices]))
        file = next((top / "8_8_40").iterdir())
        whole = bytearray(file.read_bytes())
        whole[len(whole) // 2] ^= 4
        file.write_bytes(bytes(whole))
        with opened(top) as reader, pytest.raises(DataError, match=file.name):
            reader.read(reader.box)


def test_zarr_of_others_and_levels(tmp_path: Path) -> None:
    volume = blocky("int32")
    zarr.create_array(tmp_path / "v2.zarr", data=volume, zarr_format=2, chunks=(2, 30, 30))
    with opened(tmp_path / "v2.zarr") as reader:
        assert np.array_equal(reader.read(reader.box), volume)
    path = written(tmp_path / "pyramid.zarr", "zarr", volume, levels=2)
    with opened(path, level="1") as reader:
        assert reader.shape == (5, 70, 33)  # pixels are half as long along x as along y
    with pytest.raises(
        ConfigError, match=r"level=7 is out of range: .* has 2 resolution levels, .*\(0, 1\)"
    ):
        opened(path, level="7")
    with pytest.raises(ConfigError, match=r"There is no Zarr array or group at .*pyramid\.zarr/x"):
        opened(path, dataset="x")


# damage


def test_a_lost_chunk_is_not_background(tmp_path: Path) -> None:
    volume = blocky()
    path = written(tmp_path / "v.zarr", "zarr", volume)
    empty = path / "0" / "c" / "0" / "0" / "0"
    lost = path / "0" / "c" / "1" / "1" / "1"
    assert not empty.exists()  # all of it is 0
    lost.unlink()
    assert zarr.open(path, mode="r")["0"][2, 40, 40] == 0  # what Zarr alone makes of it
    with opened(path) as reader:
        assert np.array_equal(reader.read(box_of(np.s_[0:2, 0:32, 0:66])), volume[:2, :32])
        with pytest.raises(DataError, match="0/c/1/1/1 is missing"):
            reader.read(box_of(np.s_[2:3, 40:41, 40:41]))


@pytest.mark.slow
def test_a_flipped_bit_is_an_error_that_names_the_chunk(tmp_path: Path) -> None:
    volume = blocky()
    path = written(tmp_path / "v.zarr", "zarr", volume)
    file = path / "0" / "c" / "1" / "1" / "1"
    whole = file.read_bytes()
    rng = np.random.default_rng(5)
    for bit in rng.choice(len(whole) * 8, 40, replace=False):
        changed = bytearray(whole)
        changed[bit // 8] ^= 1 << (bit % 8)
        file.write_bytes(bytes(changed))
        with opened(path) as reader, pytest.raises(EmqsError, match="c/1/1/1"):
            reader.read(reader.box)


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.npy", b"\x93NUMPY", "cannot be read as a NumPy file"),
        ("a.npy", b"hello", "never loaded"),
        ("a.h5", b"\x89HDF\r\n\x1a\n", "cannot be read as HDF5"),
        ("a.ckl", b"crkl" + b"x" * 40, "cannot be read as crackle"),
        ("a.cpso", b"cpso" + b"x" * 40, "cannot be read"),
        ("a.compresso-miccai", b"\xff" * 90, "cannot be read"),
        ("a.tif", b"II*\0xxxx", "cannot be read as a TIFF"),
        ("a.nii", b"x" * 400, "cannot be read as a NIfTI"),
        ("a.nrrd", b"NRRD0004\nxx", "cannot be read as a NRRD"),
        ("a.xyz", b"1234", "neither its ending nor its first bytes"),
    ],
)
def test_files_that_are_none(name: str, content: bytes, said: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match=said):
        opened(tmp_path / name)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("a.npy", "cannot be read as a NumPy file"),
        ("a.npy.gz", "more memory than there is"),
        ("a.nrrd", "cannot be read as a NRRD file"),
        ("a.compresso-miccai", "over the limit"),
        ("a.compresso-v2", "over the limit"),
        ("a.ckl", "sections are longer than the stream"),
        ("a.cpso", "over the limit"),
    ],
)
def test_a_promise_of_2_to_the_60_voxels_is_refused(name: str, said: str, tmp_path: Path) -> None:
    """A few hundred bytes whose header is that of a volume of 2**20 voxels along each axis."""
    side = np.full(3, 2**20, "<u8")
    text = f"{{'descr': '<u4', 'fortran_order': False, 'shape': {(2**20,) * 3}, }}".ljust(117)
    npy = b"\x93NUMPY\x01\x00" + (118).to_bytes(2, "little") + text.encode() + b"\n" + bytes(99)
    nrrd_head = "type: uint32\ndimension: 3\nsizes: 1048576 1048576 1048576\nendian: little"
    small = np.zeros((8, 8, 8), np.uint32, order="F")
    ckl = bytearray(crackle.compress(small))
    ckl[7:19] = np.full(3, 2**20, "<u4").tobytes()
    ckl[28] = crackle.headers.crc8(ckl[5:28])
    cpso = bytearray(compresso.compress(small))
    cpso[6:12] = b"\xff" * 6  # sides of 16 bits
    content = {
        "a.npy": npy,
        "a.npy.gz": gzip.compress(npy),
        "a.nrrd": f"NRRD0004\n{nrrd_head}\nencoding: raw\n\nxxxx".encode(),
        "a.compresso-miccai": side.tobytes() + np.array([1, 1, 1, 1, 8, 8], "<u8").tobytes(),
        "a.compresso-v2": side.tobytes() + np.array([1, 8, 8, 1, 1, 1], "<u8").tobytes()
        + bytes([8, 1, 1, 1, 4]),
        "a.ckl": bytes(ckl),
        "a.cpso": bytes(cpso),
    }  # fmt: skip
    (tmp_path / name).write_bytes(content[name])
    with pytest.raises(DataError, match=said):
        opened(tmp_path / name)


def test_files_without_labels(tmp_path: Path) -> None:
    np.save(tmp_path / "float.npy", np.zeros((2, 2, 2), np.float32))
    np.save(tmp_path / "four.npy", np.zeros((2, 2, 2, 2), np.uint8))
    np.save(tmp_path / "empty.npy", np.zeros((0, 2, 2), np.uint8))
    np.savez(tmp_path / "two.npz", a=np.zeros((1, 1, 1), "u1"), b=np.zeros((1, 1, 1), "u1"))
    for name, said in (
        ("float", "holds fractions"),
        ("four", "4 axes"),
        ("empty", "is empty"),
    ):
        with pytest.raises(DataError, match=said):
            opened(tmp_path / f"{name}.npy")
    with pytest.raises(ConfigError, match="several arrays: a, b"):
        opened(tmp_path / "two.npz")
    with pytest.raises(DataError, match="There is no volume"):
        opened(tmp_path / "nothing")


def test_a_scale_outside_of_its_folder_is_refused(tmp_path: Path) -> None:
    scale = {
        "key": "../..", "size": [1, 1, 1], "chunk_sizes": [[1, 1, 1]], "resolution": [1, 1, 1],
        "encoding": "raw",
    }  # fmt: skip
    info = {"data_type": "uint8", "num_channels": 1, "scales": [scale]}
    (tmp_path / "info").write_text(json.dumps(info))
    with pytest.raises(DataError, match="outside the volume"):
        opened(tmp_path)


# boxes


def test_boxes_fill_a_volume_once_and_stay_within_memory() -> None:
    shape, unit = (50, 300, 410), (16, 64, 64)
    for memory in (1, 2 * 16 * 64 * 64, 3_000_000, 10**9):
        size = box_size(shape, unit, 2, memory)
        counts = np.zeros(shape, np.uint8)
        for box in boxes(shape, size):
            counts[box.slices] += 1
            assert all(start % step == 0 for start, step in zip(box.start, unit, strict=True))
        assert (counts == 1).all()
        n_bytes = 2 * np.prod(size)
        assert n_bytes <= max(memory, 2 * 16 * 64 * 64)
        assert count_boxes(shape, size) == len(list(boxes(shape, size)))
    assert box_size(shape, (1, -1, -1), 1, 1) == (1, 300, 410)
    assert touched(Box((3, 63, 0), (5, 65, 1)), (4, 64, 64), (50, 300, 410)) == [
        Box((0, 0, 0), (4, 64, 64)), Box((0, 64, 0), (4, 128, 64)),
        Box((4, 0, 0), (8, 64, 64)), Box((4, 64, 0), (8, 128, 64)),
    ]  # fmt: skip
    assert touched(Box((49, 299, 409), (50, 300, 410)), (4, 64, 64), (50, 300, 410)) == [
        Box((48, 256, 384), (50, 300, 410))
    ]


def test_boxes_move_and_overlap() -> None:
    box = Box((1, 2, 3), (4, 6, 8))
    assert (box.shape, box.size) == ((3, 4, 5), 60)
    assert box.moved((10, 0, -3)) == Box((11, 2, 0), (14, 6, 5))
    assert box.overlap(Box((0, 4, 0), (2, 9, 5))) == Box((1, 4, 3), (2, 6, 5))
    assert box.overlap(Box((4, 0, 0), (5, 9, 9))).size == 0
    assert str(box) == "z 1:4, y 2:6, x 3:8"
