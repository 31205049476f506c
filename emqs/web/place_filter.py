"""Which segment each place of an embedding store lies in, and searches among some of them.

The segments of all places are read once from the label volume, 8 bytes a place, and kept in the
cache of the server's home; a search looks at this table, never at the labels.

    python -m emqs.web.place_filter --store codes.zarr --url seg.zarr --out lab/cache/places/KEY.npy
"""

import argparse
import json
import sys
from collections.abc import Callable, Collection, Iterator
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from emqs.errors import ConfigError, DataError, EmqsError
from emqs.files import replacing
from emqs.volumes import Box, Volume
from emqs.web import search_parts as parts
from emqs.web.sources import Place, open_place, stamp

AT_ONCE_VOXELS = 2**28  # labels that are read while a search waits
SLAB_BYTES = 2**27
FEW = 2**22  # places whose signatures are gathered; of more, the nearest are looked through
Step = Callable[[float, str], None]


def place_segments(
    engine: parts.SearchableStore,
    labels: Volume,
    path: Path,
    *,
    most_voxels: float = AT_ONCE_VOXELS,
    step: Step = lambda _fraction, _text: None,
) -> np.ndarray:
    """Return the segment in the middle of each place, ``(N,)``, uint64, mapped from a file.

    Args:
        engine: The embedding volume.
        labels: Segments, in nm in the same space; outside of it is 0.
        path: The file; made if it is not there, whole or not at all.
        most_voxels: How many labels may be read for it.
        step: Called with the fraction that is done and a few words.

    Raises:
        ConfigError: If the file is not there and too much would have to be read now.
        DataError: If the labels cannot be read, or the file cannot be written.
    """
    n_places = engine.grid.n_places
    if not path.is_file():
        if prod(labels.shape) > most_voxels:
            raise ConfigError(
                f"Which segments the places of {engine.name} lie in is not known yet, and takes "
                "reading all labels. Ask for a job of the kind places, and search again then."
            )
        _write(engine, labels, path, step)
    segments: np.ndarray = np.load(path, mmap_mode="r", allow_pickle=False)
    if segments.shape != (n_places,) or segments.dtype != np.uint64:
        raise DataError(f"{path} is damaged. Remove it; it is made again.")
    return segments


def _write(engine: parts.SearchableStore, labels: Volume, path: Path, step: Step) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as temporary, temporary.open("wb") as stream:
            shape = (engine.grid.n_places,)
            header = {"descr": "<u8", "fortran_order": False, "shape": shape}
            np.lib.format.write_array_header_1_0(stream, header)
            for done, plane in _planes(engine, labels):
                stream.write(plane.tobytes())
                step(done / engine.grid.shape[0], f"{done} of {engine.grid.shape[0]} slices")
    except OSError as error:
        raise DataError(f"{path} cannot be written: {error.strerror}. Make room there.") from None


