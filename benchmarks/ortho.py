"""Patches in three planes beside patches in slices, in volumes with voxels as deep as wide.

    python benchmarks/ortho.py --images DIR [--draws 10]        the table in README.md, ten minutes

EPFL as given has 55 of 165 slices, so one every 15 nm; here its slices are averaged 3 x 3, so that
voxels are 15 nm along every axis. FLYEM has voxels of 10 nm. Three stores: three planes; the same
places in XY alone, where a patch is that in the middle of a place's cube; and XY in every slice,
the default, of which the same places are ranked. They are searched as ``python -m emqs search``
does, with its defaults and ``search.exact=true``, from the same examples, drawn from places that
show what is looked for on more than half of their patch in XY; negative ones show nothing of it in
their cube. Average precision of all other places, told twice: those that show it on more than half
of the patch in XY, which is what XY sees, and those where it fills more than half of the cube.
"""

import argparse
import os
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import retrieval_report
from hydra import compose, initialize_config_dir
from signatures import precision
from written_pages import write_between

from emqs.datasets import open_stack
from emqs.datasets.settings import DatasetConfig
from emqs.embedding.build import EmbedConfig, build
from emqs.embedding.stores.zarr import EmbeddingStore
from emqs.patches.settings import PatchConfig
from emqs.retrieval import volume_search
from emqs.retrieval.settings import QueryConfig, SearchConfig
from emqs.runs import model as run_model
from emqs.runs import tables
from emqs.settings import CONFIG_DIR, read
from emqs.volumes import open_volume


@dataclass(frozen=True)
class Case:
    """A volume, and what is looked for."""

    name: str
    what: str
    label: int
    averaged: int  # pixels of a slice that become one, along Y and X
    voxel_nm: float
    size: int  # voxels of a patch; twice a multiple of the step, so that places are the same
    step: int


CASES = (
    Case("EPFL", "mitochondria", 1, 3, 15, 28, 7),
    Case("FLYEM", "one neuron", 18, 1, 10, 40, 10),
)
EXAMPLES = ((1, 0), (1, 1), (5, 5))
SHARES = ("patch in XY", "cube")
KINDS = ("XY, same places", "XY, every slice", "ortho")
PAGE = Path(__file__).parent / "README.md"
MARKS = "<!-- of ortho -->\n", "<!-- end of ortho -->"


