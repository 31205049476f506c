"""Losses against literal definitions and laws."""

import math

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter
from torch.distributions import Normal, kl_divergence

from emqs.training import losses


def pair(seed: int = 0, n: int = 3, size: int = 64) -> tuple[torch.Tensor, torch.Tensor]:
    rng = np.random.default_rng(seed)
    target = gaussian_filter(rng.random((n, 1, size, size)), (0, 0, 2, 2))
    target = (target - target.min()) / (target.max() - target.min())
    made = np.clip(target + rng.normal(0, 0.2, target.shape), 0.01, 0.99)
    return torch.from_numpy(made).float(), torch.from_numpy(target).float()


def similarity(a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """SSIM and its contrast-structure part at every pixel; Wang et al. 2004, equation 13."""

    def smooth(x: np.ndarray) -> np.ndarray:
        return gaussian_filter(x, 1.5, mode="mirror", radius=5)

    c1, c2 = 0.01**2, 0.03**2
    ma, mb = smooth(a), smooth(b)
    va, vb, cov = smooth(a * a) - ma**2, smooth(b * b) - mb**2, smooth(a * b) - ma * mb
    structure = (2 * cov + c2) / (va + vb + c2)
    return (2 * ma * mb + c1) / (ma**2 + mb**2 + c1) * structure, structure


def test_bce_and_mse_equal_their_formulas() -> None:
    made, target = pair()
    p, t = made.double().numpy(), target.double().numpy()
    entropy = -(t * np.log(p) + (1 - t) * np.log(1 - p)).mean()
    assert losses.bce(made, target).item() == pytest.approx(entropy, rel=1e-5)
    assert losses.mse(made, target).item() == pytest.approx(((p - t) ** 2).mean(), rel=1e-5)


def test_ssim_equals_its_definition() -> None:
    made, target = pair()
    wanted = np.mean(
        [similarity(a, b)[0].mean() for a, b in zip(made[:, 0].double().numpy(),
                                                    target[:, 0].double().numpy(), strict=True)]
    )  # fmt: skip
    assert losses.ssim(made, target).item() == pytest.approx(1 - wanted, abs=1e-4)


def test_ms_ssim_equals_its_definition_over_three_scales() -> None:
    made, target = pair(n=1)
    a, b = made[0, 0].double().numpy(), target[0, 0].double().numpy()
    weights = np.array([0.0448, 0.2856, 0.3001])
    product = 1.0
    for scale, weight in enumerate(weights / weights.sum()):
        whole, structure = similarity(a, b)
        value = whole.mean() if scale == 2 else structure[5:-5, 5:-5].mean()
        product *= ((value + 1) / 2) ** weight
        a, b = (x.reshape(len(x) // 2, 2, -1, 2).mean(axis=(1, 3)) for x in (a, b))
    assert losses.ms_ssim(made, target).item() == pytest.approx(1 - product, abs=1e-4)


@pytest.mark.parametrize("name", ["mse", "ssim", "ms_ssim"])
def test_reconstruction_terms_are_0_for_equal_images_and_grow_with_noise(name: str) -> None:
    term = losses.RECONSTRUCTION[name]
    _, target = pair()
    noise = torch.from_numpy(np.random.default_rng(1).normal(size=target.shape)).float()
    values = [term((target + s * noise).clamp(0, 1), target).item() for s in (0, 0.05, 0.1, 0.3)]
    assert values[0] == pytest.approx(0, abs=1e-5)
    assert values == sorted(values)
    assert values[-1] > 0.01


def test_ms_ssim_teaches_something_even_to_an_inverted_image() -> None:
    _, target = pair()
    made = (1 - target).requires_grad_()
    losses.ms_ssim(made, target).backward()
    assert made.grad is not None
    assert torch.isfinite(made.grad).all()
    assert made.grad.abs().max() > 1e-6


def test_ms_ssim_fits_the_smallest_size_and_no_smaller() -> None:
    size = losses.MS_SSIM_SMALLEST
    assert losses.ms_ssim(*pair(size=size)).item() > 0
    with pytest.raises(ValueError, match="image height must be larger"):
        losses.ms_ssim(*pair(size=size - 1))


def test_kl_divergence_equals_torch_distributions() -> None:
    generator = torch.Generator().manual_seed(0)
    mean, log_variance = torch.randn(2, 5, 7, generator=generator)
    codes = Normal(mean, (0.5 * log_variance).exp())
    wanted = kl_divergence(codes, Normal(0.0, 1.0)).sum(dim=1).mean()
    assert losses.kl_divergence(mean, log_variance).item() == pytest.approx(wanted.item(), rel=1e-5)
    assert losses.kl_divergence(torch.zeros(2, 3), torch.zeros(2, 3)).item() == 0


@pytest.mark.parametrize(
    ("epoch", "warmup", "wanted"),
    [(0, 0, 2.0), (0, 4, 0.0), (1, 4, 0.5), (4, 4, 2.0), (9, 4, 2.0)],
)
def test_kl_weight_grows_to_beta(epoch: int, warmup: int, wanted: float) -> None:
    assert losses.kl_weight(2.0, epoch, warmup) == wanted


def test_consistency_is_0_for_equal_codes_1_for_unrelated_ones_and_has_no_scale() -> None:
    generator = torch.Generator().manual_seed(0)
    codes, others = torch.randn(2, 4000, 8, generator=generator)
    assert losses.consistency(codes, codes).item() == 0
    assert losses.consistency(codes, others).item() == pytest.approx(1, abs=0.03)
    near = codes + 0.1 * others
    small = losses.consistency(0.01 * near, 0.01 * codes).item()
    assert small == pytest.approx(losses.consistency(near, codes).item(), rel=1e-4)
    assert torch.isfinite(losses.consistency(torch.zeros(4, 2), torch.zeros(4, 2)))


def test_isometry_equals_the_mean_over_pairs() -> None:
    generator = torch.Generator().manual_seed(0)
    codes, features = torch.randn(6, 3, generator=generator), torch.randn(6, 9, generator=generator)
    errors = []
    for i in range(6):
        for j in range(i):
            d, wanted = math.dist(codes[i], codes[j]), math.dist(features[i], features[j])
            errors.append((d / wanted - 1) ** 2)
    assert losses.isometry(codes, features).item() == pytest.approx(np.mean(errors), rel=1e-5)


def test_isometry_is_0_for_equal_distances_and_1_for_equal_codes() -> None:
    features = torch.randn(8, 5, generator=torch.Generator().manual_seed(0))
    turn = torch.linalg.qr(torch.randn(5, 5, generator=torch.Generator().manual_seed(1)))[0]
    assert losses.isometry(features @ turn, features).item() == pytest.approx(0, abs=1e-6)
    same = torch.ones(8, 5, requires_grad=True)
    result = losses.isometry(same, features)
    result.backward()
    assert result.item() == pytest.approx(1)
    assert same.grad is not None
    assert torch.isfinite(same.grad).all()
    assert losses.isometry(features[:1], features[:1]).item() == 0


def test_likeness_features_equal_their_description() -> None:
    images = torch.rand(2, 1, 64, 64, generator=torch.Generator().manual_seed(0))
    found = losses.likeness_features(images, quantiles=2, textures=3).numpy()
    for image, row in zip(images[:, 0].numpy(), found, strict=True):
        blocks = [image[y : y + 8, x : x + 8] for y in range(0, 64, 8) for x in range(0, 64, 8)]
        ranked = np.sort(image, axis=None).reshape(64, 64).mean(axis=1)
        texture = np.sort([block.std(ddof=1) for block in blocks])
        wanted = np.concatenate([[b.mean() for b in blocks], 2 * ranked, 3 * texture]) * 8
        np.testing.assert_allclose(row, wanted, rtol=1e-4)
    assert losses.likeness_features(images, quantiles=0, textures=0).shape == (2, 64)


def views(n: int = 6, length: int = 5, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    first, noise = torch.randn(2, n, length, generator=generator)
    return first, first + 0.3 * noise


def cosine(a: np.ndarray, b: np.ndarray) -> float:
    return float(a @ b / math.sqrt((a @ a) * (b @ b)))


def test_nt_xent_equals_the_sum_over_all_views() -> None:
    first, second = views()
    codes = [*first.double().numpy(), *second.double().numpy()]
    terms = []
    for i, code in enumerate(codes):
        partner = codes[(i + 6) % 12]
        others = [math.exp(cosine(code, c) / 0.3) for j, c in enumerate(codes) if j != i]
        terms.append(-math.log(math.exp(cosine(code, partner) / 0.3) / sum(others)))
    found = losses.nt_xent(first, second, 0.3).item()
    assert found == pytest.approx(np.mean(terms), rel=1e-5)


def test_nt_xent_has_no_scale_and_knows_collapse() -> None:
    first, second = views(16, 8)
    value = losses.nt_xent(first, second, 0.2)
    assert losses.nt_xent(second, first, 0.2).item() == pytest.approx(value.item(), rel=1e-5)
    assert losses.nt_xent(7 * first, second, 0.2).item() == pytest.approx(value.item(), rel=1e-5)
    same = torch.ones(16, 8)
    assert losses.nt_xent(same, same, 0.2).item() == pytest.approx(math.log(31), rel=1e-5)
    apart = torch.eye(16)
    assert losses.nt_xent(apart, apart, 0.05).item() < 1e-4
    assert losses.nt_xent(apart, apart.roll(1, dims=0), 0.05).item() > 10


def test_vicreg_equals_its_definition() -> None:
    first, second = views(7, 4)
    found = losses.vicreg(first, 0.5 * second)
    a, b = first.double().numpy(), 0.5 * second.double().numpy()
    assert found["invariance"].item() == pytest.approx(np.mean((a - b) ** 2), rel=1e-5)
    deviations = [math.sqrt(np.var(x[:, j], ddof=1) + 1e-4) for x in (a, b) for j in range(4)]
    wanted = np.mean([max(0.0, 1 - d) for d in deviations])
    assert found["variance"].item() == pytest.approx(wanted, rel=1e-4)
    squares = [
        np.cov(x.T)[i, j] ** 2 / 4 for x in (a, b) for i in range(4) for j in range(4) if i != j
    ]
    assert found["covariance"].item() == pytest.approx(sum(squares), rel=1e-4)


def test_vicreg_punishes_collapse_and_repetition_only() -> None:
    codes = torch.randn(5000, 6, generator=torch.Generator().manual_seed(0)) * 1.2
    good = losses.vicreg(codes, codes)
    assert [round(term.item(), 2) for term in good.values()] == [0, 0, 0]
    collapsed = losses.vicreg(torch.ones(50, 6), torch.ones(50, 6))
    assert collapsed["variance"].item() == pytest.approx(1 - math.sqrt(1e-4), abs=1e-4)
    repeated = codes[:, :1].repeat(1, 6)
    assert losses.vicreg(repeated, repeated)["covariance"].item() > 10


def test_relations_equal_the_mean_over_pairs() -> None:
    codes, features = views(6, 5)[0], views(6, 9, seed=1)[0]

    def scaled(x: torch.Tensor) -> np.ndarray:
        y = x.double().numpy()
        return (y - y.mean(axis=0)) / y.std(axis=0)

    a, b = scaled(codes), scaled(features)
    differences = [
        (cosine(a[i], a[j]) - cosine(b[i], b[j])) ** 2 for i in range(6) for j in range(6) if i != j
    ]
    found = losses.relations(codes, features).item()
    assert found == pytest.approx(np.mean(differences), rel=1e-4)


def test_relations_mind_neither_the_order_nor_the_size_of_the_numbers() -> None:
    features = views(20, 6)[0]
    turned = 3 * features[:, torch.tensor([5, 2, 0, 1, 3, 4])] + 7
    assert losses.relations(turned, features).item() == pytest.approx(0, abs=1e-9)
    assert losses.relations(views(20, 6, seed=2)[0], features).item() > 0.05
    constant = torch.ones(20, 6, requires_grad=True)
    losses.relations(constant, features).backward()
    assert constant.grad is not None
    assert torch.isfinite(constant.grad).all()


def test_regression_is_0_for_the_standardised_teacher_and_1_for_nothing() -> None:
    features = 5 * views(30, 4)[0] + 2
    wanted = (features - features.mean(dim=0)) / features.std(dim=0, correction=0)
    assert losses.regression(wanted, features).item() == pytest.approx(0, abs=1e-10)
    assert losses.regression(torch.zeros(30, 4), features).item() == pytest.approx(1, rel=1e-5)


def test_code_spread_is_0_after_collapse_and_1_in_all_directions() -> None:
    codes = torch.randn(5000, 16, generator=torch.Generator().manual_seed(0))
    assert losses.code_spread(codes).item() == pytest.approx(1, abs=0.01)
    assert losses.code_spread(100 * codes).item() == pytest.approx(1, abs=0.01)
    assert losses.code_spread(torch.ones(10, 16)).item() == pytest.approx(0, abs=1e-6)
    assert losses.code_spread(codes * 0.01 + 1).item() < 0.02
