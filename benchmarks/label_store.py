"""Sizes and speeds of label volumes stored in Zarr, with the codec emqs.labels and with zarr's own.

    EMQS_LABELS=/path/to/labels python benchmarks/label_store.py [rounds]

Volumes: pinky40 (first 128 slices, 512 x 512, uint32), FIB-25 ground truth and watershed
(250 cubed, int32), a crop of SNEMI3D (32 x 160 x 160, uint8), each in its own dtype. Sizes are of
all files of a store; speeds are in bytes of the volume per second of processor time, all stores
take turns in every round, and every round trip is compared voxel by voxel. Then 1,000 random bits
of a stored pinky40 are flipped, one at a time. The exit code is not 0 if a promise is not kept.

Needs: pip install 'emqs[labels,bench]' h5py
"""

import gzip
import io
import lzma
import os
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import tifffile

from emqs.codecs.chunk import ChunkSettings
from emqs.errors import CodecError, DataError, EmqsError, require
from emqs.volumes.zarr_labels import PRESETS, open_labels, write_labels
from emqs.volumes.zarr_labels.writer import zarr_library

MOST_BYTES = 725_000  # of pinky40 in chunks of 32 x 256 x 256, zstd 3
LEAST_ARCHIVE_RATIO = 215.0  # against uint32
LEAST_WRITE, LEAST_READ = 0.6, 0.5  # of the speed of zarr's default codec
N_FLIPS = 1000
MOST_SLICE = 0.1  # of the time of the row of chunks that a slice stands in


@dataclass
class Store:
    """One way to store a volume, and what was measured of it."""

    name: str
    write: Callable[[Path, np.ndarray], None]
    size: int = 0
    write_s: list[float] = field(default_factory=list)
    read_s: list[float] = field(default_factory=list)

    def measure(self, volume: np.ndarray, folder: Path) -> None:
        """Write and read once; stop the program if the volume does not come back."""
        path = folder / "volume.zarr"
        shutil.rmtree(path, ignore_errors=True)
        start = time.process_time()
        self.write(path, volume)
        middle = time.process_time()
        array = path / "0" if (path / "0").is_dir() else path
        back = zarr_library().open(array, mode="r")[:]
        end = time.process_time()
        if back.dtype != volume.dtype or not np.array_equal(back, volume):
            sys.exit(f"{self.name}: the volume did not come back.")
        self.size = sum(file.stat().st_size for file in path.rglob("*") if file.is_file())
        self.write_s.append(middle - start)
        self.read_s.append(end - middle)


def stores() -> list[Store]:
    """Return what is measured."""
    return [
        Store("zarr default, 32x256x256", zarr_default((32, 256, 256))),
        Store("zarr default, 128x128x128", zarr_default((128, 128, 128))),
        Store("emqs.labels, preset default", ours("default")),
        Store("emqs.labels, zstd 19", ours("default", ChunkSettings(level=19))),
        Store("emqs.labels, markov 5", ours("default", ChunkSettings(markov_order=5))),
        Store("emqs.labels, preset archive", ours("archive")),
        Store(
            "emqs.labels, archive with zstd 19",
            ours("archive", ChunkSettings(level=19, markov_order=5)),
        ),
    ]


def zarr_default(chunks: tuple[int, ...]) -> Callable[[Path, np.ndarray], None]:
    """Return what writes with the codec that zarr takes if it is not told."""

    def write(path: Path, volume: np.ndarray) -> None:
        fitting = tuple(min(a, b) for a, b in zip(chunks, volume.shape, strict=True))
        zarr_library().create_array(path, shape=volume.shape, dtype=volume.dtype, chunks=fitting)[
            :
        ] = volume

    return write


def ours(preset: str, settings: ChunkSettings | None = None) -> Callable[[Path, np.ndarray], None]:
    """Return what writes a label image of one level."""

    def write(path: Path, volume: np.ndarray) -> None:
        write_labels(
            path, volume, voxel_size_nm=(40, 16, 16), preset=preset, settings=settings, levels=1
        )

    return write


