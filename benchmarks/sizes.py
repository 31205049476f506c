"""Windows put together from small ones, against windows that were embedded at their own size.

    python benchmarks/sizes.py --images DIR [--sets EPFL,VNC] [--slices 3] [--draws 8]

Windows lie on a grid of 20 pixels in a few slices that lie apart. ``embedded`` is a store of the
size: slices are scaled so that a window becomes the network's input. ``40 px`` is what
``search.size_nm`` has: windows of 40 pixels at their own scale, rounded as in a store, put together
(``emqs.embedding.pooling``). ``40 px, scale of 80`` are such windows at the scale of a store of 80
pixels, and ``whole, scale of 40`` are windows of the size, embedded as they are, at the scale of a
store of 40: what they lose against ``embedded`` is lost by the scale, and what ``40 px`` loses
against them by putting together. Examples are drawn from the windows that show mitochondria on more
than half, and scored as ``emqs search`` does, all windows ranked. Then the size is wrong by a
factor of two: whether a window of 80 pixels shows more than half is asked of rankings by windows of
40 and 160 around the same centre. Last, how far the size that ``found`` takes, told by five
examples, falls short of the best of all sizes.
"""

import argparse
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
from hydra import compose, initialize_config_dir
from skimage.io import imread

from emqs.embedding import dense
from emqs.embedding.pooling import combined
from emqs.models import Convolutional
from emqs.retrieval import scorers
from emqs.retrieval.scorers.space import Background
from emqs.retrieval.settings import IndexConfig, QueryConfig
from emqs.retrieval.sizes import shares_nearer
from emqs.runs import model as run_model
from emqs.settings import CONFIG_DIR, read

STEP, SMALL, BASE = 20, 40, 80  # pixels
SIZES = (40, 60, 80, 120, 160)
FEWEST = 6  # places that are looked for: five examples, and one that may be found
CASES = ((1, 0), (5, 5))  # positive and negative examples

Windows = dict[str, dict[int, np.ndarray]]  # codes by how they were made and size, (Z, Y, X, D)


def places(shape: tuple[int, ...], size: int) -> tuple[int, int]:
    """Return how many windows lie along Y and X."""
    return (shape[0] - size) // STEP + 1, (shape[1] - size) // STEP + 1


def embedded(network: Convolutional, image: np.ndarray, scale: int, size: int) -> np.ndarray:
    """Return the codes ``(Y, X, D)`` of all windows of a slice, rounded as in a store."""
    rows, columns = places(image.shape, size)
    y, x = np.meshgrid(np.arange(rows) * STEP, np.arange(columns) * STEP, indexing="ij")
    edges = np.full(rows * columns, size)
    boxes = np.stack([0 * edges, y.ravel(), x.ravel(), edges, edges], axis=1)
    codes = dense.codes(network, image, boxes, patch_size=scale, device="cpu")
    return codes.astype(np.float16).reshape(rows, columns, -1)


