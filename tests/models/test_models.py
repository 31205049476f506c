import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import sklearn.decomposition
import torch
from reference import networks
from torch import Tensor

from emqs import models
from emqs.errors import ConfigError
from emqs.training import losses

SHARED_LAYERS = ("conv1", "conv2", "conv3", "t_conv1", "t_conv2", "t_conv3")
LAYERS = {
    "ae": (*SHARED_LAYERS, "fc_enc", "fc_dec"),
    "vae": (*SHARED_LAYERS, "fc_mu", "fc_var", "fc_z"),
}


def pictures(n: int, seed: int = 0, size: int = 64) -> Tensor:
    """Grey noise in [0, 1], smooth enough to have leading components, shape (n, 1, size, size)."""
    rng = np.random.default_rng(seed)
    waves = rng.normal(size=(50, size * size)).cumsum(axis=1) / size
    mixed = rng.normal(size=(n, 50)) * np.linspace(3, 0.3, 50) @ waves
    grey = 0.5 + 0.02 * mixed + rng.normal(size=mixed.shape) * 0.02
    return torch.from_numpy(grey.clip(0, 1).astype(np.float32).reshape(n, 1, size, size))


@pytest.mark.parametrize(
    ("name", "n_parameters", "n_tensors"), [("ae", 160353, 16), ("vae", 225921, 18)]
)
def test_size_and_names_of_the_published_networks(
    name: str, n_parameters: int, n_tensors: int
) -> None:
    network = models.build(name, {})
    assert sum(p.numel() for p in network.parameters()) == n_parameters
    state = network.state_dict()
    assert len(state) == n_tensors
    assert set(state) == {
        f"{layer}.{part}" for layer in LAYERS[name] for part in ("weight", "bias")
    }
    assert not network.training


@pytest.mark.parametrize("name", ["ae", "vae"])
def test_networks_equal_the_documented_layers(name: str) -> None:
    torch.manual_seed(0)
    network = models.build(name, {})
    for parameter in network.parameters():  # larger than fresh ones, so that every layer matters
        parameter.data = torch.randn_like(parameter) * 0.1
    check_against_layers(network, dict(network.state_dict()))


def check_against_layers(network: Any, weights: dict[str, Tensor]) -> None:  # noqa: ANN401
    images = torch.rand(5, 1, 64, 64, generator=torch.Generator().manual_seed(1))
    with torch.inference_mode():
        codes, pixels = network.encode(images), network(images)
        expected = networks.encode(weights, images)
        assert codes.shape == (5, 32)
        assert pixels.shape == (5, 1, 64, 64)
        scale = float(expected.abs().max())
        assert (
            float(expected.std(0).min()) > 1e-4 * scale
        )  # codes differ, so equality says something
        assert float((codes - expected).abs().max()) < 1e-5 * scale
        assert float((pixels - networks.decode(weights, expected)).abs().max()) < 1e-5
        assert (
            float((network.decode(expected) - networks.decode(weights, expected)).abs().max())
            < 1e-5
        )


@pytest.mark.parametrize(
    "kind", ["ae_pretrained", "ae_finetuned", "vae_pretrained", "vae_finetuned"]
)
def test_published_weights_equal_the_documented_layers(kind: str, weights_dir: Path) -> None:
    checkpoint = torch.load(weights_dir / f"{kind}.pth.tar", weights_only=True, map_location="cpu")
    network = models.build(kind.split("_")[0], {})
    network.load_state_dict(checkpoint["state_dict"])
    check_against_layers(network, checkpoint["state_dict"])


def test_vae_distribution_and_sampling() -> None:
    network: Any = models.build("vae", {})
    images = pictures(3)
    with torch.inference_mode():
        mean, log_variance = network.distribution(images)
        assert torch.equal(mean, network.encode(images))
        weights = network.state_dict()
        expected = networks.features(weights, images) @ weights["fc_var.weight"].T
        assert torch.allclose(log_variance, expected + weights["fc_var.bias"], atol=1e-5)
        torch.manual_seed(0)
        many = network.sample(torch.full((20000, 2), 3.0), torch.tensor([0.0, 2.0]).log() * 2)
    assert many[:, 0].std() == 0  # a variance of 0
    assert float(many[:, 1].std()) == pytest.approx(2, abs=0.05)
    assert float(many[:, 1].mean()) == pytest.approx(3, abs=0.06)


