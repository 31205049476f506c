import copy
import json
import os
import subprocess
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors import safe_open
from support import weight_files
from torch import nn

from emqs import files, models
from emqs.errors import ConfigError, WeightsError
from emqs.models import weights
from emqs.models.settings import PreprocessingConfig

GOLDEN = Path(__file__).parents[1] / "golden" / "histogram.safetensors"
SETTINGS: dict[str, dict[str, Any]] = {
    "ae": {"latent_size": 5, "activation": "elu"},
    "vae": {"latent_size": 3},
    "pca": {"latent_size": 4, "size": 8},
    "histogram": {"size": 16, "bins": 4},
    "pixels": {"size": 12},
    "random_conv": {"latent_size": 2, "seed": 7},
}


def model(name: str = "histogram", **changes: object) -> weights.Model:
    """A model whose weights are random, with settings that are not the defaults."""
    network = models.build(name, SETTINGS[name])
    generator = torch.Generator().manual_seed(3)
    state = {
        key: torch.rand(tensor.shape, generator=generator) + 0.5
        for key, tensor in network.state_dict().items()
    }
    network.load_state_dict(state)
    size = network.input_size
    assert isinstance(size, int)
    made = weights.Model(
        name,
        network,
        SETTINGS[name],
        PreprocessingConfig(size=size, contrast="slice"),
        {"data": ["A", "B"], "losses": {"val": 0.5}, "epochs": 0},
    )
    return replace(made, **changes)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def metadata(path: Path) -> dict[str, Any]:
    with safe_open(path, framework="np") as stream:
        assert set(stream.metadata()) == {"emqs"}
        return json.loads(stream.metadata()["emqs"])


@pytest.mark.parametrize("name", sorted(SETTINGS))
def test_a_file_alone_rebuilds_its_model(name: str, tmp_path: Path) -> None:
    before, path = model(name), tmp_path / "w.safetensors"
    weights.save(path, before)
    after = weights.load(path)
    images = torch.rand(3, 1, before.preprocessing.size, before.preprocessing.size)
    assert type(after.network) is type(before.network)
    assert not after.network.training
    with torch.inference_mode():
        assert torch.equal(after.network.encode(images), before.network.encode(images))
    stored, loaded = before.network.state_dict(), after.network.state_dict()
    assert list(loaded) == list(stored)
    assert all(torch.equal(loaded[key], stored[key]) for key in stored)
    for part in ("name", "settings", "preprocessing", "record"):
        assert getattr(after, part) == getattr(before, part)
    assert names(tmp_path) == ["w.safetensors"]


def test_the_file_hash_is_that_of_the_file(tmp_path: Path) -> None:
    """What the program sha256sum says."""
    weights.save(tmp_path / "w.safetensors", model())
    found = weights.load(tmp_path / "w.safetensors").sha256
    said = subprocess.check_output(["sha256sum", str(tmp_path / "w.safetensors")], text=True)
    assert found == said.split()[0]


def test_saving_replaces_an_older_file(tmp_path: Path) -> None:
    path = tmp_path / "w.safetensors"
    weights.save(path, model(record={"epochs": 1}))
    weights.save(path, model(record={"epochs": 2}))
    assert weights.load(path).record == {"epochs": 2}
    assert names(tmp_path) == ["w.safetensors"]


def test_the_format_has_not_drifted() -> None:
    """Read what was written by hand when the format was new."""
    read = weights.load(GOLDEN)
    assert files.sha256(GOLDEN) == (
        "ec724b43cb84c1fcbeded1d33ea0892ec12d57780e33ba03574263e360142d8a"
    )
    assert (read.name, read.settings) == ("histogram", {"size": 8, "bins": 4})
    assert read.preprocessing == PreprocessingConfig(size=8, contrast="slice")
    assert read.record == {"data": "a hand count", "epochs": 3, "losses": {"train": 0.25}}
    # a flat image of 0.5: mean 0.5, spread 0, all pixels in the third of four bins
    code = read.network.encode(torch.full((1, 1, 8, 8), 0.5))
    assert code.tolist() == [[0.0, -0.25, -0.25, -0.125, (1 - 0.375) / 4, -0.125 / 8]]


def test_what_is_written_is_what_the_format_says(tmp_path: Path) -> None:
    weights.save(tmp_path / "w.safetensors", weights.load(GOLDEN))
    assert metadata(tmp_path / "w.safetensors") == metadata(GOLDEN)
    assert metadata(GOLDEN) == weight_files.HEADER | {
        "sha256": weight_files.digest(weight_files.TENSORS)
    }
    with safe_open(tmp_path / "w.safetensors", framework="np") as stream:
        assert set(stream.keys()) == set(weight_files.TENSORS)
        for key, array in weight_files.TENSORS.items():
            np.testing.assert_array_equal(stream.get_tensor(key), array)


