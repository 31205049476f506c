"""The Zarr v3 codec ``emqs.labels``: labels to checked bytes; docs/label-codec.md is its spec.

``zarr.open`` finds it by its entry point wherever emqs is installed. Each chunk is stored as
``emqs.codecs.chunk`` describes. All but two axes of a chunk are put in a row as slices, and crackle
follows the boundaries in each slice; by default the last two axes (Y X) are those of a slice.
"""

import asyncio
import re
from dataclasses import dataclass, field
from functools import partial
from math import prod
from typing import Any, ClassVar, Self, cast

import numpy as np
from zarr.abc.codec import (
    ArrayBytesCodec,
    ArrayBytesCodecPartialDecodeMixin,
    ArrayBytesCodecPartialEncodeMixin,
)
from zarr.abc.store import ByteGetter, ByteSetter
from zarr.core.array_spec import ArraySpec
from zarr.core.buffer import Buffer, NDBuffer
from zarr.core.chunk_grids import ChunkGrid, RegularChunkGrid
from zarr.core.common import JSON, parse_named_configuration
from zarr.core.dtype import ZDType
from zarr.core.indexing import SelectorTuple

from emqs.codecs.chunk import ChunkSettings, check_size, decode_chunk, encode_chunk, place_of
from emqs.errors import CodecError

NAME = "emqs.labels"
_KEY = re.compile(r"(?:^|/)c((?:[/.]\d+)+)$")
_FEW_VOXELS = 2**18  # read and decoded in less time than another thread needs to start
_OPTIONS = ("compressor", "level", "markov_order", "pins", "plane")


