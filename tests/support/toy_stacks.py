"""Small labelled stacks made by hand, for the tests of embeddings, pipeline and evaluate."""

import numpy as np

from emqs.datasets import Stack


def blobs(
    seed: int = 0,
    *,
    n_slices: int = 8,
    shape: tuple[int, int] = (70, 90),
    pixel_size_nm: float | None = None,
) -> Stack:
    """Grey noise with bright rectangles: class 1; dim ones: class 2. Slice 3 is narrower."""
    rng = np.random.default_rng(seed)
    slices, labels = [], []
    for z in range(n_slices):
        height, width = (shape[0], shape[1] - 15) if z == 3 else shape
        image = rng.integers(60, 120, (height, width))
        label = np.zeros((height, width), dtype=np.uint8)
        for kind, grey in ((2, 30), (1, 200)):
            for _ in range(3):
                y, x = int(rng.integers(height - 20)), int(rng.integers(width - 25))
                bottom, right = y + int(rng.integers(5, 21)), x + int(rng.integers(5, 26))
                label[y:bottom, x:right] = kind
                image[y:bottom, x:right] = grey + rng.integers(
                    0, 30, label[y:bottom, x:right].shape
                )
        slices.append(image.astype(np.uint8))
        labels.append(label)
    names = [f"{z:03d}" for z in range(n_slices)]
    return Stack(
        "blobs", slices, names, labels, pixel_size_nm=pixel_size_nm, classes={1: "bright", 2: "dim"}
    )
