"""Maps of greys against literal histograms, and beside the features of a network."""

from typing import Any

import numpy as np
import pytest
import torch
from scipy import ndimage

from emqs import models
from emqs.errors import ConfigError
from emqs.models.greys import BLUR, REACH, Greys

RANDOM: dict[str, Any] = {"start": "random", "frozen": 0}


def noise(*shape: int) -> torch.Tensor:
    return torch.rand((2, 1, *shape), generator=torch.Generator().manual_seed(3))


def literal(image: np.ndarray, n: int) -> np.ndarray:
    """Shares of n greys in a part of a blurred image; a pixel between two counts for both."""
    shares = np.zeros(n)
    for value in image.ravel() * (n - 1):
        below = min(int(value), n - 2)
        shares[below] += below + 1 - value
        shares[below + 1] += value - below
    return shares / image.size


@pytest.mark.parametrize(("shift", "cell"), [(0, 8), (3, 4)])
@pytest.mark.parametrize("n", [2, 5])
def test_maps_are_soft_histograms_of_cells(shift: int, cell: int, n: int) -> None:
    images = noise(19, 24)
    maps = Greys(n, cell=cell, shift=shift)(images).numpy()
    assert maps.shape == (2, n, -(-19 // cell), 24 // cell)
    for image, of_image in zip(images[:, 0].double().numpy(), maps, strict=True):
        blurred = ndimage.gaussian_filter(image, BLUR, mode="nearest", truncate=REACH)
        for row, column in ((0, 0), (1, 2), (maps.shape[2] - 2, 0)):
            top, left = (shift + cell * k for k in (row, column))
            part = blurred[top : top + cell, left : left + cell]
            np.testing.assert_allclose(of_image[:, row, column], literal(part, n), atol=1e-5)
    np.testing.assert_allclose(maps.sum(axis=1), 1, atol=1e-5)


@pytest.mark.parametrize("shape", [(1, 1), (5, 70), (64, 64), (17, 16)])
def test_any_size_of_image_has_greys_beside_its_features(shape: tuple[int, int]) -> None:
    torch.manual_seed(0)
    plain: Any = models.build("contrastive", RANDOM)
    torch.manual_seed(0)
    both: Any = models.build("contrastive", RANDOM | {"greys": 6})
    assert both.state_dict().keys() == plain.state_dict().keys()  # nothing to learn or to store
    assert both.code_size == plain.code_size + 12 == 2 * (112 + 6)
    images = noise(*shape)
    with torch.no_grad():
        features = both.features(images)
        torch.testing.assert_close(features[:, :112], plain.features(images))
        assert both.encode(images).shape == (2, both.code_size)
    torch.testing.assert_close(features[:, 112:].sum(dim=1), torch.ones(2, *features.shape[2:]))


def test_greys_lie_where_the_features_lie() -> None:
    """A black square shows in the cells that it covers by the network's own account."""
    network: Any = models.build("contrastive", RANDOM | {"greys": 2})
    images = torch.ones(1, 1, 160, 160)
    first = 5 * network.cell + round(network.shift)
    images[:, :, first : first + network.cell, first : first + network.cell] = 0
    with torch.no_grad():
        black = network.features(images)[0, 112]
    assert (black == black.max()).nonzero().tolist() == [[5, 5]]
    assert black[5, 5] > 0.6


@pytest.mark.parametrize("greys", [-1, 1])
def test_greys_that_make_no_histogram(greys: int) -> None:
    with pytest.raises(ConfigError, match=f"greys must be 0, or at least 2, got {greys}"):
        models.build("contrastive", RANDOM | {"greys": greys})
