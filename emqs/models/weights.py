"""Read, check and write weight files; import the published ``.pth.tar`` checkpoints.

A weights file is a safetensors file whose metadata holds, under the key ``emqs``, a JSON object:
``format`` ("emqs-weights"), ``version``, ``model`` (name and arguments), ``preprocessing``,
``record`` (data, epochs, losses ...) and ``sha256`` of the tensors. It holds no code, and it alone
rebuilds its model.
"""

import hashlib
import json
import logging
import warnings
import zipfile
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from safetensors.torch import save as to_bytes
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from emqs import models
from emqs.errors import ConfigError, WeightsError, first_line, one_line
from emqs.files import replacing, sha256
from emqs.models.settings import ModelConfig, PreprocessingConfig
from emqs.settings import read

FORMAT = "emqs-weights"
VERSION = 1
MAX_BYTES = 4 << 30  # larger files are refused unread
PUBLISHED_ENDINGS = (".pth.tar", ".pth", ".pt")
#: The files of github.com/nielsvyncke/patch-based-querying, by name.
PUBLISHED_SHA256 = {
    "ae_finetuned.pth.tar": "dfd4552150b6d5b6049d741b0e7459ced4f0b8f4ed855390ca952344573c88cd",
    "ae_pretrained.pth.tar": "c85b2ed1bb74191fee97958dd31c99565cd2cef598783b85b617102d7ca76dee",
    "vae_finetuned.pth.tar": "d6f062cdf15960b95627033ddc60538bcb49ad07216ea557f9367af6a9cbcfc3",
    "vae_pretrained.pth.tar": "974550f3926a11638745190adbff5044e528ab760dd53d9bc8a36440d8e3bc09",
}
MODEL_OF_KEY = {"fc_enc.weight": "ae", "fc_mu.weight": "vae"}  # published checkpoints

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Model:
    """A network with all that is needed to use it on a slice."""

    name: str  # a key of emqs.models.NETWORKS
    network: nn.Module  # an emqs.models.Encoder
    settings: dict[str, Any] = field(default_factory=dict)  # arguments of its class
    preprocessing: PreprocessingConfig = field(default_factory=PreprocessingConfig)
    record: dict[str, Any] = field(default_factory=dict)  # how it was trained
    sha256: str | None = None  # of the file it came from

    def __post_init__(self) -> None:
        """Check that patches will have the size that the network takes."""
        size = getattr(self.network, "input_size", None)
        if size is not None and size != self.preprocessing.size:
            raise ConfigError(
                f"model.preprocessing.size is {self.preprocessing.size}, but the network "
                f"'{self.name}' takes patches of {size} pixels. Make them equal."
            )


def differences(model: Model, config: ModelConfig) -> list[tuple[str, Any, Any]]:
    """Return where a model is not what the settings say.

    Args:
        model: E.g. of a weights file.
        config: The settings ``model``.

    Returns:
        The name of each setting as the user types it, what the model has, what the settings say.
    """
    had = models.defaults(model.name) | model.settings  # a file may be older than a setting
    asked_for = models.defaults(config.name) | config.network
    names = sorted({*had, *asked_for})
    pairs: list[tuple[str, Any, Any]] = [
        ("model", model.name, config.name),
        *((f"model.network.{n}", had.get(n), asked_for.get(n)) for n in names),
        *(
            (f"model.preprocessing.{name}", held, getattr(config.preprocessing, name))
            for name, held in asdict(model.preprocessing).items()
        ),
    ]
    return [(setting, held, asked) for setting, held, asked in pairs if held != asked]


