"""Sizes and speeds of label-volume codecs on a real segmentation.

    EMQS_LABELS=/path/to/labels python benchmarks/codecs.py [rounds]
    EMQS_LABELS=/path/to/labels python benchmarks/codecs.py grid [codec ...]

The volume is the first 128 slices of ``pinky40/connectomics.npy.cpso.lzma`` (512 x 512 x 512 voxels
of 16 x 16 x 40 nm, automatic segmentation of mouse cortex), as uint64. Speeds are in bytes of
that volume per second of CPU time, one thread; all methods take turns in every round, and every
round trip is compared voxel by voxel. The exit code is not 0 if a size or speed is not as promised.

``grid`` prints every codec with every compressor instead, one run each, of the volume as uint32.

Needs the compresso package: pip install 'emqs[bench]'; the grid: 'emqs[codecs]'.
"""

import lzma
import os
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from emqs.codecs import CODECS, COMPRESSORS, get_codec, get_compressor
from emqs.errors import EmqsError, require

N_SLICES = 128
#: Bytes that the original programs give for this volume, before and after LZMA preset 6.
ORIGINAL_BYTES = {"compresso-miccai 1x8x8 + lzma": 799_776, "compresso-v2 1x8x8 + lzma": 819_852}
LEAST_SPEED = 1 / 3  # of the compresso package, decoding
#: Compressors of the grid that would take many minutes for a large stream, and what large is.
SLOW, SLOW_BYTES = ("brotli", "lz78", "lzw", "zopfli"), 20_000_000


@dataclass
class Method:
    """One way to store the volume, and what was measured."""

    name: str
    encode: Callable[[np.ndarray], bytes]
    decode: Callable[[bytes], np.ndarray]
    size: int = 0
    encode_s: list[float] = field(default_factory=list)
    decode_s: list[float] = field(default_factory=list)

    def measure(self, volume: np.ndarray) -> None:
        """Encode and decode once; stop the program if the volume does not come back."""
        start = time.process_time()
        stream = self.encode(volume)
        middle = time.process_time()
        back = self.decode(stream)
        end = time.process_time()
        if not np.array_equal(back, volume):
            sys.exit(f"{self.name}: the volume did not come back.")
        self.size = len(stream)
        self.encode_s.append(middle - start)
        self.decode_s.append(end - middle)


def pinky40() -> np.ndarray:
    """Return the volume, shape (128, 512, 512), uint64."""
    folder = os.environ.get("EMQS_LABELS")
    if folder is None:
        sys.exit("EMQS_LABELS is not set; it names the folder with pinky40/.")
    compresso = require("compresso", extra="bench", purpose="open pinky40")
    packed = (Path(folder) / "pinky40" / "connectomics.npy.cpso.lzma").read_bytes()
    volume = compresso.decompress(lzma.decompress(packed))  # x y z
    return np.ascontiguousarray(volume.T[:N_SLICES], dtype=np.uint64)


def methods() -> list[Method]:
    """Return what is measured: our codecs, with and without LZMA, and the compresso package."""
    compresso = require("compresso", extra="bench", purpose="compare speeds")
    found = [
        Method(
            "compresso package 1x8x8",
            # it wants Fortran order, x y z
            lambda volume: compresso.compress(volume.T, steps=(8, 8, 1)),
            lambda stream: compresso.decompress(stream).T,
        )
    ]
    for name in ("compresso-miccai", "compresso-v2"):
        for height, width in ((8, 8), (4, 4)):
            codec = get_codec(name, window=(1, height, width))
            found.append(Method(f"{name} 1x{height}x{width}", codec.encode, codec.decode))
            found.append(
                Method(
                    f"{name} 1x{height}x{width} + lzma",
                    lambda volume, codec=codec: lzma.compress(codec.encode(volume), preset=6),
                    lambda stream, codec=codec: codec.decode(lzma.decompress(stream)),
                )
            )
    return found