def test_gradients_flow_through_a_sample() -> None:
    network: Any = models.build("vae", {})
    mean, log_variance = network.distribution(pictures(2))
    network.decode(network.sample(mean, log_variance)).sum().backward()
    for name, parameter in network.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.abs().sum() > 0, name


@pytest.mark.parametrize(
    ("name", "settings", "code_size"),
    [
        ("ae", {}, 32),
        ("ae", {"latent_size": 7, "activation": "gelu"}, 7),
        ("vae", {"latent_size": 1, "activation": "elu"}, 1),
        ("histogram", {}, 18),
        ("histogram", {"bins": 4}, 6),
        ("pca", {"latent_size": 3}, 3),
        ("pixels", {}, 4096),
        ("pixels", {"size": 16}, 256),
        ("random_conv", {"latent_size": 5}, 5),
    ],
)
def test_shapes(name: str, settings: dict[str, Any], code_size: int) -> None:
    network = models.build(name, settings)
    assert isinstance(network, models.Encoder)
    assert isinstance(network, models.Fittable) == (name in ("pca", "histogram"))
    assert network.code_size == code_size
    images = pictures(4, size=network.input_size)
    with torch.inference_mode():
        codes = network.encode(images)
        assert codes.shape == (4, code_size)
        assert codes.dtype == torch.float32
        alone = torch.cat([network.encode(image[None]) for image in images])
        assert torch.allclose(codes, alone, atol=1e-5)  # a batch changes nothing


@pytest.mark.parametrize("activation", ["relu", "leaky_relu", "elu", "gelu"])
def test_the_activation_is_the_one_asked_for(activation: str) -> None:
    torch.manual_seed(0)
    network: Any = models.build("ae", {"activation": activation})
    function = getattr(torch.nn.functional, activation)
    x = pictures(2)
    for layer in (network.conv1, network.conv2, network.conv3):
        x = torch.nn.functional.max_pool2d(function(layer(x)), 2)
    assert torch.allclose(network.features(pictures(2)), x.flatten(1), atol=1e-6)


@pytest.mark.parametrize(
    ("name", "settings", "message"),
    [
        ("AE", {}, f"model.name must be one of {', '.join(models.NETWORKS)}, got 'AE'."),
        ("ae", {"latent": 3}, "model 'ae' cannot be built from {'latent': 3}: "),
        ("ae", {"latent_size": 0}, "model 'ae' cannot be built from {'latent_size': 0}: latent"),
        ("vae", {"latent_size": -2}, "model 'vae' cannot be built from {'latent_size': -2}: l"),
        ("vae", {"latent_size": "a"}, "model 'vae' cannot be built from {'latent_size': 'a'}: "),
        ("random_conv", {"latent_size": 0}, "model 'random_conv' cannot be built from {'latent_"),
        ("random_conv", {"seed": "a"}, "model 'random_conv' cannot be built from {'seed': 'a'}: "),
        (
            "ae",
            {"activation": "tanh"},
            "model 'ae' cannot be built from {'activation': 'tanh'}: model.network.activation must "
            "be one of relu, leaky_relu, elu, gelu, got 'tanh'.",
        ),
        ("histogram", {"bins": 0}, "model 'histogram' cannot be built from {'bins': 0}: size and "),
        ("pca", {"latent_size": 4097}, "model 'pca' cannot be built from {'latent_size': 4097}: "),
        ("pca", {"latent_size": 0}, "model 'pca' cannot be built from {'latent_size': 0}: latent_"),
        ("pixels", {"size": 0}, "model 'pixels' cannot be built from {'size': 0}: size must be a "),
        ("pixels", {"size": 8.5}, "model 'pixels' cannot be built from {'size': 8.5}: size must "),
    ],
)  # fmt: skip
def test_models_that_cannot_be_built(name: str, settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=f"^{re.escape(message)}"):
        models.build(name, settings)


def test_pixels_are_the_pixels() -> None:
    images = pictures(3)
    network: Any = models.build("pixels", {})
    assert np.array_equal(network.encode(images).numpy(), images.numpy().reshape(3, -1))


