"""Scorers for one to five examples of each kind, compared with the same examples for each.

    python benchmarks/few_examples.py --images DIR --codes FOLDER [--half HALF]
    ... --structures VNC-glia,ISBI-membrane --scorers "default;hubs, local"         a taste

Places lie on a grid of half a patch in the middle of a few slices that lie apart, at most 20
patches wide and high; patches are as large as the structure (``retrieval_cases.py``). Their codes
are made once and kept in FOLDER. Examples are drawn from the places that show the structure on more
than ``min_overlap``, and from those that show none of it; all other places are ranked. ``default``
is what ``emqs search`` did until heads were fitted to few examples: ``nearest`` with
``query.typical``, a logistic head from 5 + 5 on; ``now`` is what it does: ``logistic``, up to four
positive examples with matches added (``expansion``). The table has the average precision of every
scorer, with half of the 95 % interval of the mean over draws, then the mean of all structures, and
its difference to the default, of the same examples, with its interval.

Half of the structures (``choose``) are there to choose a scorer by, the other half (``report``) to
say what it is worth.
"""

import argparse
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from pathlib import Path

import numpy as np
from hydra import compose, initialize_config_dir
from retrieval_cases import CASES, Case
from skimage.io import imread

from emqs.embedding import dense
from emqs.models import Convolutional
from emqs.retrieval import expansion, scorers
from emqs.retrieval.scorers.space import Background
from emqs.retrieval.settings import IndexConfig, QueryConfig
from emqs.retrieval.volume_search import FEW
from emqs.runs import model as run_model
from emqs.settings import CONFIG_DIR, read

PIXEL_NM = {"EPFL": 5.0, "VNC": 4.6, "CHLOROPLAST": 10.0, "ISBI": 4.0}
CHOOSE = ("EPFL-mitochondria", "EPFL-vesicles", "VNC-membrane", "ISBI-membrane")
COUNTS = "1+0,1+1,2+0,2+2,3+0,4+4,8+0,5+5"  # positive and negative examples
SAMPLE = 1024  # codes that stand for the volume; a store keeps 4,096 of millions
HUBS = 512  # of these, codes that likeness is compared with
WIDEST = 20  # patches
LEAST_SHOWN = 20  # places that show the structure; with fewer of them, more slices are taken
EXACT = IndexConfig(name="exact")


@dataclass(frozen=True)
class Places:
    """The places of a structure: codes, share that is the structure, and where they lie."""

    codes: np.ndarray  # (N, D), float32
    share: np.ndarray  # (N,)
    zyx: np.ndarray  # (N, 3): slice, first row and column
    size: int  # pixels of a patch
    scores: dict[bytes, np.ndarray] = field(default_factory=dict)  # of the default, by examples
    spaces: dict[float, "Places"] = field(default_factory=dict)  # by power

    @cached_property
    def sample(self) -> np.ndarray:
        """Positions of codes that stand for the volume, in random order."""
        return np.random.default_rng(0).permutation(len(self.codes))[:SAMPLE]

    @cached_property
    def background(self) -> Background:
        """What is learnt of the volume."""
        return Background(self.codes[self.sample])

    def whitened(self, power: float) -> "Places":
        """Return codes whose principal components are divided by a power of their spread."""
        from sklearn.covariance import ledoit_wolf

        if power in self.spaces:
            return self.spaces[power]
        sample = self.codes[self.sample].astype(np.float64)
        mean, spread = sample.mean(axis=0), sample.std(axis=0)
        varies = spread > 0
        standard = ((self.codes - mean) / np.where(varies, spread, 1))[:, varies]
        values, vectors = np.linalg.eigh(ledoit_wolf(standard[self.sample])[0])
        codes = standard @ (vectors * values ** (-power / 2))
        self.spaces[power] = replace(self, codes=codes.astype(np.float32), scores={}, spaces={})
        return self.spaces[power]

    @cached_property
    def standard(self) -> np.ndarray:
        """Codes of unit length in the space of the default search, ``(N, D)``, float32."""
        return self.background.space(QueryConfig(metric="cosine", whiten="standard"))(self.codes)

    @cached_property
    def likeness(self) -> np.ndarray:
        """Cosines with a sample of the volume, ``(N, HUBS)``."""
        return np.asarray(self.standard @ self.standard[self.sample[:HUBS]].T)

    def apart(self, order: np.ndarray, taken: np.ndarray, most: int) -> np.ndarray:
        """Return the first of an order that overlap neither examples nor each other."""
        result: list[int] = []
        blocked = list(taken)
        for place in order.tolist():
            distance = np.abs(self.zyx[blocked] - self.zyx[place])
            if not np.any((distance[:, 0] == 0) & (distance[:, 1:].max(axis=1) < self.size)):
                result.append(place)
                blocked.append(place)
            if len(result) == most:
                break
        return np.array(result, dtype=np.int64)