def volumes(case: Case, images: Path) -> tuple[np.ndarray, np.ndarray]:
    """Return grey values, uint8, and where it is what is looked for, bool; both Z Y X."""
    stack = open_stack(DatasetConfig(name=case.name, kind="folder"), images)
    n = case.averaged
    parts = []
    for whole in (stack.slices, stack.require_labels()):
        slices = np.stack([np.asarray(one) for one in whole])
        if parts:
            slices = slices == case.label
        z, y, x = slices.shape
        cut = slices[:, : y // n * n, : x // n * n].reshape(z, y // n, n, x // n, n)
        parts.append(cut.mean(axis=(2, 4)))
    return np.rint(parts[0]).astype(np.uint8), parts[1] > 0.5


def alike(grey: np.ndarray) -> list[float]:
    """Return how alike voxels are that are neighbours along Z, Y and X: correlations."""
    pairs = [(np.delete(grey, 0, axis), np.delete(grey, -1, axis)) for axis in range(3)]
    return [float(np.corrcoef(a.ravel(), b.ravel())[0, 1]) for a, b in pairs]


def shares(case: Case, store: EmbeddingStore, inside: np.ndarray) -> dict[str, np.ndarray]:
    """Return how much of each place of a store in three planes is what is looked for."""
    first, edges = store.grid.boxes(store.grid.zyx(np.arange(store.grid.n_places)))
    total = np.pad(inside, ((1, 0),) * 3).astype(np.int64).cumsum(0).cumsum(1).cumsum(2)

    def share(start: np.ndarray, stop: np.ndarray) -> np.ndarray:
        count = np.zeros(len(start), dtype=np.int64)
        for corner in np.ndindex(2, 2, 2):
            at = np.where(np.array(corner, dtype=bool), stop, start)
            count += (-1) ** (3 - sum(corner)) * total[tuple(at.T)]
        return count / np.prod(stop - start, axis=1)

    middle = first + np.array([case.size // 2, 0, 0])
    flat = middle + np.array([1, case.size, case.size])
    return {"patch in XY": share(middle, flat), "cube": share(first, first + edges)}


def measured(case: Case, images: Path, draws: int, folder: Path) -> list[dict[str, str]]:
    """Return the rows of one volume."""
    grey, inside = volumes(case, images)
    with initialize_config_dir(str(CONFIG_DIR), version_base="1.3"):
        model = run_model.load_model(compose("embed"))
        cfg = compose("search")
    query, settings = read(QueryConfig, cfg.query, "query"), read(SearchConfig, cfg.search, "s")
    half = case.size // 2
    deep = (len(grey) - case.size) // case.step * case.step + 1  # from the first middle to the last
    stores: dict[str, EmbeddingStore] = {}
    costs: dict[str, str] = {}
    for kind in KINDS:
        path = folder / f"{case.name} {kind}.npy"
        np.save(path, grey if kind == "ortho" else grey[half : half + deep])
        volume = open_volume(path, axes="zyx", voxel_size_nm=(case.voxel_nm,) * 3)
        step_z = 1 if kind == "XY, every slice" else case.step
        how = EmbedConfig(
            planes="ortho" if kind == "ortho" else "xy", step_z_nm=step_z * case.voxel_nm
        )
        out, began = path.with_suffix(".zarr"), time.process_time()
        patch = PatchConfig(case.size, case.step)
        stores[kind] = build(volume, model, out, patch=patch, settings=how).store
        seconds = time.process_time() - began
        stored = sum(file.stat().st_size for file in out.rglob("*") if file.is_file())
        costs[kind] = (
            f"{seconds:.1f} s, {stored / 1e6:.1f} MB, {stores[kind].grid.n_places:,} places"
        )
    shape = stores["ortho"].grid.shape
    if any(store.grid.shape[1:] != shape[1:] for store in stores.values()):
        raise RuntimeError(f"{case.name}: the stores have different places.")
    share = shares(case, stores["ortho"], inside)
    print(f"{case.name}: places {shape}, neighbours along Z, Y, X correlate "
          + ", ".join(f"{value:.3f}" for value in alike(grey))
          + "; chance " + ", ".join(f"{(share[of] > 0.5).mean():.3f}" for of in SHARES)
          + "".join(f"; {kind}: {cost}" for kind, cost in costs.items()), flush=True)  # fmt: skip
    rng = np.random.default_rng(0)
    shown, others = (np.flatnonzero(share["patch in XY"] > 0.5), np.flatnonzero(share["cube"] == 0))
    drawn = [(rng.choice(shown, 5, False), rng.choice(others, 5, False)) for _ in range(draws)]
    return [
        {"volume": f"{case.name}, {case.what}", "examples": f"{n} + {m}", **row}
        for n, m in EXAMPLES
        for row in [_row(stores, share, [(p[:n], q[:m]) for p, q in drawn], query, settings)]
    ]


def _row(
    stores: dict[str, EmbeddingStore],
    share: dict[str, np.ndarray],
    drawn: list[tuple[np.ndarray, np.ndarray]],
    query: QueryConfig,
    settings: SearchConfig,
) -> dict[str, str]:
    """Return means with half of their 95 % intervals, and those of differences of draws."""
    found: dict[tuple[str, str], np.ndarray] = {}
    depth = stores["ortho"].grid.shape[0]
    for kind, store in stores.items():
        grid = store.grid
        often = (grid.shape[0] - 1) // (depth - 1)  # slices from one of the places to the next
        rankings = []
        for examples in drawn:
            own = [stores["ortho"].grid.zyx(part) * [often, 1, 1] for part in examples]
            voxels = [np.rint(grid.centres(part)).astype(int).tolist() for part in own]
            matches = volume_search.search(
                store, *voxels, query=query,
                settings=replace(settings, n_results=grid.n_places, distance_nm=0.0, exact=True),
            )  # fmt: skip
            z, y, x = matches.places[matches.places[:, 0] % often == 0].T
            rankings.append(np.ravel_multi_index((z // often, y, x), stores["ortho"].grid.shape))
        for of in SHARES:
            found[kind, of] = np.array([precision(order, share[of]) for order in rankings])
    row = {}
    for of in SHARES:
        for kind in KINDS:
            row[f"{of}: {kind}"] = _interval(found[kind, of], "")
        gain = found["ortho", of] - found["XY, every slice", of]
        row[f"{of}: ortho - XY, every slice"] = _interval(gain, "+")
    return row


def _interval(values: np.ndarray, sign: str) -> str:
    half = retrieval_report.half_interval(values)
    return f"{values.mean():{sign}.3f} ± {half:.3f}"


def main() -> None:
    """Measure both volumes and write the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--images", type=Path, default=os.environ.get("EMQS_IMAGES", "images"))
    parser.add_argument("--draws", type=int, default=10)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        rows = [
            row
            for case in CASES
            for row in measured(case, Path(options.images), options.draws, Path(temporary))
        ]
    table = tables.markdown_table(rows)
    write_between(PAGE, MARKS, table)
    print(table)


if __name__ == "__main__":
    main()
