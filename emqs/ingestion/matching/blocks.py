"""Where the blocks of one slice lie on another, and the affine map that most of them agree on."""

from dataclasses import dataclass

import numpy as np
from scipy import fft

from emqs.ingestion import affine
from emqs.ingestion.matching.coarse import fading

LEAST_VALID = 0.6  # of the pixels of a block must show something, in both slices
LEAST_PEAK = 5.0  # of a block's correlation, in standard deviations
LEAST_FAR_PEAK = 5.0  # likewise, where it is looked for further off
LEAST_REACH = 40  # pixels, of such a look
BATCH = 64  # blocks that are correlated at once


@dataclass(frozen=True)
class Blocks:
    """Blocks of two slices that lie on each other.

    Attributes:
        centres: Of the blocks, ``(N, 2)``, pixels.
        offsets: From what the first slice shows to what the second shows, ``(N, 2)``, pixels.
        peaks: Height of each peak, in standard deviations, ``(N,)``.
        n_tried: Blocks that show something in both slices.
    """

    centres: np.ndarray
    offsets: np.ndarray
    peaks: np.ndarray
    n_tried: int


def grid(shape: tuple[int, int], edge: int, step: int) -> np.ndarray:
    """Return the upper left corners of blocks all over an image, ``(N, 2)``, evenly spread."""
    starts = []
    for length in shape:
        room = max(0, length - edge)
        count = room // step + 1
        starts.append(np.linspace(0, room, count).round().astype(np.int64))
    rows, columns = np.meshgrid(*starts, indexing="ij")
    return np.column_stack([rows.ravel(), columns.ravel()])


def match(
    first: np.ndarray,
    second: np.ndarray,
    valid: tuple[np.ndarray, np.ndarray],
    *,
    edge: int,
    step: int,
) -> Blocks:
    """Return how far blocks of one image lie from the same blocks of another.

    Args:
        first: Float32, mean about 0, ``(Y, X)``; moved onto the second as well as is known.
        second: Of the same shape.
        valid: Where each shows something.
        edge: Of a block, pixels; at most a quarter of it can be found as an offset.
        step: Between blocks, pixels.
    """
    height, width = second.shape
    edge = min(edge, height, width)
    corners = grid((height, width), edge, step)
    both = valid[0] & valid[1]
    shown = np.array([both[y : y + edge, x : x + edge].mean() for y, x in corners])
    corners = corners[shown >= LEAST_VALID]
    offsets, peaks = [np.empty((0, 2))], [np.empty(0)]
    for start in range(0, len(corners), BATCH):
        some = corners[start : start + BATCH]
        cut = [
            np.stack([image[y : y + edge, x : x + edge] for y, x in some])
            for image in (first, second)
        ]
        found = _correlate(cut[0], cut[1], edge)
        offsets.append(found[0])
        peaks.append(found[1])
    all_offsets, all_peaks = np.concatenate(offsets), np.concatenate(peaks)
    sure = all_peaks >= LEAST_PEAK
    return Blocks(corners[sure] + (edge - 1) / 2, all_offsets[sure], all_peaks[sure], len(corners))