@dataclass(frozen=True)
class LabelChunks(
    ArrayBytesCodec, ArrayBytesCodecPartialDecodeMixin, ArrayBytesCodecPartialEncodeMixin
):
    """Labels of any integer dtype or bool, 0 to 5 axes and more, to bytes.

    Attributes:
        settings: How chunks are written.
        plane: The two axes of a slice, rows then columns; None for the last two.
    """

    is_fixed_size: ClassVar[bool] = False

    settings: ChunkSettings = field(default_factory=ChunkSettings)
    plane: tuple[int, int] | None = None

    @classmethod
    def from_dict(cls, data: dict[str, JSON]) -> Self:
        """Return the codec of a ``zarr.json``.

        Raises:
            CodecError: If its configuration has an unknown key or a value out of range.
        """
        _, given = parse_named_configuration(data, NAME, require_configuration=False)
        configuration: dict[str, Any] = dict(given or {})
        for key in configuration:
            if key not in _OPTIONS:
                raise CodecError(f"{NAME} has no option {key!r}. It takes: {', '.join(_OPTIONS)}.")
        plane = configuration.pop("plane", None)
        if plane is not None:
            plane = _checked_plane(plane)
        return cls(ChunkSettings(**configuration), plane)

    def to_dict(self) -> dict[str, JSON]:
        """Return name and configuration as ``zarr.json`` holds them."""
        configuration: dict[str, JSON] = {
            "compressor": self.settings.compressor,
            "level": self.settings.level,
            "markov_order": self.settings.markov_order,
            "pins": self.settings.pins,
        }
        if self.plane is not None:
            configuration["plane"] = list(self.plane)
        return {"name": NAME, "configuration": configuration}

    def evolve_from_array_spec(self, array_spec: ArraySpec) -> Self:
        """Return the codec with its plane written out."""
        if self.plane is not None or array_spec.ndim < 2:
            return self
        return type(self)(self.settings, (array_spec.ndim - 2, array_spec.ndim - 1))

    def validate(
        self,
        *,
        shape: tuple[int, ...],
        dtype: ZDType[Any, Any],
        chunk_grid: ChunkGrid,
    ) -> None:
        """Check that this codec can store such an array.

        Raises:
            CodecError: If the dtype is not an integer or bool, a chunk is too large, or the plane
                is not two axes of the array.
        """
        kind = dtype.to_native_dtype()
        if kind.kind not in "uib":
            raise CodecError(f"{NAME} stores integers and bool, got {kind}.")
        if self.plane is not None and max(self.plane) >= len(shape):
            raise CodecError(
                f"{NAME}: plane must be two axes of an array with {len(shape)}, got {self.plane}."
            )
        if isinstance(chunk_grid, RegularChunkGrid):
            check_size(chunk_grid.chunk_shape)

    def compute_encoded_size(self, input_byte_length: int, _chunk_spec: ArraySpec) -> int:
        """Refuse: the size depends on the labels.

        Raises:
            NotImplementedError: Always.
        """
        raise NotImplementedError

    async def _encode_single(self, chunk_data: NDBuffer, chunk_spec: ArraySpec) -> Buffer:
        return await asyncio.to_thread(self._encode, chunk_data.as_numpy_array(), chunk_spec, "")

    async def _decode_single(self, chunk_data: Buffer, chunk_spec: ArraySpec) -> NDBuffer:
        return await asyncio.to_thread(self._decode, chunk_data.to_bytes(), chunk_spec, "")

    async def _decode_partial_single(
        self, byte_getter: ByteGetter, selection: SelectorTuple, chunk_spec: ArraySpec
    ) -> NDBuffer | None:
        box = Ranges(selection, chunk_spec.shape, self._plane(chunk_spec.ndim))

        def decoded(stored: Buffer | None) -> NDBuffer | None:
            if stored is None:
                return None
            return self._decode(stored.to_bytes(), chunk_spec, _name(byte_getter), box)

        get_sync: Any = getattr(getattr(byte_getter, "store", None), "get_sync", None)

        def read() -> NDBuffer | None:
            return decoded(get_sync(_name(byte_getter), prototype=chunk_spec.prototype))

        few = prod(box.shape) <= _FEW_VOXELS
        if get_sync is not None:
            return read() if few else await asyncio.to_thread(read)
        stored = await byte_getter.get(prototype=chunk_spec.prototype)
        return decoded(stored) if few else await asyncio.to_thread(decoded, stored)

    async def _encode_partial_single(
        self,
        byte_setter: ByteSetter,
        chunk_array: NDBuffer,
        selection: SelectorTuple,
        chunk_spec: ArraySpec,
    ) -> None:
        new = chunk_array.as_numpy_array()
        if new.shape == chunk_spec.shape and _covers(selection, chunk_spec.shape):
            whole = new
        else:
            whole = await self._merged(byte_setter, new, selection, chunk_spec)
        if not chunk_spec.config.write_empty_chunks and _is_all(whole, chunk_spec.fill_value):
            await byte_setter.delete()
            return
        encoded = partial(self._encode, whole, chunk_spec, _name(byte_setter))
        set_sync: Any = getattr(getattr(byte_setter, "store", None), "set_sync", None)
        if set_sync is not None:  # one thread for both
            await asyncio.to_thread(lambda: set_sync(_name(byte_setter), encoded()))
        else:
            await byte_setter.set(await asyncio.to_thread(encoded))

    async def _merged(
        self,
        byte_setter: ByteSetter,
        new: np.ndarray,
        selection: SelectorTuple,
        spec: ArraySpec,
    ) -> np.ndarray:
        """Return a chunk with new labels in a part of it."""
        dtype = spec.dtype.to_native_dtype()
        if _covers(selection, spec.shape):
            old = None
        else:
            old = await byte_setter.get(prototype=spec.prototype)
        if old is None:
            whole = np.full(spec.shape, spec.fill_value, dtype)
        else:
            decoded = await asyncio.to_thread(
                self._decode, old.to_bytes(), spec, _name(byte_setter)
            )
            whole = decoded.as_numpy_array().copy()
        if new.ndim > 0:  # axes that were dropped by a whole number in an orthogonal selection
            part = whole[cast(Any, selection)]
            if part.ndim != new.ndim and part.size == new.size:
                new = new.reshape(part.shape)
        whole[cast(Any, selection)] = new
        return whole

    def _encode(self, labels: np.ndarray, spec: ArraySpec, name: str) -> Buffer:
        """Return a chunk as bytes."""
        unsigned = np.dtype(f"u{labels.itemsize}")
        native = labels.astype(labels.dtype.newbyteorder("="), copy=False)
        stack = _as_stack(native, self._plane(labels.ndim)).view(unsigned)
        stored = encode_chunk(stack, self.settings, _place(name, labels.ndim))
        return spec.prototype.buffer.from_bytes(stored)

    def _decode(
        self, stored: bytes, spec: ArraySpec, name: str, box: "Ranges | None" = None
    ) -> NDBuffer:
        """Return the labels of a chunk, or those of a selection."""
        dtype = spec.dtype.to_native_dtype()
        plane = self._plane(spec.ndim)
        try:
            stack = decode_chunk(
                stored,
                stack_shape(spec.shape, plane),
                np.dtype(f"u{dtype.itemsize}"),
                None if box is None else box.slices,
                _place(name, spec.ndim),
            )
        except CodecError as fault:
            raise CodecError(f"Chunk {name or 'of unknown key'}: {fault}") from fault
        if dtype.kind == "b" and stack.max(initial=0) > 1:
            raise CodecError(f"Chunk {name}: {NAME}: it holds values that are no bool.")
        shape = spec.shape if box is None else box.shape
        labels = _from_stack(stack, shape, plane).view(dtype.newbyteorder("="))
        if box is not None:
            labels = labels[box.selection]
        return spec.prototype.nd_buffer.from_numpy_array(labels.astype(dtype, copy=False))

    def _plane(self, ndim: int) -> tuple[int, int]:
        """Return the axes of a slice; negative if the array has fewer than two axes."""
        return self.plane if self.plane is not None else (ndim - 2, ndim - 1)


