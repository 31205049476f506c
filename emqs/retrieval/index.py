"""Nearest neighbours among codes: Annoy (approximate) and exact, both Euclidean."""

import os
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from typing import Protocol

import numpy as np
from annoy import AnnoyIndex

from emqs.errors import ConfigError, DataError
from emqs.retrieval.settings import IndexConfig

BLOCK = 1 << 24  # exact: distances computed at once, to bound memory
N_THREADS = min(8, os.cpu_count() or 1)  # annoy: searching at the same time, same answers
SPARE = 8  # exact: candidates beyond k that are measured precisely, against rounding


class Index(Protocol):
    """A set of codes that can be asked for those nearest to others."""

    def __len__(self) -> int:
        """Return the number of codes."""
        ...

    def nearest(self, queries: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
        """Return the k nearest codes of each query.

        Args:
            queries: Shape ``(M, D)``, float32.
            k: How many, from 1 to ``len(self)``.

        Returns:
            Positions of the codes, ``(M, k)`` int64, and their Euclidean distances, ``(M, k)``
            float64, nearest first.
        """
        ...


def build(codes: np.ndarray, config: IndexConfig) -> Index:
    """Return an index over codes.

    Args:
        codes: Shape ``(N, D)``, float32, at least one, all finite.
        config: Which index, and its settings.

    Returns:
        The index; the same codes and settings give the same index.

    Raises:
        DataError: If there are no codes, or one is not finite.
    """
    if codes.ndim != 2 or len(codes) == 0:
        raise DataError(f"An index needs codes of shape (N, D) with N > 0, got {codes.shape}.")
    if not np.isfinite(codes).all():
        bad = int(np.flatnonzero(~np.isfinite(codes).all(axis=1))[0])
        raise DataError(f"Code {bad} of {len(codes)} holds NaN or infinity.")
    return ExactIndex(codes) if config.name == "exact" else AnnoyTrees(codes, config)


def _check(k: int, n_codes: int) -> None:
    if not 1 <= k <= n_codes:
        raise ConfigError(f"query.num_neighbors must be from 1 to {n_codes}, got {k}.")


class ExactIndex:
    """All distances, in float64."""

    def __init__(self, codes: np.ndarray) -> None:
        """Keep the codes, shape ``(N, D)``."""
        self.codes = codes.astype(np.float64)
        self.centre = self.codes.mean(axis=0)  # distances are the same from anywhere
        self.centred = self.codes - self.centre
        self.square_norms = np.einsum("nd,nd->n", self.centred, self.centred)

    def __len__(self) -> int:
        """Return the number of codes."""
        return len(self.codes)

    def nearest(self, queries: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
        """Return the k nearest codes of each query; see ``Index.nearest``.

        Candidates come from ``|q|^2 - 2 q.c + |c|^2``, which is fast and loses digits (fewer where
        the codes lie around the origin, so they are moved there); the distances of the best
        candidates are then computed from differences, so a code is at distance exactly 0 from
        itself. Where the k nearest are nearer than the next by more than the digits that are lost,
        only they are measured so; the answer is the same.
        """
        _check(k, len(self))
        ids = np.empty((len(queries), k), dtype=np.int64)
        distances = np.empty((len(queries), k), dtype=np.float64)
        step = max(1, BLOCK // max(len(self), (k + SPARE) * self.codes.shape[1]))
        for start in range(0, len(queries), step):
            block = queries[start : start + step].astype(np.float64)  # (m, D)
            moved = block - self.centre
            rough = self.square_norms - 2 * (moved @ self.centred.T)  # (m, N)
            # without |q|^2, which changes no order
            part = slice(start, start + step)
            near, clear = _told_apart(rough, k, self._lost(moved))
            ids[part], distances[part] = self._measured(block, near)
            if not clear.all():
                n_candidates = min(k + SPARE, len(self))
                unclear = np.flatnonzero(~clear)
                near = np.argpartition(rough[unclear], n_candidates - 1, axis=1)[:, :n_candidates]
                found, apart = self._measured(block[unclear], near)
                ids[start + unclear], distances[start + unclear] = found[:, :k], apart[:, :k]
        return ids, distances

    def _lost(self, moved: np.ndarray) -> np.ndarray:
        """Return how far squared distances of queries ``(m, D)`` can be off, ``(m,)``, float64."""
        longest = np.sqrt(self.square_norms.max()) + np.linalg.norm(self.centre)
        lengths = np.sqrt(np.einsum("md,md->m", moved, moved)) + longest
        return np.asarray(8 * (self.codes.shape[1] + 8) * np.finfo(np.float64).eps * lengths**2)

    def _measured(self, block: np.ndarray, near: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return candidates ``(m, n)`` and their distances from queries, nearest first."""
        near.sort(axis=1)  # equal distances keep the order of the codes
        exact = np.linalg.norm(self.codes[near] - block[:, None, :], axis=2)
        order = np.argsort(exact, axis=1, kind="stable")
        return np.take_along_axis(near, order, axis=1), np.take_along_axis(exact, order, axis=1)


def _told_apart(rough: np.ndarray, k: int, lost: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the k smallest of each row, ``(m, k)``, and whether no other may be among them."""
    if k == rough.shape[1]:
        near = np.broadcast_to(np.arange(k), rough.shape).copy()
        return near, np.ones(len(rough), dtype=np.bool_)
    rows = np.arange(len(rough))
    if k == 1:
        nearest = rough.argmin(axis=1)
        value = rough[rows, nearest]
        rough[rows, nearest] = np.inf
        following = rough.min(axis=1)
        rough[rows, nearest] = value
        return nearest[:, None], following - value > lost
    near = np.argpartition(rough, k, axis=1)[:, : k + 1]  # the last one is the next
    values = np.take_along_axis(rough, near, axis=1)
    return near[:, :k], values[:, k] - values[:, :k].max(axis=1) > lost


class AnnoyTrees:
    """Random-projection trees.

    Each query inspects at most ``search_k`` codes, by default ``n_trees * k``, taken from the trees
    in the order in which they promise most. Where there are no more codes than that, all of them
    are inspected: cheaper than walking trees that hold each code many times, and exact.

    Source:
        Annoy (Bernhardsson); 750 trees as in Patch-based Querying.
    """

    def __init__(self, codes: np.ndarray, config: IndexConfig) -> None:
        """Keep the codes, shape ``(N, D)``; trees are built when they are first needed."""
        self.codes = codes
        self.config = config

    @cached_property
    def trees(self) -> AnnoyIndex:
        """The trees, seeded."""
        trees = AnnoyIndex(self.codes.shape[1], "euclidean")
        trees.set_seed(self.config.seed)
        for position, code in enumerate(self.codes):
            trees.add_item(position, code)
        trees.build(self.config.n_trees, n_jobs=1)  # one job: the same trees on every machine
        return trees

    def __len__(self) -> int:
        """Return the number of codes."""
        return len(self.codes)

    def inspected(self, k: int) -> int:
        """Return how many codes a query for k neighbours may inspect."""
        return self.config.n_trees * k if self.config.search_k == -1 else self.config.search_k

    def nearest(self, queries: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
        """Return k near codes of each query; see ``Index.nearest``.

        Raises:
            DataError: If Annoy finds fewer than k.
        """
        _check(k, len(self))
        if len(self) <= self.inspected(k):
            return self.exact.nearest(queries, k)
        trees = self.trees  # built here, before threads ask for them
        ids = np.empty((len(queries), k), dtype=np.int64)
        parts = np.array_split(np.arange(len(queries)), N_THREADS)
        with ThreadPoolExecutor(N_THREADS) as threads:  # Annoy searches without Python's lock
            parts_near = threads.map(lambda part: self._near(trees, queries[part], k), parts)
            for part, near in zip(parts, parts_near, strict=True):
                ids[part] = near
        distances = np.linalg.norm(
            self.codes[ids].astype(np.float64) - queries[:, None, :].astype(np.float64), axis=2
        )
        return ids, distances

    @cached_property
    def exact(self) -> ExactIndex:
        """All codes without trees."""
        return ExactIndex(self.codes)

    def _near(self, trees: AnnoyIndex, queries: np.ndarray, k: int) -> np.ndarray:
        """Return the positions of k near codes of each query, shape ``(m, k)``."""
        ids = np.empty((len(queries), k), dtype=np.int64)
        for row, query in enumerate(queries.tolist()):
            numbers = trees.get_nns_by_vector(query, k, search_k=self.config.search_k)
            if len(numbers) < k:
                raise DataError(
                    f"Annoy found {len(numbers)} of {k} neighbours. Raise index.search_k (now "
                    f"{self.config.search_k}) or use index=exact."
                )
            ids[row] = numbers
        return ids