@pytest.mark.parametrize("bins", [16, 5])
def test_histogram_equals_numpy(bins: int) -> None:
    images = pictures(40)
    images[0, 0, :8] = 0.0  # the ends of the range belong to the first and the last bin
    images[0, 0, 8:20] = 1.0
    network: Any = models.build("histogram", {"bins": bins})
    raw = []
    for image in images.numpy():
        counts, _ = np.histogram(image.astype(np.float64), bins=bins, range=(0, 1))
        raw.append([image.mean(), image.std(), *(counts / image.size)])
    expected = np.array(raw)
    assert np.abs(network.encode(images).numpy() - expected).max() < 1e-6  # not fitted: as they are
    network.fit(images)
    spread = expected.std(axis=0)
    standard = (expected - expected.mean(axis=0)) / np.where(spread > 0, spread, 1)
    codes = network.encode(images).numpy()
    assert np.abs(codes - standard).max() < 1e-3
    assert np.isfinite(codes).all()
    varies = spread > 0
    assert np.abs(codes.mean(axis=0)).max() < 1e-4
    assert codes.std(axis=0)[varies] == pytest.approx(np.ones(varies.sum()), abs=1e-3)


def test_histogram_of_equal_images() -> None:
    network: Any = models.build("histogram", {})
    grey = torch.full((300, 1, 64, 64), 0.1)
    network.fit(grey)
    assert network.encode(grey).abs().max() < 1e-3
    assert network.encode(pictures(5)).abs().max() < 10  # no division by a rounding error


@pytest.mark.parametrize("n", [60, 400])  # fewer and more images than the 144 pixels
def test_pca_equals_scikit_learn(n: int) -> None:
    images = pictures(n, size=12)
    network: Any = models.build("pca", {"latent_size": 6, "size": 12})
    network.fit(images)
    flat = images.flatten(1).double().numpy()
    reference = sklearn.decomposition.PCA(6, svd_solver="full").fit(flat)
    largest = np.abs(reference.components_).argmax(axis=1)
    signs = np.sign(reference.components_[np.arange(6), largest])[:, None]
    components = reference.components_ * signs
    assert np.abs(network.components.numpy() - components).max() < 1e-5
    others = pictures(7, seed=1, size=12)
    expected = reference.transform(others.flatten(1).double().numpy()) * signs.T
    assert np.abs(network.encode(others).numpy() - expected).max() < 1e-4
    assert network.components.dtype == network.mean.dtype == torch.float32


def test_pca_is_the_same_every_time() -> None:
    fitted = []
    for _ in range(2):
        network: Any = models.build("pca", {"latent_size": 6, "size": 12})
        network.fit(pictures(60, size=12))
        fitted.append(network.components)
    assert torch.equal(fitted[0], fitted[1])


def test_pca_keeps_its_fit_in_its_state() -> None:
    network: Any = models.build("pca", {"latent_size": 6, "size": 12})
    network.fit(pictures(60, size=12))
    other: Any = models.build("pca", {"latent_size": 6, "size": 12})
    other.load_state_dict(network.state_dict())
    images = pictures(3, seed=5, size=12)
    assert torch.equal(network.encode(images), other.encode(images))


def test_pca_needs_more_images_than_components_that_differ() -> None:
    network: Any = models.build("pca", {"latent_size": 6, "size": 12})
    message = r"^PCA with 6 components needs more patches than that, got 6\.$"
    with pytest.raises(ValueError, match=message):
        network.fit(pictures(6, size=12))
    few_ways = pictures(5, size=12).repeat(20, 1, 1, 1)
    with pytest.raises(ValueError, match=r"^The 100 patches vary in fewer than 6 ways, too few"):
        network.fit(few_ways)


def test_random_conv_is_decided_by_its_seed() -> None:
    images = pictures(3)

    def codes(seed: int) -> Tensor:
        network: Any = models.build("random_conv", {"seed": seed})
        return network.encode(images)

    torch.manual_seed(1)
    first = codes(0)
    torch.manual_seed(2)
    assert torch.equal(first, codes(0))
    assert not torch.equal(first, codes(1))
    assert not first.requires_grad


def test_random_conv_leaves_every_global_random_state(monkeypatch: pytest.MonkeyPatch) -> None:
    """That of a GPU too: torch.manual_seed would seed it."""
    seeded = []
    monkeypatch.setattr(torch.cuda, "manual_seed_all", seeded.append)
    torch.default_generator.manual_seed(5)
    before = torch.get_rng_state()
    models.build("random_conv", {"seed": 3})
    assert torch.equal(before, torch.get_rng_state())
    assert seeded == []