@pytest.mark.parametrize(
    ("dtype", "text"), [(torch.bfloat16, "bfloat16"), (torch.float32, "float32")]
)
def test_the_checksum_sees_names_types_shapes_and_bytes(dtype: torch.dtype, text: str) -> None:
    tensors = {"b": torch.arange(6, dtype=dtype).view(2, 3), "a": torch.tensor(1.0)}
    known = weights.tensors_sha256(tensors)
    assert weights.tensors_sha256(dict(reversed(tensors.items()))) == known
    changed = [
        {"c": tensors["b"], "a": tensors["a"]},
        {"b": tensors["b"].view(3, 2), "a": tensors["a"]},
        {"b": tensors["b"] + 1, "a": tensors["a"]},
        {"b": tensors["b"].double(), "a": tensors["a"]},
    ]
    assert known not in {weights.tensors_sha256(other) for other in changed}


# what is refused on the way out


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_weights_that_are_not_numbers_are_not_written(value: float, tmp_path: Path) -> None:
    bad = model()
    bad.network.get_buffer("scale")[2] = value
    with pytest.raises(WeightsError, match=r"^Not written to .*w\.safetensors: scale holds NaN or"):
        weights.save(tmp_path / "w.safetensors", bad)
    assert names(tmp_path) == []


def test_a_failed_write_leaves_the_old_file_and_no_other(tmp_path: Path) -> None:
    path = tmp_path / "w.safetensors"
    weights.save(path, model())
    before = path.read_bytes()
    with pytest.raises(TypeError):
        weights.save(path, model(record={"not": object()}))
    assert path.read_bytes() == before
    assert names(tmp_path) == ["w.safetensors"]


def test_a_file_that_cannot_be_put_in_place_leaves_no_other(tmp_path: Path) -> None:
    (tmp_path / "w.safetensors").mkdir()
    with pytest.raises(OSError, match="directory"):
        weights.save(tmp_path / "w.safetensors", model())
    assert names(tmp_path) == ["w.safetensors"]


@pytest.mark.parametrize("name", ["w.pth.tar", "w", "w.safetensors.txt"])
def test_the_ending_of_a_new_file(name: str, tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match=rf"must end in \.safetensors, got .*{name}\.$"):
        weights.save(tmp_path / name, model())
    assert names(tmp_path) == []


def test_a_new_file_needs_a_folder(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match=r"^Not written to .*: there is no folder .*/no\.$"):
        weights.save(tmp_path / "no" / "w.safetensors", model())


def test_patches_have_the_size_that_the_network_takes() -> None:
    with pytest.raises(
        ConfigError,
        match=r"^model\.preprocessing\.size is 64, but the network 'pca' takes patches of 8 pixels",
    ):
        model("pca", preprocessing=PreprocessingConfig())


# what is refused on the way in


