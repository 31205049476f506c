"""Slow, literal grids, overlaps and query slices; never imported by emqs."""

import numpy as np
from skimage.transform import resize


def grid(shapes: list[tuple[int, int]], size: int) -> list[tuple[int, int, int, int, int]]:
    """Boxes (z, y, x, height, width): steps of one patch from (0, 0), cut at the border."""
    boxes = []
    for z, (height, width) in enumerate(shapes):
        for y in range(0, height, size):
            for x in range(0, width, size):
                bottom, right = min(y + size, height), min(x + size, width)
                boxes.append((z, y, x, bottom - y, right - x))
    return boxes


def fraction(labels: np.ndarray, box: tuple[int, ...], structure: int) -> float:
    """Pixels of a structure in a box, one by one, divided by all its pixels."""
    z, y, x, height, width = box
    count = 0
    for row in range(y, y + height):
        for column in range(x, x + width):
            count += int(labels[z][row, column] == structure)
    return count / (height * width)


def query_slices(n_slices: int, batch_size: int) -> list[int]:
    """Middle slice of every block: batch_size*i + batch_size//2; a rest of r adds N - r//2 - 1."""
    chosen = []
    i = 0
    while batch_size * (i + 1) <= n_slices:
        chosen.append(batch_size * i + batch_size // 2)
        i += 1
    rest = n_slices - batch_size * i
    if rest > 0:
        chosen.append(n_slices - rest // 2 - 1)
    return chosen


def patch(image: np.ndarray, box: tuple[int, ...], size: int) -> np.ndarray:
    """One patch, cut and resized by scikit-image with its defaults."""
    _, y, x, height, width = box
    return np.asarray(resize(image[y : y + height, x : x + width], (size, size)))