Scored = Callable[[Places, np.ndarray, np.ndarray], np.ndarray]


def fitted(
    places: Places, positive: np.ndarray, negative: np.ndarray, query: QueryConfig
) -> np.ndarray:
    """Return the scores of all places by one scorer."""
    codes = places.codes
    against = codes[negative] if len(negative) else None
    scorer = scorers.build(query, EXACT, codes[positive], against, places.background)
    return scorer.score(codes)


def default(
    places: Places, positive: np.ndarray, negative: np.ndarray, query: QueryConfig
) -> np.ndarray:
    """Return the scores of the default search of a volume."""
    key = positive.tobytes() + b"-" + negative.tobytes()
    if key not in places.scores:
        few = min(len(positive), len(negative)) < 5
        asked = query if few else replace(query, scorer="logistic")
        places.scores[key] = fitted(places, positive, negative, asked)
    return places.scores[key]


def now(
    places: Places, positive: np.ndarray, negative: np.ndarray, query: QueryConfig
) -> np.ndarray:
    """Return the scores of the search of a volume as it is, neighbours aside: few are here."""
    base: Scored = partial(fitted, query=query)
    if len(positive) >= FEW:
        return base(places, positive, negative)
    for first in expansion.FIRST:
        base = partial(
            expanded, query=query, first=first, share=expansion.SHARE, head="logistic", base=base
        )
    return base(places, positive, negative)


def expanded(
    places: Places, positive: np.ndarray, negative: np.ndarray, query: QueryConfig,
    *, first: int, share: float, head: str, base: Scored,
) -> np.ndarray:  # fmt: skip
    """Return scores by the examples and those of the first that agree best with one another.

    Args:
        places: What is searched.
        positive: Positions of examples.
        negative: The same.
        query: The default.
        first: How many of the first, which do not overlap, are looked at.
        share: Of them, the share that is taken: the most alike, by mean cosine to the others.
        head: Scorer of all; or ``mean``, one code for examples and what is taken; or ``and mean``,
            this code beside the examples.
        base: Gives the order.
    """
    order = np.argsort(-base(places, positive, negative), kind="stable")
    order = order[~np.isin(order, negative)]
    near = places.apart(order[: 200 * first], np.concatenate([positive, negative]), first)
    space, codes = places.background.space(query), places.codes
    kept = near[expansion.agreeing(space, codes[positive], codes[near], share=share)]
    if head in ("mean", "and mean"):
        one = expansion.middle(space, codes[positive], codes[kept])
        shown = one if head == "mean" else np.concatenate([codes[positive], one])
        against = codes[negative] if len(negative) else None
        scorer = scorers.build(query, EXACT, shown, against, places.background)
        return scorer.score(codes)
    some = np.concatenate([positive, kept])
    return fitted(places, some, negative, replace(query, scorer=head))


def standardised(scores: np.ndarray) -> np.ndarray:
    """Return scores of mean 0 and spread 1."""
    return np.asarray((scores - scores.mean()) / scores.std())


def nearest(places: Places, positive: np.ndarray) -> np.ndarray:
    """Return the cosine to the nearest positive example."""
    return np.asarray((places.standard @ places.standard[positive].T).max(axis=1))


def hubs(
    places: Places, positive: np.ndarray, negative: np.ndarray, query: QueryConfig,
    *, kind: str, k: int = 10,
) -> np.ndarray:  # fmt: skip
    """Return scores by likeness relative to how like a sample of the volume each place is."""
    own, others = nearest(places, positive), places.likeness
    if kind == "local":  # scaling by the k nearest
        scores = 2 * own - np.partition(others, -k, axis=1)[:, -k:].mean(axis=1)
    else:  # mutual proximity, a Gaussian
        scores = (own - others.mean(axis=1)) / others.std(axis=1)
    if not len(negative):
        return np.asarray(scores)
    return standardised(scores) + standardised(default(places, positive, negative, query))


def inside(
    places: Places, positive: np.ndarray, negative: np.ndarray, *, base: Scored, power: float
) -> np.ndarray:
    """Return the scores of another scorer in a whitened space."""
    return base(places.whitened(power), positive, negative)


def together(
    places: Places, positive: np.ndarray, negative: np.ndarray, *, parts: tuple[Scored, ...]
) -> np.ndarray:
    """Return the sum of standardised scores."""
    return np.sum([standardised(part(places, positive, negative)) for part in parts], axis=0)


