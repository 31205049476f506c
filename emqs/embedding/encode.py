"""Run a model over patches."""

import logging
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import cast

import numpy as np
import torch
from torch import Tensor

from emqs.datasets import Stack
from emqs.embedding import dense
from emqs.errors import ConfigError, DataError, first_line
from emqs.models import Convolutional, Encoder, Fittable
from emqs.models.compute import DEFAULT, Compute
from emqs.models.weights import Model
from emqs.patches import cutting
from emqs.runs import progress

logger = logging.getLogger(__name__)

CPU_PATCHES = 16  # patches a network sees at once on a CPU, so that its feature maps stay in cache
FIT_PATCHES = 4096  # a fitted model learns from at most this many, drawn with a fixed seed


def pick_device() -> str:
    """Return ``"cuda"`` or ``"mps"`` where there is one, else ``"cpu"``."""
    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"


def images(model: Model, stack: Stack, boxes: np.ndarray) -> Tensor:
    """Return patches as the network wants them, shape ``(N, 1, H, W)``, float32 in [0, 1]."""
    size = model.preprocessing.size
    result = np.empty((len(boxes), size, size), dtype=np.float32)
    for z, numbers in cutting.by_slice(boxes, batch_size=max(1, len(boxes))):
        result[numbers] = cutting.cut(_slice(model, stack, z), boxes[numbers], size)
    return torch.from_numpy(result[:, None])


def _slice(model: Model, stack: Stack, z: int) -> np.ndarray:
    return cutting.with_contrast(stack.unit(z), model.preprocessing.contrast)


def fit(model: Model, stack: Stack, boxes: np.ndarray, *, seed: int = 0) -> None:
    """Let a model that learns from the searched dataset do so; others are left alone.

    Args:
        model: Its network changes if it has ``fit`` (PCA, histogram). Labels are never seen.
        stack: The slices.
        boxes: Patches to learn from, shape ``(N, 5)``; at most ``FIT_PATCHES`` are drawn.
        seed: Of that draw.

    Raises:
        DataError: If there are too few patches.
    """
    if not isinstance(model.network, Fittable):
        return
    chosen = np.random.default_rng(seed).permutation(len(boxes))[:FIT_PATCHES]
    try:
        model.network.fit(images(model, stack, boxes[np.sort(chosen)]))
    except ValueError as error:
        raise DataError(f"{error} Use a smaller patch.stride or more slices.") from None


def embed_batches(
    model: Model,
    stack: Stack,
    boxes: np.ndarray,
    *,
    patch_size: int | None = None,
    compute: Compute = DEFAULT,
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield codes batch by batch, so that neither patches nor codes need to fit in memory.

    A ``Convolutional`` network encodes every slice once and pools its features for each box (see
    ``emqs.dense``); others get every box on its own, resized to the size of their input.

    Args:
        model: The encoder.
        stack: The slices.
        boxes: Patch positions, shape ``(N, 5)``, integer, columns ``(z, y, x, height, width)``.
        patch_size: Edge of a whole patch, in pixels; None: the longest edge of a box. It decides
            the scale at which a ``Convolutional`` network sees a slice.
        compute: Device and batch size; patches of a batch are all of one slice.

    Yields:
        Positions in ``boxes``, ``(n,)``, and their codes, ``(n, D)``, float32; slice by slice.

    Raises:
        ConfigError: If the device is unknown or not there.
        DataError: If a code is not finite.
    """
    device = pick_device() if compute.device is None else compute.device
    try:
        encoder = cast(Encoder, model.network.to(device))
    except (RuntimeError, AssertionError) as error:  # torch raises either
        reason = first_line(error)
        raise ConfigError(
            f"device={device} cannot be used: {reason}. Use device=cpu, or device=null, which "
            "takes a GPU where there is one."
        ) from None
    whole = encoder if isinstance(encoder, Convolutional) else None
    if patch_size is None:
        patch_size = int(boxes[:, 3:].max(initial=1))
    current, image = -1, np.empty((0, 0), dtype=np.float32)
    for z, numbers in cutting.by_slice(boxes, max(1, len(boxes)) if whole else compute.batch_size):
        if z != current:
            current, image = z, _slice(model, stack, z)
        if whole:
            codes = dense.codes(whole, image, boxes[numbers], patch_size=patch_size, device=device)
        else:
            batch = cutting.cut(image, boxes[numbers], model.preprocessing.size)[:, None]
            codes = encode_images(encoder, torch.from_numpy(batch).to(device))
        if not np.isfinite(codes).all():
            bad = numbers[~np.isfinite(codes).all(axis=1)][0]
            raise DataError(
                f"The code of the patch at (z, y, x, height, width) = "
                f"{tuple(int(v) for v in boxes[bad])} of {stack.name} holds NaN or infinity."
            )
        yield numbers, codes


def encode_images(encoder: Encoder, inputs: Tensor) -> np.ndarray:
    """Return codes, shape ``(N, D)``, of patches on any device.

    On a CPU, each thread encodes small parts of its own. That is faster than sharing each
    convolution among threads, above all where other programs use the same processors.
    """

    def codes(part: Tensor) -> Tensor:
        with torch.inference_mode():
            return encoder.encode(part)

    if inputs.device.type != "cpu":
        return codes(inputs).cpu().numpy()
    n_threads = torch.get_num_threads()
    with ThreadPoolExecutor(n_threads, initializer=torch.set_num_threads, initargs=(1,)) as threads:
        return torch.cat(list(threads.map(codes, torch.split(inputs, CPU_PATCHES)))).numpy()


def embed(
    model: Model,
    stack: Stack,
    boxes: np.ndarray,
    *,
    patch_size: int | None = None,
    compute: Compute = DEFAULT,
) -> np.ndarray:
    """Return the code of every patch; patches are cut on the fly, a batch at a time.

    Args:
        model: The encoder.
        stack: The slices.
        boxes: Patch positions, shape ``(N, 5)``, integer, columns ``(z, y, x, height, width)``.
        patch_size: Edge of a whole patch, in pixels; None: the longest edge of a box.
        compute: Device, batch size and whether a bar is shown; does not change the result.

    Returns:
        Codes, shape ``(N, D)``, float32, in the order of ``boxes``.

    Raises:
        DataError: If a code is not finite.
    """
    codes = np.empty((len(boxes), cast(Encoder, model.network).code_size), dtype=np.float32)
    batches = embed_batches(model, stack, boxes, patch_size=patch_size, compute=compute)
    for numbers, batch in with_progress(batches, len(boxes), "embed", show=compute.progress):
        codes[numbers] = batch
    return codes


def with_progress(
    batches: Iterator[tuple[np.ndarray, np.ndarray]], total: int, what: str, *, show: bool
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Pass batches on, with a bar on the terminal that shows patches done and the time left.

    Args:
        batches: Pairs whose first array has one entry per patch.
        total: Number of patches in all.
        what: Word beside the bar.
        show: Whether to show it.
    """
    count = "{task.completed:,.0f} of {task.total:,.0f} patches"
    with progress.advancing(what, total, count, show=show) as advance:
        for numbers, batch in batches:
            yield numbers, batch
            advance(len(numbers))