def volumes(folder: Path) -> dict[str, np.ndarray]:
    """Return the volumes by name, Z Y X."""
    h5py = require("h5py", extra="bench", purpose="open FIB-25")
    found = {"pinky40": whole_pinky40(folder)[:128].copy()}
    for name, file in [
        ("FIB-25 ground truth", "npe-ts2-groundtruth.h5.gz"),
        ("FIB-25 watershed", "npe-ts2-oversegmented_stack_labels.h5.gz"),
    ]:
        plain = gzip.decompress((folder / "fib25-medulla" / file).read_bytes())
        with h5py.File(io.BytesIO(plain), "r") as opened:
            found[name] = opened["stack"][:]
    found["SNEMI crop"] = tifffile.imread(folder / "gala" / "gala-snemi-mini-train-labels.tif")
    return found


def whole_pinky40(folder: Path) -> np.ndarray:
    """Return pinky40, shape (512, 512, 512), uint32."""
    compresso = require("compresso", extra="bench", purpose="open pinky40")
    packed = (folder / "pinky40" / "connectomics.npy.cpso.lzma").read_bytes()
    return np.ascontiguousarray(compresso.decompress(lzma.decompress(packed)).T)


def speed(volume: np.ndarray, seconds: list[float]) -> str:
    """Return MB/s: median (lowest-highest)."""
    speeds = [volume.nbytes / s / 1e6 for s in seconds]
    return f"{statistics.median(speeds):.0f} ({min(speeds):.0f}-{max(speeds):.0f})"


def table(name: str, volume: np.ndarray, rounds: int, folder: Path) -> list[Store]:
    """Measure all stores of a volume and print them."""
    measured = stores()
    for _ in range(rounds):
        for store in measured:
            store.measure(volume, folder)
    n_labels = np.unique(volume).size
    print(f"\n{name}, {volume.shape} {volume.dtype}, {n_labels} labels\n")
    print("| store | bytes | ratio | bits/voxel | write MB/s | read MB/s |")
    print("| --- | --- | --- | --- | --- | --- |")
    for s in measured:
        ratio, bits = volume.nbytes / s.size, 8 * s.size / volume.size
        print(
            f"| {s.name} | {s.size:,} | {ratio:.1f} | {bits:.4f} | {speed(volume, s.write_s)} "
            f"| {speed(volume, s.read_s)} |",
            flush=True,
        )
    return measured


def partial_reads(volume: np.ndarray, rounds: int, folder: Path) -> float:
    """Print what parts and questions cost in a 512-cubed store; return slice over chunk row."""
    path = folder / "cube.zarr"
    write_labels(path, volume, voxel_size_nm=(40, 16, 16), levels=1)
    opened = open_labels(path)
    label = int(volume[256, 256, 256])
    rng = np.random.default_rng(0)
    seconds: dict[str, list[float]] = {"row": [], "slice": [], "holds": [], "counts": []}
    for _ in range(5 * rounds):
        z = int(rng.integers(512))
        low = z - z % 32
        for key, ask in {
            "row": lambda low=low: opened[low : low + 32],
            "slice": lambda z=z: opened[z],
            "holds": lambda: opened.chunks_with(label),
            "counts": lambda: opened.counts(),
        }.items():
            start = time.process_time()
            found = ask()
            seconds[key].append(time.process_time() - start)
            if key == "slice" and not np.array_equal(found, volume[z]):
                sys.exit(f"slice {z} is wrong.")
    ms = {key: 1e3 * statistics.median(found) for key, found in seconds.items()}
    exact = np.unique(volume, return_counts=True)
    if not all(np.array_equal(a, b) for a, b in zip(opened.counts(), exact, strict=True)):
        sys.exit("The index counts other voxels than there are.")
    n_chunks = len(list((path / "0" / "c").rglob("*/*/*")))
    print(f"\npinky40, 512 cubed, {n_chunks} chunks of 32 x 256 x 256; median of {5 * rounds}\n")
    print("| question | ms of processor time |")
    print("| --- | --- |")
    print(f"| a row of chunks, 32 x 512 x 512 | {ms['row']:.1f} |")
    print(f"| one z slice in it | {ms['slice']:.1f} |")
    print(f"| which chunks hold a label | {ms['holds']:.1f} |")
    print(f"| all labels and their voxels | {ms['counts']:.1f} |")
    return ms["slice"] / ms["row"]


