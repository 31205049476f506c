"""Probabilities from examples that are held out in turn."""

from dataclasses import replace
from typing import Any

import numpy as np

from emqs.patches import windows
from emqs.retrieval import calibration, scorers
from emqs.retrieval.scorers.scorer import Scorer
from emqs.retrieval.stack_search import Examples, FittedExamples, Part, Scores, StackSearch


def describe(calibrated: calibration.Calibration | None, scores: np.ndarray) -> dict[str, Any]:
    """Return the block ``calibration`` of metrics.json, without what needs labels.

    Args:
        calibrated: What makes probabilities; None where there are too few examples.
        scores: Of the searched patches, shape ``(N,)``.
    """
    if calibrated is None:
        return {"calibration": None}
    threshold = calibration.suggested_threshold(scores, calibrated.probability(scores))
    return {
        "calibration": {
            "prevalence": calibrated.prevalence,
            "threshold": {
                "score": threshold.score,
                "probability": threshold.probability,
                "n_patches": threshold.n_patches,
                "expected_precision": threshold.precision,
                "expected_recall": threshold.recall,
            },
        }
    }


def calibrate(
    search: StackSearch,
    prepared: FittedExamples,
    scores: Scores,
    *,
    prevalence: float | None = None,
) -> calibration.Calibration | None:
    """Return what turns scores into probabilities, or None where there are too few examples.

    Examples that are left out in turn are scored without smoothing, so their place is sought among
    the scores that are not smoothed either; what follows from a place holds for the final ranking.

    Args:
        search: Which scorer, and whether probabilities are wanted.
        prepared: The examples.
        scores: Of all searched patches, without NaN.
        prevalence: Share of patches that are positive, if it is known; None: estimated.
    """
    least, query = calibration.MIN_EXAMPLES, search.query
    n_toward = prepared.parts[0].positives.n
    n_away = 0 if prepared.parts[0].negatives is None else prepared.parts[0].negatives.n
    if not query.calibrate or min(n_toward, n_away) < least:
        return None
    numbers = np.arange(n_toward), n_toward + np.arange(n_away)  # of the examples of both kinds

    def build(positives: np.ndarray, negatives: np.ndarray) -> calibration.Score:
        built = []
        for part in prepared.parts:
            codes = part.positives.of(positives), _of(part.negatives, negatives - n_toward)
            most = min(query.num_neighbors, *(len(c) for c in codes))
            fewer = replace(query, num_neighbors=most)  # an example is missing
            built.append(scorers.build(fewer, search.index, *codes, part.background))

        def score(examples: np.ndarray) -> np.ndarray:
            scored = [
                [_example_score(own, codes_of(part, n), search) for n in examples]
                for own, part in zip(built, prepared.parts, strict=True)
            ]
            return np.mean(scored, axis=0)

        return score

    def codes_of(part: Part, number: int) -> np.ndarray:
        if number < n_toward:
            return part.positives.of(number)
        return _of(part.negatives, number - n_toward)

    held_out = calibration.held_out_scores(build, *numbers)
    fitted = calibration.fit(*held_out, scores.single, prevalence=prevalence)
    return replace(fitted, ranked=np.sort(scores.ranking))


def _of(examples: Examples | None, numbers: np.ndarray | int) -> np.ndarray:
    """Return the codes of examples that there are."""
    if examples is None:
        raise TypeError("there are no examples of this kind")
    return examples.of(numbers)


def _example_score(scorer: Scorer, codes: np.ndarray, search: StackSearch) -> float:
    """Return the score of an example from those of its windows."""
    return float(windows.answer(scorer.score(codes), search.query.question))
