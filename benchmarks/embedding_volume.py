"""Embedding a volume: speed against patch by patch, time for the disk, memory, bytes per patch.

    python benchmarks/embedding_volume.py [--slices 6] [--edge 4352] [--threads 2]

A volume of drawn textures is written as OME-Zarr in chunks of 64 x 64 x 64 voxels and embedded by
``emqs.embedding.build`` with the shipped encoder, patches of 80 voxels and a step of 10, an eighth.
Patch by patch, the same network gets the same patches one by one, cut and resized; a sample of
them is timed. Everything ``build`` does counts on the one side: the first pass for contrast and
signatures, reading and writing. Speeds are compared in processor time, which other programs change
little; the share of reading and writing is on the clock. ``build`` runs in a process of its own, so
that its memory is its own; a volume of one slice of half the edge is embedded as well, to see how
memory grows with the volume.
"""

import argparse
import json
import os
import re
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch

from emqs.datasets import Stack, synthetic
from emqs.embedding import encode
from emqs.embedding.build import EmbedConfig, build
from emqs.embedding.stores.grid import Triple
from emqs.embedding.stores.zarr import EmbeddingStore
from emqs.models import weights
from emqs.models.compute import Compute
from emqs.patches import grid
from emqs.patches.settings import PatchConfig
from emqs.volumes import Box, Volume, from_array, open_volume, write_ome_zarr
from emqs.volumes.volume import Reader

SIZE, STEP = 80, 10
VOXEL_NM = (30.0, 5.0, 5.0)
RATIO, SHARE, MEMORY_GB, BYTES = 10.0, 1 / 3, 2.0, 9.0


@dataclass(frozen=True, eq=False)
class Drawn:
    """Slices that are turned and shifted copies of one texture with noise, made when read."""

    image: np.ndarray

    def read(self, box: Box) -> np.ndarray:
        """Return the voxels of a box."""
        slices = []
        for z in range(box.start[0], box.stop[0]):
            noise = np.random.default_rng(z).integers(0, 16, self.image.shape, dtype=np.uint8)
            image = np.roll(np.rot90(self.image, z), 37 * z, 0) // 16 * 15 + noise
            slices.append(image[box.slices[1:]])
        return np.stack(slices)


@dataclass(eq=False)
class Timed:
    """A reader, and how long it took."""

    reader: Reader
    seconds: float = 0.0

    def read(self, box: Box) -> np.ndarray:
        """Return the voxels of a box."""
        started = time.perf_counter()
        voxels = self.reader.read(box)
        self.seconds += time.perf_counter() - started
        return voxels


def peak_gb() -> float:
    """Return the largest memory this process has held so far, in GB, its parent not counted."""
    status = Path("/proc/self/status")
    if status.is_file():
        return int(re.findall(r"VmHWM:\s+(\d+)", status.read_text())[0]) * 1024 / 1e9
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e9


