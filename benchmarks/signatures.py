"""What 64 bits lose against the codes they stand for, on labelled slices.

    python benchmarks/signatures.py --images DIR [--sets EPFL,VNC,FLYEM] [--draws N] [--stores DIR]
    python benchmarks/signatures.py --images DIR --clicks --draws 20    one click, as users search
    python benchmarks/signatures.py --images DIR --probabilities        are they right?

Every slice is embedded on a grid of 20 pixels with the shipped encoder, as ``python -m emqs.embed``
does, and searched as ``python -m emqs.search`` does, with its defaults: examples drawn from the
labels, every other place of the grid ranked, average precision of places that show mitochondria (in
FLYEM, on a grid of 10 pixels, one neuron) on more than half of a patch. Four rankings are compared:
all codes (``search.exact=true``), two stages (signatures, then the codes of all candidates), three
(short codes say which codes are read, the default), and Hamming distances alone, beside the codes
of the same positive examples alone. The
exit code is 1 if two stages lose more than 0.01 against all codes, bits alone more than 0.05, or
three stages more than 0.002 against two; or if fewer than 0.995 of the best 100 of two stages are
among the best 100 of three.
"""

import argparse
import os
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import retrieval_report
from hydra import compose, initialize_config_dir
from written_pages import write_between

from emqs.datasets import open_stack
from emqs.datasets.settings import DatasetConfig
from emqs.embedding.build import EmbedConfig, build
from emqs.embedding.stores import hamming, zarr
from emqs.embedding.stores.zarr import EmbeddingStore, open_store
from emqs.evaluation.calibration_error import reliability
from emqs.patches.settings import PatchConfig
from emqs.retrieval import volume_search
from emqs.retrieval.settings import QueryConfig, SearchConfig
from emqs.runs import model as run_model
from emqs.settings import CONFIG_DIR, read
from emqs.volumes import open_volume

SETS = {  # size of a voxel in nm, stride of the grid in pixels, label of what is looked for
    "EPFL": ((15.0, 5.0, 5.0), 20, 1),  # mitochondria
    "VNC": ((50.0, 4.6, 4.6), 20, 1),  # mitochondria
    "FLYEM": ((10.0, 10.0, 10.0), 10, 18),  # one neuron of many: nothing else is labelled
}
SIZE = 80  # pixels of a patch
CASES = ((1, 0), (1, 1), (5, 0), (5, 5))  # positive and negative examples
DEPTHS = (100, 1000, 3000, 10_000, 20_000)
CLICKS = ((1, 0), (2, 0))  # of --clicks
SEARCHES = {  # of --clicks: settings of ``python -m emqs search``
    "default": [],
    "`query.whiten=within`": ["query.whiten=within"],
    "`search.smooth=0`": ["search.smooth=0"],
    "`nearest`": ["query.scorer=nearest"],
}
PAGE = Path(__file__).parent / "README.md"
MARKS = "<!-- of clicks -->\n", "<!-- end of clicks -->"
TWO_STAGES, THREE_STAGES, BITS = 0.01, 0.002, 0.05
SAME = 0.995  # of the best 100


def embedded(images: Path, name: str, folder: Path) -> EmbeddingStore:
    """Return a dataset as an embedding volume; one that is there is taken as it is."""
    path = folder / f"{name}.zarr"
    if path.exists():
        return open_store(path)
    with initialize_config_dir(str(CONFIG_DIR), version_base="1.3"):
        model = run_model.load_model(compose("embed"))
    size, stride, _ = SETS[name]
    volume = open_volume(images / name / "raw", voxel_size_nm=size)
    return build(volume, model, path, patch=PatchConfig(SIZE, stride), settings=EmbedConfig()).store


def overlaps(images: Path, name: str, store: EmbeddingStore) -> np.ndarray:
    """Return the share of every place that is what is looked for."""
    stack = open_stack(DatasetConfig(name=name, kind="folder"), images)
    labels = stack.require_labels()
    looked_for = SETS[name][2]
    masks = [np.asarray(one) == looked_for for one in labels]
    sums = [np.pad(mask, ((1, 0), (1, 0))).cumsum(0).cumsum(1) for mask in masks]
    z, y, x = store.grid.first_voxels(store.grid.zyx(np.arange(store.grid.n_places))).T
    inside = np.empty(len(z))
    for number, total in enumerate(sums):
        on_slice = z == number
        top, left = y[on_slice], x[on_slice]
        low, right = top + SIZE, left + SIZE
        inside[on_slice] = (
            total[low, right] - total[top, right] - total[low, left] + total[top, left]
        )
    return inside / SIZE**2


