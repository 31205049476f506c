"""Neuroglancer precomputed volumes, which list their axes X first, in nm.

Chunks that are raw, jpeg, png or compressed_segmentation are read by tensorstore, from disk and
from servers, sharded or not. Those of other encodings, and files that cloud-volume compressed under
another name (``.gz``, ``.br``, ``.zstd``), are read by ``precomputed_chunks``. A chunk that is
missing is background, as in Neuroglancer; a scale without any chunk is an error, on servers and in
shards too as far as can be seen there.

Source:
    https://github.com/google/neuroglancer/blob/master/src/datasource/precomputed/volume.md
"""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import numpy as np

from emqs.errors import ConfigError, DataError, one_line
from emqs.geometry import count_boxes
from emqs.volumes import stored
from emqs.volumes.axes import Axes, Request, Stated, numbers
from emqs.volumes.chunks import Location, open_array
from emqs.volumes.formats.precomputed_chunks import (
    ENCODINGS,
    ENDINGS,
    Chunks,
    ChunksReader,
    PrecomputedAnswers,
)
from emqs.volumes.volume import Volume, check_chunks

METADATA = "info"
_MOST_LOOKED = 256  # chunks that are looked for where they cannot be listed
_N_AT_ONCE = 16
_AXES = ["x", "y", "z", "c"]
_BY_TENSORSTORE = ("raw", "jpeg", "png", "compressed_segmentation")
_DTYPES = ("uint8", "uint16", "uint32", "uint64", "int8", "int16", "int32", "int64", "float32")


def open_precomputed(location: Location, request: Request) -> Volume:
    """Return one scale of a volume that has an ``info`` file.

    Raises:
        DataError: If the file is damaged, describes no volume, or there is no chunk.
        ConfigError: If the level is out of range, axes are given, or a channel must be chosen.
    """
    if request.axes is not None:
        raise ConfigError(
            f"{location.name} is a precomputed volume, whose axes are always x, y, z and c; "
            f"leave {request.prefix}axes= out."
        )
    info = location.read_json(METADATA) or {}
    scales = info.get("scales")
    if not isinstance(scales, list) or not all(isinstance(scale, dict) for scale in scales):
        raise DataError(f"{location.name}/{METADATA} describes no precomputed volume: no 'scales'.")
    number = _number(request, scales, location)
    scale = scales[number]
    chunks = _chunks(location, info, scale)
    stated = _stated(scale, location)
    notes, ending = _look(chunks, is_image=info.get("type") == "image")
    if chunks.encoding in _BY_TENSORSTORE and not ending:
        driver = {"driver": "neuroglancer_precomputed", "scale_index": number}
        volume = open_array(
            location, driver, METADATA, lambda _: stated, request,
            lambda axes: _answers(chunks, axes),
        )  # fmt: skip
    else:
        volume = _own(chunks, stated, request)
    return replace(
        volume, path=location.source, level=number, n_levels=len(scales),
        notes=(*notes, *volume.notes),
    )  # fmt: skip


def _number(request: Request, scales: list[dict[str, Any]], location: Location) -> int:
    """Return the number of the scale that is meant, by number or key.

    On a command line the key 8_8_40 is the whole number 8840.
    """
    keys = [str(scale.get("key")) for scale in scales]
    same = [n for n, key in enumerate(keys) if key.replace("_", "") == str(request.level)]
    asked = str(request.level)
    if asked not in keys and not (asked.isdecimal() and int(asked) < len(keys)) and len(same) == 1:
        return same[0]
    return request.level_of(keys, location.name)


def _chunks(location: Location, info: dict[str, Any], scale: dict[str, Any]) -> Chunks:
    """Return how the chunks of a scale are stored.

    Raises:
        DataError: If ``info`` is damaged, or says what is not read.
    """
    where = f"{location.name}/{METADATA}"
    try:
        dtype = np.dtype(str(info["data_type"]))
        x, y, z = _whole(scale["size"])
        cx, cy, cz = _whole(scale["chunk_sizes"][0])
        ox, oy, oz = _whole(scale.get("voxel_offset", (0, 0, 0)))
        block = _whole(scale.get("compressed_segmentation_block_size", (8, 8, 8)))
        n_channels = int(info.get("num_channels", 1))
        encoding = str(scale["encoding"])
        key = str(scale["key"])
    except (KeyError, TypeError, ValueError, IndexError) as fault:
        raise DataError(
            f"{where} is not as precomputed volumes have it: {one_line(fault)}."
        ) from None
    if dtype.name not in _DTYPES or encoding not in ENCODINGS:
        raise DataError(
            f"{where}: the scale {key!r} has voxels of type {dtype.name} in the encoding "
            f"{encoding!r}; read are {', '.join(_DTYPES)} in {', '.join(ENCODINGS)}."
        )
    if min(cx, cy, cz, n_channels, *block) < 1 or min(x, y, z) < 0:
        raise DataError(f"{where}: the scale {key!r} has lengths below 1.")
    check_chunks((cz, cy, cx), dtype.itemsize * n_channels, where)
    sharding = scale.get("sharding")
    if sharding is not None and not isinstance(sharding, dict):
        raise DataError(f"{where}: 'sharding' is no JSON object.")
    # a key may name a folder beside the volume; it must not leave the source
    if key.startswith("/") or ".." in key.split("/") or ":" in key or "\\" in key:
        raise DataError(f"{location.name} keeps a scale in {key!r}, outside the volume.")
    return Chunks(
        folder=location.inside(key.rstrip("/")), shape=(z, y, x), chunk=(cz, cy, cx),
        offset=(oz, oy, ox), dtype=dtype, n_channels=n_channels, encoding=encoding,
        block=(block[0], block[1], block[2]), sharding=sharding,
    )  # fmt: skip


