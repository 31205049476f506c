"""Raw slices to matches, by the commands that a user types: ingest, embed, search.

    python benchmarks/ingestion_search.py             # VNC from PNG and 16-bit TIFF, EPFL from PNG
    python benchmarks/ingestion_search.py --stacks VNC --draws 2 --results FILE

Windows of a labelled stack are disturbed and written as PNG files and as a 16-bit TIFF stack.
``emqs ingest`` makes volumes of them with ``contrast=match`` and ``contrast=clahe``; ``emqs embed``
embeds the published windows, the aligned image (that is ``contrast=none``) and the evened ones;
``emqs search`` gets one mitochondrion and one place that is none, the same tissue in every volume.
Labels are laid as ingest laid the slices. Printed for each volume: precision at 20 (matches whose
patch is over a quarter mitochondrion, at least half a patch apart) and component AP of all places,
and those of chance; means over the draws. Only tissue that all volumes show counts.
"""

import argparse
import csv
import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from ingestion_slices import IMAGES, STACKS, Disturbed, disturb, published
from PIL import Image
from scipy import ndimage

from emqs.evaluation import metrics
from emqs.ingestion import affine, transforms
from emqs.patches import overlap as overlaps
from emqs.volumes.formats.slices import read_slice

VOXEL_NM = {"VNC": (50.0, 4.6, 4.6), "EPFL": (5.0, 5.0, 5.0)}
PATCH, STRIDE = 80, 40  # pixels
STRUCTURE = 1  # mitochondria
ENOUGH = 0.25  # of a patch
RESULTS = 20_000  # on the one page that is asked for: all places
APART = 0.5  # of a patch, between the results that precision counts
MARGIN = 0.12  # of the edge of a window; what lies further in, all volumes of a stack show


@dataclass(frozen=True, eq=False)
class Searched:
    """A volume that is searched, and what is true in it.

    Attributes:
        path: Of the volume.
        dataset: Inside it; None: the first.
        labels: Laid as it is, ``(Z, Y, X)``, 0 where some volume of the stack shows nothing.
        shared: Where all volumes of the stack show something, likewise, bool.
        place: Maps from published places to its pixels, one for each slice.
    """

    path: Path
    dataset: str | None
    labels: np.ndarray
    shared: np.ndarray
    place: list[np.ndarray]


def png_slices(folder: Path, slices: Sequence[np.ndarray]) -> Path:
    """Write slices as PNG files and return their folder."""
    folder.mkdir(parents=True)
    for number, image in enumerate(slices):
        Image.fromarray(image).save(folder / f"slice_{number:04d}.png")
    return folder


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


def typed(command: str, *settings: str, folder: Path) -> Path:
    """Run ``python -m emqs COMMAND`` and return the folder of its run."""
    run = folder / "run"
    quick = [] if command == "embed" else ["figures=false"]
    done = subprocess.run(
        [sys.executable, "-m", "emqs", command, *settings, *quick, f"hydra.run.dir={run}"],
        capture_output=True, text=True, cwd=folder, check=False,
    )  # fmt: skip
    if done.returncode:
        raise SystemExit(f"emqs {command} {' '.join(settings)}: {done.stderr[-2000:]}")
    return run


def size_of(name: str) -> str:
    """Return the voxel size as a command line has it."""
    return "[" + ",".join(f"{edge:g}" for edge in VOXEL_NM[name]) + "]"


def ingested(
    name: str,
    source: Path,
    contrast: str,
    labels: list[np.ndarray],
    given: Disturbed,
    inner: np.ndarray,
) -> dict[str, Searched]:
    """Return the volumes that ingest makes of raw slices: aligned, and evened."""
    out = source.with_name(f"{source.stem}_{contrast}.zarr")
    typed(
        "ingest", f"source={source}", f"out={out}", f"voxel_size_nm={size_of(name)}",
        f"contrast={contrast}", "align.canvas=source", "fill=nearest", folder=source.parent,
    )  # fmt: skip
    shared = np.stack(laid_labels([inner] * len(labels), given.raw, given.points, out)) > 0
    moved = np.stack(laid_labels(labels, given.raw, given.points, out)) * shared
    content = json.loads((out / "ingestion" / "transforms.json").read_text())
    sizes = {z: (size[0], size[1]) for z, size in enumerate(content["sizes"]) if size is not None}
    known = transforms.read(out / "ingestion" / "transforms.json", sizes, len(labels))
    place = []
    for slot, raw in enumerate(given.raw):
        seen = np.isfinite(raw).all(axis=1)
        place.append(affine.compose(known.forward[slot], affine.fit(given.points[seen], raw[seen])))
    return {
        "none": Searched(out, None, moved, shared, place),
        contrast: Searched(out, "even", moved, shared, place),
    }


