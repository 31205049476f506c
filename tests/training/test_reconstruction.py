"""The training step: what is summed, sampled and refused."""

import numpy as np
import pytest
import torch
from support.training_setup import train_config

from emqs import models
from emqs.errors import ConfigError
from emqs.training import losses
from emqs.training.augment import Batch
from emqs.training.module import check_trainable, rate_factor
from emqs.training.reconstruction import Reconstruction


def module(name: str, *overrides: str) -> Reconstruction:
    torch.manual_seed(0)
    config = train_config(f"model={name}", *overrides)
    return Reconstruction(models.build(name, dict(config.model.network)), config)


def batch(n: int = 6) -> Batch:
    images = torch.rand(2, n, 1, 64, 64, generator=torch.Generator().manual_seed(0))
    return Batch(images[0], images[1])


@pytest.mark.parametrize("name", ["pixels", "histogram", "pca", "random_conv"])
def test_baselines_cannot_be_trained(name: str) -> None:
    with pytest.raises(ConfigError, match=rf"model={name} is a baseline without training\. Train"):
        check_trainable(name, models.build(name, {}))


@pytest.mark.slow
@pytest.mark.parametrize("name", ["ae", "vae"])
def test_the_loss_is_the_weighted_sum_of_its_terms(name: str) -> None:
    trained = module(
        name, "loss.bce=2", "loss.mse=3", "loss.ssim=0.5", "loss.ms_ssim=0.25",
        "loss.consistency=0.1", "loss.isometry=0.2",
    )  # fmt: skip
    found = trained.terms(batch(), sample=True, beta=0.7)
    weights = {"bce": 2, "mse": 3, "ssim": 0.5, "ms_ssim": 0.25, "consistency": 0.1}
    weights |= {"isometry": 0.2}
    if name == "vae":
        weights["kl"] = 0.7 / 4096
    assert set(found) == {"loss", *weights}
    total = sum(weight * found[term].item() for term, weight in weights.items())
    assert found["loss"].item() == pytest.approx(total, rel=1e-5)


def test_each_term_is_that_of_losses_on_target_and_code() -> None:
    trained = module("vae", "loss.isometry=1", "loss.isometry_scale=0.5")
    inputs, targets = batch()
    found = trained.terms(Batch(inputs, targets), sample=False, beta=1.0)
    network = trained.network
    mean, log_variance = network.distribution(inputs)
    wanted = losses.bce(network.decode(mean), targets)
    assert found["bce"].item() == pytest.approx(wanted.item(), rel=1e-5)
    divergence = losses.kl_divergence(mean, log_variance)
    assert found["kl"].item() == pytest.approx(divergence.item(), rel=1e-4)
    looks = 0.5 * losses.likeness_features(targets, quantiles=2, textures=2)
    assert found["isometry"].item() == pytest.approx(losses.isometry(mean, looks).item(), rel=1e-3)


def test_a_vae_samples_in_training_only() -> None:
    trained = module("vae")
    values = [
        trained.terms(batch(), sample=sample, beta=0)["loss"].item() for sample in (True, True)
    ]
    fixed = [trained.terms(batch(), sample=False, beta=0)["loss"].item() for _ in range(2)]
    assert values[0] != values[1]
    assert fixed[0] == fixed[1]


@pytest.mark.slow
def test_sampling_follows_seed_epoch_and_step_alone() -> None:
    def sampled(seed: int, step: int) -> float:
        trained = module("vae", f"seed={seed}")
        torch.rand(7)  # what was drawn before does not count
        trained.on_train_batch_start(batch(), step)
        return trained.terms(batch(), sample=True, beta=0)["loss"].item()

    assert sampled(0, 0) == sampled(0, 0)
    assert len({sampled(seed, step) for seed in (0, 1) for step in (0, 1)}) == 4


def test_not_a_number_stops_with_an_error() -> None:
    trained = module("ae")
    with torch.no_grad():
        trained.network.conv1.weight[0] = np.nan
    with pytest.raises(
        ConfigError, match=r"diverged .* reconstruction is not finite.* Lower optim"
    ):
        trained.terms(batch(), sample=True, beta=0)
    trained = module("vae")
    with torch.no_grad():
        trained.network.fc_var.bias[:] = 200  # exp(200) is infinite in float32
    with pytest.raises(ConfigError, match=r"diverged .* the loss is inf"):
        trained.terms(batch(), sample=False, beta=1.0)


def test_ms_ssim_needs_large_patches() -> None:
    with pytest.raises(ConfigError, match=r"loss.ms_ssim needs images of at least 44 pixels"):
        module("ae", "loss=ms_ssim", "model.preprocessing.size=32")


def test_the_forward_pass_is_the_network_itself() -> None:
    trained = module("vae")
    torch.testing.assert_close(trained(batch().inputs), trained.network(batch().inputs))


def test_learning_rate_grows_then_stays_or_falls() -> None:
    constant = [rate_factor(s, steps=100, warmup=4, cosine=False) for s in range(100)]
    np.testing.assert_allclose(constant[:5], [0.2, 0.4, 0.6, 0.8, 1.0])
    assert set(constant[4:]) == {1.0}
    cosine = [rate_factor(s, steps=100, warmup=0, cosine=True) for s in range(101)]
    assert cosine[0] == 1
    assert cosine[50] == pytest.approx(0.5)
    assert cosine[100] == pytest.approx(0)
    assert cosine == sorted(cosine, reverse=True)
