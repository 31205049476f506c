"""Slow, literal definitions of the ranking metrics; never imported by emqs."""

import numpy as np
from skimage.measure import label


def average_precision(scores: list[float], relevant: list[bool]) -> float:
    """Sum of (recall gained) x (precision) over every distinct threshold, by counting."""
    total, area, recall_before = sum(relevant), 0.0, 0.0
    for threshold in sorted(set(scores), reverse=True):
        kept = [r for s, r in zip(scores, relevant, strict=True) if s >= threshold]
        recall, precision = sum(kept) / total, sum(kept) / len(kept)
        area += (recall - recall_before) * precision
        recall_before = recall
    return area


def component_curve(
    labels: list[np.ndarray], ranked_boxes: list[tuple[int, ...]], structure: int
) -> tuple[list[float], list[float], float, float]:
    """Walk down the ranking, labelling the patch's slice afresh every time.

    Boxes are (z, y, x, height, width), best first. Returns precision and recall at every rank, the
    sum of recall steps times precision, and the paper's, from rank 2 on.
    """
    searched = sorted({box[0] for box in ranked_boxes})
    target = sum(int((labels[z] == structure).sum()) for z in searched)
    touched: set[tuple[int, int]] = set()
    area = hits = 0
    precision, recall = [], []
    for rank, (z, y, x, height, width) in enumerate(ranked_boxes, start=1):
        components = label(labels[z] == structure, connectivity=2)
        inside = components[y : y + height, x : x + width]
        hits += bool((inside > 0).any())
        for name in np.unique(inside[inside > 0]).tolist():
            if (z, name) not in touched:
                touched.add((z, name))
                area += int((components == name).sum())
        precision.append(hits / rank)
        recall.append(area / target)
    steps = [recall[i] - recall[i - 1] for i in range(1, len(recall))]
    ap = sum(step * p for step, p in zip(steps, precision[1:], strict=True))
    return precision, recall, ap + recall[0] * precision[0], ap


def interval_draws(
    gains: list[float],
    hits: list[bool],
    slices: list[int],
    draws: list[list[int]],
    *,
    skip_first: bool,
) -> list[float]:
    """Average precision of resampled rankings, each written out copy by copy.

    Every rank is repeated as often as its slice was drawn; the copies form one step, whose
    precision is that after the last copy.
    """
    values = []
    for draw in draws:
        steps = []  # (gain of the step, patches so far, hits so far)
        n_patches = n_hits = 0
        for gain, hit, z in zip(gains, hits, slices, strict=True):
            copies = draw.count(z)
            if copies == 0:
                continue
            n_patches += copies
            n_hits += copies * int(hit)
            steps.append((gain * copies, n_hits / n_patches))
        total = sum(gain for gain, _ in steps)
        if total > 0:
            credited = steps[1:] if skip_first else steps
            values.append(sum(gain * precision for gain, precision in credited) / total)
    return values