def flips(volume: np.ndarray, folder: Path) -> int:
    """Flip bits of a stored volume, one at a time; return how many changed a label in silence."""
    path = folder / "flips.zarr"
    write_labels(path, volume, voxel_size_nm=(40, 16, 16), levels=1)
    files = sorted(file for file in path.rglob("*") if file.is_file())
    ends = np.cumsum([file.stat().st_size for file in files])
    rng = np.random.default_rng(0)
    counts = {"named": 0, "metadata": 0, "harmless": 0, "silent": 0}
    for at in rng.integers(8 * ends[-1], size=N_FLIPS).tolist():
        which = int(np.searchsorted(ends, at // 8, side="right"))
        file, whole = files[which], files[which].read_bytes()
        damaged = bytearray(whole)
        damaged[at // 8 - int(ends[which]) + len(whole)] ^= 1 << at % 8
        file.write_bytes(damaged)
        counts[_outcome(path, file, volume)] += 1
        file.write_bytes(whole)
    print(f"\n{N_FLIPS} flipped bits: {counts['named']} errors that name the chunk, ", end="")
    print(
        f"{counts['metadata']} errors on opening, {counts['harmless']} in metadata that no ", end=""
    )
    print(f"label depends on, {counts['silent']} wrong without an error")
    return counts["silent"]


def _outcome(path: Path, file: Path, volume: np.ndarray) -> str:
    """Return what a reader notices of a damaged file."""
    try:
        opened = open_labels(path)
    except DataError:
        return "metadata"
    if file.suffix == ".json":
        return "harmless" if np.array_equal(opened[:], volume) else "silent"
    key = tuple(map(int, file.relative_to(path / "0" / "c").parts))
    try:
        opened[opened.box(key)]
    except CodecError as fault:
        return "named" if "0/c/" + "/".join(map(str, key)) in str(fault) else "silent"
    return "silent"


def promises(measured: list[Store], volume: np.ndarray, slice_share: float, n_silent: int) -> bool:
    """Print what was promised and what came out; return whether all is kept."""
    by_name = {store.name: store for store in measured}
    theirs = by_name["zarr default, 32x256x256"]
    own, archive = (by_name[f"emqs.labels, preset {name}"] for name in PRESETS)
    write = statistics.median(theirs.write_s) / statistics.median(own.write_s)
    read = statistics.median(theirs.read_s) / statistics.median(own.read_s)
    ratio = volume.nbytes / archive.size
    lines = [
        (own.size <= MOST_BYTES, f"bytes of all files: {own.size:,} (at most {MOST_BYTES:,})"),
        (
            ratio >= LEAST_ARCHIVE_RATIO,
            f"ratio of archive: {ratio:.1f} (at least {LEAST_ARCHIVE_RATIO})",
        ),
        (write >= LEAST_WRITE, f"write speed over zarr's: {write:.2f} (at least {LEAST_WRITE})"),
        (read >= LEAST_READ, f"read speed over zarr's: {read:.2f} (at least {LEAST_READ})"),
        (
            slice_share < MOST_SLICE,
            f"one slice over its row of chunks: {slice_share:.3f} (under {MOST_SLICE})",
        ),
        (n_silent == 0, f"flipped bits that no error told of: {n_silent} (none)"),
    ]
    print()
    for kept, line in lines:
        print(f"- {line}{'' if kept else ': NOT KEPT'}")
    return all(kept for kept, _ in lines)


def main() -> None:
    """Measure, print tables, and check the promises."""
    named = os.environ.get("EMQS_LABELS")
    if named is None:
        sys.exit("EMQS_LABELS is not set; it names the folder with pinky40/.")
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    folder = Path(named)
    with tempfile.TemporaryDirectory() as scratch:
        found = volumes(folder)
        measured = {
            name: table(name, volume, rounds, Path(scratch)) for name, volume in found.items()
        }
        share = partial_reads(whole_pinky40(folder), rounds, Path(scratch))
        n_silent = flips(found["pinky40"], Path(scratch))
    if not promises(measured["pinky40"], found["pinky40"], share, n_silent):
        sys.exit("Not as promised.")


if __name__ == "__main__":
    try:
        main()
    except EmqsError as error:
        sys.exit(f"benchmarks/label_store.py: {error}")