def volumes(name: str, edge: int, count: int, folder: Path) -> dict[str, Searched]:
    """Return all volumes of a stack, the published one first."""
    first, most = STACKS[name]
    count = min(count, most)
    paths = sorted((IMAGES / name / "labels").iterdir())[first : first + count]
    labels = [read_slice(path) for path in paths]
    planes = published(name, first, count)
    given = disturb(planes, edge, 100, warp_px=0, shift_px=edge / 20)
    corner = np.floor(given.points[0]).astype(int)
    cut = (slice(corner[0], corner[0] + edge), slice(corner[1], corner[1] + edge))
    shift = np.column_stack([np.eye(2), -corner])
    windows = png_slices(folder / "published", [plane[cut] for plane in planes])
    inner = np.zeros_like(planes[0])
    margin = round(MARGIN * edge)
    inner[
        corner[0] + margin : corner[0] + edge - margin,
        corner[1] + margin : corner[1] + edge - margin,
    ] = 1
    shared = np.stack([inner[cut] > 0] * count)
    true = np.stack([label[cut] for label in labels]) * shared
    result = {"published": Searched(windows, None, true, shared, [shift] * count)}
    png = png_slices(folder / "png", given.slices)
    for contrast in ("match", "clahe"):
        made = ingested(name, png, contrast, labels, given, inner)
        result |= {f"PNG, contrast={kind}": one for kind, one in made.items()}
    if name == "VNC":
        stack = folder / "tiff.tif"
        tifffile.imwrite(
            stack, np.stack(given.slices).astype(np.uint16) * 257, photometric="minisblack"
        )
        made = ingested(name, stack, "match", labels, given, inner)
        result |= {f"16-bit TIFF, contrast={kind}": one for kind, one in made.items()}
    return result


def examples(name: str, edge: int, count: int, seed: int) -> np.ndarray:
    """Return a mitochondrion and a place that is none, published, rows ``(z, y, x)``."""
    first, most = STACKS[name]
    slot = min(count, most) // 2
    plane = published(name, first, 1)[0]
    label = read_slice(sorted((IMAGES / name / "labels").iterdir())[first + slot])
    low = np.ceil(affine.centre((plane.shape[0], plane.shape[1])) - edge * 0.35).astype(int)
    places = [(y, x) for y in range(low[0], low[0] + round(edge * 0.7), 20)
              for x in range(low[1], low[1] + round(edge * 0.7), 20)]  # fmt: skip
    half = PATCH // 2
    boxes = np.array([(0, y - half, x - half, PATCH, PATCH) for y, x in places])
    share = overlaps.structure_fraction([label], boxes, STRUCTURE)
    rng = np.random.default_rng(seed)
    chosen = [rng.choice(np.flatnonzero(share > 0.4)), rng.choice(np.flatnonzero(share == 0))]
    return np.array([(slot, *places[k]) for k in chosen])


def embedded(name: str, one: Searched, folder: Path) -> Path:
    """Return the store of a volume."""
    out = folder / f"{one.path.stem}_{one.dataset or 'raw'}_emb.zarr"
    more = [] if one.dataset is None else [f"embed.dataset={one.dataset}"]
    if one.path.is_dir() and one.path.suffix != ".zarr":
        more.append(f"embed.voxel_size_nm={size_of(name)}")
    typed(
        "embed", f"volume={one.path}", f"out={out}", f"patch.size={PATCH}",
        f"patch.stride={STRIDE}", "embed.padding=0", *more, folder=folder,
    )  # fmt: skip
    return out