def joined(small: np.ndarray, size: int) -> np.ndarray:
    """Return the codes of larger windows, as ``SizedStore`` puts them together."""
    steps = (size - SMALL) // STEP
    along = np.linspace(0, steps, min(-(-size // SMALL), steps + 1)).round().astype(int).tolist()
    rows, columns = small.shape[0] - steps, small.shape[1] - steps
    return combined(small[y : y + rows, x : x + columns] for y in along for x in along)


def shown(label: np.ndarray, size: int) -> np.ndarray:
    """Return the share of every window that is labelled, ``(Y, X)``."""
    rows, columns = places(label.shape, size)
    total = np.pad(label, ((1, 0), (1, 0))).cumsum(0).cumsum(1)
    y, x = np.arange(rows)[:, None] * STEP, np.arange(columns) * STEP
    inside = total[y + size, x + size] - total[y, x + size] - total[y + size, x] + total[y, x]
    return np.asarray(inside) / size**2


def precision(scores: np.ndarray, relevant: np.ndarray, left_out: np.ndarray) -> float:
    """Return the average precision of a ranking without the examples."""
    order = np.argsort(-scores, kind="stable")
    hits = relevant[order[~np.isin(order, left_out)]]
    return float((np.cumsum(hits) / np.arange(1, len(hits) + 1))[hits].mean())


def loaded(folder: Path, n: int, network: Convolutional) -> tuple[Windows, dict[int, np.ndarray]]:
    """Return codes and shares of all windows of a few slices."""
    raw, labels = (sorted((folder / part).glob("*.png")) for part in ("raw", "labels"))
    chosen = np.linspace(0, len(raw) - 1, n + 2).round().astype(int)[1:-1].tolist()
    made: dict[str, dict[int, list[np.ndarray]]] = {}
    share: dict[int, list[np.ndarray]] = {size: [] for size in SIZES}
    for z in chosen:
        image = imread(raw[z]).astype(np.float32) / 255
        own, base = (embedded(network, image, scale, SMALL) for scale in (SMALL, BASE))
        for size in SIZES:
            for name, codes in (
                ("embedded", embedded(network, image, size, size)),
                ("40 px", joined(own, size)),
                ("40 px, scale of 80", joined(base, size)),
                ("whole, scale of 40", embedded(network, image, SMALL, size)),
            ):
                made.setdefault(name, {}).setdefault(size, []).append(codes.astype(np.float32))
            share[size].append(shown(imread(labels[z]) == 1, size))
    windows = {name: {s: np.stack(c) for s, c in of.items()} for name, of in made.items()}
    return windows, {size: np.stack(parts) for size, parts in share.items()}


def drawn(share: np.ndarray, draws: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return five positive and five negative examples of every draw, by position."""
    rng = np.random.default_rng(1)
    positive, negative = np.flatnonzero(share > 0.5), np.flatnonzero(share == 0)
    return [(rng.choice(positive, 5, False), rng.choice(negative, 5, False)) for _ in range(draws)]


def ranked(
    codes: np.ndarray, relevant: np.ndarray, examples: list[tuple[np.ndarray, np.ndarray]],
    query: QueryConfig,
) -> list[float]:  # fmt: skip
    """Return the mean average precision of every case."""
    background = Background(codes[np.random.default_rng(0).permutation(len(codes))[:4096]])
    result = []
    for n, m in CASES:
        asked = replace(query, scorer="logistic") if m >= 5 else query
        aps = []
        for positive, negative in examples:
            some, against = positive[:n], negative[:m]
            scorer = scorers.build(
                asked, IndexConfig(name="exact"), codes[some], codes[against] if m else None,
                background,
            )  # fmt: skip
            aps.append(precision(scorer.score(codes), relevant, np.concatenate([some, against])))
        result.append(float(np.mean(aps)))
    return result


def inner(values: np.ndarray, size: int) -> np.ndarray:
    """Return those of windows whose centres all sizes have, ``(N, ...)``, in one order."""
    cut = (max(SIZES) - size) // 2 // STEP
    height, width = (n - (max(SIZES) - size) // STEP for n in values.shape[1:3])
    part = values[:, cut : cut + height, cut : cut + width]
    return part.reshape(-1, *values.shape[3:])


def measured(
    name: str, windows: Windows, share: dict[int, np.ndarray], draws: int, query: QueryConfig
) -> None:
    """Print the tables of a dataset."""
    print(f"\n{name}: one click / 5 + 5\n| size | places | " + " | ".join(windows) + " |")
    for size in SIZES:
        flat = share[size].ravel()
        if np.sum(flat > 0.5) < FEWEST:
            continue  # nothing there is so large
        examples = drawn(flat, draws)
        cells = []
        for of in windows.values():
            codes = of[size].reshape(flat.size, -1)
            one, ten = ranked(codes, flat > 0.5, examples, query)
            cells.append(f"{one:.3f} / {ten:.3f}")
        print(f"| {size} | {int((flat > 0.5).sum())} | " + " | ".join(cells) + " |", flush=True)
    truth = inner(share[BASE], BASE)
    examples = drawn(truth, draws)
    around = {s: inner(c, s) for s, c in windows["40 px"].items() if (s - BASE) % (2 * STEP) == 0}
    aps = {s: ranked(codes, truth > 0.5, examples, query) for s, codes in around.items()}
    print("of 80 pixels, ranked by windows of: " + ", ".join(
        f"{s}: {one:.3f} / {ten:.3f}" for s, (one, ten) in aps.items()))  # fmt: skip
    lost, taken = [], []
    for positive, negative in examples:
        pair = [(positive, negative)]
        each = {s: ranked(codes, truth > 0.5, pair, query)[1] for s, codes in around.items()}
        best = min(around, key=lambda s: _nearer(around[s], positive, query))
        taken.append(best)
        lost.append(max(each.values()) - each[best])
    print(f"found by five examples: {taken}; {np.mean(lost):.3f} below the best of each draw")


def _nearer(codes: np.ndarray, examples: np.ndarray, query: QueryConfig) -> float:
    some: Callable[[int], np.ndarray] = np.random.default_rng(0).permutation
    space = Background(codes[some(len(codes))[:4096]])
    return shares_nearer(codes[examples], space, query)


def main() -> None:
    """Measure every dataset."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--images", type=Path, required=True)
    parser.add_argument("--sets", default="EPFL,VNC")
    parser.add_argument("--slices", type=int, default=3)
    parser.add_argument("--draws", type=int, default=8)
    options = parser.parse_args()
    with initialize_config_dir(str(CONFIG_DIR), version_base="1.3"):
        network = run_model.load_model(compose("embed")).network
        query = read(QueryConfig, compose("search").query, "query")
    if not isinstance(network, Convolutional):
        raise SystemExit("The shipped encoder pools no feature map.")
    for name in options.sets.split(","):
        measured(
            name, *loaded(options.images / name, options.slices, network), options.draws, query
        )


if __name__ == "__main__":
    main()
