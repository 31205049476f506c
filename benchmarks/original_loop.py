"""The original evaluation loop, written out literally: one patch at a time, nothing kept.

From the published program of Patch-based Querying, step for step and in its order: it encodes every
patch of the query slices on its own, resizing with scikit-image, and every searched patch likewise,
with two Annoy queries each. Then, for every patch of the ranking, it reads the label image of its
slice, labels the connected components that are not found yet, compares the whole slice with each of
them, and takes away those that the patch touches. All here is afresh and shares only the class that
holds the weights with emqs; components are labelled by scikit-image, 8-connected.
"""

import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from annoy import AnnoyIndex
from PIL import Image
from skimage.measure import label
from skimage.transform import resize

DIMS, BATCH_SIZE, MIN_OVERLAP, STRUCTURE, N_TREES, LATENT = 80, 10, 0.5, 1, 750, 32

Place = tuple[int, int, int]  # slice, row and column


def read(path: Path) -> np.ndarray:
    """Return a slice as it is stored."""
    return np.asarray(Image.open(path))


def encode(patch: np.ndarray, model: Any) -> np.ndarray:  # noqa: ANN401
    """Return the code of one patch, shape ``(32,)``."""
    resized = torch.from_numpy(resize(patch, (64, 64)))[None, None].float()
    return np.asarray(model.encode(resized).detach().cpu().numpy().flatten())


def places(shape: tuple[int, ...]) -> list[tuple[int, int]]:
    """Return the corners of the grid."""
    return [(x, y) for x in range(0, shape[0], DIMS) for y in range(0, shape[1], DIMS)]


def query_slices(n: int) -> list[int]:
    """Return the middle slices of all blocks."""
    chosen = [BATCH_SIZE * i + BATCH_SIZE // 2 for i in range(n // BATCH_SIZE)]
    if n % BATCH_SIZE != 0:
        chosen.append(n - (n % BATCH_SIZE) // 2 - 1)
    return chosen


def examples(raw: list[Path], labels: list[Path], model: Any) -> tuple[AnnoyIndex, AnnoyIndex]:  # noqa: ANN401
    """Return the indexes of positive and negative examples; every patch is encoded."""
    trees = AnnoyIndex(LATENT, "euclidean"), AnnoyIndex(LATENT, "euclidean")
    for z in query_slices(len(raw)):
        image, truth = read(raw[z]), read(labels[z])
        for x, y in places(truth.shape):
            overlap = np.mean(truth[x : x + DIMS, y : y + DIMS] == STRUCTURE)
            code = encode(image[x : x + DIMS, y : y + DIMS], model)
            if overlap > MIN_OVERLAP:
                trees[0].add_item(trees[0].get_n_items(), code)
            elif overlap == 0:
                trees[1].add_item(trees[1].get_n_items(), code)
    for tree in trees:
        tree.build(N_TREES)
    return trees


def search(raw: list[Path], labels: list[Path], model: Any) -> list[tuple[float, Place]]:  # noqa: ANN401
    """Return score and place of every patch of the other slices, best first."""
    positive, negative = examples(raw, labels, model)
    scored = []
    for z in range(len(raw)):
        if z in query_slices(len(raw)):
            continue
        image = read(raw[z])
        for x, y in places(image.shape):
            code = encode(image[x : x + DIMS, y : y + DIMS], model)
            near = positive.get_nns_by_vector(code, 1, include_distances=True)[1]
            far = negative.get_nns_by_vector(code, 1, include_distances=True)[1]
            score = 1 / np.exp(np.mean(near)) - 1 / np.exp(np.mean(far))
            scored.append((float(score), (z, x, y)))
    return sorted(scored, key=lambda entry: -entry[0])


def component_ap(ranked: list[Place], labels: list[Path]) -> float:
    """Return the component AP; the components of a slice are labelled anew for every patch."""
    searched = [z for z in range(len(labels)) if z not in query_slices(len(labels))]
    target = sum(int(np.sum(read(labels[z]) == STRUCTURE)) for z in searched)
    masks: dict[int, np.ndarray] = {}
    hits = area = 0
    precision, recall = [], []
    for rank, (z, x, y) in enumerate(ranked, start=1):
        truth = read(labels[z])
        if z not in masks:
            masks[z] = truth == STRUCTURE
        components, n_components = label(masks[z], connectivity=2, return_num=True)
        hits += bool(np.mean(truth[x : x + DIMS, y : y + DIMS] == STRUCTURE) > 0)
        for name in range(1, n_components + 1):
            if (components == name)[x : x + DIMS, y : y + DIMS].any():
                area += int(np.sum(components == name))
                masks[z][components == name] = False
        precision.append(hits / rank)
        recall.append(area / target)
    return sum((recall[i] - recall[i - 1]) * precision[i] for i in range(1, len(recall)))


def evaluate(images: Path, model: Any, n_slices: int | None) -> dict[str, Any]:  # noqa: ANN401
    """Return the component AP and how long searching and measuring took, in seconds."""
    raw, labels = (sorted((images / kind).glob("*.png"))[:n_slices] for kind in ("raw", "labels"))
    started = time.perf_counter()
    ranked = search(raw, labels, model)
    searched = time.perf_counter()
    ap = component_ap([place for _, place in ranked], labels)
    ended = time.perf_counter()
    return {
        "component_ap": ap,
        "n_searched_patches": len(ranked),
        "parts": {"embed and search": searched - started, "metrics": ended - searched},
    }
