"""How codes of the shipped encoder change where what is seen does not: weights/*_turned.npz.

    python benchmarks/turned_codes.py --images PATH

Places of the images that the encoder was trained on (FLYEM, FLYEM_unlabelled and
KASTHURI_unlabelled, no labels) are encoded in slices that lie in each of eight ways, turned by
quarters and mirrored, and as patches 0.85 and 1.15 times as large around the same middle. What is
kept is the covariance of the differences, every dimension in units of its spread over places, those
of ways to lie and those of sizes weighing the same. ``query.whiten=turned`` reads it.
"""

import argparse
from itertools import product
from pathlib import Path

import numpy as np

from emqs.datasets import Stack, open_stack
from emqs.datasets.settings import DatasetConfig
from emqs.embedding import encode
from emqs.models import turned, weights
from emqs.models.compute import Compute
from emqs.models.weights import Model
from emqs.settings import WEIGHTS_DIR

VOLUMES = (  # name, edge of a patch in px (300 to 400 nm), every so many slices
    ("FLYEM", 40, 18),
    ("FLYEM", 30, 30),
    ("FLYEM_unlabelled", 40, 10),
    ("KASTHURI_unlabelled", 64, 4),
)
SIZES = (0.85, 1.15)
MOST = 400  # places of a slice


def lying(image: np.ndarray, corners: np.ndarray, size: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return an image and its patches as they lie in each of eight ways, as it is first.

    Args:
        image: Shape ``(Y, X)``.
        corners: First row and column of each patch, ``(n, 2)``.
        size: Edge of a patch.
    """
    ways = []
    for across, down, along in product((False, True), repeat=3):
        way, (y, x) = image, corners.T
        if down:
            way, y = way[::-1], image.shape[0] - size - y
        if along:
            way, x = way[:, ::-1], image.shape[1] - size - x
        if across:
            way, y, x = way.T, x, y
        ways.append((np.ascontiguousarray(way), np.stack([y, x], axis=1)))
    return ways


def encoded(model: Model, image: np.ndarray, corners: np.ndarray, size: int) -> np.ndarray:
    """Return the codes of square patches, ``(n, D)``, float32."""
    boxes = np.zeros((len(corners), 5), dtype=np.int64)
    boxes[:, 1:3], boxes[:, 3:] = corners, size
    stack = Stack("a slice", [image], ["0"], intensity=(0, 255))
    compute = Compute(device="cpu", progress=False)
    return encode.embed(model, stack, boxes, patch_size=size, compute=compute)


def of_slice(
    model: Model, image: np.ndarray, size: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Return codes of places, lying in eight ways ``(8, n, D)`` and of two sizes ``(2, n, D)``."""
    first = size // 2
    rows, columns = (np.arange(first, edge - size - first + 1, first) for edge in image.shape)
    corners = np.stack(np.meshgrid(rows, columns, indexing="ij"), axis=-1).reshape(-1, 2)
    corners = corners[np.sort(rng.permutation(len(corners))[:MOST])]
    ways = [encoded(model, way, own, size) for way, own in lying(image, corners, size)]
    edges = [round(size * factor) for factor in SIZES]
    sizes = [encoded(model, image, corners + size // 2 - edge // 2, edge) for edge in edges]
    return np.stack(ways), np.stack(sizes)


def covariance(differences: np.ndarray) -> np.ndarray:
    """Return the mean outer product of rows, scaled to a mean variance of 1, float64."""
    rows = differences.reshape(-1, differences.shape[-1]).astype(np.float64)
    result = rows.T @ rows
    return np.asarray(result * (len(result) / np.trace(result)))


def main() -> None:
    """Write the file."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--images", type=Path, required=True)
    parser.add_argument(
        "--weights", type=Path, default=WEIGHTS_DIR / "contrastive_pretrained.safetensors"
    )
    parser.add_argument("--out", type=Path, help="default: beside the weights")
    arguments = parser.parse_args()
    model = weights.load(arguments.weights)
    parts = []
    for name, size, step in VOLUMES:
        stack = open_stack(DatasetConfig(name=name, kind="folder"), arguments.images)
        rng = np.random.default_rng(0)
        slices = range(step // 3, len(stack), step)
        found = [of_slice(model, np.asarray(stack.slices[z]), size, rng) for z in slices]
        ways = np.concatenate([own for own, _ in found], axis=1)
        sizes = np.concatenate([own for _, own in found], axis=1)
        spread = ways[0].std(axis=0)
        unit = np.where(spread > 0, spread, 1)
        own = covariance((ways - ways.mean(axis=0)) / unit) + covariance((sizes - ways[0]) / unit)
        print(f"{name}, {size} px: {ways.shape[1]} places", flush=True)
        parts.append(own / 2)
    out = arguments.out or arguments.weights.with_name(f"{arguments.weights.stem}_{turned.ENDING}")
    turned.save(out, str(model.sha256), np.mean(parts, axis=0))


if __name__ == "__main__":
    main()
