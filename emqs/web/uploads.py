"""Labels that a user uploads, e.g. from napari: a layer of their own."""

import shutil
from math import prod
from pathlib import Path
from tokenize import TokenError
from typing import Annotated, Any, Literal

import numpy as np
from fastapi import APIRouter, Query, Request
from starlette.concurrency import run_in_threadpool

from emqs.annotations.ids import new_id
from emqs.errors import ConfigError, DataError
from emqs.web import registry
from emqs.web.catalogue import Dataset
from emqs.web.context import Context, context
from emqs.web.registry import LayerDraft
from emqs.web.requests import numbers
from emqs.web.rights import Access, needs
from emqs.web.sources import Place, open_place

router = APIRouter(tags=["datasets"])

CHUNKS = (64, 64, 64)
KINDS = ("u1", "u2", "u4", "u8", "i1", "i2", "i4", "i8")
MAGIC = {"npy": (b"\x93NUMPY",), "tif": (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")}
Offset = Annotated[
    str | None, Query(max_length=100, description="z,y,x of the first voxel in the dataset")
]


@router.post(
    "/datasets/{dataset}/layers/{layer}/upload",
    status_code=201,
    openapi_extra={"requestBody": {"content": {"application/octet-stream": {}}, "required": True}},
)
async def upload(
    request: Request,
    access: Annotated[Access, needs("dataset:annotator")],
    layer: str,
    format: Literal["npy", "tif"] = "npy",
    offset: Offset = None,
) -> dict[str, Any]:
    """Take a file of labels (.npy or TIFF, Z Y X, whole numbers) as a layer of one's own.

    The body is the file. It may cover a part of the dataset, which begins at ``offset``.
    """
    state = context(request)
    registry.checked_name(layer, "A layer")
    user_id = access.user_id
    folder = state.home.layers / access.dataset.id / user_id
    folder.mkdir(parents=True, exist_ok=True)
    stem = new_id()
    received = folder / f"{stem}.{format}"
    try:
        with received.open("xb") as file:
            async for part in request.stream():
                await run_in_threadpool(file.write, part)
        return await run_in_threadpool(
            _stored, state, access.dataset, user_id, layer, received, offset
        )
    finally:
        received.unlink(missing_ok=True)


def _stored(
    state: Context, dataset: Dataset, user_id: str, name: str, received: Path, offset: str | None
) -> dict[str, Any]:
    """Write a file that was received as a layer, and return what clients see of it."""
    from emqs.volumes.copying import write_ome_zarr

    start = placed(offset)
    volume = read(received, dataset)
    shape = dataset.settings["shape"]
    if any(s < 0 or s + n > whole for s, n, whole in zip(start, volume.shape, shape, strict=True)):
        raise DataError(
            f"The labels of shape (Z, Y, X) = {volume.shape} at {start} reach outside the dataset "
            f"of shape {tuple(shape)}."
        )
    target = received.with_suffix(".zarr")
    try:
        write_ome_zarr(target, volume, None, CHUNKS)
        settings = {"offset": list(start)} if any(start) else {}
        draft = LayerDraft(name, "segmentation", str(target), settings)
        row = registry.row_of_layer(draft)
        with state.database.write() as connection:
            number = registry.put_layer(connection, dataset.id, row, owner_id=user_id)
    except BaseException:
        shutil.rmtree(target, ignore_errors=True)
        raise
    return {"id": number, "name": name, "version": row["version"], "shape": list(volume.shape)}


def placed(offset: str | None) -> tuple[int, int, int]:
    """Return the first voxel that an offset names.

    Raises:
        DataError: If it is not three whole numbers.
    """
    given = numbers(offset, 3, "offset") or [0.0, 0.0, 0.0]
    if not all(number.is_integer() for number in given):
        raise DataError(f"offset must be whole voxels, got '{offset}'.")
    z, y, x = (int(number) for number in given)
    return z, y, x


def read(path: Path, dataset: Dataset) -> Any:  # noqa: ANN401 - a volume
    """Return the volume of labels in a file of a stranger.

    Raises:
        DataError: If it is not of the format that its name says, not of three axes and whole
            numbers, or shorter than it claims.
        ConfigError: If the dataset says no voxel size.
    """
    form = path.suffix.removeprefix(".")
    with path.open("rb") as file:
        start = file.read(8)
    if not start.startswith(MAGIC[form]):
        raise DataError(f"The file is no {form} file. Send .npy or TIFF, and say which as format.")
    size = dataset.settings.get("voxel_size_nm")
    if size is None:
        raise ConfigError("The dataset says no voxel size.")
    if form == "npy":
        return _of_npy(path, tuple(size))
    volume = open_place(Place(str(path), "image", {"voxel_size_nm": list(size)}))
    if volume.dtype.kind not in "ui":
        raise DataError(f"Labels are whole numbers, got {volume.dtype}.")
    return volume


def _of_npy(path: Path, size: tuple[float, float, float]) -> Any:  # noqa: ANN401 - a volume
    """Return the volume of an array file, whose size is looked at before anything is read."""
    from emqs.volumes import from_array

    with path.open("rb") as file:
        try:
            version = np.lib.format.read_magic(file)
            reader = {
                (1, 0): np.lib.format.read_array_header_1_0,
                (2, 0): np.lib.format.read_array_header_2_0,
            }[version]
            shape, fortran, dtype = reader(file)
        except (ValueError, KeyError, SyntaxError, TokenError, RecursionError) as error:
            raise DataError(f"The .npy file cannot be read: {error}.") from None
        begins = file.tell()
    if dtype.str[1:] not in KINDS or len(shape) != 3 or min(shape) < 1:
        raise DataError(f"Labels have three axes Z Y X and whole numbers, got {shape}, {dtype}.")
    if begins + prod(shape) * dtype.itemsize != path.stat().st_size:
        raise DataError(f"The .npy file is not as long as an array of shape {shape} has to be.")
    order: Literal["F", "C"] = "F" if fortran else "C"
    array = np.memmap(path, dtype=dtype, mode="r", offset=begins, shape=shape, order=order)
    return from_array(array, size, name="the uploaded labels")