def methods(query: QueryConfig) -> dict[str, Scored]:
    """Return the scorers by name."""
    base = partial(default, query=query)
    as_they_are = partial(default, query=replace(query, whiten="none"))  # or all have one spread
    result: dict[str, Scored] = {
        "default": base,
        "now": partial(now, query=replace(query, scorer="logistic")),
        "logistic": partial(fitted, query=replace(query, scorer="logistic")),
    }
    for kind in ("local", "mutual"):
        result[f"hubs, {kind}"] = partial(hubs, query=query, kind=kind)
    for power in (0.5, 1.0):
        result[f"whitened {power:g}"] = partial(inside, base=as_they_are, power=power)
    for first, share, head in (
        (10, 0.5, "logistic"), (20, 0.5, "logistic"), (10, 0.5, "nearest"), (10, 0.5, "mean"),
        (20, 0.5, "mean"), (10, 0.5, "and mean"),
    ):  # fmt: skip
        result[f"expanded, {first * share:g} of {first}, {head}"] = partial(
            expanded, query=query, first=first, share=share, head=head, base=base
        )
    five = result["expanded, 5 of 10, logistic"]
    result["expanded (5 of 10, logistic) + default"] = partial(together, parts=(base, five))
    alone = result["logistic"]
    again = partial(expanded, query=query, first=10, share=0.5, head="logistic", base=alone)
    result["logistic, expanded by itself"] = again
    result["logistic, expanded by itself + logistic"] = partial(together, parts=(alone, again))
    result["expanded (5 of 10, logistic) + logistic"] = partial(together, parts=(alone, five))
    return result


def made(case: Case, images: Path, n_slices: int, network: Convolutional) -> Places:
    """Return the places of a few slices with their codes."""
    folder = images / case.dataset
    raw, labels = (sorted((folder / part).glob("*.png")) for part in ("raw", "labels"))
    size = round(case.size_nm / PIXEL_NM[case.dataset])
    step, widest = size // 2, WIDEST * size
    chosen = np.linspace(0, len(raw) - 1, n_slices + 2).round().astype(int)[1:-1].tolist()
    codes, shares, zyx = [], [], []
    for z in chosen:
        pixels, label = (_middle(imread(of[z]), widest) for of in (raw, labels))
        image = pixels.astype(np.float32) / 255
        y, x = (np.arange(0, n - size + 1, step) for n in image.shape)
        top, left = (part.ravel() for part in np.meshgrid(y, x, indexing="ij"))
        edges = np.full(len(top), size)
        boxes = np.stack([0 * edges, top, left, edges, edges], axis=1)
        codes.append(dense.codes(network, image, boxes, patch_size=size, device="cpu"))
        total = np.pad(label == case.structure, ((1, 0), (1, 0))).cumsum(0).cumsum(1)
        low, right = top + size, left + size
        shown = total[low, right] - total[top, right] - total[low, left] + total[top, left]
        shares.append(shown / size**2)
        zyx.append(np.stack([np.full(len(top), z), top, left], axis=1))
    half = np.concatenate(codes).astype(np.float16).astype(np.float32)  # as in a store
    return Places(half, np.concatenate(shares), np.concatenate(zyx), size)


