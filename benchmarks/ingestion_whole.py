"""Whole volumes: what a search finds in one that was ingested, and what a large one takes.

    python benchmarks/ingestion_whole.py search        # VNC, disturbed, from PNG and 16-bit TIFF
    python benchmarks/ingestion_whole.py scale         # two numbers of slices, time and peak memory

``search``: windows of VNC are disturbed, written as PNG and as a 16-bit TIFF stack, and ingested.
Labels are disturbed and laid in the same way, so that the same search can be scored on the
published windows, on the aligned image and on the evened one. ``scale``: slices are made of real
ones, mirrored and repeated, with 12 bad ones; each number of slices runs in a process of its own.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from ingestion_slices import FAULTS, IMAGES, disturb, greys, published
from PIL import Image
from scipy import ndimage

from emqs.ingestion import affine, transforms
from emqs.ingestion.ingest import Settings, ingest
from emqs.ingestion.settings import (
    AlignConfig,
    CheckConfig,
    ContrastConfig,
    IngestConfig,
    OutputConfig,
)
from emqs.ingestion.sources import Source, open_source
from emqs.volumes import open_volume
from emqs.volumes.formats.slices import read_slice

SIZE_NM = (50.0, 4.6, 4.6)
SETTINGS = Settings(
    IngestConfig(fill="nearest"),
    CheckConfig(),
    AlignConfig("affine", breaks="split", canvas="source"),
    ContrastConfig("match"),
    OutputConfig(chunk=[16, 128, 128], shard=[16, 1024, 1024]),
)


def png_slices(folder: Path, slices: Sequence[np.ndarray]) -> Path:
    """Write slices as PNG files and return their folder."""
    folder.mkdir(parents=True)
    for number, image in enumerate(slices):
        Image.fromarray(image).save(folder / f"slice_{number:04d}.png")
    return folder


def labels_of(first: int, count: int) -> list[np.ndarray]:
    """Return the published labels of VNC."""
    paths = sorted((IMAGES / "VNC" / "labels").iterdir())[first : first + count]
    return [read_slice(path) for path in paths]


def laid_labels(
    labels: Sequence[np.ndarray], raw: np.ndarray, points: np.ndarray, out: Path
) -> list[np.ndarray]:
    """Return labels as they lie in a volume that was made of disturbed slices.

    Args:
        labels: Published.
        raw: Where the disturbed slices show published places, ``(N, P, 2)``.
        points: The places, ``(P, 2)``.
        out: The volume.
    """
    content = json.loads((out / "ingestion" / "transforms.json").read_text())
    sizes = {z: (size[0], size[1]) for z, size in enumerate(content["sizes"]) if size is not None}
    known = transforms.read(out / "ingestion" / "transforms.json", sizes, len(labels))
    result = []
    for slot, label in enumerate(labels):
        seen = np.isfinite(raw[slot]).all(axis=1)
        to_raw = affine.fit(points[seen], raw[slot][seen])
        back = affine.invert(affine.compose(known.forward[slot], to_raw))
        moved = ndimage.affine_transform(
            label, back[:, :2], back[:, 2], output_shape=known.shape, order=0, cval=0
        )
        result.append(moved)
    return result


def scored(images: Path, name: str, settings: Sequence[str]) -> dict[str, Any]:
    """Return what ``python -m emqs.evaluate`` measures on a folder of images."""
    run = images / f"{name}_run"
    command = [
        sys.executable, "-m", "emqs.evaluate", "dataset=folder", f"dataset.name={name}",
        f"paths.images={images}", f"hydra.run.dir={run}", "figures=false", *settings,
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, cwd=images, check=False)
    if done.returncode:
        raise SystemExit(f"{name}: {done.stderr[-2000:]}")
    measured = json.loads((run / "metrics.json").read_text())
    return {
        "precision_at": measured["precision_overlap"],
        "component_ap": measured["component_ap"],
    }


def search(edge: int, count: int, settings: Sequence[str]) -> None:
    """Print how well the same search does on published windows and on what ingest makes of them."""
    planes, labels = published("VNC", 0, count), labels_of(0, count)
    given = disturb(planes, edge, 100, warp_px=0, shift_px=edge / 20)
    corner = np.floor(given.points[0]).astype(int)
    cut = (slice(corner[0], corner[0] + edge), slice(corner[1], corner[1] + edge))
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        png_slices(folder / "published" / "raw", [plane[cut] for plane in planes])
        png_slices(folder / "published" / "labels", [label[cut] for label in labels])
        png = png_slices(folder / "png", given.slices)
        stack = folder / "stack.tif"
        tifffile.imwrite(
            stack, np.stack(given.slices).astype(np.uint16) * 257, photometric="minisblack"
        )
        told({"volume": "published", **scored(folder, "published", settings)}, edge, count)
        for source, path in (("PNG", png), ("16-bit TIFF", stack)):
            out = folder / f"{path.stem}.zarr"
            ingest(open_source(str(path), voxel_size_nm=SIZE_NM), out, SETTINGS)
            moved = laid_labels(labels, given.raw, given.points, out)
            for dataset in (None, "even"):
                name = f"{path.stem}_{dataset or 'raw'}"
                volume = open_volume(out, dataset=dataset)
                voxels = volume.read(volume.box)
                png_slices(folder / name / "raw", list(voxels))
                png_slices(folder / name / "labels", moved)
                measured = scored(folder, name, settings)
                told({"volume": f"{source}, {dataset or 'aligned'}", **measured}, edge, count)


def told(row: dict[str, Any], edge: int, count: int) -> None:
    """Print a row as soon as it is there."""
    print(json.dumps({"part": "search", "edge": edge, "slices": count, **row}), flush=True)


class Made(Source):
    """Slices that are made of real ones when they are read: mirrored, shifted, 12 of them bad."""

    def __init__(self, count: int, edge: int) -> None:
        """Keep what they are made of."""
        super().__init__(
            "made", tuple(f"{slot:05d}" for slot in range(count)), voxel_size_nm=SIZE_NM
        )
        planes = [np.pad(p, [(0, p.shape[0]), (0, p.shape[1])], "symmetric")
                  for p in published("FLYEM", 0, 100)]  # fmt: skip
        tiles = [-(-2 * edge // length) for length in planes[0].shape]
        object.__setattr__(self, "planes", planes)
        object.__setattr__(self, "tiles", tiles)
        object.__setattr__(self, "edge", edge)
        kinds = ["blank", "blurred", "half", "fold"]
        places = np.linspace(4, count - 5, 12).round().astype(int).tolist()
        object.__setattr__(self, "bad", {z: kinds[k % 4] for k, z in enumerate(places)})

    def read(self, slot: int) -> np.ndarray:
        """Return one."""
        rng = np.random.default_rng(slot)
        planes: list[np.ndarray] = self.planes  # type: ignore[attr-defined]
        edge: int = self.edge  # type: ignore[attr-defined]
        period = 2 * len(planes) - 2  # back and forth, so that neighbours follow each other
        turn = slot % period
        plane = planes[min(turn, period - turn)]
        y, x = rng.integers(0, 30, 2)
        whole = np.tile(plane, self.tiles)  # type: ignore[attr-defined]
        image = greys(whole[y : y + edge, x : x + edge].astype(float), rng)
        kind = self.bad.get(slot)  # type: ignore[attr-defined]
        return image if kind is None else FAULTS[kind](image, rng).astype(np.uint8)


def one_scale(count: int, edge: int) -> dict[str, Any]:
    """Return seconds of each stage and peak memory of one run, in this process."""
    seconds: dict[str, float] = {}
    last = time.process_time()

    def step(stage: str, _done: int, _total: int) -> None:
        nonlocal last
        now = time.process_time()
        seconds[stage] = seconds.get(stage, 0.0) + now - last
        last = now

    source = Made(count, edge)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
    with tempfile.TemporaryDirectory() as folder:
        made = ingest(source, Path(folder) / "v.zarr", SETTINGS, step=step)
    judged = [] if made.judged is None else made.judged.verdicts
    verdicts = {one.slot: one.verdict for one in judged if not one.use}
    bad: dict[int, str] = source.bad  # type: ignore[attr-defined]
    return {
        "slices": count, "edge": edge, "megapixels": count * edge**2 / 1e6,
        "processor_seconds": {stage: round(value, 1) for stage, value in seconds.items()},
        "megabytes_at_the_start": before,
        "megabytes_at_most": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3,
        "bad_seen": sum(slot in verdicts for slot in bad), "bad_all": len(bad),
        "false_alarms": {slot: one for slot, one in verdicts.items() if slot not in bad},
    }  # fmt: skip


def scale(counts: Sequence[int], edge: int) -> None:
    """Print what runs of several lengths take, each in a process of its own."""
    for count in counts:
        command = [sys.executable, __file__, "one", "--slices", str(count), "--edge", str(edge)]
        subprocess.run(command, check=True, env=os.environ)


def main() -> None:
    """Run one part and print JSON, one line for each volume."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("part", choices=("search", "scale", "one"))
    parser.add_argument("--edge", type=int, help="of a slice, pixels")
    parser.add_argument("--slices", type=int, nargs="+", help="how many; scale: several numbers")
    parser.add_argument("--set", nargs="*", default=[], help="search: settings of emqs.evaluate")
    options = parser.parse_args()
    if options.part == "search":
        search(options.edge or 640, (options.slices or [20])[0], options.set)
    elif options.part == "scale":
        scale(options.slices or [100, 300], options.edge or 1024)
    else:
        print(json.dumps({"part": "scale", **one_scale(options.slices[0], options.edge)}))


if __name__ == "__main__":
    main()
