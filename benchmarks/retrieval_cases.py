"""What ``retrieval.py`` compares: structures, models and scorers."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

from hydra import compose
from omegaconf import DictConfig

from emqs.models.weights import Model
from emqs.retrieval.settings import QueryConfig
from emqs.runs import model as run_model
from emqs.settings import CONFIG_DIR, read


@dataclass(frozen=True)
class Case:
    """One structure of one dataset."""

    dataset: str
    structure: int
    name: str
    size_nm: float  # edge of a patch: about that of the structure
    min_overlap: float = 0.5
    slices: tuple[int, int] | None = None  # of small patches, a few thousand are enough
    seen: str = ""  # what its slices served for before

    @property
    def key(self) -> str:
        """Name of its files."""
        return f"{self.dataset}-{self.name}".replace(" ", "_")

    @property
    def note(self) -> str:
        """What must be known to read its numbers."""
        part = "" if self.slices is None else f", slices {self.slices[0]} to {self.slices[1] - 1}"
        return f"Patches of {self.size_nm:g} nm, overlap > {self.min_overlap:g}{part}." + (
            f" {self.seen}" if self.seen else ""
        )


OTHER_SETS = {  # settings of datasets that have no file in configs/dataset
    "CHLOROPLAST": ("dataset.pixel_size_nm=10", "dataset.section_nm=80"),
    "ISBI": ("dataset.pixel_size_nm=4", "dataset.section_nm=50"),
    "EPFL_test": ("dataset.pixel_size_nm=5", "dataset.section_nm=5"),
}
TUNED = "Settings were chosen on it."
TRAINED = "The shipped networks were trained on its slices, without labels."
# Left out: synapses of VNC, whose labels were incomplete when these were chosen, and axon sheaths
# of EPFL, which fill no patch. Mitochondria are 300 to 800 nm wide, vesicles 40 nm, but in clusters
# of 200 nm and more, densities 30 nm thick and 300 nm long; membranes are 10 nm thick, but labelled
# together with the gap between two. Small patches are searched in the first slices only: thousands
# are enough.
CASES = (
    Case("EPFL", 1, "mitochondria", 400, seen=TUNED),
    Case("EPFL", 3, "vesicles", 200, slices=(0, 15)),
    Case("EPFL", 2, "membrane", 150, slices=(0, 10)),
    Case("EPFL", 5, "postsynaptic density", 150, min_overlap=0.3, slices=(0, 15)),
    Case("VNC", 1, "mitochondria", 370, seen=TUNED),
    Case("VNC", 2, "membrane", 140, slices=(0, 10)),
    Case("VNC", 4, "glia", 185, slices=(0, 10)),
    Case(
        "CHLOROPLAST",
        1,
        "chloroplasts",
        1200,
        seen=TRAINED,
    ),
    Case("ISBI", 2, "membrane", 80, slices=(0, 10)),
)

MODELS: dict[str, tuple[str, ...]] = {  # label: settings of ``python -m emqs.evaluate``
    "contrastive": ("model=contrastive",),
    "contrastive+histogram": ("model=combined", "model.parts=[contrastive,histogram]"),
    "vae": ("model=vae",),
    "ae": ("model=ae",),
    "imagenet": ("model=imagenet",),
    "handcrafted": ("model=handcrafted",),
    "histogram": ("model=histogram",),
    "pca": ("model=pca",),
    "pixels": ("model=pixels",),
    "vae published": ("model=vae",),  # give --weights "vae published=PATH/vae_finetuned.pth.tar"
    "ae published": ("model=ae",),
}
PUBLISHED = ("vae published", "ae published")  # their weights do not ship
OURS = ("contrastive", "contrastive+histogram")  # get every scorer; the others get ``COMMON``

PLAIN: dict[str, object] = {"metric": "cosine", "whiten": "standard", "dense": False}
DENSE: dict[str, object] = PLAIN | {"dense": True, "step": 0.25, "smooth": 0.25, "smooth_z": 1.0}
HEADS = ("nearest", "prototype", "knn", "lda", "logistic", "svm", "density")
SCORERS: dict[str, dict[str, object]] = {  # label: what differs from the defaults
    "default": {},
    "nearest, touches": {"scorer": "nearest", "question": "touches"},  # before ensemble and graded
    "paper": {"scorer": "nearest", "metric": "l2", "whiten": "none", "dense": False},
    **{name: PLAIN | {"scorer": name} for name in HEADS},
    **{
        f"{name}, windows {part:g}{question}": DENSE
        | {"scorer": name, "window": part, "question": question[2:] or "touches"}
        for name in HEADS
        for part, question in ((0.5, ""), (0.5, ", mostly"), (1.0, ""))  # of 1 a patch holds one
    },
    "default, touches": {"question": "touches"},
    "default, mostly": {"question": "mostly"},
    "logistic, two windows": DENSE | {"scorer": "logistic"},
    "density, two windows": DENSE | {"scorer": "density"},
}
# whole patches: encoders that see each patch on its own would take hours for windows
COMMON = ("paper", "nearest", "logistic")
MAIN = ("default", *COMMON, "prototype", "svm", "density", "logistic, windows 0.5")
TOO_LONG = {"pixels": ("logistic",)}  # 4,096 numbers a code: minutes for each draw


def settings_of(case: Case, extra: Sequence[str] = ()) -> DictConfig:
    """Return the composed settings of ``python -m emqs.evaluate`` for a case."""
    named = (CONFIG_DIR / "dataset" / f"{case.dataset}.yaml").is_file()
    dataset = [f"dataset={case.dataset if named else 'folder'}"]
    if not named:
        dataset.append(f"dataset.name={case.dataset}")
    if case.slices is not None:
        dataset.append(f"dataset.slices=[{case.slices[0]},{case.slices[1]}]")
    return compose("evaluate", overrides=[*dataset, *OTHER_SETS.get(case.dataset, ()), *extra])


def overrides_of(label: str, weights: Mapping[str, str]) -> list[str]:
    """Return the settings that choose a model.

    Args:
        label: A key of ``MODELS``.
        weights: Model to a file that replaces the weights that ship.
    """
    extra = list(MODELS[label])
    for name, path in weights.items():
        if label == name:
            extra.append(f"weights='{path}'")
        elif name in label.split("+"):
            extra.append(f"model.part.{name}.weights='{path}'")
    return extra


def model_of(case: Case, label: str, weights: Mapping[str, str]) -> tuple[Model, QueryConfig]:
    """Return an untouched model, and the settings of queries that ``evaluate`` has for it."""
    config = settings_of(case, overrides_of(label, weights))
    return run_model.load_model(config), read(QueryConfig, config.query, "query")


def digest(*parts: object) -> str:
    """Return a short name of settings that decide a result."""
    text = json.dumps(parts, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def network_of(model: Model) -> list[object]:
    """Return what decides the codes of a model, for ``digest``."""
    return [model.name, model.settings, asdict(model.preprocessing), model.sha256]
