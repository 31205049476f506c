"""The embedding volume: codes and signatures of a regular grid of patches, beside their volume.

It is an OME-Zarr 0.5 group. ``embeddings`` (float16, axes C Z Y X, the image of the group) holds a
code for every place of the grid, ``signatures`` (uint64, Z Y X) its signature, ``valid`` (uint8)
whether there is one: places without contrast, of padding or with NaN are skipped and 0. ``sample``
holds the codes that the signer was fitted to. The group's attributes hold a manifest of what must
match for codes to be comparable. A place is known by its position in the grid; nothing else is
stored about it.

The grid is worked on in blocks. A block is one file of each array, which appears whole or not at
all and carries checksums (CRC-32C). Signatures are written last: where they are, the rest is.
"""

import json
import os
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from itertools import product
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from emqs.errors import ConfigError, DataError
from emqs.files import replacing
from emqs.signatures import Signer
from emqs.volumes import Box
from emqs.volumes.chunked import NotThereError, tensorstore, wait

FORMAT = "emqs-store"
VERSION = 1
KEY = "emqs"  # of the manifest, among the attributes of the group
INNER = 8  # places along Y and X that are read together to look up one code
AT_ONCE = 1024  # places whose codes are looked up together, which reads 64 codes for each at most
COPY = ".scan"  # folder of the flat copy that is searched
MAX_PLACES = 2**40
ARRAYS = ("embeddings", "valid", "signatures")  # in the order in which a block is written
PLANES = ("xy", "ortho")  # how the patches of a place lie

Triple = tuple[int, int, int]