def refused(path: Path, message: str) -> None:
    with pytest.raises(WeightsError, match=message) as caught:
        weights.load(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    refused(tmp_path / "w.safetensors", r"^There is no weights file .* Give weights=PATH of a file")
    refused(tmp_path, r" is a folder\. Give weights=PATH of a file")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("w.txt", r"w\.txt must end in \.safetensors \(emqs\) or \.pth\.tar, \.pth, \.pt"),
        ("last.ckpt", r"last\.ckpt is a training checkpoint\. Use the \.safetensors file"),
    ],
)
def test_other_endings(name: str, message: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(GOLDEN.read_bytes())
    refused(tmp_path / name, message)


def test_large_files_are_refused_unread(tmp_path: Path) -> None:
    path = tmp_path / "w.safetensors"
    with path.open("wb") as stream:
        stream.truncate(weights.MAX_BYTES + 1)  # sparse: takes no space
    refused(path, r"has 4\.0 GiB; weights files of more than 4 GiB are refused")


@pytest.mark.parametrize("kept", [0, 4, 8, 100, -1])
def test_truncated_files(kept: int, tmp_path: Path) -> None:
    path = tmp_path / "w.safetensors"
    path.write_bytes(GOLDEN.read_bytes()[:kept])
    refused(path, r" is damaged or no safetensors file: ")


@pytest.mark.parametrize("place", range(-48, 0, 5))
def test_one_wrong_bit_in_a_weight(place: int, tmp_path: Path) -> None:
    content = bytearray(GOLDEN.read_bytes())
    content[place] ^= 1
    path = tmp_path / "w.safetensors"
    path.write_bytes(content)
    refused(path, r" is damaged: its weights do not match their checksum\. Get the file again\.$")


def test_no_damaged_byte_causes_another_error(tmp_path: Path) -> None:
    """Bytes all over the golden file, header included, replaced by random others."""
    good, path = GOLDEN.read_bytes(), tmp_path / "w.safetensors"
    record = json.dumps(json.dumps(weight_files.HEADER["record"])).encode()[1:-1]
    unchecked = range(good.index(record), good.index(record) + len(record))
    rng = np.random.default_rng(0)
    places = [p for p in range(0, len(good), 2) if p not in unchecked and good[p] != 0x20]
    for place in places:
        value = (good[place] + rng.integers(1, 256)) % 256
        path.write_bytes(good[:place] + bytes([value]) + good[place + 1 :])
        with pytest.raises(WeightsError):
            weights.load(path)
    assert len(places) > 150


def test_foreign_safetensors_files(tmp_path: Path) -> None:
    path = tmp_path / "w.safetensors"
    for other in (None, {"format": "pt"}):
        path.write_bytes(weight_files.safetensors(other, weight_files.TENSORS))
        refused(path, r" is a safetensors file, but not one of emqs\.$")


def changed(key: str, value: object) -> dict[str, Any]:
    """The header with one entry changed; a dot goes one level down, DELETE removes it."""
    header = copy.deepcopy(weight_files.HEADER) | {
        "sha256": weight_files.digest(weight_files.TENSORS)
    }
    *parents, last = key.split(".")
    part = header
    for parent in parents:
        part = part[parent]
    if value is DELETE:
        del part[last]
    else:
        part[last] = value
    return header


DELETE = object()
NESTED: list[Any] = []
for _ in range(500):
    NESTED = [NESTED]

BAD_HEADERS = [
    ("version", 2, r"has format 'emqs-weights' version 2; this emqs reads 'emqs-weights' version"),
    ("format", "other", r"has format 'other' version 1; this emqs reads"),
    *[
        (key, DELETE, rf"has a damaged header: there is no '{key.split('.')[-1]}'\.")
        for key in ("version", "sha256", "model", "model.name", "model.network", "record")
    ],
    ("format", DELETE, "has format None version 1"),
    ("model", 5, "has a damaged header: 'int' object is not subscriptable"),
    ("model.network", "abc", "has a damaged header: dictionary update sequence"),
    ("preprocessing", 5, "has a damaged header: 'int' object is not iterable"),
    ("preprocessing.size", DELETE, r"has a damaged header: it lacks preprocessing\.size\."),
    ("preprocessing.size", 9, r"preprocessing\.size is 9, but the network 'histogram' takes patch"),
    (
        "preprocessing.size",
        "big",
        r"cannot be used: preprocessing\.size must be a whole number, got big",
    ),
    ("preprocessing.colour", 1, r"cannot be used: preprocessing\.colour is no setting"),
    ("preprocessing.contrast", "x", r"cannot be used: model\.preprocessing\.contrast must be one"),
    ("preprocessing.contrast", "${oc.env:HOME}", r"damaged header: preprocessing points elsewhere"),
    ("model.name", "resnet", r"cannot be used: model\.name must be one of ae, .* got 'resnet'"),
    ("model.name", ["ae"], r"cannot be used: model\.name must be one of "),
    ("model.network.bins", 0, r"cannot be used: model 'histogram' cannot be built from"),
    ("model.network.bins", "4", r"cannot be used: model 'histogram' cannot be built from"),
    ("model.network.depth", 4, r"cannot be used: model 'histogram' cannot be built .*'depth'"),
    ("model.network.bins", 5, r"does not fit the model 'histogram': mean is .*\(6,\), .*\(7,\)\.$"),
    ("model.network.bins", 10**12, r"does not fit the model 'histogram': mean is "),
    ("model.network.bins", 10**30, r"cannot be used: model 'histogram' cannot be built from"),
    ("model.name", "ae", r"cannot be used: model 'ae' cannot be built from"),
]


@pytest.mark.parametrize(("key", "value", "message"), BAD_HEADERS)
def test_headers_that_are_refused(key: str, value: object, message: str, tmp_path: Path) -> None:
    path = tmp_path / "w.safetensors"
    header = changed(key, value)
    text = {"emqs": json.dumps(header)}
    path.write_bytes(weight_files.safetensors(text, weight_files.TENSORS))
    refused(path, message)


@pytest.mark.parametrize("text", ["{", "5", "[1]", '"abc"', "[" * 100_000])
def test_headers_that_are_no_object(text: str, tmp_path: Path) -> None:
    path = tmp_path / "w.safetensors"
    path.write_bytes(weight_files.safetensors({"emqs": text}, weight_files.TENSORS))
    refused(path, r" has a damaged header: ")


def test_a_huge_network_takes_no_memory(tmp_path: Path) -> None:
    """A header of 300 bytes asks for 8 TB; only its shapes are looked at."""
    header = changed("model", {"name": "ae", "network": {"latent_size": 10**9}})
    refused(weight_files.write(tmp_path / "w.safetensors", header), "does not fit the model 'ae'")


def test_tensors_that_do_not_fit_are_named(tmp_path: Path) -> None:
    path, good = tmp_path / "w.safetensors", weight_files.TENSORS
    mean, scale = good["mean"], good["scale"]
    for tensors, message in [
        ({"mean": mean}, r"the model 'histogram': it lacks scale\.$"),
        ({**good, "zebra": mean}, r"the model 'histogram': it has zebra, which is unknown\.$"),
        ({"mean": mean, "scale": scale[:5]}, r"scale is .* \(5,\), expected torch\.float32 .*\(6,"),
        ({"mean": mean.astype("<f8"), "scale": scale}, r"mean is torch\.float64 .*torch\.float32"),
        ({"mean": mean * np.nan, "scale": scale}, r"cannot be used: mean holds NaN or infinity"),
    ]:
        refused(weight_files.write(path, tensors=tensors), message)


# published checkpoints


def published(name: str = "vae", latent_size: int = 4) -> dict[str, Any]:
    """A checkpoint like those of the original program, with random weights."""
    network = models.build(name, {"latent_size": latent_size})
    return {"epoch": 7, "state_dict": network.state_dict(), "optim_dict": {"lr": 1e-4, "state": {}}}


@pytest.mark.parametrize("zipped", [True, False])
@pytest.mark.parametrize("name", ["ae", "vae"])
@pytest.mark.parametrize("ending", [".pth.tar", ".pth", ".pt"])
def test_published_checkpoints(name: str, zipped: bool, ending: str, tmp_path: Path) -> None:
    content, path = published(name), tmp_path / f"w{ending}"
    torch.save(content, path, _use_new_zipfile_serialization=zipped)
    found = weights.load(path)
    assert (found.name, found.settings) == (name, {"latent_size": 4, "activation": "relu"})
    assert found.preprocessing == PreprocessingConfig(size=64, contrast="none")
    assert found.record == {"source": f"published checkpoint w{ending}", "epoch": 7}
    loaded = found.network.state_dict()
    assert all(torch.equal(loaded[k], t) for k, t in content["state_dict"].items())
    assert not found.network.training


def test_a_bare_state_dict(tmp_path: Path) -> None:
    torch.save(published()["state_dict"], tmp_path / "w.pth")
    assert weights.load(tmp_path / "w.pth").record == {"source": "published checkpoint w.pth"}


class Trap:
    """An object that, when it is unpickled, leaves a file behind."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return os.system, (f"touch {self.path}",)


@pytest.mark.parametrize("zipped", [True, False])
def test_code_in_a_checkpoint_is_refused_and_does_not_run(zipped: bool, tmp_path: Path) -> None:
    path, trace = tmp_path / "w.pth.tar", tmp_path / "it ran"
    torch.save(published() | {"x": Trap(trace)}, path, _use_new_zipfile_serialization=zipped)
    refused(path, r" is damaged, or holds more than weights, which is never read\. Get the file")
    assert not trace.exists()


@pytest.mark.parametrize("zipped", [True, False])
def test_damaged_checkpoints(zipped: bool, tmp_path: Path) -> None:
    path = tmp_path / "w.pth.tar"
    torch.save(published(), path, _use_new_zipfile_serialization=zipped)
    good = path.read_bytes()
    rng = np.random.default_rng(0)
    for kept in (0, 1, 2, 10, 100, 1000, len(good) // 2, len(good) - 1):
        path.write_bytes(good[:kept])
        refused(path, "is damaged")
    for _ in range(40):  # in the pickled part, where anything may come of it
        content = bytearray(good)
        content[rng.integers(1500)] = rng.integers(256)
        path.write_bytes(content)
        with suppress(WeightsError):  # and no other error
            weights.load(path)


CHECKPOINTS: list[tuple[object, str]] = [
    ([1, 2], r"holds no state_dict of tensors"),
    ({"state_dict": [1]}, r"holds no state_dict of tensors"),
    ({"state_dict": {"fc_mu.weight": 1}}, r"holds no state_dict of tensors"),
    ({"state_dict": {5: torch.zeros(1)}}, r"holds no state_dict of tensors"),
    ({"state_dict": {}}, r"neither an AE \(fc_enc\) nor a VAE \(fc_mu\); it holds nothing\."),
    ({"state_dict": {"a": torch.zeros(1), "b": torch.zeros(1)}}, r"nor a VAE .*it holds a, b\."),
    ({"state_dict": {"fc_mu.weight": torch.tensor(1.0)}}, r"nor a VAE .*it holds fc_mu\.weight"),
    ({"state_dict": {"fc_mu.weight": torch.zeros(0, 2048)}}, r"latent_size must be at least 1"),
    ({"state_dict": {"fc_mu.weight": torch.zeros(4, 2048)}}, r"model 'vae': it lacks conv1\.bias"),
    (
        {"state_dict": {"fc_mu.weight": torch.zeros(1).expand(10**9, 2048)}},
        "claims more weights than fit into the file",
    ),
]


@pytest.mark.parametrize(("content", "message"), CHECKPOINTS)
def test_checkpoints_that_are_refused(content: object, message: str, tmp_path: Path) -> None:
    torch.save(content, tmp_path / "w.pth.tar")
    refused(tmp_path / "w.pth.tar", message)


def test_published_tensors_that_do_not_fit_are_named(tmp_path: Path) -> None:
    path = tmp_path / "w.pth.tar"
    for change, message in [
        ({"conv2.bias": torch.zeros(31)}, r"'vae': conv2\.bias is .*\(31,\), expected .*\(32,\)"),
        ({"conv2.bias": torch.zeros(32).double()}, r"'vae': conv2\.bias is torch\.float64"),
        ({"conv2.bias": torch.full((32,), torch.nan)}, r"conv2\.bias holds NaN or infinity"),
        ({"conv9.bias": torch.zeros(1)}, r"'vae': it has conv9\.bias, which is unknown"),
        ({"fc_enc.weight": torch.zeros(4, 2048)}, r"is neither an AE \(fc_enc\) nor a VAE"),
    ]:
        content = published()
        content["state_dict"].update(change)
        torch.save(content, path)
        refused(path, message)


@pytest.mark.parametrize("epoch", [None, "last", torch.tensor(3)])
def test_an_epoch_that_is_no_number_is_left_out(epoch: object, tmp_path: Path) -> None:
    torch.save(published() | {"epoch": epoch}, tmp_path / "w.pth.tar")
    assert "epoch" not in weights.load(tmp_path / "w.pth.tar").record


@pytest.mark.parametrize(
    ("file", "name", "epoch", "n_parameters"),
    [
        ("ae_pretrained", "ae", 392, 160_353),
        ("ae_finetuned", "ae", 20, 160_353),
        ("vae_pretrained", "vae", 199, 225_921),
        ("vae_finetuned", "vae", 20, 225_921),
    ],
)
def test_the_four_published_files(
    file: str, name: str, epoch: int, n_parameters: int, weights_dir: Path
) -> None:
    found = weights.load(weights_dir / f"{file}.pth.tar")
    assert (found.name, found.record["epoch"]) == (name, epoch)
    assert sum(p.numel() for p in found.network.parameters()) == n_parameters
    assert isinstance(found.network, nn.Module)
    assert {p.device.type for p in found.network.parameters()} == {"cpu"}


def test_a_flipped_bit_in_a_checkpoint_is_noticed(tmp_path: Path) -> None:
    """Where zip files have checksums; torch compares none of them."""
    path = tmp_path / "w.pth.tar"
    torch.save(published(), path)
    good, expected = path.read_bytes(), weights.load(path).network.state_dict()
    rng = np.random.default_rng(1)
    n_refused = 0
    for place in rng.integers(len(good), size=12):
        content = bytearray(good)
        content[place] ^= 1 << int(rng.integers(8))
        path.write_bytes(content)
        try:
            loaded = weights.load(path).network.state_dict()
        except WeightsError:
            n_refused += 1
        else:  # between the members, where zip files are padded
            assert all(torch.equal(loaded[key], tensor) for key, tensor in expected.items())
    assert n_refused > 8


def test_an_old_checkpoint_has_no_checksum_and_says_so(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "w.pth.tar"
    torch.save(published(), path, _use_new_zipfile_serialization=False)
    weights.load(path)
    (said,) = (record.getMessage() for record in caplog.records)
    assert "has no checksum: it is in the older format of torch" in said


def test_a_published_name_belongs_to_the_published_file(tmp_path: Path) -> None:
    path = tmp_path / "vae_pretrained.pth.tar"
    torch.save(published(), path)
    refused(path, r"is damaged, or not the published file of this name: .* another name")