def _whole(values: Any) -> tuple[int, int, int]:  # noqa: ANN401 (what JSON may hold)
    x, y, z = values
    for value in (x, y, z):
        if isinstance(value, bool) or value != int(value):
            raise ValueError(f"{value!r} is no whole number")
    return int(x), int(y), int(z)


def _stated(scale: dict[str, Any], location: Location) -> Stated:
    resolution = numbers(scale.get("resolution"), 3, f"The resolution of {location.name}")
    offset = scale.get("voxel_offset")
    if offset is None:
        return Stated(_AXES, [*resolution, 1.0], None, ["nm", "nm", "nm", None])
    voxels = numbers(offset, 3, f"'voxel_offset' of {location.name}")
    shift = [r * v for r, v in zip(resolution, voxels, strict=True)]
    return Stated(_AXES, [*resolution, 1.0], [*shift, 0.0], ["nm", "nm", "nm", None])


def _look(chunks: Chunks, *, is_image: bool) -> tuple[tuple[str, ...], str]:
    """Return notes on chunks that are missing, and the ending that names of chunks have.

    Raises:
        DataError: If none is there.
    """
    keys = None if chunks.sharding is not None else chunks.folder.keys()
    if keys is None:  # neither servers nor shards can be asked for all names, but for some
        return _look_at_some(chunks, is_image=is_image)
    path = chunks.folder.path
    if path is not None and not path.exists():
        keys = iter(())
    names: set[str] = set()
    endings: set[str] = set()
    for key in keys:
        name, ending = split(key)
        if name is not None:
            names.add(name)
            endings.add(ending)
    total = count_boxes(chunks.shape, chunks.chunk)
    if not names and total:
        raise stored.no_chunks(chunks.folder, chunks.name(chunks.first))
    missing = total - len(names)
    notes = (f"{missing:,} of {total:,} chunks are missing: background 0.",) if missing > 0 else ()
    compressed = sorted(endings - {""})
    return notes, compressed[0] if compressed else ""


def _look_at_some(chunks: Chunks, *, is_image: bool) -> tuple[tuple[str, ...], str]:
    """Return what ``_look`` does; the first chunk is looked at, and others if it is missing.

    Where they are too many to look at all of them, an image is taken to be without chunks if none
    of those that are looked at is there. Labels may be few and far between, so it is noted.
    """
    total = count_boxes(chunks.shape, chunks.chunk)
    ending = chunks.ending(chunks.first) if total else ""
    if ending is not None:
        return (), ending
    some = stored.spread(chunks.shape, chunks.chunk, _MOST_LOOKED)
    with ThreadPoolExecutor(_N_AT_ONCE) as threads:
        for start in range(0, len(some), _N_AT_ONCE):
            for ending in threads.map(chunks.ending, some[start : start + _N_AT_ONCE]):
                if ending is not None:
                    return (), ending
    if len(some) == total or is_image:
        looked = "" if len(some) == total else f"{len(some)} looked at, of {total:,} "
        raise stored.no_chunks(chunks.folder, chunks.name(chunks.first), looked)
    return (
        f"None of the {len(some)} chunks that were looked at, of {total:,}, is there: background "
        f"0 as far as they go. If {chunks.folder.name} should have labels, check the address.",
    ), ""


def split(key: str) -> tuple[str | None, str]:
    """Return the name of a chunk without the ending of its compression, and that ending."""
    for ending in ENDINGS:
        plain = key.removesuffix(ending) if ending else key
        if (ending == "" or plain != key) and _is_name(plain):
            return plain, ending
    return None, ""


def _is_name(key: str) -> bool:
    parts = key.split("_")
    return len(parts) == 3 and all(part.count("-") >= 1 for part in parts) and "." not in key


def _answers(chunks: Chunks, axes: Axes) -> PrecomputedAnswers:
    return PrecomputedAnswers(chunks.folder.name, chunks.checksum(), chunks=chunks, axes=axes)


def _own(chunks: Chunks, stated: Stated, request: Request) -> Volume:
    """Return a volume whose chunks emqs decodes."""
    where = chunks.folder.name
    shape = [*chunks.shape[::-1], chunks.n_channels]
    axes = stated.axes(shape, request, where)
    facts = stated.geometry(axes, request, where).fields()
    z, y, x = (min(a, b) for a, b in zip(chunks.chunk, chunks.shape, strict=True))
    outer = chunks.folder.outer
    return Volume(
        name=where if outer is None else outer.name, shape=chunks.shape, dtype=chunks.dtype,
        chunks=(z, y, x), reader=ChunksReader(chunks, axes.fixed[3]), format="precomputed",
        labels=_answers(chunks, axes) if chunks.dtype.kind in "uib" else None, **facts,
    )  # fmt: skip
