"""Nearest neighbours by brute force; never imported by emqs."""

import math

import numpy as np


def nearest(codes: np.ndarray, query: np.ndarray, k: int) -> tuple[list[int], list[float]]:
    """Positions and Euclidean distances of the k nearest codes, differences in float64."""
    differences = codes.astype(np.float64) - query.astype(np.float64)
    distances = np.sqrt((differences**2).sum(axis=1))
    order = sorted(range(len(codes)), key=lambda i: (distances[i], i))[:k]
    return order, [float(distances[i]) for i in order]


def score(positives: np.ndarray, negatives: np.ndarray, query: np.ndarray, k: int) -> float:
    """exp(-d+) - exp(-d-), d the mean distance to the k nearest examples of each kind."""
    to_positive = sum(nearest(positives, query, k)[1]) / k
    to_negative = sum(nearest(negatives, query, k)[1]) / k
    return math.exp(-to_positive) - math.exp(-to_negative)
