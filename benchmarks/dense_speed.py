"""How much faster a slice is encoded as a whole than patch by patch, and how equal the codes are.

    python benchmarks/dense_speed.py [--weights FILE] [--threads 2] [--repeats 5]

One slice of 1024 x 1024 pixels with patches of 80 pixels at several steps. ``whole`` is
``emqs.embedding.dense``: one feature map, pooled for every patch. ``apart`` cuts every patch,
resizes it and encodes it on its own, as networks without a feature map are run. Both are medians
in one process.

The codes differ: patch by patch, a network sees zeros around a patch, not its surroundings. So
equality is measured against patches that are cut with their surroundings, encoded one by one, and
pooled over the patch alone.
"""

import argparse
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from emqs.datasets import Stack, synthetic
from emqs.embedding import dense, encode
from emqs.models import weights
from emqs.patches import grid

SIZE = 80
EDGE = 1024


def median_seconds(work: Callable[[], object], repeats: int) -> float:
    """Return the median time of ``repeats`` calls, after one that does not count."""
    work()
    seconds = []
    for _ in range(repeats):
        started = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - started)
    return statistics.median(seconds)


def main() -> None:
    """Print a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--weights", default="weights/contrastive_pretrained.safetensors")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=5)
    settings = parser.parse_args()
    torch.set_num_threads(settings.threads)
    model = weights.load(Path(settings.weights))
    network = model.network.eval()
    rng = np.random.default_rng(0)
    image = synthetic.texture_images(n=1, size=EDGE, seed=0)[0].astype(np.float32) / 255
    stack = Stack("bench", [image], ["0"], intensity=(0.0, 1.0))
    print(f"{settings.threads} threads, slice {EDGE} x {EDGE}, patches of {SIZE} pixels\n")
    print("| step, pixels | patches | whole: patches/s | apart: patches/s | ratio |")
    print("| --- | --- | --- | --- | --- |")
    for step in (8, 10, 20, 80):
        boxes = grid.grid([image.shape], SIZE, step, border=False)
        whole = median_seconds(
            lambda boxes=boxes: dense.codes(network, image, boxes, patch_size=SIZE, device="cpu"),
            settings.repeats,
        )
        some = boxes[rng.permutation(len(boxes))[:512]]
        apart = median_seconds(
            lambda some=some: encode.encode_images(network, encode.images(model, stack, some)),
            max(1, settings.repeats // 2),
        )
        rates = len(boxes) / whole, len(some) / apart
        print(
            f"| {step} | {len(boxes)} | {rates[0]:,.0f} | {rates[1]:,.0f} | "
            f"{rates[0] / rates[1]:.1f} |"
        )
    around = -(-network.reach // network.input_size) * SIZE
    boxes = grid.grid([image.shape], SIZE, SIZE, border=False)
    inner = (boxes[:, 1:3] >= around).all(1) & (boxes[:, 1:3] + SIZE + around <= EDGE).all(1)
    boxes = boxes[inner]
    codes = dense.codes(network, image, boxes, patch_size=SIZE, device="cpu")
    own = []
    for y, x, height, width in boxes[:, 1:].tolist():
        crop = image[y - around : y + height + around, x - around : x + width + around]
        box = np.array([[0, around, around, height, width]])
        own.append(dense.codes(network, crop, box, patch_size=SIZE, device="cpu")[0])
    largest = np.abs(codes - np.stack(own)).max() / np.abs(codes).mean()
    print(
        f"\nLargest difference from patches cut with their surroundings: {largest:.1e} of a "
        "typical number"
    )


if __name__ == "__main__":
    main()