def found(
    name: str, one: Searched, store: Path, points: np.ndarray, folder: Path
) -> dict[str, float]:
    """Return what a search with two examples is worth."""
    written = folder / "clicked.csv"
    with written.open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["z", "y", "x", "label"])
        for (z, *yx), label in zip(points, ("positive", "negative"), strict=True):
            at = affine.apply(one.place[z], np.array([yx], dtype=float))[0].round().astype(int)
            rows.writerow([z, *at, label])
    run = typed(
        "search", f"store={store}", f"examples={written}", f"search.n_results={RESULTS}",
        "search.distance_nm=0", folder=folder,
    )  # fmt: skip
    with (run / "matches.csv").open(newline="") as file:
        matches = list(csv.DictReader(file))
    boxes = np.array(
        [[int(m[k]) for k in ("box_z", "box_y", "box_x")] + [PATCH, PATCH] for m in matches]
    )
    middle = boxes[:, 1:3] + PATCH // 2
    shown = one.shared[boxes[:, 0], middle[:, 0], middle[:, 1]]
    return scored(one.labels, boxes[shown], np.array(VOXEL_NM[name]))


def apart(boxes: np.ndarray, size_nm: np.ndarray, count: int) -> np.ndarray:
    """Return which boxes, the best first, are the first ``count`` that do not lie together."""
    places = boxes[:, :3] * size_nm
    chosen: list[int] = []
    for k, place in enumerate(places):
        distances = np.linalg.norm(places[chosen] - place, axis=1)
        if distances.min(initial=np.inf) >= APART * PATCH * size_nm[1]:
            chosen.append(k)
        if len(chosen) == count:
            break
    return np.array(chosen)


def scored(labels: np.ndarray, ranked: np.ndarray, size_nm: np.ndarray) -> dict[str, float]:
    """Return precision at 20 and component AP of boxes, the best first."""
    planes = list(labels)
    share = overlaps.structure_fraction(planes, ranked, STRUCTURE)
    truth = metrics.ComponentTruth(
        share > 0, *overlaps.touched_components(planes, ranked, STRUCTURE)
    )
    order = np.arange(len(ranked))
    by_chance = metrics.chance_component_average_precision(truth)[0]
    right = share[apart(ranked, size_nm, 20)] > ENOUGH
    return {
        "precision_at_20": float(right.mean()),
        "component_ap": metrics.component_curve(order, truth).average_precision,
        "chance_precision": float((share > ENOUGH).mean()),
        "chance_component_ap": float(by_chance),
    }


def measured(name: str, edge: int, count: int, draws: int) -> list[dict[str, Any]]:
    """Return and print a row for each volume of a stack."""
    rows = []
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        for volume, one in volumes(name, edge, count, folder).items():
            store = embedded(name, one, folder)
            draw = [
                found(name, one, store, examples(name, edge, count, seed), folder)
                for seed in range(draws)
            ]
            row = {
                "part": "search", "stack": name, "volume": volume, "edge": edge, "slices": count,
                "draws": draws,
                **{key: float(np.mean([one[key] for one in draw])) for key in draw[0]},
                "each_precision_at_20": [round(one["precision_at_20"], 3) for one in draw],
                "each_component_ap": [round(one["component_ap"], 3) for one in draw],
            }  # fmt: skip
            print(json.dumps(row), flush=True)
            rows.append(row)
    return rows


def main() -> None:
    """Print JSON, one line for each volume."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--stacks", nargs="+", choices=tuple(VOXEL_NM), default=list(VOXEL_NM))
    parser.add_argument("--edge", type=int, default=560, help="of a window, pixels")
    parser.add_argument("--slices", type=int, default=8)
    parser.add_argument("--draws", type=int, default=5, help="of examples")
    parser.add_argument("--results", type=Path, help="JSON lines to add to")
    options = parser.parse_args()
    for name in options.stacks:
        rows = measured(name, options.edge, options.slices, options.draws)
        if options.results is not None:
            with options.results.open("a") as file:
                file.writelines(json.dumps(row) + "\n" for row in rows)


if __name__ == "__main__":
    main()
