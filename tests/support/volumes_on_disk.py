"""One small volume, written by hand in every format, byte by byte where the format allows it.

Three different lengths, three different voxel sizes, chunks that do not fit, and voxels that say
where they are: no mistake in the order of axes can hide.
"""

import json
import struct
from collections.abc import Iterator, Sequence
from itertools import product
from pathlib import Path

import h5py
import numpy as np
import tifffile
from PIL import Image

Lengths = tuple[int, ...]

SHAPE = (5, 6, 7)
CHUNKS = (2, 3, 4)
SIZE = (30.0, 8.0, 4.0)  # nm
VOXELS = (np.arange(5)[:, None, None] * 100 + np.arange(6)[:, None] * 10 + np.arange(7)).astype(
    "u2"
)
ZEROS = (0.0, 0.0, 0.0)


def corners(
    shape: Lengths = SHAPE, chunks: Lengths = CHUNKS
) -> Iterator[tuple[tuple[int, ...], tuple[slice, ...]]]:
    """Number of each chunk, and its place in the volume."""
    counts = [range(-(-s // c)) for s, c in zip(shape, chunks, strict=True)]
    for number in product(*counts):
        yield number, tuple(slice(n * c, n * c + c) for n, c in zip(number, chunks, strict=True))


def padded(part: np.ndarray, chunks: Lengths = CHUNKS) -> np.ndarray:
    return np.pad(part, [(0, c - s) for c, s in zip(chunks, part.shape, strict=True)])


def put(path: Path, content: bytes | dict) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())


def ome(
    axes: str = "zyx",
    units: str | list[str | None] | None = "nanometer",
    scale: Sequence[float] = SIZE,
    translation: Sequence[float] | None = None,
    path: str = "s0",
    **extra: object,
) -> dict:
    units = [units] * len(axes) if units is None or isinstance(units, str) else units
    described = []
    for name, unit in zip(axes, units, strict=True):
        kind = {"t": "time", "c": "channel"}.get(name, "space")
        described.append({"name": name, "type": kind, **({} if unit is None else {"unit": unit})})
    steps = [{"type": "scale", "scale": list(scale)}]
    if translation is not None:
        steps.append({"type": "translation", "translation": list(translation)})
    levels = [{"path": path, "coordinateTransformations": steps}]
    return {"multiscales": [{"axes": described, "datasets": levels, **extra}]}


def zarr2_array(folder: Path, voxels: np.ndarray = VOXELS, chunks: Lengths = CHUNKS) -> None:
    metadata = {
        "zarr_format": 2, "shape": voxels.shape, "chunks": chunks, "dtype": voxels.dtype.str,
        "compressor": None, "fill_value": 0, "order": "C", "filters": None,
    }  # fmt: skip
    put(folder / ".zarray", metadata)
    for number, place in corners(voxels.shape, chunks):
        part = padded(voxels[place], chunks)
        put(folder / ".".join(map(str, number)), part.tobytes())


def zarr3_array(
    folder: Path, voxels: np.ndarray = VOXELS, chunks: Lengths = CHUNKS, **extra: object
) -> None:
    metadata = {
        "zarr_format": 3, "node_type": "array", "shape": voxels.shape, "fill_value": 0,
        "data_type": voxels.dtype.name,
        "chunk_grid": {"name": "regular", "configuration": {"chunk_shape": chunks}},
        "chunk_key_encoding": {"name": "default"},
        "codecs": [{"name": "bytes", "configuration": {"endian": "big"}}],
        **extra,
    }  # fmt: skip
    put(folder / "zarr.json", metadata)
    for number, place in corners(voxels.shape, chunks):
        part = padded(voxels[place], chunks).astype(voxels.dtype.newbyteorder(">"))
        put(folder / "c" / "/".join(map(str, number)), part.tobytes())


def ome_zarr_04(
    folder: Path, voxels: np.ndarray = VOXELS, chunks: Lengths = CHUNKS, **described: object
) -> Path:
    put(folder / ".zgroup", {"zarr_format": 2})
    put(folder / ".zattrs", ome(**described, version="0.4"))
    zarr2_array(folder / "s0", voxels, chunks)
    return folder


def group_05(folder: Path, **described: object) -> None:
    attributes = {"ome": {"version": "0.5", **ome(**described)}}
    put(folder / "zarr.json", {"zarr_format": 3, "node_type": "group", "attributes": attributes})


def ome_zarr_05(
    folder: Path, voxels: np.ndarray = VOXELS, chunks: Lengths = CHUNKS, **described: object
) -> Path:
    group_05(folder, **described)
    zarr3_array(folder / "s0", voxels, chunks)
    return folder


def ome_zarr_05_sharded(folder: Path) -> Path:
    """Shards of 4 x 6 x 8 voxels: chunks one after the other, then where each of them begins."""
    group_05(folder)
    shards = (4, 6, 8)
    inner = {
        "chunk_shape": CHUNKS,
        "codecs": [{"name": "bytes", "configuration": {"endian": "little"}}],
        "index_codecs": [{"name": "bytes", "configuration": {"endian": "little"}}],
    }
    array = folder / "s0"
    metadata = {
        "zarr_format": 3, "node_type": "array", "shape": SHAPE, "fill_value": 0,
        "data_type": "uint16",
        "chunk_grid": {"name": "regular", "configuration": {"chunk_shape": shards}},
        "chunk_key_encoding": {"name": "default"},
        "codecs": [{"name": "sharding_indexed", "configuration": inner}],
    }  # fmt: skip
    put(array / "zarr.json", metadata)
    for number, place in corners(SHAPE, shards):
        shard = padded(VOXELS[place], shards)
        pieces = [shard[inside].astype("<u2").tobytes() for _, inside in corners(shards)]
        starts = np.cumsum([0, *(len(piece) for piece in pieces)])
        index = b"".join(
            struct.pack("<QQ", s, len(p)) for s, p in zip(starts, pieces, strict=False)
        )
        put(array / "c" / "/".join(map(str, number)), b"".join(pieces) + index)
    return folder


def n5_array(folder: Path, voxels: np.ndarray = VOXELS, **attributes: object) -> None:
    """Lengths are listed X first, and X is fastest; a header per block; big-endian."""
    put(
        folder / "attributes.json",
        {
            "dimensions": voxels.shape[::-1], "blockSize": CHUNKS[::-1], "dataType": "uint16",
            "compression": {"type": "raw"}, **attributes,
        },
    )  # fmt: skip
    for (z, y, x), place in corners(voxels.shape):
        part = voxels[place]
        head = struct.pack(">HHIII", 0, 3, *part.shape[::-1])
        put(folder / f"{x}/{y}/{z}", head + part.astype(">u2").tobytes())


def n5_viewer(folder: Path) -> Path:
    """A multi-scale group as n5-viewer writes it."""
    resolution = {"dimensions": SIZE[::-1], "unit": "nm"}
    put(folder / "attributes.json", {"pixelResolution": resolution})
    n5_array(folder / "s0")
    n5_array(folder / "s1", VOXELS[:3, :2, :5], downsamplingFactors=[3, 2, 1])
    return folder


def n5_cosem(folder: Path) -> Path:
    """A dataset as OpenOrganelle writes it: the transform lists Z first."""
    transform = {
        "axes": ["z", "y", "x"], "scale": SIZE, "translate": [300.0, 0.0, 16.0],
        "units": ["nm", "nm", "nm"],
    }  # fmt: skip
    n5_array(folder, transform=transform)
    return folder


def precomputed(folder: Path, offset: Lengths = (0, 0, 0)) -> Path:
    """Lengths are listed X first; voxels of a file have X fastest."""
    scale = {
        "key": "4_8_30", "size": SHAPE[::-1], "resolution": SIZE[::-1], "encoding": "raw",
        "chunk_sizes": [CHUNKS[::-1]], "voxel_offset": offset[::-1],
    }  # fmt: skip
    info = {
        "@type": "neuroglancer_multiscale_volume", "type": "image", "data_type": "uint16",
        "num_channels": 1, "scales": [scale],
    }  # fmt: skip
    put(folder / "info", info)
    for _, place in corners():
        ends = [(p.start, min(p.stop, s)) for p, s in zip(place, SHAPE, strict=True)]
        name = "_".join(
            f"{a + o}-{b + o}" for (a, b), o in zip(ends[::-1], offset[::-1], strict=True)
        )
        put(folder / "4_8_30" / name, VOXELS[place].astype("<u2").tobytes())
    return folder


def hdf5(path: Path, **attributes: object) -> Path:
    with h5py.File(path, "w") as file:
        dataset = file.create_dataset("volumes/raw", data=VOXELS, chunks=CHUNKS)
        dataset.attrs.update(attributes or {"resolution": SIZE, "unit": "nm", "axes": "zyx"})
    return path


def tiff_imagej(path: Path) -> Path:
    """Pixels per micrometre in a row, and the spacing of slices; one piece of pixels."""
    tifffile.imwrite(
        path, VOXELS, imagej=True, resolution=(1 / 0.004, 1 / 0.008),
        metadata={"axes": "ZYX", "spacing": 0.03, "unit": "um"},
    )  # fmt: skip
    return path


def tiff_ome(path: Path, **options: object) -> Path:
    sizes = {f"PhysicalSize{a}": s for a, s in zip("ZYX", SIZE, strict=True)}
    units = {f"PhysicalSize{a}Unit": "nm" for a in "ZYX"}
    metadata = {"axes": "ZYX", **sizes, **units}
    tifffile.imwrite(path, VOXELS, ome=True, metadata=metadata, photometric="minisblack", **options)
    return path


def tiff_big(path: Path, **options: object) -> Path:
    """A BigTIFF without any voxel size."""
    tifffile.imwrite(path, VOXELS, bigtiff=True, photometric="minisblack", **options)
    return path


def slices(folder: Path, ending: str) -> Path:
    """One file per slice, in natural order: slice_8, slice_9, slice_10 ..."""
    folder.mkdir()
    for z, image in enumerate(VOXELS, start=8):
        if ending == "tif":
            tifffile.imwrite(folder / f"slice_{z}.tif", image, rowsperstrip=2, compression="zlib")
        else:
            Image.fromarray(image).save(folder / f"slice_{z}.png")
    return folder
