"""What training minimises: how well a patch is reconstructed, and how codes are distributed.

The terms that compare two views of patches, or codes with a teacher's, are a few lines each and so
stand here in full: a package for them would be one more thing to install for every user.

Every reconstruction term takes the reconstruction and its target, both ``(N, 1, H, W)`` in [0, 1],
and returns one number that is smaller the better they agree. SSIM and MS-SSIM are those of
torchmetrics; they are computed in float32 and never rank anything.
"""

from collections.abc import Callable

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor
from torchmetrics.functional.image import (
    multiscale_structural_similarity_index_measure,
    structural_similarity_index_measure,
)

# Wang, Simoncelli and Bovik 2003 weigh five scales; a patch of 64 pixels has room for the first
# three of them (64, 32 and 16 pixels, window 11), whose weights are scaled to sum to 1.
MS_SSIM_WEIGHTS = (0.0448 / 0.6305, 0.2856 / 0.6305, 0.3001 / 0.6305)
MS_SSIM_SMALLEST = 44  # pixels; below, the window of 11 does not fit the coarsest scale


def bce(reconstruction: Tensor, target: Tensor) -> Tensor:
    """Return the mean binary cross-entropy per pixel; its minimum is the target's entropy."""
    return F.binary_cross_entropy(reconstruction, target)


def mse(reconstruction: Tensor, target: Tensor) -> Tensor:
    """Return the mean squared error per pixel."""
    return F.mse_loss(reconstruction, target)


def ssim(reconstruction: Tensor, target: Tensor) -> Tensor:
    """Return 1 - SSIM: Gaussian window of sigma 1.5 and 11 pixels, data range 1; in [0, 2]."""
    similarity = structural_similarity_index_measure(reconstruction, target, data_range=1.0)
    return 1 - torch.as_tensor(similarity)


def ms_ssim(reconstruction: Tensor, target: Tensor) -> Tensor:
    """Return 1 - MS-SSIM over three scales; in [0, 1], 0 for equal images.

    Each scale's similarity s in [-1, 1] enters as (s + 1) / 2: a negative one has no real power,
    and cutting it off at 0, torchmetrics' default, leaves no gradient to learn from.

    Raises:
        ValueError: If the images are smaller than ``MS_SSIM_SMALLEST`` pixels.
    """
    return 1 - multiscale_structural_similarity_index_measure(
        reconstruction, target, data_range=1.0, betas=MS_SSIM_WEIGHTS, normalize="simple"
    )


RECONSTRUCTION: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "bce": bce,
    "mse": mse,
    "ssim": ssim,
    "ms_ssim": ms_ssim,
}


def kl_divergence(mean: Tensor, log_variance: Tensor) -> Tensor:
    """Return the KL divergence of Gaussian codes from the standard normal distribution.

    Args:
        mean: Shape ``(N, D)``.
        log_variance: Shape ``(N, D)``.

    Returns:
        Nats: the sum over the D latents, the mean over the N codes.

    Source:
        Kingma and Welling, Auto-Encoding Variational Bayes, 2014, appendix B.
    """
    divergence = 0.5 * (mean.square() + log_variance.exp() - 1 - log_variance)
    return divergence.sum(dim=1).mean()


def kl_weight(beta: float, epoch: int, warmup_epochs: int) -> float:
    """Return the weight of the KL divergence in an epoch: 0 in the first, ``beta`` after warm-up.

    Args:
        beta: The final weight.
        epoch: Counted from 0.
        warmup_epochs: Over how many epochs it grows, linearly; 0: at once.
    """
    return beta if warmup_epochs == 0 else beta * min(1.0, epoch / warmup_epochs)


def consistency(codes: Tensor, others: Tensor) -> Tensor:
    """Return how far apart the codes of two views of the same patches are.

    The mean squared distance within pairs, divided by its value for random pairs: 0 if the two
    views always get the same code, about 1 if codes do not depend on the patch. Multiplying all
    codes by a number changes nothing, so it cannot be made small by shrinking codes.

    Args:
        codes: Of the first views, shape ``(N, D)``, N at least 2.
        others: Of the second views, same shape and order.
    """
    within = (codes - others).square().sum(dim=1).mean()
    spread = torch.cat([codes, others]).var(dim=0, correction=0).sum()
    return within / (2 * spread).clamp_min(1e-12)


def likeness_features(images: Tensor, *, quantiles: float, textures: float) -> Tensor:
    """Return features whose Euclidean distance says how unlike two patches look.

    Three groups, each scaled so that its distance is comparable with that of the pixels: the means
    of 8x8-pixel blocks (where is what), 64 quantiles of all intensities (how much of which grey,
    wherever it lies), and the sorted standard deviations of the blocks (how much texture).

    Args:
        images: Shape ``(N, 1, H, W)``, H and W multiples of 8.
        quantiles: Factor of the second group.
        textures: Factor of the third group.

    Returns:
        Shape ``(N, F)``, float32; no gradient flows through them.
    """
    with torch.no_grad():
        blocks = F.pixel_unshuffle(images.float(), 8)  # (N, 64, H / 8, W / 8)
        parts = [blocks.mean(dim=1).flatten(1)]
        if quantiles > 0:
            ranked = _sorted(images.float().flatten(1))  # (N, H * W)
            parts.append(
                quantiles * F.adaptive_avg_pool1d(ranked, 64) * parts[0].shape[1] ** 0.5 / 8
            )
        if textures > 0:
            parts.append(textures * blocks.std(dim=1).flatten(1).sort(dim=1).values)
        return 8 * torch.cat(parts, dim=1)  # a block has 8 x 8 pixels