def _middle(image: np.ndarray, widest: int) -> np.ndarray:
    """Return the middle of an image, at most so many pixels wide and high."""
    start = [max(0, (n - widest) // 2) for n in image.shape]
    return image[start[0] : start[0] + widest, start[1] : start[1] + widest]


def loaded(case: Case, images: Path, folder: Path, n_slices: int) -> Places:
    """Return the places of a case, from the folder if they are there."""
    path = folder / f"{case.key}_{n_slices}.npz"
    if not path.is_file():
        with initialize_config_dir(str(CONFIG_DIR), version_base="1.3"):
            network = run_model.load_model(compose("embed")).network
        if not isinstance(network, Convolutional):
            raise SystemExit("The shipped encoder pools no feature map.")
        own = made(case, images, n_slices, network)
        folder.mkdir(parents=True, exist_ok=True)
        np.savez(path, codes=own.codes, share=own.share, zyx=own.zyx, size=own.size)
    with np.load(path) as file:
        return Places(file["codes"], file["share"], file["zyx"], int(file["size"]))


def enough(case: Case, images: Path, folder: Path, n_slices: int) -> Places:
    """Return the places of so many slices, or of more if few show the structure."""
    n_all = len(list((images / case.dataset / "labels").glob("*.png")))
    while True:
        places = loaded(case, images, folder, n_slices)
        if (places.share > case.min_overlap).sum() >= LEAST_SHOWN or n_slices >= n_all - 2:
            return places
        n_slices = min(2 * n_slices, n_all - 2)


def precision(scores: np.ndarray, relevant: np.ndarray, left_out: np.ndarray) -> float:
    """Return the average precision of a ranking without the examples."""
    order = np.argsort(-scores, kind="stable")
    hits = relevant[order[~np.isin(order, left_out)]]
    return float((np.cumsum(hits) / np.arange(1, len(hits) + 1))[hits].mean())


def measured(
    case: Case, places: Places, names: dict[str, Scored], draws: int, counts: list[tuple[int, int]]
) -> dict[tuple[int, int, str], list[float]]:
    """Return the average precision of every draw, by numbers of examples and scorer."""
    rng = np.random.default_rng(0)
    relevant = places.share > case.min_overlap
    shown, others = np.flatnonzero(relevant), np.flatnonzero(places.share == 0)
    result: dict[tuple[int, int, str], list[float]] = {}
    most = np.max(counts, axis=0)
    for _ in range(draws):
        positives, negatives = rng.choice(shown, most[0], False), rng.choice(others, most[1], False)
        for n, m in counts:
            some, against = positives[:n], negatives[:m]
            for name, scored in names.items():
                ap = precision(
                    scored(places, some, against), relevant, np.concatenate([some, against])
                )
                result.setdefault((n, m, name), []).append(ap)
    return result


def interval(values: np.ndarray) -> float:
    """Return half of the 95 % interval of a mean of a few draws, by Student's t."""
    from scipy.stats import t

    return float(t.ppf(0.975, len(values) - 1) * values.std(ddof=1) / np.sqrt(len(values)))


def table(results: dict[str, dict[tuple[int, int, str], list[float]]], n: int, m: int) -> None:
    """Print the table of one number of examples."""
    print("| scorer | " + " | ".join(results) + " | mean | - default |")
    print("| --- |" + " --- |" * (len(results) + 2))
    names = [name for *count, name in next(iter(results.values())) if count == [n, m]]
    values = {name: np.array([own[n, m, name] for own in results.values()]) for name in names}
    for name, aps in values.items():
        cells = [f"{ap.mean():.3f} ± {interval(ap):.3f}" for ap in aps]
        gain = (aps - values["default"]).mean(axis=0)
        cells += [f"{aps.mean():.3f}", f"{gain.mean():+.3f} ± {interval(gain):.3f}"]
        print(f"| {name} | " + " | ".join(cells) + " |", flush=True)


def main() -> None:
    """Measure every structure of a half."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--images", type=Path, required=True)
    parser.add_argument("--codes", type=Path, required=True, help="folder that keeps codes")
    parser.add_argument("--half", choices=("choose", "report", "both"), default="both")
    parser.add_argument("--structures", help="some, separated by commas; default: all")
    parser.add_argument("--scorers", help="names of some, separated by ;")
    parser.add_argument("--slices", type=int, default=2)
    parser.add_argument("--draws", type=int, default=8)
    parser.add_argument("--counts", default=COUNTS, help="of examples, positive+negative")
    options = parser.parse_args()
    counts = [(int(n), int(m)) for n, m in (one.split("+") for one in options.counts.split(","))]
    with initialize_config_dir(str(CONFIG_DIR), version_base="1.3"):
        query = read(QueryConfig, compose("search", ["query.scorer=nearest"]).query, "query")
    scored = methods(query)
    names = options.scorers.split(";") if options.scorers else list(scored)
    results = {}
    cases = {case.key: case for case in CASES}
    keys = options.structures.split(",") if options.structures else list(cases)
    for case in (cases[key] for key in keys):
        if options.half not in ("both", "choose" if case.key in CHOOSE else "report"):
            continue
        places = enough(case, options.images, options.codes, options.slices)
        chance = float((places.share > case.min_overlap).mean())
        print(f"{case.key}: {len(places.codes):,} places, chance {chance:.3f}", flush=True)
        own = measured(case, places, {k: scored[k] for k in names}, options.draws, counts)
        results[case.key] = own
        for (n, m, name), aps in own.items():
            print(f"{n} + {m} {name}: " + " ".join(f"{ap:.4f}" for ap in aps), flush=True)
    for part in ("choose", "report"):
        half = {k: own for k, own in results.items() if (k in CHOOSE) == (part == "choose")}
        for n, m in counts if half else ():
            print(f"\n{part}, {n} + {m}\n")
            table(half, n, m)


if __name__ == "__main__":
    main()