def far(
    first: np.ndarray,
    second: np.ndarray,
    valid: tuple[np.ndarray, np.ndarray],
    near: np.ndarray,
    *,
    edge: int,
) -> Blocks:
    """Return where blocks lie that do not lie where the others do.

    They are looked for half a block off, or ``LEAST_REACH`` if that is more.

    Args:
        first: As of ``match``.
        second: As of ``match``.
        valid: As of ``match``.
        near: Centres of the blocks that lie where they should, ``(N, 2)``; they are left out.
        edge: Of a block, pixels.
    """
    height, width = second.shape
    step = edge // 2
    corners = grid((height, width), edge, step)
    both = valid[0] & valid[1]
    shown = np.array([both[y : y + edge, x : x + edge].mean() for y, x in corners])
    corners = corners[shown >= LEAST_VALID]
    n_tried = len(corners)
    centres = corners + (edge - 1) / 2
    apart = np.abs(centres[:, None] - near[None]).max(axis=2).min(axis=1, initial=np.inf)
    corners = corners[apart > step / 2]
    reach = max(edge // 2, LEAST_REACH)
    around = np.pad(second, reach)
    offsets, peaks = [np.empty((0, 2))], [np.empty(0)]
    for start in range(0, len(corners), BATCH):
        some = corners[start : start + BATCH]
        blocks = np.zeros((len(some), edge + 2 * reach, edge + 2 * reach), np.float32)
        window = np.outer(fading(edge), fading(edge))
        targets = np.empty_like(blocks)
        for k, (y, x) in enumerate(some):
            inside = slice(reach, reach + edge)
            blocks[k, inside, inside] = first[y : y + edge, x : x + edge] * window
            targets[k] = around[y : y + edge + 2 * reach, x : x + edge + 2 * reach]
        seen = _peaks(blocks, targets, blocks.shape[1], reach)
        offsets.append(seen[0])
        peaks.append(seen[1])
    all_offsets, all_peaks = np.concatenate(offsets), np.concatenate(peaks)
    sure = all_peaks >= LEAST_FAR_PEAK
    return Blocks(corners[sure] + (edge - 1) / 2, all_offsets[sure], all_peaks[sure], n_tried)


def _correlate(first: np.ndarray, second: np.ndarray, edge: int) -> tuple[np.ndarray, np.ndarray]:
    """Return offsets ``(N, 2)`` and heights ``(N,)`` of the peaks of stacks of blocks."""
    window = np.outer(fading(edge), fading(edge))
    room = fft.next_fast_len(edge * 3 // 2, True)
    return _peaks(first * window, second * window, room, edge // 4)


def _peaks(
    first: np.ndarray, second: np.ndarray, room: int, reach: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return offsets and heights of peaks, found up to ``reach`` in frames of edge ``room``."""
    frame = (room, room)
    spectra = [fft.rfft2(blocks, frame, workers=1) for blocks in (first, second)]
    cross = spectra[1] * np.conj(spectra[0])
    size = np.sqrt(np.abs(cross))
    cross /= size + 1e-3 * size.max(axis=(1, 2), keepdims=True) + 1e-12
    correlation = fft.irfft2(cross, frame, workers=1)
    spread = correlation.std(axis=(1, 2))
    middle = np.roll(correlation, (reach, reach), axis=(1, 2))[:, : 2 * reach + 1, : 2 * reach + 1]
    flat = middle.reshape(len(middle), -1)
    best = flat.argmax(axis=1)
    heights = flat[np.arange(len(flat)), best] / np.maximum(spread, 1e-12)
    y, x = np.divmod(best, 2 * reach + 1)
    y_finer = _subpixel(middle, y, x, 0)
    x_finer = _subpixel(middle, y, x, 1)
    at_rim = (y == 0) | (x == 0) | (y == 2 * reach) | (x == 2 * reach)
    heights = np.where(at_rim, 0.0, heights)
    return np.column_stack([y + y_finer - reach, x + x_finer - reach]), heights


def _subpixel(values: np.ndarray, y: np.ndarray, x: np.ndarray, axis: int) -> np.ndarray:
    """Return where parabolas through peaks and their neighbours are highest, from -0.5 to 0.5."""
    rows, last = np.arange(len(values)), values.shape[1] - 1
    step = (1, 0) if axis == 0 else (0, 1)
    before = values[rows, np.clip(y - step[0], 0, last), np.clip(x - step[1], 0, last)]
    after = values[rows, np.clip(y + step[0], 0, last), np.clip(x + step[1], 0, last)]
    at = values[rows, y, x]
    bend = before - 2 * at + after
    safe = np.where(bend < 0, bend, -1.0)
    return np.where(bend < 0, np.clip(0.5 * (before - after) / safe, -0.5, 0.5), 0.0)


def agree(blocks: Blocks, *, tolerance: float, least: int) -> tuple[np.ndarray, np.ndarray] | None:
    """Return the affine map that most blocks agree on, and which do; None if too few agree.

    Args:
        blocks: With offsets that are small, since the slices lie on each other already.
        tolerance: Distance up to which a block agrees, pixels.
        least: Number of blocks that must agree.

    Returns:
        The map from the first slice to the second, and ``(N,)``, bool.
    """
    if len(blocks.centres) < least:
        return None
    source, target = blocks.centres, blocks.centres + blocks.offsets
    start = _densest(blocks.offsets, 3 * tolerance)
    inside = np.linalg.norm(blocks.offsets - start, axis=1) < 6 * tolerance
    matrix = np.column_stack([np.eye(2), start])
    for limit in (6.0, 4.0, 2.5, 1.5, 1.0, 1.0, 1.0):
        if inside.sum() < least:
            return None
        matrix = _damped(source[inside], target[inside])
        residual = affine.distances(matrix, source, target)
        inside = residual < limit * tolerance
    if inside.sum() < least:
        return None
    return affine.fit(source[inside], target[inside]), inside


def _damped(source: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Return an affine fit that a few blocks on a line cannot turn into nonsense."""
    middle = source.mean(axis=0)
    radius = max(1.0, float(np.sqrt(((source - middle) ** 2).sum(axis=1).mean())))
    frame = middle + radius * np.array([[1.0, 0], [-1, 0], [0, 1], [0, -1]])
    shift = np.median(target - source, axis=0)
    return affine.fit(
        np.concatenate([source, frame]),
        np.concatenate([target, frame + shift]),
        np.concatenate([np.ones(len(source)), np.full(4, 0.02)]),
    )


def _densest(offsets: np.ndarray, radius: float) -> np.ndarray:
    """Return the mean of the offsets around that which has most others within a radius."""
    distances = np.linalg.norm(offsets[:, None] - offsets[None], axis=2)
    near = distances < radius
    best = int(near.sum(axis=1).argmax())
    middle: np.ndarray = offsets[near[best]].mean(axis=0)
    return middle