def spread(volume: np.ndarray, seconds: list[float]) -> str:
    """Return MB/s: median (lowest-highest), and Mvoxel/s."""
    speeds = [volume.nbytes / s / 1e6 for s in seconds]
    median = statistics.median(speeds)
    return f"{median:5.0f} ({min(speeds):.0f}-{max(speeds):.0f}) | {median / volume.itemsize:4.0f}"


def grid(names: list[str]) -> None:
    """Print sizes and speeds of codecs, alone and with every compressor."""
    volume = pinky40().astype(np.uint32)
    print(f"pinky40, {volume.shape} voxels (Z Y X) of {volume.dtype}, one run each\n")
    print("| codec | compressor | bytes | ratio | bits/voxel | encode MB/s | decode MB/s |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for name in names:
        codec = get_codec(name)
        start = time.process_time()
        plain = codec.encode(volume)
        encode_s = time.process_time() - start
        start = time.process_time()
        back = codec.decode(plain)
        decode_s = time.process_time() - start
        if not np.array_equal(back, volume):
            sys.exit(f"{name}: the volume did not come back.")
        for second in ["none", *(key for key in COMPRESSORS if key != "none")]:
            if second in SLOW and len(plain) > SLOW_BYTES:
                continue
            compressor = get_compressor(second)
            start = time.process_time()
            stream = compressor.compress(plain)
            middle = time.process_time()
            same = compressor.decompress(stream) == plain
            end = time.process_time()
            if not same:
                sys.exit(f"{name}+{second}: the stream did not come back.")
            ratio, bits = volume.nbytes / len(stream), 8 * len(stream) / volume.size
            write = volume.nbytes / 1e6 / (encode_s + middle - start)
            read = volume.nbytes / 1e6 / (decode_s + end - middle)
            print(
                f"| {name} | {second} | {len(stream):,} | {ratio:.1f} | {bits:.4f} | {write:.0f} "
                f"| {read:.0f} |",
                flush=True,
            )


def main() -> None:
    """Measure, print a table, and check the promises."""
    if sys.argv[1:2] == ["grid"]:
        grid(sys.argv[2:] or sorted(CODECS))
        return
    n_rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    volume, measured = pinky40(), methods()
    for _ in range(n_rounds):
        for method in measured:
            method.measure(volume)
    print(f"pinky40, {volume.shape} voxels (Z Y X) of {volume.dtype}, {n_rounds} rounds\n")
    print(
        "| method | bytes | ratio | bits/voxel | encode MB/s | Mvoxel/s | decode MB/s | Mvoxel/s |"
    )
    print("| --- | --- | --- | --- | --- | --- | --- | --- |")
    for m in measured:
        ratio, bits = volume.nbytes / m.size, 8 * m.size / volume.size
        speeds = f"{spread(volume, m.encode_s)} | {spread(volume, m.decode_s)}"
        print(f"| {m.name} | {m.size:,} | {ratio:.1f} | {bits:.4f} | {speeds} |")
    sizes = {m.name: m.size for m in measured}
    fails = [name for name, size in ORIGINAL_BYTES.items() if sizes[name] != size]
    print()
    for name, size in ORIGINAL_BYTES.items():
        print(f"{name}: {sizes[name]:,} bytes; the original program: {size:,}")
    theirs = statistics.median(measured[0].decode_s)
    ours = statistics.median(next(m for m in measured if m.name.endswith("miccai 1x8x8")).decode_s)
    print(
        f"decoding, compresso-miccai 1x8x8: {theirs / ours:.2f} times the speed of the compresso "
        f"package (at least {LEAST_SPEED:.2f})"
    )
    if fails or theirs / ours < LEAST_SPEED:
        sys.exit("Not as promised.")


if __name__ == "__main__":
    try:
        main()
    except EmqsError as error:
        sys.exit(f"benchmarks/codecs.py: {error}")
