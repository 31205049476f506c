"""Make a scorer of examples: how much is a code like the positive and unlike the negative ones?

``build`` is the only thing that the steps above need: examples in, an object with ``score`` out.
Which scorer, in which space distances are measured, stands in ``query``.
"""

from dataclasses import replace

import numpy as np

from emqs.embedding.short_codes import ShortCoder
from emqs.errors import ConfigError, DataError
from emqs.retrieval.scorers.heads import HEADS, Linear, TrainingExamples
from emqs.retrieval.scorers.nearest import Nearest, Neighbours
from emqs.retrieval.scorers.rough import RoughScore
from emqs.retrieval.scorers.scorer import Scorer
from emqs.retrieval.scorers.space import Background, fit_space
from emqs.retrieval.settings import SCORERS, IndexConfig, QueryConfig

ENSEMBLE = ("nearest", "logistic")  # what query.scorer=ensemble asks


class Fused:
    """Several scorers as the mean of standardised scores.

    Source:
        The sum of standardised scores: Montague and Aslam, Relevance score normalization for
        metasearch, CIKM 2001.
    """

    def __init__(self, parts: list[Scorer], background: np.ndarray, *, split: bool) -> None:
        """Learn mean and spread of the scores.

        Args:
            parts: S scorers.
            background: Unlabelled codes, shape ``(B, D)``; with ``split``, ``(B, S D)``.
            split: Whether every scorer has codes of its own, those of patches of several sizes
                around one point, side by side; otherwise all score the same codes.
        """
        self.parts = parts
        self.split = split
        scores = self._each(background)
        self.middle = scores.mean(axis=1, keepdims=True)
        spread = scores.std(axis=1, keepdims=True)
        self.spread = np.where(spread > 0, spread, 1)

    def score(self, codes: np.ndarray) -> np.ndarray:
        """Return the mean standardised score of codes, shape ``(N,)``, float64.

        Args:
            codes: Shape ``(N, D)``, with ``split`` ``(N, S D)``; float32.
        """
        return self.mean_of(self._each(codes))

    def mean_of(self, scores: np.ndarray) -> np.ndarray:
        """Return the mean of the scores of each part, ``(S, N)``, standardised first, ``(N,)``."""
        return np.asarray(((scores - self.middle) / self.spread).mean(axis=0))

    def _each(self, codes: np.ndarray) -> np.ndarray:
        """Return the score of each part, shape ``(S, N)``."""
        n = len(self.parts)
        split = np.split(codes, n, axis=1) if self.split else [codes] * n
        return np.stack([part.score(own) for part, own in zip(self.parts, split, strict=True)])


def rough(scorer: Scorer, coder: ShortCoder) -> RoughScore:
    """Return what scores short codes as a scorer would score rough embeddings.

    Args:
        scorer: Any; ``Nearest`` and linear ones need not make embeddings of short codes.
        coder: What short codes were made with.
    """
    if isinstance(scorer, Nearest | Linear):
        return scorer.rough(coder)

    def scores(short: np.ndarray) -> np.ndarray:
        return scorer.score(coder.decode(short))

    return scores


WITH_BACKGROUND = ("logistic", "svm", "density", "ensemble")  # unlabelled codes make these better
NEED_NEGATIVES = ("knn", "lda")


def needs_background(config: QueryConfig, *, has_negatives: bool) -> bool:
    """Return whether a scorer needs unlabelled codes.

    It does to whiten, to fuse sizes, as weak negatives, to know what is typical, and for want of
    negatives.
    """
    return (
        config.whiten != "none"
        or config.sizes is not None
        or config.typical
        or config.scorer in WITH_BACKGROUND
        or (config.scorer == "prototype" and not has_negatives)
    )


def build(
    config: QueryConfig,
    index: IndexConfig,
    positives: np.ndarray,
    negatives: np.ndarray | None,
    background: np.ndarray | Background | None = None,
) -> Scorer:
    """Return a scorer of the examples.

    Args:
        config: Which one (``scorer``), where it measures (``metric``, ``whiten``), and how many
            patch sizes there are (``sizes``).
        index: How nearest examples are found, for ``nearest`` and ``knn``.
        positives: Codes of the positive examples, shape ``(P, D)``, float32, at least one. With
            several sizes, the codes of each stand side by side, here and below.
        negatives: Codes of the negative examples, shape ``(M, D)``, float32; None if there are
            none, which ``nearest`` can do without, and for which all but ``knn`` and ``lda``
            take the background.
        background: Unlabelled codes that are searched, shape ``(B, D)``, float32; as a
            ``Background``, what is learnt of them is kept for the next scorer. None where
            ``needs_background`` says no.

    Returns:
        The scorer; the same codes and settings give the same one.

    Raises:
        ConfigError: If the scorer cannot do with so few examples, or none is named.
        DataError: If there are too few searched patches to learn from.
    """
    if isinstance(background, np.ndarray):
        background = Background(background)
    if config.sizes is None:
        return _build_one(config, index, positives, negatives, background)
    if background is None:
        raise DataError("query.sizes needs searched patches to compare scores on, got none.")
    n = len(config.sizes)
    parts = [
        _build_one(config, index, own_positives, own_negatives, Background(own_background))
        for own_positives, own_negatives, own_background in zip(
            np.split(positives, n, axis=1),
            [None] * n if negatives is None else np.split(negatives, n, axis=1),
            np.split(background.codes, n, axis=1),
            strict=True,
        )
    ]
    return Fused(parts, background.codes, split=True)


def _build_one(
    config: QueryConfig,
    index: IndexConfig,
    positives: np.ndarray,
    negatives: np.ndarray | None,
    background: Background | None,
) -> Scorer:
    """Return the scorer of one patch size; see ``build``."""
    if config.scorer is None:
        raise ConfigError(
            "query.scorer=null is for slices, where it depends on the encoder. Name one, such as "
            "query.scorer=logistic, or leave it out."
        )
    if config.scorer == "ensemble":
        if background is None:
            raise DataError("query.scorer=ensemble compares scores on searched patches, got none.")
        parts = [
            _build_one(replace(config, scorer=own), index, positives, negatives, background)
            for own in ENSEMBLE
        ]
        return Fused(parts, background.codes, split=False)
    space = fit_space(config, None) if background is None else background.space(config)
    if config.scorer == "nearest":
        return Nearest(
            positives, negatives, num_neighbors=config.num_neighbors, index=index, space=space,
            background=background if config.typical else None,
        )  # fmt: skip
    if negatives is None and (config.scorer in NEED_NEGATIVES or background is None):
        cannot = NEED_NEGATIVES if background is not None else NEED_NEGATIVES + WITH_BACKGROUND
        able = [scorer for scorer in SCORERS if scorer not in cannot]
        raise ConfigError(
            f"query.scorer={config.scorer} needs negative examples, and there are none. Give some, "
            f"or use query.scorer={', '.join(able[:-1])} or {able[-1]}."
        )
    if config.scorer == "knn" and negatives is not None:
        return Neighbours(positives, negatives, k=config.k, index=index, space=space)
    own, against = (
        space(positives[:0] if codes is None else codes).astype(np.float64)
        for codes in (positives, negatives)
    )
    given = TrainingExamples(
        own, against, own[:0] if background is None else background.inside(space)
    )
    return HEADS[config.scorer](given, config, space)