def _sorted(rows: Tensor) -> Tensor:
    """Sort each row; NumPy is 30 times faster at it on the CPU than torch."""
    if rows.device.type == "cpu":
        return torch.from_numpy(np.sort(rows.numpy(), axis=1))
    return rows.sort(dim=1).values


def isometry(codes: Tensor, features: Tensor) -> Tensor:
    """Return how far the distances between codes are from those between features.

    The mean over all pairs of ``(d / D - 1)**2``: 0 if all distances are equal, 1 if all codes are.
    Relative errors, because a search depends on the order of small distances.

    Args:
        codes: Of N patches, shape ``(N, D)``. With N below 2 there is no pair, and the result is 0.
        features: Of the same patches, shape ``(N, F)``, already scaled.

    Source:
        After Sammon, A nonlinear mapping for data structure analysis, 1969, who divides by D once.
    """
    if len(codes) < 2:
        return codes.sum() * 0
    target = F.pdist(features).clamp_min(1e-3)
    return (F.pdist(codes) / target - 1).square().mean()


def nt_xent(
    first: Tensor, second: Tensor, temperature: float, overlaps: Tensor | None = None
) -> Tensor:
    """Return how hard it is to find the other view of a patch among all views in a batch.

    The cross-entropy, in nats, of choosing it by a softmax over cosine similarities; log(2N - 1) if
    all codes are alike.

    Args:
        first: Codes of the first views, shape ``(N, D)``, N at least 2.
        second: Of the second views, same shape and order.
        temperature: What similarities are divided by; small ones look at the most alike only.
        overlaps: Shape ``(N, N)``, bool: patches that show much of the same and are not to be told
            apart. The diagonal does not count.

    Source:
        Chen et al., A simple framework for contrastive learning of visual representations, 2020,
        equation 1.
    """
    codes = F.normalize(torch.cat([first, second]), dim=1)  # (2N, D)
    similarity = codes @ codes.T / temperature  # (2N, 2N)
    similarity.fill_diagonal_(-torch.inf)  # a view is not its own partner
    partners = torch.arange(len(codes), device=codes.device).roll(len(first))
    if overlaps is not None:
        apart = overlaps.repeat(2, 2)
        apart[torch.arange(len(codes)), partners] = False
        similarity = similarity.masked_fill(apart, -torch.inf)
    return F.cross_entropy(similarity, partners)


def vicreg(first: Tensor, second: Tensor) -> dict[str, Tensor]:
    """Return the terms of VICReg: views agree, codes vary, their numbers say different things.

    Args:
        first: Codes of the first views, shape ``(N, D)``, N at least 2.
        second: Of the second views, same shape and order.

    Returns:
        ``"invariance"``, the mean squared difference within pairs; ``"variance"``, by how much the
        standard deviation of each number stays below 1, mean of both views; ``"covariance"``, the
        sum of squared covariances of different numbers, divided by D, sum of both views.

    Source:
        Bardes et al., VICReg: variance-invariance-covariance regularization for self-supervised
        learning, 2022, section 4.1; means and sums as in the authors' code.
    """
    variance, covariance = first.new_zeros(()), first.new_zeros(())
    for codes in (first, second):
        centred = codes - codes.mean(dim=0)
        spread = (centred.square().sum(dim=0) / (len(codes) - 1) + 1e-4).sqrt()
        variance = variance + F.relu(1 - spread).mean() / 2
        products = centred.T @ centred / (len(codes) - 1)  # (D, D)
        different = products.square().sum() - products.diagonal().square().sum()
        covariance = covariance + different / codes.shape[1]
    return {
        "invariance": F.mse_loss(first, second),
        "variance": variance,
        "covariance": covariance,
    }


def standardised(features: Tensor) -> Tensor:
    """Return features ``(N, F)``, each of the F with mean 0 and variance 1; constant ones are 0."""
    centred = features - features.mean(dim=0)
    variance = centred.square().mean(dim=0).clamp_min(1e-12)  # before the root: its slope at 0 is
    return centred / variance.sqrt()  # infinite


def relations(codes: Tensor, features: Tensor) -> Tensor:
    """Return how far codes are from being alike where a teacher's features are.

    The mean squared difference of the cosine similarities of all pairs, after both were
    standardised, as a search does. The numbers of a code need not be those of the teacher.

    Args:
        codes: Of N patches, shape ``(N, D)``, N at least 2.
        features: The teacher's, of the same patches, shape ``(N, F)``.

    Source:
        After Park et al., Relational knowledge distillation, 2019 (there distances and angles).
    """
    mine, target = (F.normalize(standardised(x), dim=1) for x in (codes, features))
    difference = (mine @ mine.T - target @ target.T).square()  # 0 on the diagonal
    return difference.sum() / (len(codes) * (len(codes) - 1))


def regression(predicted: Tensor, features: Tensor) -> Tensor:
    """Return the mean squared error of predicting a teacher's standardised features.

    Args:
        predicted: From the codes of N patches, shape ``(N, F)``.
        features: The teacher's, same shape. 1 is the error of predicting nothing.

    Source:
        Romero et al., FitNets: hints for thin deep nets, 2015, equation 3.
    """
    return F.mse_loss(predicted, standardised(features))


def code_spread(codes: Tensor) -> Tensor:
    """Return how much codes differ: 0 if all are alike (collapsed), about 1 if in all directions.

    Args:
        codes: Shape ``(N, D)``; only their directions count.
    """
    directions = F.normalize(codes, dim=1)
    return directions.std(dim=0, correction=0).square().mean().sqrt() * codes.shape[1] ** 0.5
