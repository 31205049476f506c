"""Try codecs on a few chunks of a volume, and say which command to use."""

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from math import prod

import numpy as np

from emqs.codecs import get_codec
from emqs.errors import DataError
from emqs.geometry import Shape, count_boxes
from emqs.volumes.volume import Volume

#: Codec options of emqs, what stands for them here, and what each is for.
CANDIDATES: dict[str, tuple[str, dict[str, object]]] = {
    "codec=crackle": ("crackle+zstd", {"level": 3}),
    "codec=archive": ("crackle+lzma", {"markov_order": 5}),
    "codec=zstd": ("none+zstd", {"level": 3}),
    "output.format=precomputed": ("compressed_segmentation+gzip", {}),
}
VIEWER = "output.format=precomputed"  # what Neuroglancer reads
_LEAST_DTYPE = {"output.format=precomputed": 4}  # bytes per label


@dataclass
class Tried:
    """One candidate, and what was measured on all chunks together."""

    option: str
    n_bytes: int = 0
    original_bytes: int = 0
    write_s: list[float] = field(default_factory=list)
    read_s: list[float] = field(default_factory=list)

    @property
    def ratio(self) -> float:
        """How many times smaller."""
        return self.original_bytes / self.n_bytes

    @property
    def write_mb_s(self) -> float:
        """Median of the runs."""
        return self.original_bytes / 1e6 / max(statistics.median(self.write_s), 1e-9)

    @property
    def read_mb_s(self) -> float:
        """Median of the runs."""
        return self.original_bytes / 1e6 / max(statistics.median(self.read_s), 1e-9)


def sample(volume: Volume, chunk: Shape, n_chunks: int, seed: int) -> list[np.ndarray]:
    """Return some chunks of a volume, unsigned; those of more than one label if there are any.

    Args:
        volume: The labels.
        chunk: ``(Z, Y, X)``.
        n_chunks: At most.
        seed: Which.

    Raises:
        DataError: If there are negative labels.
    """
    total = count_boxes(volume.shape, chunk)
    order = np.random.default_rng(seed).permutation(total)[: 4 * n_chunks]
    sampled = set(order.tolist())
    rank = {int(number): place for place, number in enumerate(order)}
    chunks = {
        rank[number]: volume.read(box)
        for number, box in enumerate(volume.blocks(chunk))
        if number in sampled
    }
    parts = [chunks[place] for place in sorted(chunks)]
    busy = [part for part in parts if part.min() != part.max()]
    chosen = (busy or parts)[:n_chunks]
    if any(part.dtype.kind == "i" and part.min() < 0 for part in chosen):
        raise DataError(
            f"{volume.name} holds negative labels; only codec=crackle in Zarr takes them."
        )
    return [p if p.dtype.kind == "u" else p.astype(f"u{p.dtype.itemsize}") for p in chosen]


def try_all(
    chunks: list[np.ndarray], *, runs: int, step: Callable[[str], None] = lambda _: None
) -> list[Tried]:
    """Measure all candidates on chunks; in every run, all of them take turns.

    Args:
        chunks: Unsigned, ``(Z, Y, X)`` each.
        runs: At least 1.
        step: Called before each candidate with its name.

    Raises:
        DataError: If a chunk does not come back as it was.
    """
    width = chunks[0].dtype.itemsize
    usable = [o for o in CANDIDATES if width >= _LEAST_DTYPE.get(o, 1)]
    tried = {option: Tried(option) for option in usable}
    for _ in range(runs):
        for option, one in tried.items():
            step(option)
            name, settings = CANDIDATES[option]
            codec = get_codec(name, **settings)
            start = time.process_time()
            streams = [codec.encode(chunk) for chunk in chunks]
            middle = time.process_time()
            back = [codec.decode(stream) for stream in streams]
            end = time.process_time()
            if not all(np.array_equal(a, b) for a, b in zip(back, chunks, strict=True)):
                raise DataError(f"{name} did not give the labels back. Please report it.")
            one.n_bytes = sum(map(len, streams))
            one.original_bytes = sum(prod(c.shape) * c.itemsize for c in chunks)
            one.write_s.append(middle - start)
            one.read_s.append(end - middle)
    return list(tried.values())


def choose(tried: list[Tried]) -> dict[str, Tried]:
    """Return the candidate for each wish: smallest Zarr, fastest to read, for viewers."""
    in_zarr = [one for one in tried if one.option != VIEWER]
    chosen = {
        "smallest Zarr": min(in_zarr, key=lambda one: one.n_bytes),
        "fastest Zarr to read": max(in_zarr, key=lambda one: one.read_mb_s),
    }
    for one in tried:
        if one.option == VIEWER:
            chosen["for viewers (Neuroglancer)"] = one
    return chosen
