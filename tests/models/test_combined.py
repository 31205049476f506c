"""Handcrafted measures, the scaling of codes, and models side by side."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml
from skimage.feature import local_binary_pattern
from skimage.filters import gabor_kernel
from support.composing import without_hydra
from torch import Tensor

from emqs import models
from emqs.errors import ConfigError
from emqs.models import opening, weights
from emqs.models.scaling import Scaling
from emqs.models.settings import ModelConfig, PreprocessingConfig
from emqs.settings import CONFIG_DIR, WEIGHTS_DIR, read

VAE = str(WEIGHTS_DIR / "vae_finetuned.safetensors")


def textures(n: int, seed: int = 0, size: int = 64) -> Tensor:
    """Smooth noise in [0, 1] of a different level, spread and scale in each image."""
    rng = np.random.default_rng(seed)
    frequency = np.hypot(*np.meshgrid(np.fft.fftfreq(size), np.fft.fftfreq(size)))
    images = []
    for _ in range(n):
        low = np.exp(-((frequency / rng.uniform(0.05, 0.4)) ** 2))
        noise = np.fft.ifft2(np.fft.fft2(rng.normal(size=(size, size))) * low).real
        images.append(rng.uniform(0.3, 0.7) + rng.uniform(0.05, 0.2) * noise / noise.std())
    return torch.from_numpy(np.stack(images).clip(0, 1)[:, None].astype(np.float32))


def configured(*overrides: str, command: str = "evaluate") -> ModelConfig:
    return read(ModelConfig, without_hydra(command, *overrides).model, "model")


# Scaling


@pytest.mark.parametrize("kind", ["each", "total"])
def test_scaling_makes_groups_count_by_their_weights(kind: str) -> None:
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(200, 7)) * [1, 100, 0.01, 3, 3, 3, 0] + [5, 0, 0, 1, 2, 3, 4]
    scaling = Scaling([2, 5], weights=[1, 3], kind=kind)
    tensor = torch.from_numpy(rows.astype(np.float32))
    assert torch.equal(scaling(tensor), tensor)  # before fit nothing changes
    scaling.fit(tensor)
    found = scaling(tensor).double().numpy()
    centred = rows - rows.mean(axis=0)
    spread = rows.std(axis=0)
    expected = np.zeros_like(rows)
    for group, weight in ((slice(0, 2), 1), (slice(2, 7), 3)):
        if kind == "each":
            varies = np.where(spread[group] > 0, spread[group], 1)
            expected[:, group] = weight * centred[:, group] / varies / np.sqrt(len(varies))
        else:
            expected[:, group] = weight * centred[:, group] / np.sqrt((spread[group] ** 2).sum())
    assert np.abs(found - expected).max() < 1e-3
    share = (found**2).sum(axis=1) if kind == "total" else None
    if share is not None:
        assert share.mean() == pytest.approx(1 + 9, rel=1e-3)


def test_scaling_to_unit_length() -> None:
    rows = torch.randn(40, 6, generator=torch.Generator().manual_seed(0)) * torch.arange(1, 7)
    plain, whole, parts = (
        Scaling([2, 4], weights=[1, 2], unit_length=kind) for kind in ("none", "whole", "parts")
    )
    for scaling in (plain, whole, parts):
        scaling.fit(rows)
    scaled = plain(rows)
    assert torch.allclose(whole(rows), scaled / scaled.norm(dim=1, keepdim=True))
    for group, share in ((slice(0, 2), 1 / 5), (slice(2, 6), 4 / 5)):
        expected = scaled[:, group] / scaled[:, group].norm(dim=1, keepdim=True) * share**0.5
        assert torch.allclose(parts(rows)[:, group], expected, atol=1e-6)


def test_scaling_of_constants_is_zero_and_not_noise() -> None:
    scaling = Scaling([3], unit_length="whole")
    rows = torch.full((50, 3), 0.1) + torch.rand(50, 3) * 1e-9
    scaling.fit(rows)
    assert torch.equal(scaling(rows + 1), torch.zeros(50, 3))
    with pytest.raises(ValueError, match=r"^Scaling needs at least two patches, got 1\.$"):
        scaling.fit(rows[:1])


# Handcrafted


@pytest.mark.parametrize("radius", [1, 2, 2.5, 4])
def test_patterns_equal_those_of_scikit_image(radius: float) -> None:
    images = (textures(3, seed=4) * 255).round() / 255  # 8 bits, as scikit-image wants them
    network: Any = models.build("handcrafted", {})
    found = network.local_binary_patterns(images[:, 0], radius)
    margin = int(np.ceil(radius))
    for image, counts in zip(images[:, 0].double().numpy(), found.numpy(), strict=True):
        inner = local_binary_pattern(
            np.round(image * 255).astype(np.uint8), 8, radius, method="uniform"
        )
        inner = inner[margin:-margin, margin:-margin].astype(int)
        expected = np.bincount(inner.ravel(), minlength=10) / inner.size
        assert np.abs(counts - expected).max() < 1e-3  # a tie by rounding is one pixel of 3,000
        assert (expected > 0).sum() > 5


def test_flat_patches_have_one_pattern_and_finite_codes() -> None:
    network: Any = models.build("handcrafted", {})
    flat = torch.full((2, 1, 64, 64), 0.1)
    for radius in network.radii:  # all neighbours are as bright, in spite of interpolation
        assert network.local_binary_patterns(flat[:, 0], radius)[:, 8].tolist() == [1, 1]
    network.fit(flat)
    assert torch.isfinite(network.encode(textures(3))).all()


def test_gabor_energies_equal_filtering_by_sums() -> None:
    """Each pixel of the response, summed over the kernel, on a patch that repeats itself."""
    frequency, orientations = 0.25, 2
    settings = {"frequencies": [frequency], "orientations": orientations, "size": 32, "rings": 8}
    network: Any = models.build("handcrafted", settings)
    image = textures(1, size=32)[0, 0].double().numpy()
    level = image - image.mean()
    means, spreads = [], []
    for number in range(orientations):
        kernel = gabor_kernel(frequency, theta=np.pi * number / orientations)
        kernel = kernel - 0  # as scikit-image makes it
        response = np.zeros((32, 32), dtype=complex)
        for y, row in enumerate(kernel):
            for x, value in enumerate(row):
                shift = (y - kernel.shape[0] // 2, x - kernel.shape[1] // 2)
                response += value * np.roll(level, shift, axis=(0, 1))
        amplitude = np.abs(response)[::2, ::2]  # every second pixel samples it fully
        means.append(amplitude.mean())
        spreads.append(amplitude.std())
    expected = np.log(np.array([np.mean(means), np.std(means), np.mean(spreads)]) + 1e-4)
    found = network.gabor_energies(torch.from_numpy(image.astype(np.float32))[None])[0].numpy()
    assert np.abs(found - expected).max() < 1e-3


def test_radial_power_tells_the_frequency_of_a_wave() -> None:
    network: Any = models.build("handcrafted", {"rings": 8})  # bands of 1/16 cycles per pixel
    y, x = torch.meshgrid(torch.arange(64.0), torch.arange(64.0), indexing="ij")
    for ring, frequency in ((1, 0.1), (3, 0.22), (6, 0.4)):
        for angle in (0.0, 0.7, 2.0):
            along = x * np.cos(angle) + y * np.sin(angle)
            wave = 0.5 + 0.3 * torch.sin(2 * np.pi * frequency * along)
            power = network.radial_power(wave[None])[0]
            assert power.argmax() == ring
            assert power[ring] - power[(ring + 4) % 8] > 5


@pytest.mark.slow
def test_a_quarter_turn_and_a_flip_change_little() -> None:
    images = textures(60)
    network: Any = models.build("handcrafted", {"unit_length": False})
    network.fit(images)
    codes = network.encode(images)
    apart = torch.cdist(codes, codes).median()
    for turned in (images.rot90(1, (2, 3)), images.flip(3)):
        assert (network.encode(turned) - codes).norm(dim=1).max() < 0.1 * apart


@pytest.mark.slow
def test_weights_choose_among_the_groups() -> None:
    images = textures(30)
    none = dict.fromkeys(("intensity", "lbp", "gabor", "fourier"), 0.0)
    ends = np.cumsum([0, 18, 30, 12, 12])
    for number, name in enumerate(none):
        network: Any = models.build(
            "handcrafted", {"weights": none | {name: 2.0}, "unit_length": False}
        )
        network.fit(images)
        energy = network.encode(images).square().mean(0)
        inside = slice(ends[number], ends[number + 1])
        assert energy[inside].sum() > 3  # 4 but for numbers that do not vary
        assert energy.sum() == pytest.approx(float(energy[inside].sum()))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"radii": [16]}, "radii must be above 0 and below size / 4, got [16]"),
        ({"frequencies": [0.6]}, "frequencies must be in (0, 0.5], got [0.6]"),
        ({"orientations": 3}, "orientations must be an even number, at least 2, got 3"),
        ({"rings": 33}, "rings must be from 1 to 32, half the size, got 33"),
        ({"weights": {"LBP": 1}}, "weights must be of intensity, lbp, gabor, fourier, got 'LBP'"),
        ({"weights": {"lbp": -1}}, "there must be 4 weights from 0 to 1e6, got [1.0, -1, "),
    ],
)  # fmt: skip
def test_handcrafted_refuses(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(message)):
        models.build("handcrafted", settings)


# Combined


def test_codes_stand_side_by_side_scaled() -> None:
    config = configured(
        "model=combined", "model.parts=[vae,histogram,pca]",
        "model.network.part_weights=[1,2,1]", "model.network.unit_length=none",
    )  # fmt: skip
    model = opening.load_model(config, None)
    network: Any = model.network
    images = textures(80)
    network.fit(images)
    found = network.encode(images).detach().numpy()
    vae: Any = weights.load(Path(VAE)).network
    with torch.no_grad():
        raw = [vae.encode(images)]
    for name in ("histogram", "pca"):
        alone: Any = models.build(name, {})
        alone.fit(images)
        raw.append(alone.encode(images))
    expected = []
    for codes, weight in zip(raw, (1, 2, 1), strict=True):
        rows = codes.double().numpy()
        spread = rows.std(axis=0)
        varies = spread > 1e-5
        scaled = (rows - rows.mean(axis=0)) / np.where(varies, spread, 1) * varies
        expected.append(weight * scaled / np.sqrt(rows.shape[1]))
    assert network.code_size == found.shape[1] == 32 + 18 + 32
    assert np.abs(found - np.concatenate(expected, axis=1)).max() < 1e-3
    assert model.sha256 is not None
    assert model.preprocessing == PreprocessingConfig(
        64, weights.load(Path(VAE)).preprocessing.contrast
    )


def test_the_largest_part_sets_the_size_and_others_are_resized() -> None:
    network: Any = models.build(
        "combined", {"parts": [{"name": "pixels", "network": {"size": 16}}, "histogram"]}
    )
    assert network.input_size == 64
    images = torch.zeros(2, 1, 64, 64)
    images[0, :, ::2] = 1  # stripes that only anti-aliasing averages
    images[1, :, :, :32] = 1
    small = network.codes(images)[:, :256].view(2, 16, 16)
    assert (small[0, 2:-2] - 0.5).abs().max() < 0.05
    assert torch.allclose(small[1, :, :6], torch.ones(16, 6))
    assert torch.equal(small[1, :, 10:], torch.zeros(16, 6))
    exact: Any = models.build("histogram", {})
    assert torch.equal(network.codes(images)[:, 256:], exact.encode(images))


def test_parts_have_their_own_settings_and_weights(tmp_path: Path) -> None:
    ae = weights.Model("ae", models.build("ae", {"latent_size": 5}), {"latent_size": 5})
    weights.save(tmp_path / "ae.safetensors", ae)
    config = configured(
        "model=combined", "model.parts=[ae,imagenet]",
        f"model.part.ae.weights={tmp_path}/ae.safetensors",
        "model.part.imagenet.network.size=80", "model.part.imagenet.network.block=2",
    )  # fmt: skip
    model = opening.load_model(config, None)
    network: Any = model.network
    assert model.preprocessing.size == network.input_size == 80
    assert network.code_size == 5 + 2 * 24
    images = textures(3, size=64)
    encoder: Any = ae.network
    with torch.no_grad():
        assert torch.equal(network.parts[0].encode(images), encoder.encode(images))


@pytest.mark.slow
def test_a_combined_model_comes_back_from_a_weights_file(tmp_path: Path) -> None:
    config = configured("model=combined", "model.parts=[vae,imagenet,handcrafted,pca]")
    model = opening.load_model(config, None)
    network: Any = model.network
    network.fit(textures(60))
    weights.save(tmp_path / "combined.safetensors", model)
    again = weights.load(tmp_path / "combined.safetensors")
    assert again.preprocessing == model.preprocessing
    images = textures(4, seed=1)
    encoder: Any = again.network
    with torch.no_grad():
        assert torch.equal(encoder.encode(images), network.encode(images))


@pytest.mark.slow
def test_parts_that_need_slices_of_different_contrast(tmp_path: Path) -> None:
    for name, contrast in (("ae", "none"), ("vae", "slice")):
        preprocessing = PreprocessingConfig(64, contrast)
        model = weights.Model(name, models.build(name, {}), {}, preprocessing)
        weights.save(tmp_path / f"{name}.safetensors", model)
    both = [f"model.part.{name}.weights={tmp_path}/{name}.safetensors" for name in ("ae", "vae")]
    with pytest.raises(ConfigError, match=r"ae needs contrast=none and vae needs contrast=slice"):
        opening.load_model(configured("model=combined", "model.parts=[ae,vae]", *both), None)
    config = configured("model=combined", "model.parts=[histogram,vae]", *both)
    assert (
        opening.load_model(config, None).preprocessing.contrast == "slice"
    )  # trained parts decide


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ("[]", "parts is empty; name at least one model."),
        ("[pca,pca]", "parts must be different models, none of them combined, got ['pca', 'pca']"),
        ("[combined]", "model.parts must be of ae, "),
        ("[vea]", "got 'vea'."),
    ],
)
def test_parts_that_do_not_go_together(parts: str, message: str) -> None:
    config = configured("model=combined", f"model.parts={parts}")
    with pytest.raises(ConfigError, match=re.escape(message)):
        opening.load_model(config, None)


def test_there_is_one_weight_per_part() -> None:
    settings = {"parts": ["pixels"], "part_weights": [1.0, 2.0]}
    with pytest.raises(ConfigError, match=r"part_weights must be 1 numbers, got \[1\.0, 2\.0\]"):
        models.build("combined", settings)


@pytest.mark.slow
def test_every_model_can_be_a_part() -> None:
    config = configured("model=combined")
    assert set(config.part) == set(models.NETWORKS) - {"combined"}
    for name, part in config.part.items():
        alone = configured(f"model={name}")
        assert read(ModelConfig, part, name) == alone


@pytest.mark.parametrize("name", ["handcrafted", "imagenet"])
def test_defaults_of_a_class_are_those_of_its_file(name: str) -> None:
    """As parts of a combined model without settings are built from the class."""
    import inspect

    file = yaml.safe_load((CONFIG_DIR / "model" / f"{name}.yaml").read_text())["network"]
    signature = inspect.signature(models.NETWORKS[name].__init__).parameters
    found = {k: signature[k].default for k in file}
    found = {k: list(v) if isinstance(v, tuple) else v for k, v in found.items()}
    if name == "handcrafted":  # 1 where none is given
        assert found.pop("weights") is None
        assert set(file.pop("weights").values()) == {1.0}
    assert found == file