def test_random_conv_is_an_untrained_ae_of_that_seed() -> None:
    network = models.build("random_conv", {"seed": 3})
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        expected = models.build("ae", {})
    for name, tensor in expected.state_dict().items():
        assert torch.equal(network.state_dict()[name], tensor), name


@pytest.mark.parametrize("name", ["ae", "vae"])
def test_a_pooled_part_leaves_the_rest_of_the_network_as_it_is(name: str) -> None:
    torch.manual_seed(0)
    network = models.build(name, {"pooled": 8})
    images = pictures(6)
    with torch.no_grad():
        codes = network.encode(images)
        assert codes.shape == (6, 32)
        assert network.decode(codes).shape == images.shape
        features = network.features(images).view(6, 32, 64)
        pooled = torch.cat(
            [features.mean(dim=2), (features.var(dim=2, correction=0) + 1e-6) ** 0.5], 1
        )
        layer = network.fc_enc_pooled if name == "ae" else network.fc_mu_pooled
        torch.testing.assert_close(codes[:, -8:], layer(pooled))
        if name == "vae":
            mean, log_variance = network.distribution(images)
            torch.testing.assert_close(mean, codes)
            assert log_variance.shape == mean.shape
    plain = models.build(name, {"latent_size": 24})
    shapes = {key: t.shape for key, t in network.state_dict().items() if "pooled" not in key}
    decoder = ("fc_dec.weight", "fc_z.weight")  # it reads the whole code
    assert all(
        shapes[key] == t.shape for key, t in plain.state_dict().items() if key not in decoder
    )


@pytest.mark.parametrize("pooled", [-1, 32, 40])
def test_a_pooled_part_is_a_part(pooled: int) -> None:
    with pytest.raises(ConfigError, match=rf"pooled must be from 0 to 31.* got {pooled}"):
        models.build("ae", {"pooled": pooled})


@pytest.mark.parametrize("name", ["ae", "vae"])
@pytest.mark.slow
def test_the_pooled_part_hardly_minds_shifts_and_turns_after_training(name: str) -> None:
    from support.training_setup import train_config

    from emqs.training.augment import Batch
    from emqs.training.reconstruction import Reconstruction

    torch.manual_seed(0)
    config = train_config(f"model={name}", "model.network.pooled=8", "loss.consistency=0.3")
    trained = Reconstruction(models.build(name, {"pooled": 8}), config)
    optimizer = torch.optim.Adam(trained.parameters(), lr=2e-3)

    def two_views(seed: int) -> tuple[Tensor, Tensor]:
        wide = torch.nn.functional.interpolate(pictures(16, seed, 48), size=96, mode="bilinear")
        return wide[:, :, :64, :64], wide[:, :, 6:70, 9:73].rot90(1, (2, 3))

    for step in range(15):
        views = torch.cat(two_views(step))
        optimizer.zero_grad()
        trained.terms(Batch(views, views), sample=True, beta=0.001)["loss"].backward()
        optimizer.step()
    with torch.no_grad():
        first, second = (trained.network.encode(view) for view in two_views(99))
    change = (first - second).square().mean(dim=0)
    relative = change / torch.cat([first, second]).var(dim=0)
    assert relative[-8:].mean() < 0.5 * relative[:-8].mean()


@pytest.mark.parametrize("name", ["ae", "vae"])
def test_consistency_acts_on_the_pooled_part_alone(name: str) -> None:
    from support.training_setup import train_config

    from emqs.training.augment import Batch
    from emqs.training.reconstruction import Reconstruction

    config = train_config(f"model={name}", "model.network.pooled=8", "loss.consistency=1")
    trained = Reconstruction(models.build(name, {"pooled": 8}), config)
    images = pictures(8)
    found = trained.terms(Batch(images, images), sample=True, beta=0)["consistency"]
    codes = trained.network.encode(images)[:, -8:]
    assert found.item() == pytest.approx(losses.consistency(*codes.chunk(2)).item(), rel=1e-5)


def test_defaults_are_those_of_the_class() -> None:
    assert models.defaults("ae") == {"latent_size": 32, "activation": "relu", "pooled": 0}
    found = models.defaults("contrastive")
    assert found == {"start": "imagenet", "blocks": 9, "frozen": 3, "greys": 0, "size": 64}
