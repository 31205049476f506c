"""Scores of candidates evened with those of neighbours, while codes are still being read.

Who lies beside whom is looked up once for each candidate, and places that are no candidates are
scored once. When more codes have been read, only what these change is summed again. So the scores
are those of evening all candidates anew (``neighbours.evened``).
"""

import numpy as np

from emqs.embedding.stores.several import SeveralStores
from emqs.retrieval import neighbours, ranking
from emqs.retrieval.scorers.scorer import Scorer


class Evening:
    """What is known of the neighbours of candidates.

    Candidates and places beside them that are none are counted together: candidates by their
    number, all others from there on, in the order in which they were met.
    """

    def __init__(
        self, joined: SeveralStores, scorer: Scorer, positions: np.ndarray, reach: float
    ) -> None:
        """Take the positions of candidates, ``(n,)``, int64, ascending."""
        self._joined, self._scorer, self._positions = joined, scorer, positions
        self._reach = reach
        self._evened, self._weights = np.zeros(len(positions)), np.ones(len(positions))
        self._member = np.empty(0, dtype=np.int64)  # candidates that were asked for ...
        self._beside = np.empty(0, dtype=np.int64)  # ... the number of a place beside each ...
        self._weight = np.empty(0)  # ... and how much it counts
        self._others = np.empty(0, dtype=np.int64)  # positions of places that are no candidates,
        self._numbers = np.empty(0, dtype=np.int64)  # ascending, and their numbers
        self._rough = np.empty(0)  # their scores, by number; NaN without a code

    def scores(self, asked: np.ndarray, new: np.ndarray, own: np.ndarray) -> np.ndarray:
        """Return evened scores of candidates, ``(m,)``, float64.

        Args:
            asked: Their numbers, among them no other new ones than those in ``new``.
            new: Numbers of those that have been read since the last call, or are asked for the
                first time, ascending.
            own: The score of every candidate alone.
        """
        self._look_around(new)
        has_changed = np.zeros(len(self._positions) + len(self._rough), dtype=np.bool_)
        has_changed[new] = True
        stale = np.zeros(len(self._positions), dtype=np.bool_)
        stale[new] = True
        stale[self._member[has_changed[self._beside]]] = True
        again = stale[self._member]
        member, values = self._member[again], np.concatenate([own, self._rough])
        weighted = self._weight[again] * values[self._beside[again]]
        total = own + np.bincount(member, weighted, minlength=len(own))
        self._evened[stale] = total[stale] / self._weights[stale]
        return self._evened[asked]

    def candidates_around(self, numbers: np.ndarray) -> np.ndarray:
        """Return the numbers of candidates beside some, with repetitions."""
        _, places, _ = self._around(numbers)
        beside, is_other = self._among(places)
        return beside[~is_other]

    def _around(self, numbers: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        return neighbours.around(
            self._joined, self._positions[numbers], reach=self._reach, along_z=neighbours.ALONG_Z
        )

    def _among(self, places: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the numbers of the candidates at places, and which places are none."""
        numbers = np.minimum(np.searchsorted(self._positions, places), len(self._positions) - 1)
        return numbers, self._positions[numbers] != places

    def _look_around(self, new: np.ndarray) -> None:
        """Look up the neighbours of candidates, and score what is met for the first time."""
        member, places, weights = self._around(new)
        beside, is_other = self._among(places)
        beside[is_other] = len(self._positions) + self._numbers_of(places[is_other])
        counts = np.ones(len(beside), dtype=np.bool_)
        counts[is_other] = ~np.isnan(self._rough[beside[is_other] - len(self._positions)])
        member, beside, weights = new[member[counts]], beside[counts], weights[counts]
        self._weights += np.bincount(member, weights, minlength=len(self._weights))
        self._member = np.concatenate([self._member, member])
        self._beside = np.concatenate([self._beside, beside])
        self._weight = np.concatenate([self._weight, weights])

    def _numbers_of(self, places: np.ndarray) -> np.ndarray:
        """Return the numbers of places that are no candidates; new ones are scored."""
        met = np.unique(places)
        unknown = met[~np.isin(met, self._others, assume_unique=True)]
        if len(unknown):
            scores = neighbours.of_codes(
                self._joined, lambda p: ranking.rough_scores(self._joined, self._scorer, p), unknown
            )
            numbers = len(self._rough) + np.arange(len(unknown))
            self._rough = np.concatenate([self._rough, scores])
            at = np.searchsorted(self._others, unknown)
            self._others = np.insert(self._others, at, unknown)
            self._numbers = np.insert(self._numbers, at, numbers)
        return self._numbers[np.searchsorted(self._others, places)]
