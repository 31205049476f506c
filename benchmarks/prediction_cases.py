"""What ``prediction.py`` predicts, and the features of its slices, which are computed once."""

import hashlib
import inspect
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType

import numpy as np

from emqs import notebook
from emqs.datasets import open_stack
from emqs.datasets.settings import DatasetConfig
from emqs.embedding.build.grids import make_grid
from emqs.embedding.build.planes import PlaceSource, contrast
from emqs.geometry import Box, Lengths, boxes
from emqs.models.compute import Compute
from emqs.models.weights import Model
from emqs.patches.settings import PatchConfig
from emqs.prediction import features as features_module
from emqs.prediction import grey
from emqs.prediction.features import Features
from emqs.prediction.layers import Layer, Layers
from emqs.volumes import from_array
from emqs.volumes.volume import RANGES

PATCH_PX = 80  # of an embedding volume as ``embed`` makes it
STORED = np.float16  # features on disk: what rounding costs is far below what clicks cost


@dataclass(frozen=True)
class Case:
    """One structure of one dataset.

    Attributes:
        dataset: Folder of images, class 1 of whose labels is predicted.
        voxel_size_nm: Z Y X.
        clicked: The two slices that clicks are drawn from.
        chosen_on: Slices on which settings may be chosen.
        reported_on: Other slices, on which the numbers in the documentation were measured.
        part: Rows and columns of the slices; None: all.
    """

    dataset: str
    voxel_size_nm: Lengths
    clicked: tuple[int, int]
    chosen_on: tuple[int, ...]
    reported_on: tuple[int, ...]
    part: tuple[slice, slice] | None = None


CASES = {
    "EPFL": Case("EPFL", (15, 5, 5), (10, 43), (0, 3, 26), (16, 19, 35, 49, 54)),
    "VNC": Case("VNC", (50, 4.6, 4.6), (3, 15), (0, 9), (6, 7, 12, 18, 19)),
    "CHLOROPLAST": Case(
        "CHLOROPLAST", (80, 10, 10), (1, 3), (0,), (2, 4),
        (slice(402, 1938), slice(989, 3293)),  # where most of the tissue is
    ),
}  # fmt: skip


class Stored(Features):
    """Features of whole slices that lie on disk; what the command does with them, it does here."""

    def __init__(self, source: PlaceSource, model: Model, case: Case, folder: Path) -> None:
        """Take a volume, and the folder of its features."""
        grid = make_grid(source.volume, PatchConfig(PATCH_PX), step_z_nm=None, block=None)
        super().__init__(source, model, grid, Compute(device="cpu", progress=False))
        self.folder = folder / f"{case.dataset}-{state(model, features_module, grey)}"
        self.folder.mkdir(parents=True, exist_ok=True)
        self._drawn: np.ndarray | None = None

    def learn(self, n_components: int, *, n_voxels: int, seed: int) -> np.ndarray:
        """Return voxels of the volume; the projection is learnt once."""
        if self._drawn is None:
            self._drawn = super().learn(n_components, n_voxels=n_voxels, seed=seed)
        return self._drawn

    def layers(self, box: Box) -> Layers:
        """Return features, from the slice on disk if it is one that is looked at often."""
        path = self.folder / f"{box.start[0]}.npy"
        if not path.exists():
            return super().layers(box)
        kept = np.load(path, mmap_mode="r")
        return Layers([Layer(kept[(slice(None), *box.slices[1:])].astype(np.float32))])

    def keep(self, z: int) -> None:
        """Compute and store the features of a slice, if they are not there."""
        path = self.folder / f"{z}.npy"
        if path.exists():
            return
        shape = self.source.volume.shape
        made = np.empty((self.n_features, *shape[1:]), dtype=STORED)
        for own in boxes((1, *shape[1:]), (1, 1024, 1024)):
            made[(slice(None), *own.slices[1:])] = self._made(own.moved((z, 0, 0))).full()
        unfinished = path.with_name("unfinished.npy")
        np.save(unfinished, made)
        unfinished.rename(path)


def state(model: Model | None, *modules: ModuleType) -> str:
    """Return what results depend on, in few letters: the code that makes them, and the weights."""
    text = "".join(inspect.getsource(module) for module in modules)
    digest = None if model is None else model.sha256
    return hashlib.sha256(f"{text}{digest}{PATCH_PX}".encode()).hexdigest()[:12]


@dataclass(frozen=True)
class Opened:
    """A case with its slices.

    Attributes:
        case: Which.
        features: Of its volume.
        truth: Which voxels are the structure, ``(Z, Y, X)``, bool.
    """

    case: Case
    features: Stored
    truth: np.ndarray

    def keep(self, slices: tuple[int, ...]) -> None:
        """Compute the features of some slices, and of those that are clicked."""
        self.features.learn(32, n_voxels=4000, seed=0)
        for z in (*self.case.clicked, *slices):
            self.features.keep(z)


def open_case(case: Case, images: Path, cache: Path) -> Opened:
    """Return a case, its features in a folder of ``cache``."""
    stack = open_stack(DatasetConfig(name=case.dataset, kind="folder"), images)
    part = case.part or (slice(None), slice(None))
    voxels = np.stack([np.asarray(one)[part] for one in stack.slices])
    truth = np.stack([np.asarray(one)[part] == 1 for one in stack.require_labels()])
    volume = from_array(voxels, case.voxel_size_nm, name=case.dataset)
    model = notebook.load_model()
    source = PlaceSource(volume, RANGES[voxels.dtype], None)
    if model.preprocessing.contrast != "none":
        source = replace(source, contrast=contrast(source, np.arange(volume.shape[0])))
    return Opened(case, Stored(source, model, case, cache), truth)
