"""What every scorer can do."""

from typing import Protocol

import numpy as np


class Scorer(Protocol):
    """Examples, ready to score patches."""

    def score(self, codes: np.ndarray) -> np.ndarray:
        """Return how much each code is like the structure; only the order matters.

        Args:
            codes: Shape ``(N, D)``, float32.

        Returns:
            Shape ``(N,)``, float64; higher is more alike.
        """
        ...