@dataclass(frozen=True)
class Grid:
    """Square patches of a volume, at regular steps; whole ones only.

    In the planes ``"xy"`` a place has one patch, in a slice. In ``"ortho"`` it has three, in XY, XZ
    and YZ, around one point; it is then as deep as it is wide.

    Attributes:
        shape: Number of places along Z Y X, each at least 1.
        size: Edge of a patch, in voxels; one voxel thick.
        stride: Step along Z Y X, in voxels. The first place starts at voxel 0.
        block: Places along Y and X that are worked on together, a multiple of ``INNER``.
        voxel_size_nm: Along Z Y X.
        origin_nm: Position of the centre of the first voxel, Z Y X.
        planes: One of ``PLANES``.
    """

    shape: Triple
    size: int
    stride: Triple
    block: int
    voxel_size_nm: tuple[float, float, float]
    origin_nm: tuple[float, float, float]
    planes: str = "xy"

    @property
    def above(self) -> int:
        """Slices of a place above its patch in XY."""
        return self.size // 2 if self.planes == "ortho" else 0

    @property
    def n_places(self) -> int:
        """Number of patches."""
        return prod(self.shape)

    @property
    def blocks_shape(self) -> Triple:
        """Number of blocks along Z Y X; each is one slice thick."""
        return self.shape[0], -(-self.shape[1] // self.block), -(-self.shape[2] // self.block)

    def places(self, block: Triple) -> Box:
        """Return which places are in a block, given by its numbers along Z Y X."""
        z, y, x = block
        start = z, y * self.block, x * self.block
        ends = (start[0] + 1, start[1] + self.block, start[2] + self.block)
        stop = tuple(min(a, b) for a, b in zip(ends, self.shape, strict=True))
        return Box(start, (stop[0], stop[1], stop[2]))

    def blocks(self, depth: int = 1) -> Iterator[Triple]:
        """Yield all blocks.

        Args:
            depth: Places along Z that share stored chunks of the volume; all blocks above each
                other in such a slab come together, so that chunks are read once.
        """
        n_z, n_y, n_x = self.blocks_shape
        for first in range(0, n_z, depth):
            for y, x in product(range(n_y), range(n_x)):
                for z in range(first, min(first + depth, n_z)):
                    yield z, y, x

    def positions(self, places: Box) -> np.ndarray:
        """Return the positions of all places in a box, int64, in the order of the grid."""
        axes = [np.arange(a, b) for a, b in zip(places.start, places.stop, strict=True)]
        return np.ravel_multi_index(np.ix_(*axes), self.shape).ravel()

    def zyx(self, positions: np.ndarray) -> np.ndarray:
        """Return indices ``(n, 3)`` along Z Y X, int64, of positions in the flat grid."""
        return np.stack(np.unravel_index(positions, self.shape), axis=1).astype(np.int64)

    def first_voxels(self, places: np.ndarray) -> np.ndarray:
        """Return the first voxel Z Y X of patches in XY, ``(n, 3)``, int64, given their indices."""
        return places * np.array(self.stride, dtype=np.int64) + np.array([self.above, 0, 0])

    def centres_nm(self, places: np.ndarray) -> np.ndarray:
        """Return the centres Z Y X of patches in nm, shape ``(n, 3)``, float64."""
        half = np.array([0.0, (self.size - 1) / 2, (self.size - 1) / 2])
        return (self.first_voxels(places) + half) * self.voxel_size_nm + self.origin_nm

    def within(self, box_nm: Sequence[Sequence[float]]) -> Box:
        """Return which places have their centre in a box in nm; both its corners count."""
        start, stop = [], []
        for axis, count in enumerate(self.shape):
            places = np.zeros((count, 3), dtype=np.int64)
            places[:, axis] = np.arange(count)
            centres = self.centres_nm(places)[:, axis]
            start.append(int(np.searchsorted(centres, box_nm[0][axis], side="left")))
            stop.append(max(start[-1], int(np.searchsorted(centres, box_nm[1][axis], "right"))))
        return Box((start[0], start[1], start[2]), (stop[0], stop[1], stop[2]))

    def nearest_place(self, voxel: tuple[int, int, int]) -> Triple:
        """Return the place whose patch lies closest around a voxel, moved inwards at a border."""
        half = (float(self.above), (self.size - 1) / 2, (self.size - 1) / 2)
        z, y, x = (
            min(max(round((v - h) / step), 0), n - 1)
            for v, h, step, n in zip(voxel, half, self.stride, self.shape, strict=True)
        )
        return z, y, x

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return {
            "planes": self.planes,
            "shape": list(self.shape),
            "size_px": self.size,
            "stride_px": list(self.stride),
            "block": self.block,
            "voxel_size_nm": list(self.voxel_size_nm),
            "origin_nm": list(self.origin_nm),
        }

    @classmethod
    def from_dict(cls, content: dict[str, Any]) -> "Grid":
        """Return what ``to_dict`` was called on.

        Raises:
            KeyError, TypeError, ValueError: If it is something else.
        """
        whole = {key: [int(v) for v in content[key]] for key in ("shape", "stride_px")}
        lengths = {key: [float(v) for v in content[key]] for key in ("voxel_size_nm", "origin_nm")}
        lists: list[list[Any]] = [*whole.values(), *lengths.values()]
        if any(len(triple) != 3 for triple in lists):
            raise ValueError("the grid has not three axes")
        shape, stride = whole["shape"], whole["stride_px"]
        voxel, origin = lengths["voxel_size_nm"], lengths["origin_nm"]
        grid = cls(
            shape=(shape[0], shape[1], shape[2]),
            size=int(content["size_px"]),
            stride=(stride[0], stride[1], stride[2]),
            block=int(content["block"]),
            voxel_size_nm=(voxel[0], voxel[1], voxel[2]),
            origin_nm=(origin[0], origin[1], origin[2]),
            planes=str(content["planes"]),
        )
        least = min(*grid.shape, *grid.stride, grid.size, grid.block)
        possible = grid.planes in PLANES and grid.n_places <= MAX_PLACES
        if least < 1 or grid.block % INNER or not possible:
            raise ValueError(f"the grid {content} is not possible")
        return grid


@dataclass(frozen=True, eq=False)
class Store:
    """An embedding volume on disk.

    Attributes:
        path: Its folder.
        manifest: What codes were made of and with; see ``create``.
        grid: Where patches lie.
        code_size: Length D of a code.
    """

    path: Path
    manifest: dict[str, Any] = field(repr=False)
    grid: Grid
    code_size: int

    @cached_property
    def signer(self) -> Signer:
        """What turns codes into signatures."""
        return Signer.from_dict(self.manifest["signer"])

    @cached_property
    def _arrays(self) -> dict[str, Any]:
        """The arrays, opened so that a missing block is an error."""
        return {
            name: _opened(self.path / name, fill_missing_data_reads=False)
            for name in (*ARRAYS, "sample")
        }

    def sample(self) -> np.ndarray:
        """Return codes from all over the volume, shape ``(n, D)``, float32."""
        return np.asarray(self._read("sample", np.s_[:]), dtype=np.float32)

    def _read(self, name: str, where: Any) -> np.ndarray:  # noqa: ANN401 - an index
        view = self._arrays[name][where]
        n_bytes = prod(view.shape) * view.dtype.numpy_dtype.itemsize
        found = wait(lambda: view.read(order="C"), n_bytes, f"{self.path}/{name}")
        return np.asarray(found)

    def _file(self, name: str, block: Triple) -> Path:
        numbers = (0, *block) if name == "embeddings" else block
        return self.path / name / "c" / "/".join(map(str, numbers))

    def is_done(self, block: Triple) -> bool:
        """Return whether a block is there and whole; every checksum is compared.

        Raises:
            DataError: If the disk cannot be read.
        """
        return self.has(block) and self._is_whole(block)

    def has(self, block: Triple) -> bool:
        """Return whether a block has been written; its checksums are not compared."""
        return all(self._file(name, block).is_file() for name in ARRAYS)

    def _is_whole(self, block: Triple) -> bool:
        where = self.grid.places(block).slices
        try:
            codes = self._read("embeddings", (slice(None), *where))
            valid = self._read("valid", where)
            signatures = self._read("signatures", where)
        except DataError:
            return False
        del codes  # reading compared its checksums
        return bool(np.all(valid <= 1) and np.all(signatures[valid == 0] == 0))

    def write(self, block: Triple, codes: np.ndarray, valid: np.ndarray) -> None:
        """Write a block; what is there of it is replaced.

        Args:
            block: Its numbers along Z Y X.
            codes: Shape ``(n, D)``, float16, finite, of the valid places in the order of the grid.
            valid: Shape ``(Y, X)`` of the block, bool; n of them are true.

        Raises:
            DataError: If the disk is full or cannot be written; what was written stays usable.
        """
        where = self.grid.places(block).slices
        stored = np.zeros((self.code_size, *valid.shape), dtype=np.float16)
        stored[:, valid] = codes.T
        signatures = np.zeros(valid.shape, dtype=np.uint64)
        signatures[valid] = self.signer.sign(codes)
        contents: tuple[np.ndarray, ...] = (
            stored[:, None],
            valid[None].astype(np.uint8),
            signatures[None],
        )
        for name, content in zip(ARRAYS, contents, strict=True):
            index = (slice(None), *where) if name == "embeddings" else where
            target = _opened(self.path / name, store_data_equal_to_fill_value=True)[index]
            self._file(name, block).unlink(missing_ok=True)  # a damaged one would be read first
            wait(partial(target.write, content), content.nbytes, f"{self.path}/{name}")

    def codes(self, positions: np.ndarray) -> np.ndarray:
        """Return the codes of places.

        Args:
            positions: In the flat grid, shape ``(n,)``, integer.

        Returns:
            Shape ``(n, D)``, float32, in their order; zeros where a place was skipped.

        Raises:
            DataError: If a block that is needed is missing or damaged.
        """
        result = np.empty((len(positions), self.code_size), dtype=np.float32)
        z, y, x = self.grid.zyx(np.asarray(positions)).T
        order = np.lexsort((x // INNER, y // INNER, z))  # places that are stored together
        for start in range(0, len(order), AT_ONCE):
            here = order[start : start + AT_ONCE]
            view = self._arrays["embeddings"][:, z[here], y[here], x[here]]
            result[here] = self._checked(partial(view.read, order="C")).T
        return result

    def _checked(self, start: Any) -> np.ndarray:  # noqa: ANN401
        try:
            return np.asarray(wait(start, 2**24, f"{self.path}/embeddings"))
        except NotThereError:
            raise DataError(
                f"{self.path} has no codes for a place that was found. Run python -m emqs.embed "
                "with the same settings, which makes what is missing."
            ) from None
        except DataError as error:
            raise DataError(
                f"{error} A block of {self.path} is damaged; python -m emqs.embed with the same "
                "settings makes it again, and nothing else."
            ) from None

    def block_codes(self, block: Triple) -> np.ndarray:
        """Return the codes of a block, shape ``(Y * X, D)``, float32, in the order of the grid."""
        where = self.grid.places(block).slices
        view = self._arrays["embeddings"][(slice(None), *where)]
        found = self._checked(lambda: view.read(order="C"))
        return found.reshape(self.code_size, -1).T.astype(np.float32)

    def block_signatures(self, block: Triple) -> tuple[np.ndarray, np.ndarray]:
        """Return positions ``(n,)``, int64, and signatures, uint64, of the places that have one.

        Raises:
            DataError: If the block is missing or damaged.
        """
        places = self.grid.places(block)
        valid = self._whole("valid", places.slices).ravel() == 1
        signatures = self._whole("signatures", places.slices).ravel()
        return self.grid.positions(places)[valid], signatures[valid]

    def done(self) -> list[Triple]:
        """Return the blocks that have been written, in the order of the grid."""
        return sorted(set.intersection(*(set(self._written(name)) for name in ARRAYS)))

    def _written(self, name: str) -> Iterator[Triple]:
        """Yield the blocks of which an array has a file; folders are listed, no file is opened."""
        top = self.path / name / "c" / ("0" if name == "embeddings" else "")
        n_z, n_y, n_x = self.grid.blocks_shape
        for z in _numbers(str(top), n_z):
            for y in _numbers(f"{top}/{z}", n_y):
                for x in _numbers(f"{top}/{z}/{y}", n_x):
                    yield z, y, x

    def flat(self) -> tuple[np.ndarray, np.ndarray]:
        """Return all signatures and which places count, from a copy that is made once.

        The copy lies in the folder ``.scan`` of the store, 9 bytes per patch, and is mapped, not
        read. Blocks that were written since are added to it.

        Returns:
            Signatures, ``(N,)``, uint64, in the order of the grid, and whether a place has one,
            ``(N,)``, bool; places that are skipped or not embedded yet have none.

        Raises:
            DataError: If a block is damaged, or the copy cannot be written.
        """
        folder = self.path / COPY
        name = "x".join(map(str, self.grid.shape))
        state_path = folder / f"{name}.json"
        try:
            folder.mkdir(exist_ok=True)
            signatures = _mapped(folder / f"{name}.signatures", np.uint64, self.grid.n_places)
            valid = _mapped(folder / f"{name}.valid", np.bool_, self.grid.n_places)
            known = json.loads(state_path.read_text()) if state_path.is_file() else {}
            changed = False
            done = self.done()
            for block in done:
                key = ",".join(map(str, block))
                found = os.stat(f"{self.path}/signatures/c/{key.replace(',', '/')}")  # noqa: PTH116 - fast
                stamp = [found.st_mtime_ns, found.st_ino, found.st_size]
                if known.get(key) == stamp:
                    continue
                where = self.grid.places(block).slices
                signatures.reshape(self.grid.shape)[where] = self._whole("signatures", where)
                valid.reshape(self.grid.shape)[where] = self._whole("valid", where) == 1
                known[key] = stamp
                changed = True
            here = {",".join(map(str, block)) for block in done}
            for key in [key for key in known if key not in here]:  # it is being made again
                z, y, x = (int(part) for part in key.split(","))
                valid.reshape(self.grid.shape)[self.grid.places((z, y, x)).slices] = False
                del known[key]
                changed = True
            if changed:
                signatures.flush()
                valid.flush()
                with replacing(state_path) as temporary:
                    temporary.write_text(json.dumps(known))
        except OSError as error:
            raise DataError(
                f"The copy of signatures that is searched cannot be written to {folder}: "
                f"{error.strerror}. Make room there, or make it writable."
            ) from None
        return signatures, valid

    def _whole(self, name: str, where: tuple[slice, ...]) -> np.ndarray:
        try:
            return self._read(name, where)
        except DataError as error:
            raise DataError(
                f"{error} A block of {self.path} is damaged; python -m emqs.embed with the same "
                "settings makes it again, and nothing else."
            ) from None

    def grow(self, manifest: dict[str, Any]) -> "Store":
        """Return the store made longer along Z; what is there stays as it is.

        Args:
            manifest: As for ``create``; it differs in the number of slices alone.
        """
        grid = Grid.from_dict(manifest["grid"])
        for name in ARRAYS:  # readers see longer arrays first, and the grid last
            path = self.path / name / "zarr.json"
            content = json.loads(path.read_text())
            content["shape"][-3] = max(grid.shape[0], content["shape"][-3])
            with replacing(path) as temporary:
                temporary.write_text(json.dumps(content))
        path = self.path / "zarr.json"
        content = json.loads(path.read_text())
        content["attributes"][KEY] = manifest
        with replacing(path) as temporary:
            temporary.write_text(json.dumps(content, indent=1))
        return open_store(self.path)


def _numbers(folder: str, count: int) -> list[int]:
    """Return the names in a folder that are numbers below a count; none if there is no folder."""
    try:
        names = os.listdir(folder)  # noqa: PTH208 - there may be ten thousands
    except FileNotFoundError:
        return []
    return [int(name) for name in names if name.isdecimal() and int(name) < count]


def _mapped(path: Path, dtype: Any, count: int) -> Any:  # noqa: ANN401 - can be flushed
    """Return a file as an array that can be written; it is made longer, never emptied."""
    with path.open("ab") as stream:
        if stream.tell() < count * np.dtype(dtype).itemsize:
            os.truncate(path, count * np.dtype(dtype).itemsize)
    return np.memmap(path, dtype=dtype, mode="r+", shape=(count,))


def open_store(path: Path) -> Store:
    """Return an embedding volume.

    Raises:
        DataError: If there is none, or it is damaged or of another version.
    """
    try:
        attributes = json.loads((path / "zarr.json").read_text(encoding="utf-8"))["attributes"]
        manifest = dict(attributes[KEY])
        found = manifest["format"], manifest["version"]
    except FileNotFoundError:
        raise DataError(
            f"There is no embedding volume {path}. Make one with python -m emqs.embed out={path}."
        ) from None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(f"{path} is damaged or no embedding volume: {error!r}.") from None
    if found != (FORMAT, VERSION):
        raise DataError(
            f"{path} has format {found[0]!r} version {found[1]!r}; this emqs reads {FORMAT!r} "
            f"version {VERSION}."
        )
    try:
        grid = Grid.from_dict(manifest["grid"])
        store = Store(path, manifest, grid, int(manifest["code_size"]))
        fits = len(store.signer.mean) == store.code_size
    except (KeyError, TypeError, ValueError) as error:
        raise DataError(f"{path} is damaged: its manifest lacks something ({error!r}).") from None
    if not fits:
        raise DataError(f"{path} is damaged: its signer does not fit its codes.")
    return store


def check_new(path: Path) -> None:
    """Raise an error if there is no folder to make a store in.

    Raises:
        ConfigError: If there is none.
    """
    if not path.parent.is_dir():
        raise ConfigError(f"The folder {path.parent} does not exist. Make it, or give another.")


def create(path: Path, manifest: dict[str, Any], sample: np.ndarray) -> Store:
    """Return a new, empty embedding volume; if another process was faster, return that one's.

    Args:
        path: Its folder; the one above exists.
        manifest: ``grid``, ``code_size``, ``signer`` and whatever else must match, plain values.
        sample: Codes that the signer was fitted to, shape ``(n, D)``, float16.

    Raises:
        ConfigError: If there is something else at the path, or no folder above it.
        DataError: If it cannot be written. Nothing is left behind.
    """
    check_new(path)
    manifest = {"format": FORMAT, "version": VERSION, **manifest}
    grid = Grid.from_dict(manifest["grid"])
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        temporary.mkdir()
        group = {
            "zarr_format": 3,
            "node_type": "group",
            "attributes": {"ome": _ome(path.stem, grid), KEY: manifest},
        }
        (temporary / "zarr.json").write_text(json.dumps(group, indent=1))
        for name, metadata in _metadata(grid, sample.shape).items():
            spec = {"driver": "zarr3", "kvstore": _kvstore(temporary / name), "metadata": metadata}
            array = wait(partial(tensorstore().open, spec, create=True), 0, str(temporary / name))
            if name == "sample":
                wait(partial(array.write, sample), sample.nbytes, str(temporary / name))
        try:
            temporary.rename(path)
        except OSError:
            if not (path / "zarr.json").is_file():
                raise
    except OSError as error:
        raise DataError(f"{path} cannot be written: {error.strerror}.") from None
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return open_store(path)


def _ome(name: str, grid: Grid) -> dict[str, Any]:
    """Return what image viewers read: axes, and where the grid lies in nm."""
    space = [{"name": axis, "type": "space", "unit": "nanometer"} for axis in "zyx"]
    scale = [s * v for s, v in zip(grid.stride, grid.voxel_size_nm, strict=True)]
    first = grid.centres_nm(np.zeros((1, 3), dtype=np.int64))[0].tolist()
    transforms = [
        {"type": "scale", "scale": [1.0, *scale]},
        {"type": "translation", "translation": [0.0, *first]},
    ]
    described = {
        "name": name,
        "axes": [{"name": "c", "type": "channel"}, *space],
        "datasets": [{"path": "embeddings", "coordinateTransformations": transforms}],
    }
    return {"version": "0.5", "multiscales": [described]}


def _metadata(grid: Grid, sample: tuple[int, ...]) -> dict[str, dict[str, Any]]:
    """Return the Zarr metadata of the arrays by name."""
    little: dict[str, Any] = {"name": "bytes", "configuration": {"endian": "little"}}
    checksum: dict[str, Any] = {"name": "crc32c"}
    zstd: dict[str, Any] = {"name": "zstd", "configuration": {"level": 3, "checksum": False}}
    whole = [1, grid.block, grid.block]
    dimension = sample[1]
    inner = {
        "chunk_shape": [dimension, 1, INNER, INNER],
        "codecs": [little, checksum],
        "index_codecs": [little, checksum],
    }
    sharded = [{"name": "sharding_indexed", "configuration": inner}]

    def metadata(
        shape: list[int], chunk: list[int], dtype: str, codecs: list[dict[str, Any]], names: str
    ) -> dict[str, Any]:
        return {
            "shape": shape,
            "data_type": dtype,
            "chunk_grid": {"name": "regular", "configuration": {"chunk_shape": chunk}},
            "codecs": codecs,
            "fill_value": 0,
            "dimension_names": list(names),
        }

    places = list(grid.shape)
    plain = [little, checksum]
    bytes_alone: list[dict[str, Any]] = [{"name": "bytes"}, zstd, checksum]
    return {
        "embeddings": metadata(
            [dimension, *places], [dimension, *whole], "float16", sharded, "czyx"
        ),
        "valid": metadata(places, whole, "uint8", bytes_alone, "zyx"),
        # random bits stay as they are, but what a block at the far end lacks takes nothing
        "signatures": metadata(places, whole, "uint64", [little, zstd, checksum], "zyx"),
        "sample": metadata(list(sample), list(sample), "float16", plain, "nc"),
    }


def _kvstore(path: Path) -> dict[str, Any]:
    return {"driver": "file", "path": f"{path.absolute()}/"}


def _opened(path: Path, **options: bool) -> Any:  # noqa: ANN401 - an array of tensorstore
    spec = {"driver": "zarr3", "kvstore": _kvstore(path), "recheck_cached_data": "open", **options}
    return wait(lambda: tensorstore().open(spec, open=True, read=True, write=True), 0, str(path))


def check_same(path: Path, found: dict[str, Any], asked: dict[str, Any]) -> None:
    """Raise an error that names the first setting in which a store is not what is asked for.

    Args:
        path: The store, for the message.
        found: Its manifest.
        asked: What it should say, by the same names; names that are missing are not compared.

    Raises:
        ConfigError: If something differs.
    """
    for name, wanted in _plain(asked):
        had = dict(_plain(found)).get(name)
        if had != wanted:
            raise ConfigError(
                f"{path} was made with {name}={had}, but {name}={wanted} was asked for. Give "
                "another out=, or the settings it was made with."
            )


def _plain(content: dict[str, Any], before: str = "") -> Iterator[tuple[str, Any]]:
    """Yield dotted names and values of nested settings."""
    for key, value in content.items():
        if isinstance(value, dict) and value:
            yield from _plain(value, f"{before}{key}.")
        else:
            yield f"{before}{key}", value