class Ranges:
    """The slices of a chunk that a selection needs.

    Attributes:
        slices: First slice, and the one after the last, of the chunk's slices in a row.
        shape: Of that part of the chunk, in the order of its axes.
        selection: What was selected, counted from that part.
    """

    def __init__(
        self, selection: SelectorTuple, shape: tuple[int, ...], plane: tuple[int, int]
    ) -> None:
        """Find them."""
        given = selection if isinstance(selection, tuple) else (selection,)
        parts: list[Any] = [*given, *[slice(None)] * (len(shape) - len(given))]
        stacked = [axis for axis in range(len(shape)) if axis not in plane]
        first, n_slices, whole = 0, 1, False
        sizes = list(shape)
        for axis in stacked:
            low, high = (0, shape[axis]) if whole else _extent(parts[axis], shape[axis])
            first = first * shape[axis] + low
            n_slices *= high - low
            sizes[axis] = high - low
            parts[axis] = _shifted(parts[axis], low, shape[axis])
            whole = whole or high - low > 1  # of the axes after it, all are needed
        self.slices = (first, first + n_slices)
        self.shape = tuple(sizes)
        self.selection = tuple(parts)


def stack_shape(shape: tuple[int, ...], plane: tuple[int, int]) -> tuple[int, int, int]:
    """Return ``(slices, rows, columns)`` of a chunk."""
    rows, columns = (shape[axis] if axis >= 0 else 1 for axis in plane)
    n_slices = 1
    for axis, length in enumerate(shape):
        n_slices *= 1 if axis in plane else length
    return n_slices, rows, columns


def chunk_name(key: str, ndim: int) -> str:
    """Return the part of a store's key that says where in its array a chunk stands: ``"0/2/1"``.

    Empty if the key is not that of a chunk of an array with ``ndim`` axes.
    """
    match = _KEY.search(key)
    numbers = re.split(r"[/.]", match.group(1))[1:] if match else []
    return "/".join(numbers) if len(numbers) == ndim else ""


def _as_stack(labels: np.ndarray, plane: tuple[int, int]) -> np.ndarray:
    """Return a chunk as ``(slices, rows, columns)``, C order."""
    others = [axis for axis in range(labels.ndim) if axis not in plane]
    inside = [axis for axis in plane if axis >= 0]
    turned = labels.transpose(others + inside)
    return np.ascontiguousarray(turned).reshape(stack_shape(labels.shape, plane))


def _from_stack(stack: np.ndarray, shape: tuple[int, ...], plane: tuple[int, int]) -> np.ndarray:
    """Return what ``_as_stack`` was given: an array of ``shape``."""
    order = [axis for axis in range(len(shape)) if axis not in plane]
    order += [axis for axis in plane if axis >= 0]
    turned = stack.reshape([shape[axis] for axis in order])
    return turned.transpose(np.argsort(order)) if order else turned


def _extent(part: Any, length: int) -> tuple[int, int]:  # noqa: ANN401 (int, slice or array)
    """Return the smallest range that holds all of a selection along one axis, never empty."""
    if isinstance(part, slice):
        chosen = range(*part.indices(length))
        if len(chosen) == 0:
            return 0, 1
        return chosen[0], chosen[-1] + 1  # Zarr's steps are positive
    numbers = np.asarray(part)
    if numbers.dtype.kind == "b":
        numbers = np.flatnonzero(numbers)
    if numbers.size == 0:
        return 0, 1
    return int(numbers.min()), int(numbers.max()) + 1


def _shifted(part: Any, low: int, length: int) -> Any:  # noqa: ANN401 (int, slice or array)
    """Return a selection along one axis, counted from ``low``."""
    if isinstance(part, slice):
        start, stop, step = part.indices(length)
        return slice(start - low, max(stop - low, 0), step)
    numbers = np.asarray(part)
    if numbers.dtype.kind == "b":
        numbers = np.flatnonzero(numbers)
    return int(numbers) - low if numbers.ndim == 0 else numbers - low


def _covers(selection: SelectorTuple, shape: tuple[int, ...]) -> bool:
    """Return whether a selection is the whole chunk."""
    parts = selection if isinstance(selection, tuple) else (selection,)
    return all(
        isinstance(part, slice) and part.indices(length) == (0, length, 1)
        for part, length in zip(parts, shape, strict=False)
    )


def _is_all(labels: np.ndarray, value: object) -> bool:
    """Return whether all labels are one value; most chunks are told by their first voxel."""
    return bool(labels.flat[0] == value) and bool((labels == value).all())


def _name(source: object) -> str:
    """Return where a chunk is stored, for messages: its key, or its place in a shard."""
    path = getattr(source, "path", None)
    if isinstance(path, str):
        return path
    coordinates = getattr(source, "chunk_coords", None)
    return f"{coordinates} of its shard" if coordinates is not None else ""


def _place(name: str, ndim: int) -> int:
    """Return the number that binds a chunk to its key; 0 if it has none that says its place."""
    key = chunk_name(name, ndim)
    return place_of(key) if key else 0


def _checked_plane(given: object) -> tuple[int, int]:
    """Return a plane from a ``zarr.json``."""
    axes = tuple(given) if isinstance(given, list | tuple) else ()
    if len(axes) != 2 or axes[0] == axes[1] or any(type(n) is not int or n < 0 for n in axes):
        raise CodecError(f"{NAME}: plane must be two different axes, got {given!r}.")
    return axes[0], axes[1]