def precision(order: np.ndarray, share: np.ndarray) -> float:
    """Return the average precision of a ranking."""
    relevant = share[order] > 0.5
    hits = np.cumsum(relevant)
    return float((hits / np.arange(1, len(hits) + 1))[relevant].mean())


class Searches:
    """Rankings of all places of a store, examples left out."""

    def __init__(self, store: EmbeddingStore, query: QueryConfig, settings: SearchConfig) -> None:
        """Take what is searched and how."""
        self.store, self.query, self.settings = store, query, settings
        kept = {name: value for name, value in store.manifest.items() if name != zarr.SHORT}
        self.without = replace(store, manifest=kept)  # as an older store

    def codes(self, positives: np.ndarray, negatives: np.ndarray, **changed: object) -> np.ndarray:
        """Return the ranking of ``lookup.search``."""
        everything = replace(self.settings, n_results=self.store.grid.n_places, distance_nm=0.0)
        query = replace(self.query, typical=bool(changed.pop("typical", self.query.typical)))
        grid = self.store.grid
        half = np.array([0, SIZE // 2, SIZE // 2])
        voxels = [
            (grid.first_voxels(grid.zyx(part)) + half).tolist() for part in (positives, negatives)
        ]
        engine = self.without if changed.pop("without", False) else self.store
        matches = volume_search.search(
            engine, *voxels, query=query, settings=replace(everything, **changed)
        )
        return np.ravel_multi_index(tuple(matches.places.T), grid.shape)

    def bits(self, positives: np.ndarray) -> np.ndarray:
        """Return the ranking by Hamming distance to the nearest positive example."""
        signatures, valid = self.store.flat()
        examples = signatures[positives]
        order, _ = hamming.nearest(signatures, examples, self.store.grid.n_places, mask=valid)
        return order[~np.isin(order, positives)]


def measured(searches: Searches, share: np.ndarray, draws: int) -> bool:
    """Print everything about one dataset; return whether what is required is met."""
    rng = np.random.default_rng(0)
    shown, others = np.flatnonzero(share > 0.5), np.flatnonzero(share == 0)
    drawn = [(rng.choice(shown, 5, False), rng.choice(others, 5, False)) for _ in range(draws)]
    met = True
    print("examples  exact  two stages  loss   three    loss   same"
          "    positives alone: codes  bits   loss")  # fmt: skip
    for n_positive, n_negative in CASES:
        rows, same = [], []
        for positives, negatives in drawn:
            some, against = positives[:n_positive], negatives[:n_negative]
            rankings = [
                searches.codes(some, against, exact=True),
                searches.codes(some, against, without=True),
                searches.codes(some, against),
                searches.codes(some, against[:0], exact=True, typical=False),
                searches.bits(some),
            ]
            rows.append([precision(ranking, share) for ranking in rankings])
            same.append(np.isin(rankings[1][:100], rankings[2][:100]).mean())
        exact, two, three, codes, bits = np.mean(rows, axis=0).tolist()
        print(f"{n_positive} + {n_negative}      {exact:.3f}  {two:.3f}      {exact - two:+.3f}"
              f"  {three:.4f}  {two - three:+.4f}  {np.mean(same):.4f}"
              f"  {'':16s}{codes:.3f}  {bits:.3f}  {codes - bits:+.3f}", flush=True)  # fmt: skip
        met &= exact - two <= TWO_STAGES and codes - bits <= BITS
        met &= two - three <= THREE_STAGES and float(np.mean(same)) >= SAME
    recalls = []
    for positives, _ in drawn:
        best = searches.codes(positives[:1], positives[:0], exact=True, typical=False)[:100]
        order = searches.bits(positives[:1])
        recalls.append([np.isin(best, order[:depth]).mean() for depth in DEPTHS])
    parts = zip(DEPTHS, np.mean(recalls, axis=0), strict=True)
    print("of the 100 nearest by code, among the nearest by signature: "
          + ", ".join(f"{share:.3f} of {depth:,}" for depth, share in parts))  # fmt: skip
    return met


def clicked(
    name: str, searches: dict[str, Searches], share: np.ndarray, draws: int
) -> list[dict[str, str]]:
    """Return the rows of one dataset: the mean over draws, half of its 95 % interval, the worst."""
    rng = np.random.default_rng(0)
    shown, others = np.flatnonzero(share > 0.5), np.flatnonzero(share == 0)
    drawn = [(rng.choice(shown, 5, False), rng.choice(others, 5, False)) for _ in range(draws)]
    rows = []
    for n, m in CLICKS:
        row = {"set": name, "examples": f"{n} + {m}", "draws": str(draws)}
        for which, search in searches.items():
            aps = [precision(search.codes(p[:n], against[:m]), share) for p, against in drawn]
            own = retrieval_report.interval(aps)
            row[which] = f"{own.mean:.3f} ± {own.high - own.mean:.3f}, worst {min(aps):.2f}"
            print(name, row["examples"], which, " ".join(f"{ap:.3f}" for ap in aps), flush=True)
        rows.append(row)
    return rows


def write(rows: list[dict[str, str]]) -> None:
    """Write the table of clicks into the page."""
    lines = [list(rows[0]), ["---"] * len(rows[0]), *(list(row.values()) for row in rows)]
    table = "".join(f"| {' | '.join(line)} |\n" for line in lines)
    write_between(PAGE, MARKS, table)
    print(table)


def clicks(images: Path, names: list[str], draws: int, stores: Path) -> None:
    """Measure a few clicks in whole volumes, as users search them."""
    rows = []
    for name in names:
        store = embedded(images, name, stores)
        searches = {}
        for which, changed in SEARCHES.items():
            with initialize_config_dir(str(CONFIG_DIR), version_base="1.3"):
                cfg = compose("search", changed)
            query, settings = read(QueryConfig, cfg.query, "q"), read(SearchConfig, cfg.search, "s")
            searches[which] = Searches(store, query, settings)
        rows += clicked(name, searches, overlaps(images, name, store), draws)
    write(rows)


def probabilities(images: Path, names: list[str], draws: int, stores: Path) -> None:
    """Print how far probabilities are off among the best places, thrice as many as there are."""
    with initialize_config_dir(str(CONFIG_DIR), version_base="1.3"):
        cfg = compose("search")
    query, settings = read(QueryConfig, cfg.query, "query"), read(SearchConfig, cfg.search, "s")
    for name in names:
        store = embedded(images, name, stores)
        relevant = overlaps(images, name, store) > 0.5
        shown, others = np.flatnonzero(relevant), np.flatnonzero(overlaps(images, name, store) == 0)
        n_results = min(3 * len(shown), settings.candidates)
        for smooth, n in ((0.0, 5), (settings.smooth, 5), (settings.smooth, 20)):
            rng = np.random.default_rng(0)
            rows = []
            for _ in range(draws):
                drawn = rng.choice(shown, n, False), rng.choice(others, n, False)
                places = [np.rint(store.grid.centres(store.grid.zyx(part))) for part in drawn]
                matches = volume_search.search(
                    store, *(part.astype(int).tolist() for part in places), query=query,
                    settings=replace(
                        settings, smooth=smooth, distance_nm=0.0, n_results=n_results
                    ),
                )  # fmt: skip
                right = relevant[np.ravel_multi_index(tuple(matches.places.T), store.grid.shape)]
                said = np.asarray(matches.probabilities)
                rows.append((reliability(said, right).error, said.sum() / right.sum()))
            error, sums = np.mean(rows, axis=0)
            print(f"{name}, {n} + {n}, search.smooth={smooth:g}: calibration error {error:.2f}, "
                  f"probabilities sum to {sums:.2f} of the places that are right")  # fmt: skip


def main() -> None:
    """Measure every dataset; the exit code is 1 if something that is required is not met."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--images", type=Path, default=os.environ.get("EMQS_IMAGES", "images"))
    parser.add_argument("--sets", default="EPFL,VNC")
    parser.add_argument("--draws", type=int, default=10)
    parser.add_argument("--stores", type=Path, help="folder that keeps the embedding volumes")
    parser.add_argument("--clicks", action="store_true", help="the default search, into README.md")
    parser.add_argument("--probabilities", action="store_true", help="of the default search")
    options = parser.parse_args()
    with initialize_config_dir(str(CONFIG_DIR), version_base="1.3"):
        cfg = compose("search", ["query.scorer=nearest"])
    query, settings = read(QueryConfig, cfg.query, "query"), read(SearchConfig, cfg.search, "s")
    met = True
    with tempfile.TemporaryDirectory() as temporary:
        if options.clicks or options.probabilities:
            measure = clicks if options.clicks else probabilities
            names, stores = options.sets.split(","), options.stores or Path(temporary)
            measure(Path(options.images), names, options.draws, stores)
            return
        for name in options.sets.split(","):
            store = embedded(Path(options.images), name, options.stores or Path(temporary))
            share = overlaps(Path(options.images), name, store)
            chance = float((share > 0.5).mean())
            print(f"\n{name}: {store.grid.n_places:,} places, {int((share > 0.5).sum()):,} of them "
                  f"looked for, chance {chance:.3f}, {settings.candidates:,} candidates, "
                  f"{options.draws} draws")  # fmt: skip
            met &= measured(Searches(store, query, settings), share, options.draws)
    if not met:
        sys.exit("NOT MET")


if __name__ == "__main__":
    main()
