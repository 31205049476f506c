"""Results that are things: each counts once, and is shown whole where it is found best.

The grid of patches is for measuring. A thing lies anywhere, and in several slices. So a result is
moved to where the windows around it score best on average; and what the same place goes on showing
in the slices before and after is the same thing, as is what is found in its place once moved.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from emqs.patches import boxes as patch_boxes

Score = Callable[[np.ndarray], np.ndarray]  # boxes (N, 5) -> scores (N,)


NONE = np.empty((0, 5), dtype=np.int64)  # no boxes
LIKELY = float(np.log(0.95 / 0.05))  # log odds of a rank among the best 5 %


def log_odds(scores: np.ndarray) -> np.ndarray:
    """Return the log odds of the rank of each score, ``(N,)``: 0 in the middle, high at the top."""
    ranks = np.empty(len(scores))
    ranks[np.argsort(scores, kind="stable")] = (np.arange(len(scores)) + 0.5) / len(scores)
    return np.log(ranks / (1 - ranks))


@dataclass(frozen=True)
class Things:
    """Chosen results, best first.

    Attributes:
        positions: Among the searched patches, ``(K,)``, int64.
        boxes: Where they are shown, ``(K, 5)``, int64.
        n_slices: In how many slices in a row each is seen, ``(K,)``, int64.
    """

    positions: np.ndarray
    boxes: np.ndarray
    n_slices: np.ndarray

    def at(self, order: np.ndarray) -> "Things":
        """Return them in another order, or some of them."""
        return Things(self.positions[order], self.boxes[order], self.n_slices[order])


class Spans:
    """The slices that things go through, told from the ranks of searched patches.

    Scores themselves say nothing: only their order counts.
    """

    def __init__(self, boxes: np.ndarray, scores: np.ndarray, *, consecutive: bool) -> None:
        """Keep the searched patches, ``(N, 5)``, and their scores ``(N,)``.

        Args:
            boxes: Searched patches.
            scores: Theirs.
            consecutive: Whether slices follow each other; if not, a thing lies in one.
        """
        self._boxes = boxes
        self._odds = log_odds(scores)
        self._of_slice = {int(z): np.flatnonzero(boxes[:, 0] == z) for z in np.unique(boxes[:, 0])}
        self._consecutive = consecutive

    def of(self, position: int) -> list[np.ndarray]:
        """Return the patches that show the thing of a searched patch, its own first."""
        return self(self._boxes[position], float(self._odds[position]))

    def of_example(self, box: np.ndarray) -> list[np.ndarray]:
        """Return the patches that show the thing of an example ``(5,)``, itself first."""
        return self(box, float(self._odds.max()))

    def __call__(self, box: np.ndarray, odds: float) -> list[np.ndarray]:
        """Return the patches that show the thing of one box, itself first.

        From slice to slice, the best patch in the place of the last one goes on with the thing as
        long as its rank is nearer to that of the thing than to the middle of all ranks, in log
        odds, or is among the best 5 %.

        Args:
            box: ``(5,)``.
            odds: Log odds of the rank of the thing.
        """
        seen = [box]
        least = min(odds / 2, LIKELY)
        for step in (-1, 1) if self._consecutive else ():
            last = box
            while (members := self._of_slice.get(int(last[0]) + step)) is not None:
                moved = last + np.array([step, 0, 0, 0, 0])
                near = members[patch_boxes.intersecting(self._boxes[members], moved)]
                if len(near) == 0 or self._odds[near].max() < least:
                    break
                last = self._boxes[near[int(self._odds[near].argmax())]]
                seen.append(last)
        return seen


def choose(
    order: np.ndarray,
    n: int,
    boxes: np.ndarray,
    *,
    spans: Callable[[int], list[np.ndarray]],
    reach: int,
    free: np.ndarray,
    place: Callable[[np.ndarray, np.ndarray], np.ndarray | None],
    known: np.ndarray = NONE,
) -> Things:
    """Return the first things of a ranking, each once.

    Args:
        order: Positions of the searched patches from best to worst, ``(N,)``.
        n: How many at most.
        boxes: Of the searched patches, ``(N, 5)``.
        spans: Given a position, returns the patches that show the same thing, its own first.
        reach: Slices before and after in which the same place is the same thing, in any case.
        free: Which may be shown, ``(N,)``, bool.
        place: Given a box and those that show things already, ``(K, 5)``, in all their slices,
            returns where it is shown, or None if that is one of these things.
        known: Boxes of things that are not looked for, ``(K, 5)``.
    """
    free = free.copy()
    positions: list[int] = []
    shown: list[np.ndarray] = []
    taken = known
    n_slices: list[int] = []
    for position in order.tolist():
        if len(positions) == n:
            break
        if not free[position]:
            continue
        box = place(boxes[position], taken)
        if box is None:
            continue
        seen = spans(position)
        held = np.array([*seen, *(np.array([z, *box[1:]]) for z, *_ in seen)])  # its place, too
        for other in held:
            free &= ~patch_boxes.intersecting(boxes, other, reach=reach)
        taken = np.concatenate([taken, held])
        positions.append(position)
        shown.append(box)
        n_slices.append(len(seen))
    return Things(
        np.array(positions, dtype=np.int64),
        np.array(shown, dtype=np.int64).reshape(-1, 5),
        np.array(n_slices, dtype=np.int64),
    )


def whole(boxes: np.ndarray, size: int, shapes: list[tuple[int, int]]) -> np.ndarray:
    """Return patches that are cut at a border, moved inwards until they are whole.

    Args:
        boxes: Shape ``(N, 5)``, int64.
        size: Edge of a whole patch, in pixels; a slice that is smaller cuts it.
        shapes: Height and width of each slice.
    """
    limits = np.array(shapes, dtype=np.int64).reshape(-1, 2)[boxes[:, 0]]
    edges = np.minimum(size, limits)
    starts = np.minimum(boxes[:, 1:3], limits - edges)
    return np.concatenate([boxes[:, :1], starts, edges], axis=1)


def best_place(
    box: np.ndarray,
    taken: np.ndarray,
    *,
    score: Score,
    step: int,
    shape: tuple[int, int],
    reach: int = 0,
) -> np.ndarray | None:
    """Return where around a patch the score is highest; None if something else is shown there.

    Args:
        box: ``(5,)``. It moves by half of its edge at most, and stays in its slice.
        taken: Boxes with which it must share no pixel, ``(K, 5)``. If the score is highest where
            one of these lies, more than half, it is what that box shows.
        score: Of boxes.
        step: In pixels.
        shape: Height and width of the slice.
        reach: Slices before and after in which the place of a taken box shows the same, too.
    """
    z, y, x, height, width = box.tolist()
    rows, columns = (
        np.unique(
            np.clip(np.arange(first - edge // 2, first + edge // 2 + 1, step), 0, most - edge)
        )
        for first, edge, most in ((y, height, shape[0]), (x, width, shape[1]))
    )
    grid = np.stack(np.meshgrid(rows, columns, indexing="ij"), axis=-1).reshape(-1, 2)
    rest = np.broadcast_to(np.array([height, width]), grid.shape)
    places = np.concatenate([np.full((len(grid), 1), z), grid, rest], axis=1)
    places = np.concatenate([box[None], places])  # where it was wins if nothing is better
    scores = score(places)
    if patch_boxes.mostly_over(taken, places[int(np.argmax(scores))], reach=reach).any():
        return None
    room = np.ones(len(places), dtype=bool)
    for other in taken[taken[:, 0] == z]:
        room &= ~patch_boxes.intersecting(places, other)
    if not room.any():
        return None
    best: np.ndarray = places[room][int(np.argmax(scores[room]))]
    return best