def tensors_sha256(tensors: dict[str, Tensor]) -> str:
    """Return the SHA-256 of named tensors: names, dtypes, shapes and bytes, sorted by name."""
    digest = hashlib.sha256()
    for name in sorted(tensors):
        tensor = tensors[name].detach().cpu().contiguous()
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}\n".encode())
        digest.update(tensor.flatten().view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()


def save(path: Path, model: Model) -> None:
    """Write a weights file, first under a temporary name.

    Args:
        path: Where to; must end in ``.safetensors``. An existing file is replaced.
        model: What to write.

    Raises:
        WeightsError: If the name has another ending, its folder does not exist, or a weight is not
            finite.
    """
    if path.suffix != ".safetensors":
        raise WeightsError(f"A weights file must end in .safetensors, got {path}.")
    if not path.parent.is_dir():
        raise WeightsError(f"Not written to {path}: there is no folder {path.parent}.")
    tensors = {k: v.detach().cpu().contiguous() for k, v in model.network.state_dict().items()}
    broken = [name for name, tensor in tensors.items() if not torch.isfinite(tensor).all()]
    if broken:
        raise WeightsError(f"Not written to {path}: {broken[0]} holds NaN or infinity.")
    header = {
        "format": FORMAT,
        "version": VERSION,
        "model": {"name": model.name, "network": model.settings},
        "preprocessing": asdict(model.preprocessing),
        "record": model.record,
        "sha256": tensors_sha256(tensors),
    }
    metadata = {"emqs": json.dumps(header, sort_keys=True)}
    with replacing(path) as temporary:
        temporary.write_bytes(to_bytes(tensors, metadata=metadata))


def load(path: Path) -> Model:
    """Return the model of a weights file.

    Args:
        path: A ``.safetensors`` file of emqs, or a published checkpoint (``.pth.tar``, ``.pth``,
            ``.pt``, zip or legacy format). Only tensors are read from either; no code runs.

    Returns:
        The model on the CPU, in evaluation mode.

    Raises:
        WeightsError: If the file is missing, too large, of another kind, damaged, or its tensors
            do not fit its model.
    """
    if not path.is_file():
        problem = f"{path} is a folder" if path.is_dir() else f"There is no weights file {path}"
        raise WeightsError(
            f"{problem}. Give weights=PATH of a file, or train one with python -m emqs.train."
        )
    if path.stat().st_size > MAX_BYTES:
        raise WeightsError(
            f"{path} has {path.stat().st_size / 2**30:.1f} GiB; weights files of more than "
            f"{MAX_BYTES / 2**30:.0f} GiB are refused."
        )
    if path.name.endswith(".safetensors"):
        return _load_own(path)
    if path.name.endswith(PUBLISHED_ENDINGS):
        return _load_published(path)
    if path.suffix == ".ckpt":
        raise WeightsError(
            f"{path} is a training checkpoint. Use the .safetensors file that the training run "
            "wrote beside its checkpoints folder, or resume training with ckpt_path=."
        )
    raise WeightsError(
        f"{path} must end in .safetensors (emqs) or {', '.join(PUBLISHED_ENDINGS)} (published)."
    )


def _load_own(path: Path) -> Model:
    try:
        with safe_open(path, framework="pt") as stream:
            metadata = stream.metadata() or {}
            tensors = {name: stream.get_tensor(name) for name in stream.keys()}  # noqa: SIM118
    except Exception as error:  # damaged bytes can raise anything
        raise WeightsError(
            f"{path} is damaged or no safetensors file: {first_line(error)}."
        ) from None
    if "emqs" not in metadata:
        raise WeightsError(f"{path} is a safetensors file, but not one of emqs.")
    try:
        header = json.loads(metadata["emqs"])
        version, expected = header["version"], header["sha256"]
        name, settings = str(header["model"]["name"]), dict(header["model"]["network"])
        stored_preprocessing, record = dict(header["preprocessing"]), dict(header["record"])
    except (KeyError, TypeError, ValueError, RecursionError) as error:
        raise WeightsError(f"{path} has a damaged header: {one_line(error)}.") from None
    if header.get("format") != FORMAT or version != VERSION:
        raise WeightsError(
            f"{path} has format {header.get('format')!r} version {version!r}; this emqs reads "
            f"{FORMAT!r} version {VERSION}."
        )
    if tensors_sha256(tensors) != expected:
        raise WeightsError(
            f"{path} is damaged: its weights do not match their checksum. Get the file again."
        )
    missing = sorted({f.name for f in fields(PreprocessingConfig)} - stored_preprocessing.keys())
    if missing:
        raise WeightsError(f"{path} has a damaged header: it lacks preprocessing.{missing[0]}.")
    if "${" in json.dumps(stored_preprocessing):  # would be looked up where the file is read
        raise WeightsError(f"{path} has a damaged header: preprocessing points elsewhere.")
    try:
        preprocessing = read(PreprocessingConfig, stored_preprocessing, "preprocessing")
        network = _network(name, settings, tensors, path)
        return Model(name, network, settings, preprocessing, record, sha256(path))
    except ConfigError as error:
        raise WeightsError(f"{path} cannot be used: {first_line(error)}.") from None


def _check_published(path: Path, digest: str) -> None:
    """Raise unless a published checkpoint is as it was written, as far as that can be known.

    The four published files are known by their checksum. Others are zip files, whose members have
    checksums that torch does not compare, or of torch's older format, which has none.

    Raises:
        WeightsError: If it is not.
    """
    if digest in PUBLISHED_SHA256.values():
        return
    if path.name in PUBLISHED_SHA256:
        raise WeightsError(
            f"{path} is damaged, or not the published file of this name: its SHA-256 is "
            f"{digest[:12]}..., expected {PUBLISHED_SHA256[path.name][:12]}... Get the file again, "
            "or give weights of your own another name."
        )
    with path.open("rb") as stream:
        is_zip = stream.read(2) == b"PK"
    if not is_zip:
        logger.warning(
            "%s has no checksum: it is in the older format of torch, and a bit that flipped in "
            "there would not be noticed.", path,
        )  # fmt: skip
        return
    try:
        with zipfile.ZipFile(path) as archive:
            claimed = sum(entry.file_size for entry in archive.infolist())
            wrong = archive.testzip() if claimed <= 2 * path.stat().st_size else "its directory"
    except Exception as error:  # damaged bytes can raise anything
        wrong = first_line(error)
    if wrong is not None:
        raise WeightsError(
            f"{path} is damaged: {wrong} does not match its checksum. Get the file again."
        )


def _load_published(path: Path) -> Model:
    digest = sha256(path)
    _check_published(path, digest)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of foreign pickles, which are refused below
            content = torch.load(path, map_location="cpu", weights_only=True)
    except Exception:  # damaged bytes can raise anything; torch advises to run what is in the file
        raise WeightsError(
            f"{path} is damaged, or holds more than weights, which is never read. "
            "Get the file again."
        ) from None
    tensors = content.get("state_dict", content) if isinstance(content, dict) else None
    if not isinstance(tensors, dict) or not all(
        isinstance(k, str) and isinstance(t, Tensor) for k, t in tensors.items()
    ):
        raise WeightsError(f"{path} holds no state_dict of tensors.")
    if sum(tensor.nbytes for tensor in tensors.values()) > path.stat().st_size:
        raise WeightsError(f"{path} is damaged: it claims more weights than fit into the file.")
    keys = [key for key in MODEL_OF_KEY if key in tensors]
    if len(keys) != 1 or tensors[keys[0]].ndim != 2:
        raise WeightsError(
            f"{path} is neither an AE (fc_enc) nor a VAE (fc_mu); it holds "
            f"{', '.join(list(tensors)[:4]) or 'nothing'}."
        )
    name = MODEL_OF_KEY[keys[0]]
    settings = {"latent_size": int(tensors[keys[0]].shape[0]), "activation": "relu"}
    try:
        network = _network(name, settings, tensors, path)
    except ConfigError as error:
        raise WeightsError(f"{path} cannot be used: {first_line(error)}.") from None
    record: dict[str, Any] = {"source": f"published checkpoint {path.name}"}
    if isinstance(content.get("epoch"), int):
        record["epoch"] = content["epoch"]
    return Model(name, network, settings, PreprocessingConfig(), record, digest)


class _Undrawn(TorchFunctionMode):
    """Leaves fresh weights undrawn.

    On torch's "meta" device there is nothing to draw, and to find that out takes 3 s: its random
    functions load torch's compiler.
    """

    def __torch_function__(
        self,
        function: Callable[..., Any],
        types: Iterable[type],
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:  # noqa: ANN401 - whatever the function returns
        """Call a function of torch, or return the tensor that it would fill with random numbers."""
        if getattr(function, "__name__", "") in ("normal_", "uniform_") and args:
            return args[0]
        return function(*args, **(kwargs or {}))


def _network(
    name: str, settings: dict[str, Any], tensors: dict[str, Tensor], path: Path
) -> nn.Module:
    """Return the network that tensors belong to, or say which of them does not fit.

    Its shapes are known before any memory is taken, so a file cannot ask for more than it holds.
    """
    try:
        with torch.device("meta"), _Undrawn():  # shapes without memory
            expected_tensors = models.build(name, settings).state_dict()
    except OverflowError as error:
        raise ConfigError(f"model '{name}' cannot be built from {settings}: {error}") from None
    missing, unknown = (
        sorted(expected_tensors.keys() - tensors),
        sorted(tensors.keys() - expected_tensors),
    )
    if missing or unknown:
        what = f"lacks {missing[0]}" if missing else f"has {unknown[0]}, which is unknown"
        raise WeightsError(f"{path} does not fit the model '{name}': it {what}.")
    for key, tensor in tensors.items():
        got, expected = (
            (tensor.dtype, *tensor.shape),
            (expected_tensors[key].dtype, *expected_tensors[key].shape),
        )
        if got != expected:
            raise WeightsError(
                f"{path} does not fit the model '{name}': {key} is {tensor.dtype} of shape "
                f"{tuple(tensor.shape)}, expected {expected_tensors[key].dtype} of shape "
                f"{tuple(expected_tensors[key].shape)}."
            )
        if not torch.isfinite(tensor).all():
            raise WeightsError(f"{path} cannot be used: {key} holds NaN or infinity.")
    network = models.build(name, settings)
    network.load_state_dict(tensors)
    return network
