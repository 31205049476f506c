"""How codes of an encoder change where what is seen stays the same, and what makes it count less.

What a patch shows does not depend on how the slice lies, nor much on how near one looks; codes do,
though. Along which directions they differ was measured once, on the images that the encoder was
trained on (``benchmarks/turned_codes.py``), and is the same wherever it is used; it lies in a file
beside the weights. How they change from slice to slice is of a volume, and asked there.
"""

from functools import cache, reduce
from pathlib import Path
from zipfile import BadZipFile

import numpy as np

from emqs.errors import WeightsError
from emqs.files import replacing
from emqs.settings import WEIGHTS_DIR

ENDING = "turned.npz"
SHRINK = 1.0  # added to the variance of differences, in its mean
POWER = 0.25  # 0.5: differences would be as long in every direction, were nothing added


def save(path: Path, weights_sha256: str, covariance: np.ndarray) -> None:
    """Write a file.

    Args:
        path: Where to; an existing file is replaced.
        weights_sha256: Of the file of the encoder.
        covariance: Of differences of codes, ``(D, D)``, every dimension in units of its spread.
    """
    with replacing(path) as temporary, temporary.open("wb") as stream:
        np.savez(
            stream,
            weights_sha256=np.array(weights_sha256),
            covariance=covariance.astype(np.float32),
        )


@cache
def of(weights_sha256: str | None, folder: Path = WEIGHTS_DIR) -> np.ndarray | None:
    """Return how codes of an encoder change, ``(D, D)``, float64; to be read only.

    Args:
        weights_sha256: Of the file of the encoder; None: it has none.
        folder: Where files are looked for.

    Returns:
        Their covariance, every dimension in units of its spread. None: nobody measured it.

    Raises:
        WeightsError: If a file is damaged.
    """
    for path in sorted(folder.glob(f"*_{ENDING}")):
        try:
            with path.open("rb") as stream, np.load(stream, allow_pickle=False) as held:
                if str(held["weights_sha256"]) == weights_sha256:
                    covariance = np.asarray(held["covariance"], dtype=np.float64)
                    covariance.setflags(write=False)
                    return covariance
        except (OSError, EOFError, ValueError, KeyError, BadZipFile) as error:
            raise WeightsError(f"{path} is damaged: {error}. Get the file again.") from None
    return None


def steadied(covariance: np.ndarray) -> np.ndarray:
    """Return what makes directions of long differences count less.

    Args:
        covariance: Of differences of codes, ``(D, D)``, float64.

    Returns:
        A matrix that codes are multiplied with, ``(D, D)``, float64, symmetric.
    """
    values, vectors = np.linalg.eigh(covariance)
    values = np.maximum(values, 0)
    usual = values.mean()
    if usual == 0:
        return np.eye(len(values))
    shrunk = values / usual + SHRINK
    return np.asarray(vectors * shrunk**-POWER @ vectors.T)


def shortening(
    scale: np.ndarray, steps: np.ndarray | None, changes: np.ndarray | None
) -> np.ndarray | None:
    """Return what codes are multiplied with, once every dimension has one spread, or None.

    Args:
        scale: With which every dimension gets one spread, ``(D,)``, float64.
        steps: Differences of codes that mostly show the same thing, ``(n, D)``; None, or no rows:
            none are known.
        changes: What ``of`` returned.

    Returns:
        A matrix that makes both kinds of differences count less, ``(D, D)``, float64; None where
        neither is known.
    """
    known = []
    if steps is not None and len(steps):
        own = steps * scale
        known.append(steadied(np.asarray(own.T.astype(np.float64) @ own / len(own))))
    if changes is not None:
        known.append(steadied(changes))
    return reduce(np.matmul, known) if known else None