def drawn(slices: int, edge: int) -> Volume:
    """Return a volume that is drawn while it is read."""
    image = synthetic.texture_images(n=1, size=512, seed=0)[0]
    image = np.tile(image, (-(-edge // 512), -(-edge // 512)))[:edge, :edge]
    small = from_array(np.zeros((1, 1, 1), dtype=np.uint8), VOXEL_NM, name="drawn")
    return replace(small, shape=(slices, edge, edge), chunks=(1, edge, edge), reader=Drawn(image))


def embedded(folder: Path, threads: int) -> dict[str, float]:
    """Embed the volume in a folder; return what was measured."""
    torch.set_num_threads(threads)
    volume = open_volume(folder / "volume.zarr")
    reading = Timed(volume.reader)
    writing, write = [0.0], EmbeddingStore.write

    def timed(
        store: EmbeddingStore, block: Triple, codes: np.ndarray, valid: np.ndarray, made_of: int
    ) -> None:
        started = time.perf_counter()
        write(store, block, codes, valid, made_of)
        writing[0] += time.perf_counter() - started

    EmbeddingStore.write = timed
    model = weights.load(Path("weights/contrastive_pretrained.safetensors"))
    before, busy = peak_gb(), time.process_time()
    filled = build(
        replace(volume, reader=reading), model, folder / "emb.zarr",
        patch=PatchConfig(size=SIZE, stride=STEP), settings=EmbedConfig(),
        compute=Compute(device="cpu"),
    )  # fmt: skip
    busy = time.process_time() - busy
    files = {path: path.stat().st_size for path in filled.store.path.rglob("*") if path.is_file()}
    codes = sum(n for path, n in files.items() if "embeddings" in path.parts and "c" in path.parts)
    rest = [(path.parts, n) for path, n in files.items()]
    beside = sum(n for parts, n in rest if "c" in parts and {"signatures", "valid"} & set(parts))
    return {
        "patches": filled.n_patches, "places": filled.store.grid.n_places,
        "seconds": filled.seconds, "busy": busy, "reading": reading.seconds, "writing": writing[0],
        "peak_gb": peak_gb(), "before_gb": before,
        "codes_bytes": codes, "beside_bytes": beside, "all_bytes": sum(files.values()),
        "code_size": filled.store.code_size,
    }  # fmt: skip


def measured(folder: Path, slices: int, edge: int, threads: int) -> dict[str, float]:
    """Write a volume and embed it in another process."""
    write_ome_zarr(folder / "volume.zarr", drawn(slices, edge), None, (64, 64, 64))
    call = [sys.executable, __file__, "--child", str(folder), "--threads", str(threads)]
    done = subprocess.run(call, check=True, capture_output=True, text=True)
    return dict(json.loads(done.stdout.splitlines()[-1]))


def patch_by_patch(edge: int, threads: int, n: int = 512) -> float:
    """Return patches per second, each encoded on its own."""
    torch.set_num_threads(threads)
    model = weights.load(Path("weights/contrastive_pretrained.safetensors"))
    volume = drawn(1, edge)
    image = volume.read(volume.box)[0].astype(np.float32) / 255
    stack = Stack("bench", [image], ["0"], intensity=(0.0, 1.0))
    boxes = grid.grid([image.shape], SIZE, STEP, border=False)
    boxes = boxes[np.random.default_rng(0).permutation(len(boxes))[:n]]
    seconds = []
    for _ in range(3):
        started = time.process_time()
        encode.encode_images(model.network.eval(), encode.images(model, stack, boxes))
        seconds.append(time.process_time() - started)
    return n / min(seconds)


def main() -> None:
    """Print what was measured; the exit code is 1 if a target is missed."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--slices", type=int, default=6)
    parser.add_argument("--edge", type=int, default=4352)
    parser.add_argument("--threads", type=int, default=os.cpu_count(), help="of torch")
    parser.add_argument("--child", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child is not None:
        print(json.dumps(embedded(options.child, options.threads)))
        return
    with tempfile.TemporaryDirectory() as small, tempfile.TemporaryDirectory() as large:
        few = measured(Path(small), 1, options.edge // 2, options.threads)
        many = measured(Path(large), options.slices, options.edge, options.threads)
    apart = patch_by_patch(options.edge, options.threads)
    rate = many["patches"] / many["busy"]
    share = (many["reading"] + many["writing"]) / many["seconds"]
    beside = many["beside_bytes"] / many["places"]
    padding = many["codes_bytes"] / many["places"] / (2 * many["code_size"])
    print(f"{options.slices} slices of {options.edge} x {options.edge}, patches of {SIZE} voxels, "
          f"step {STEP}, {options.threads} threads: {many['patches']:,.0f} patches")  # fmt: skip
    print(
        f"embedded in {many['seconds']:.1f} s, {many['patches'] / many['seconds']:,.0f} patches/s"
    )
    print(f"a second of a processor: {rate:,.0f} patches, {rate * STEP**2 / 1e6:.2f} Mvoxels; "
          f"one by one {apart:,.0f}")  # fmt: skip
    print(f"ratio {rate / apart:.1f}; required at least {RATIO:g}")
    print(f"reading {many['reading']:.1f} s, writing {many['writing']:.1f} s: {share:.2f} of the "
          f"time; required under {SHARE:.2f}")  # fmt: skip
    print(f"peak memory {many['peak_gb']:.2f} GB, of a small one {few['peak_gb']:.2f}, "
          f"{many['before_gb']:.2f} GB of it before; required under {MEMORY_GB:g}")  # fmt: skip
    print(f"signatures and mask {beside:.2f} bytes a patch; required at most {BYTES:g}")
    print(f"codes {padding:.3f} times float16; all files {many['all_bytes'] / 1e6:.0f} MB")
    met = (
        rate / apart >= RATIO,
        share < SHARE,
        max(many["peak_gb"], few["peak_gb"]) < MEMORY_GB,
        beside <= BYTES,
    )
    if not all(met):
        sys.exit("NOT MET")


if __name__ == "__main__":
    main()
