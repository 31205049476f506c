"""The space in which codes are compared: metric and whitening."""

import threading
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from emqs.errors import DataError
from emqs.models import turned
from emqs.retrieval.settings import QueryConfig

STEADY = ("within", "turned")  # values of query.whiten


@dataclass(frozen=True, eq=False)
class Space:
    """Where distances are measured: the codes moved, scaled or turned as unlabelled codes say."""

    mean: np.ndarray | None  # (D,), float64; None: codes stay as they are
    scale: np.ndarray | None  # (D,): a factor per dimension; (D, E): a matrix; float64
    unit: bool  # divide each code by its length, so that directions alone count

    def __call__(self, codes: np.ndarray) -> np.ndarray:
        """Return codes in this space, shape ``(N, E)``, float32; zeros stay zeros."""
        if self.mean is not None and self.scale is not None:
            centred = codes.astype(np.float64) - self.mean
            codes = (centred * self.scale if self.scale.ndim == 1 else centred @ self.scale).astype(
                np.float32
            )
        if self.unit:
            length = np.linalg.norm(codes.astype(np.float64), axis=1, keepdims=True)
            codes = (codes / np.where(length == 0, 1, length)).astype(np.float32)
        return codes


def fit_space(
    config: QueryConfig,
    background: np.ndarray | None,
    steps: np.ndarray | None = None,
    changes: np.ndarray | None = None,
) -> Space:
    """Return the space that ``query.metric`` and ``query.whiten`` ask for.

    Args:
        config: ``whiten``: ``none``; ``standard``, every dimension with mean 0 and standard
            deviation 1; ``pca``, the same for every principal component, whose covariance is
            shrunk towards a sphere as Ledoit and Wolf say, so that it can be inverted; ``within``,
            ``standard`` first, then directions in which codes change from slice to slice count
            less; ``turned``, ``within`` first, then those in which they change where what is seen
            lies another way, or is of another size.
        background: Unlabelled codes that are searched, shape ``(M, D)``, float32; needed to
            whiten.
        steps: For ``within`` and ``turned``: differences of codes that mostly show the same thing,
            ``(n, D)``, float32. None, or no rows: without that.
        changes: For ``turned``: covariance of differences of the encoder's codes of the same thing,
            ``(D, D)``, float64, every dimension in units of its spread. None: without that.

    Raises:
        DataError: If there are fewer than two codes to learn from.

    Source:
        ``pca``: Ledoit and Wolf, A well-conditioned estimator for large-dimensional covariance
        matrices, J. Multivariate Analysis 88 (2004), as in scikit-learn. ``within``: Hatch,
        Kajarekar and Stolcke, Within-class covariance normalization for SVM-based speaker
        recognition, Interspeech 2006; that neighbours are the classes, and the power, are ours.
        ``turned``: Simard, Le Cun and Denker, Efficient pattern recognition using a new
        transformation distance, NIPS 1992, whose tangents are each example's own.
    """
    unit = config.metric == "cosine"
    if config.whiten == "none":
        return Space(None, None, unit)
    if background is None or len(background) < 2:
        n_patches = 0 if background is None else len(background)
        raise DataError(
            f"query.whiten={config.whiten} learns from at least 2 searched patches, got "
            f"{n_patches}. "
            "Search more slices or use query.whiten=none."
        )
    codes = background.astype(np.float64)
    mean = codes.mean(axis=0)
    spread = codes.std(axis=0)
    scale = 1 / np.where(spread > 0, spread, 1)  # what never varies says nothing, whatever it is
    if config.whiten == "standard" or config.whiten in STEADY:
        matrix = turned.shortening(
            scale,
            steps if config.whiten in STEADY else None,
            changes if config.whiten == "turned" else None,
        )
        return Space(mean, scale if matrix is None else scale[:, None] * matrix, unit)

    from sklearn.covariance import ledoit_wolf  # takes longer to import than most searches

    varies = spread > 0
    covariance, _ = ledoit_wolf((codes - mean)[:, varies] * scale[varies])
    values, vectors = np.linalg.eigh(covariance)
    matrix = np.zeros((codes.shape[1], len(values)))
    matrix[varies] = scale[varies, None] * vectors / np.sqrt(values)
    return Space(mean, matrix, unit)


class Background:
    """Unlabelled codes, and what many searches of a volume want to know of them.

    Attributes:
        codes: Shape ``(B, D)``, float32.
        steps: Asked once, and for ``whiten=within`` and ``turned`` alone: differences of codes
            that mostly show the same thing, ``(n, D)``, float32. None: there are none.
        weights_sha256: Of the file of the encoder: how its codes change may be known.
    """

    def __init__(
        self,
        codes: np.ndarray,
        steps: Callable[[], np.ndarray] | None = None,
        weights_sha256: str | None = None,
    ) -> None:
        """Keep the codes; nothing is learnt yet."""
        self.codes, self.steps, self.weights_sha256 = codes, steps, weights_sha256
        self._spaces: dict[tuple[str, str], Space] = {}
        self._means: dict[Space, np.ndarray] = {}
        self._inside: dict[Space, np.ndarray] = {}
        self._lock = threading.RLock()

    def space(self, config: QueryConfig) -> Space:
        """Return the space of ``fit_space``, learnt once."""
        key = config.metric, config.whiten
        with self._lock:
            if key not in self._spaces:
                known = self.steps if config.whiten in STEADY else None
                steps = None if known is None else known()
                changes = turned.of(self.weights_sha256) if config.whiten == "turned" else None
                self._spaces[key] = fit_space(config, self.codes, steps, changes)
            return self._spaces[key]

    def inside(self, space: Space) -> np.ndarray:
        """Return the codes inside a space, ``(B, E)``, float64, computed once; to be read only."""
        with self._lock:
            if space not in self._inside:
                self._inside[space] = space(self.codes).astype(np.float64)
            return self._inside[space]

    def mean(self, space: Space) -> np.ndarray:
        """Return the mean of the codes inside a space, ``(E,)``, float64, computed once."""
        with self._lock:
            if space not in self._means:
                self._means[space] = self.inside(space).mean(axis=0)
            return self._means[space]


def _metric(euclidean: np.ndarray, space: Space) -> np.ndarray:
    """Return Euclidean distances, or 1 - cosine, which is half their square at length 1."""
    return euclidean**2 / 2 if space.unit else euclidean