def _planes(engine: parts.SearchableStore, labels: Volume) -> Iterator[tuple[int, np.ndarray]]:
    """Yield how many planes of places are done, and the segments of one after the other."""
    grid = engine.grid
    at, inside = [], []
    for axis, count in enumerate(grid.shape):
        places = np.zeros((count, 3), dtype=np.int64)
        places[:, axis] = np.arange(count)
        nm = grid.centres_nm(places)[:, axis] - labels.origin_nm[axis]
        voxels = np.floor(nm / labels.require_voxel_size()[axis] + 0.5).astype(np.int64)
        at.append(np.clip(voxels, 0, labels.shape[axis] - 1))
        inside.append((voxels >= 0) & (voxels < labels.shape[axis]))
    depth = max(1, labels.chunks[0])
    first = 0
    while first < grid.shape[0]:
        group = at[0][first] // depth  # planes that lie in the same chunks are read together
        last = first + int(np.searchsorted(at[0][first:] // depth, group, side="right"))
        block = np.zeros((last - first, grid.shape[1], grid.shape[2]), dtype=np.uint64)
        for rows, segments in _rows(labels, at, slice(first, last)):
            block[:, rows] = segments
        block *= (inside[0][first:last, None, None] & inside[1][:, None] & inside[2]).astype(
            np.uint64
        )
        for plane in block:
            first += 1
            yield first, plane


def _rows(
    labels: Volume, at: list[np.ndarray], planes: slice
) -> Iterator[tuple[slice, np.ndarray]]:
    """Yield rows of places and their segments, as many at a time as a slab of labels holds."""
    z0, z1 = int(at[0][planes].min()), int(at[0][planes].max()) + 1
    x0, x1 = int(at[2].min()), int(at[2].max()) + 1
    height = max(1, SLAB_BYTES // ((z1 - z0) * (x1 - x0) * labels.dtype.itemsize))
    start = 0
    while start < len(at[1]):
        y0 = int(at[1][start])
        stop = max(start + 1, int(np.searchsorted(at[1], y0 + height, side="left")))
        y1 = int(at[1][stop - 1]) + 1
        voxels = labels.read(Box((z0, y0, x0), (z1, y1, x1)))
        picked = voxels[np.ix_(at[0][planes] - z0, at[1][start:stop] - y0, at[2] - x0)]
        yield slice(start, stop), picked.astype(np.uint64)
        start = stop


def allowed_places(
    segments: np.ndarray,
    inside: Collection[int],
    outside: Collection[int],
    equivalences: tuple[np.ndarray, np.ndarray] | None,
) -> np.ndarray:
    """Return which places may be found, ``(N,)``, bool.

    Args:
        segments: Of each place, ``(N,)``, uint64.
        inside: Segments in one of which a place must lie; empty: anywhere.
        outside: Segments in none of which it may lie.
        equivalences: Labels that count as others, as ``layers.equivalences`` returns them.
    """

    def members(chosen: Collection[int]) -> np.ndarray:
        known = np.array(sorted(set(chosen)), dtype=np.uint64)
        if equivalences is None:
            return known
        olds, news = equivalences
        kept = known[~np.isin(known, olds)]
        return np.concatenate([kept, olds[np.isin(news, known)]])

    allowed = np.ones(len(segments), dtype=np.bool_)
    for start in range(0, len(segments), 2**24):
        part = np.asarray(segments[start : start + 2**24])
        block = allowed[start : start + 2**24]
        if inside:
            block &= np.isin(part, members(inside))
        if outside:
            block &= ~np.isin(part, members(outside))
    return allowed


class FilteredEngine:
    """An embedding volume of which some places alone may be found."""

    def __init__(self, engine: parts.SearchableStore, allowed: np.ndarray) -> None:
        """Take an engine and which of its places may be found, ``(N,)``, bool."""
        self.engine, self.allowed = engine, allowed
        self._positions: np.ndarray | None = None
        self._signatures = np.empty(0, dtype=np.uint64)
        if np.count_nonzero(allowed) <= FEW:
            positions = np.flatnonzero(allowed)
            signatures, stored = engine.signatures(positions)
            self._positions, self._signatures = positions[stored], signatures[stored]

    @property
    def name(self) -> str:
        """Of the volume."""
        return self.engine.name

    @property
    def manifest(self) -> dict[str, Any]:
        """Of the volume."""
        return self.engine.manifest

    @property
    def grid(self) -> Any:  # noqa: ANN401 - of the engine
        """Of the volume."""
        return self.engine.grid

    def sample(self) -> np.ndarray:
        """Return codes from all over the volume; what is typical does not depend on a filter."""
        return self.engine.sample()

    def signatures(self, positions: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return signatures and which places have one; examples may lie anywhere."""
        return self.engine.signatures(positions)

    def codes(self, positions: np.ndarray) -> np.ndarray:
        """Return the codes of places."""
        return self.engine.codes(positions)

    @property
    def short_coder(self) -> parts.ShortCoder | None:
        """What short codes of the volume were made with, if it has some."""
        return self.engine.short_coder

    def short_codes(self, positions: np.ndarray) -> np.ndarray:
        """Return the short codes of places."""
        return self.engine.short_codes(positions)

    def why_missing(self, position: int) -> str:
        """Return why a place has no signature."""
        return self.engine.why_missing(position)

    def _within(self, positions: np.ndarray, within: Box | None) -> np.ndarray:
        """Return which positions lie in a box of the grid, bool."""
        if within is None:
            return np.ones(len(positions), dtype=np.bool_)
        places = self.grid.zyx(positions)
        return np.asarray(
            np.all((places >= np.array(within.start)) & (places < np.array(within.stop)), axis=1)
        )

    def nearest(
        self,
        examples: np.ndarray,
        first: int,
        stop: int,
        *,
        within: Box | None,
        n_threads: int | None,
    ) -> np.ndarray:
        """Return the allowed places with the nearest signatures; see ``Engine.nearest``."""
        if self._positions is not None:
            mask = None if within is None else self._within(self._positions, within)
            if len(self._positions) == 0 or (mask is not None and not mask.any()):
                return np.empty(0, dtype=np.int64)
            rows, _ = parts.hamming.nearest(
                self._signatures, examples, stop, mask=mask, n_threads=n_threads
            )
            return np.asarray(self._positions[rows[first:]])
        asked = 2 * stop
        while True:
            near = self.engine.nearest(examples, 0, asked, within=within, n_threads=n_threads)
            kept = near[self.allowed[near]]
            if len(kept) >= stop or len(near) < asked:
                return np.asarray(kept[first:stop])
            asked = min(4 * asked, self.grid.n_places)

    def blocks(self, within: Box | None) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Yield positions and codes of the allowed places, block by block of the grid."""
        for positions, codes in self.engine.blocks(within):
            chosen = self.allowed[positions]
            if chosen.any():
                yield positions[chosen], codes[chosen]


def file_of(cache: Path, store: str, fingerprint: str, place: Place, version: str) -> Path:
    """Return where the segments of the places of a store are kept."""
    names = [fingerprint, place.key, stamp(place), version]
    name = "-".join("".join(c if c.isalnum() else "_" for c in part)[:32] for part in names)
    return cache / "places" / f"{Path(store).stem[:40]}-{name}.npy"


def main(arguments: list[str] | None = None) -> None:
    """Look up the segments of all places; workers call this in a process of its own."""
    parser = argparse.ArgumentParser(prog="python -m emqs.web.place_filter")
    parser.add_argument("--store", required=True)
    parser.add_argument("--url", required=True, help="of the segmentation")
    parser.add_argument("--settings", default="{}", help="JSON, of emqs.volumes.open_volume")
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args(arguments)

    def step(fraction: float, text: str) -> None:
        sys.stdout.write(f"{fraction:.4f} {text}\n")
        sys.stdout.flush()

    try:
        engine = parts.open_searchable(options.store, parts.ClickhouseConfig())
        place = Place(options.url, "segmentation", json.loads(options.settings))
        place_segments(engine, open_place(place), options.out, most_voxels=float("inf"), step=step)
    except EmqsError as error:
        sys.exit(f"emqs.web.place_filter: {' '.join(str(error).split())}")


if __name__ == "__main__":
    main()
