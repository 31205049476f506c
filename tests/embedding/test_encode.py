import io

import numpy as np
import pytest
import torch
from reference import grids
from sklearn import decomposition
from support.toy_stacks import blobs
from torch import Tensor, nn

from emqs import models
from emqs.datasets import Stack
from emqs.embedding import encode as encodes
from emqs.errors import ConfigError, DataError
from emqs.models.compute import Compute
from emqs.models.histogram import Histogram
from emqs.models.settings import PreprocessingConfig
from emqs.models.weights import Model
from emqs.patches import grid

STACK = blobs()
BOXES = grid.grid(STACK.shapes, 24, 17)


def model(name: str = "vae", contrast: str = "none", **settings: object) -> Model:
    """A model with random weights."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = models.build(name, settings)
    size = network.input_size
    assert isinstance(size, int)
    return Model(name, network, settings, PreprocessingConfig(size, contrast))


def one_by_one(model: Model, stack: Stack, boxes: np.ndarray) -> np.ndarray:
    """Codes of patches that scikit-image cuts and resizes one at a time."""
    codes = []
    for box in boxes.tolist():
        image = stack.slices[box[0]] / 255
        if model.preprocessing.contrast == "slice":
            image = np.clip((image - image.mean()) / image.std() * 0.2 + 0.5, 0, 1)
        patch = grids.patch(image, box, model.preprocessing.size)
        with torch.inference_mode():
            codes.append(model.network.encode(torch.tensor(patch[None, None]).float())[0].numpy())
    return np.stack(codes)


@pytest.mark.parametrize(
    ("name", "contrast"), [("ae", "none"), ("vae", "slice"), ("pixels", "none")]
)
def test_codes_are_those_of_patches_cut_one_by_one(name: str, contrast: str) -> None:
    """Whole patches and cut ones, of slices that differ in size."""
    chosen = BOXES[:: max(1, len(BOXES) // 60)]
    assert len(np.unique(chosen[:, 3:], axis=0)) >= 3
    made_by = model(name, contrast)
    codes = encodes.embed(made_by, STACK, chosen, compute=Compute("cpu", batch_size=7))
    expected = one_by_one(made_by, STACK, chosen)
    assert codes.dtype == np.float32
    np.testing.assert_allclose(codes, expected, atol=2e-5)
    assert np.ptp(expected, axis=0).max() > 100 * 2e-5  # the patches do differ


@pytest.mark.parametrize("batch_size", [1, 3, 10_000])
def test_codes_do_not_depend_on_the_batch_size(batch_size: int) -> None:
    made_by = model("ae", latent_size=4)
    few = BOXES[::5]
    known = encodes.embed(made_by, STACK, few)
    codes = encodes.embed(made_by, STACK, few, compute=Compute(batch_size=batch_size))
    np.testing.assert_allclose(codes, known, atol=1e-6)


def test_codes_follow_the_order_of_the_boxes() -> None:
    made_by = model("pixels", size=8)
    order = np.random.default_rng(0).permutation(len(BOXES))
    known = encodes.embed(made_by, STACK, BOXES)
    np.testing.assert_array_equal(encodes.embed(made_by, STACK, BOXES[order]), known[order])
    twice = np.concatenate([BOXES[:3], BOXES[:3]])
    np.testing.assert_array_equal(encodes.embed(made_by, STACK, twice)[3:], known[:3])


def test_batches_cover_every_box_once_and_stay_within_a_slice() -> None:
    made_by, seen = model("pixels", size=8), []
    order = np.random.default_rng(1).permutation(len(BOXES))
    boxes = BOXES[order]
    for here, codes in encodes.embed_batches(made_by, STACK, boxes, compute=Compute(batch_size=9)):
        assert len(here) == len(codes) <= 9
        assert len(np.unique(boxes[here, 0])) == 1
        seen += here.tolist()
    assert sorted(seen) == list(range(len(boxes)))


def test_no_boxes_give_no_codes() -> None:
    codes = encodes.embed(model("pixels", size=8), STACK, BOXES[:0])
    assert codes.shape == (0, 64)


def test_a_bar_shows_progress(terminal: io.StringIO) -> None:
    made_by = model("pixels", size=8)
    codes = encodes.embed(made_by, STACK, BOXES, compute=Compute(progress=True))
    drawn = terminal.getvalue()
    assert f"{len(BOXES):,} of {len(BOXES):,} patches" in drawn
    np.testing.assert_array_equal(codes, encodes.embed(made_by, STACK, BOXES))
    assert terminal.getvalue() == drawn


class Broken(nn.Module):
    """Gives NaN for bright patches."""

    input_size, code_size = 8, 1

    def encode(self, images: Tensor) -> Tensor:
        mean = images.mean(dim=(1, 2, 3))[:, None]
        return torch.where(mean > 0.5, torch.nan, mean)


def test_a_code_that_is_no_number_is_named_with_its_patch() -> None:
    image = np.zeros((20, 20), dtype=np.uint8)
    image[10:, :10] = 255
    stack = Stack("S", [image], ["0"])
    boxes = np.array([(0, 0, 0, 10, 10), (0, 10, 10, 10, 10), (0, 10, 0, 10, 10)])
    made_by = Model("broken", Broken(), {}, PreprocessingConfig(size=8))
    with pytest.raises(
        DataError, match=r"^The code of the patch at .* = \(0, 10, 0, 10, 10\) of S holds NaN"
    ):
        encodes.embed(made_by, stack, boxes)


@pytest.mark.parametrize("device", ["gpu", "0", "", "meta:x"])
def test_a_device_that_is_not_there(device: str) -> None:
    with pytest.raises(ConfigError, match=rf"^device={device} cannot be used: .*Use device=cpu"):
        encodes.embed(model("pixels", size=8), STACK, BOXES[:1], compute=Compute(device))


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU here")
def test_a_gpu_that_is_not_there() -> None:
    with pytest.raises(ConfigError, match=r"^device=cuda cannot be used: "):
        encodes.embed(model("ae"), STACK, BOXES[:1], compute=Compute("cuda"))


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU here")
def test_codes_on_a_gpu_are_those_on_a_cpu() -> None:
    made_by = model("vae")
    known = encodes.embed(made_by, STACK, BOXES, compute=Compute("cpu"))
    codes = encodes.embed(made_by, STACK, BOXES)
    np.testing.assert_allclose(codes, known, atol=1e-3)


# models that learn from the searched patches


def test_pca_learns_from_the_patches() -> None:
    made_by = model("pca", latent_size=3, size=12)
    encodes.fit(made_by, STACK, BOXES)
    codes = encodes.embed(made_by, STACK, BOXES)
    pixels = encodes.embed(model("pixels", size=12), STACK, BOXES).astype(np.float64)
    expected = decomposition.PCA(3, svd_solver="full").fit_transform(pixels)
    signs = np.sign((codes * expected).sum(axis=0))
    np.testing.assert_allclose(codes, expected * signs, atol=1e-3)


def test_histogram_is_scaled_over_the_patches() -> None:
    made_by = model("histogram", size=12, bins=4)
    encodes.fit(made_by, STACK, BOXES)
    codes = encodes.embed(made_by, STACK, BOXES).astype(np.float64)
    np.testing.assert_allclose(codes.mean(axis=0), 0, atol=1e-4)
    np.testing.assert_allclose(codes.std(axis=0), 1, atol=1e-4)


def test_a_model_learns_from_a_seeded_draw(monkeypatch: pytest.MonkeyPatch) -> None:
    """At most FIT_PATCHES patches, the same for the same seed."""
    monkeypatch.setattr(encodes, "FIT_PATCHES", 20)
    seen: list[int] = []

    class Counting(Histogram):
        def fit(self, images: Tensor) -> None:
            seen.append(len(images))
            super().fit(images)

    means = []
    for seed in (0, 0, 1):
        made_by = Model("histogram", Counting(size=8), {}, PreprocessingConfig(size=8))
        encodes.fit(made_by, STACK, BOXES, seed=seed)
        means.append(made_by.network.get_buffer("mean"))
    assert seen == [20, 20, 20]
    assert torch.equal(means[0], means[1])
    assert not torch.equal(means[0], means[2])


def test_a_trained_model_is_left_alone() -> None:
    made_by = model("ae")
    before = {k: t.clone() for k, t in made_by.network.state_dict().items()}
    encodes.fit(made_by, STACK, BOXES)
    assert all(torch.equal(before[k], t) for k, t in made_by.network.state_dict().items())


def test_too_few_patches_to_learn_from() -> None:
    with pytest.raises(
        DataError,
        match=r"^PCA with 32 components needs more patches than that, got 5\. Use a smaller patch",
    ):
        encodes.fit(model("pca"), STACK, BOXES[:5])
