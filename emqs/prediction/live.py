"""Predictions while somebody waits: what costs time is made once, and a click costs the head alone.

What is learnt from the volume, the features of clicks, and those of the parts that were looked at
last stay in memory; see ``CACHED_BYTES`` of the features.
"""

import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from emqs.embedding.stores.zarr import open_store
from emqs.geometry import Box
from emqs.prediction import tiles
from emqs.prediction.features import Features
from emqs.prediction.opening import open_embedded
from emqs.prediction.predict import (
    Embedded,
    check_model,
    checked_classes,
    checked_region,
    features_of,
    heads_for,
)
from emqs.prediction.settings import PredictConfig
from emqs.prediction.shown import Asked, Shown, Triple
from emqs.prediction.sources import Source
from emqs.prediction.suggestions import suggest_in
from emqs.retrieval.examples_file import NEGATIVE, POSITIVE, Examples

MOST_OPEN = 2  # embedding volumes; each may keep a gigabyte of features
MOST_CLICKS = 10_000  # whose features are kept
N_SUGGESTIONS = 5


@dataclass(eq=False)
class Live:
    """An embedding volume in which predictions are asked for one after the other.

    Attributes:
        embedded: Where.
        settings: How; those of the command, so that results are the command's.
    """

    embedded: Embedded
    settings: PredictConfig = field(default_factory=PredictConfig)
    _features: Features | None = None
    _unlabelled: np.ndarray | None = None
    _clicks: "OrderedDict[Triple, np.ndarray]" = field(default_factory=OrderedDict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def predict(self, asked: Asked) -> Shown:
        """Return the probability of a region, and where to click next.

        Raises:
            ConfigError: If an example or the region lies outside, or the volume or the model is
                not what the embedding volume was made of.
            DataError: If the volume cannot be read.
        """
        store, volume = self.embedded.store, self.embedded.volume
        check_model(store, self.embedded.model)
        checked_region(asked.region, volume)
        labels = [POSITIVE] * len(asked.positives) + [NEGATIVE] * len(asked.negatives)
        voxels = [*asked.positives, *asked.negatives]
        checked_classes(store, volume, Examples(np.array(voxels, dtype=np.int64), tuple(labels)))
        with self._lock:
            features, unlabelled = self._learnt()
            fitted = heads_for(self._seen(features, voxels), labels, unlabelled, self.settings)
            reach = self.settings.smoothing * store.grid.seen
            made = tiles.probabilities(features, fitted, asked.region, reach)[POSITIVE]
        values = np.rint(made * 255).astype(np.uint8)
        grid = store.grid
        suggested = self._suggested(values, asked)
        return Shown(values, asked.region, grid.size, grid.voxel_size_nm, grid.origin_nm, suggested)

    def learn(self) -> None:
        """Learn from the volume what every prediction needs."""
        with self._lock:
            self._learnt()

    def _learnt(self) -> tuple[Features, np.ndarray]:
        """Return the features, and those of voxels from all over the volume; made once."""
        if self._features is None or self._unlabelled is None:
            made = features_of(self.embedded)
            self._unlabelled = made.learn(
                self.settings.components,
                n_voxels=self.settings.n_unlabelled,
                seed=self.settings.seed,
            )
            self._features = made
        return self._features, self._unlabelled

    def _seen(self, features: Features, voxels: Sequence[Triple]) -> np.ndarray:
        """Return the features of clicks, ``(N, C)``; each is looked at once."""
        for voxel in dict.fromkeys(voxels):
            if voxel not in self._clicks:
                row = features.known(voxel)
                self._clicks[voxel] = features.at([voxel])[0] if row is None else row.copy()
        rows = np.stack([self._clicks[voxel] for voxel in voxels])
        while len(self._clicks) > MOST_CLICKS:
            self._clicks.popitem(last=False)
        return rows

    def _suggested(self, values: np.ndarray, asked: Asked) -> np.ndarray:
        """Return places to click next, none of them where one has clicked already."""
        known = np.array([*asked.positives, *asked.negatives])
        apart = self.embedded.store.grid.size
        z, y, x = values.shape
        parts = [(Box((0, 0, 0), (z, y, x)), [values.astype(np.float32) / 255])]
        more = suggest_in(parts, N_SUGGESTIONS + len(known), apart=apart)
        places = more + np.array(asked.region.start)
        off = np.abs(places[:, None, 1:] - known[None, :, 1:]).max(axis=2)
        told = ((off < apart // 4) & (places[:, None, 0] == known[None, :, 0])).any(axis=1)
        return places[~told][:N_SUGGESTIONS]


_open: "OrderedDict[Source, Live]" = OrderedDict()


def answer(source: Source, asked: Asked) -> Shown:
    """Return a prediction in an embedding volume, which stays open in this process.

    Raises:
        ConfigError: As ``Live.predict``.
        DataError: If the store or the volume cannot be opened or read.
        WeightsError: If the weights it was made with are not there.
    """
    return _opened(source).predict(asked)


def learn(source: Source) -> None:
    """Make what the first prediction needs; errors as of ``answer``."""
    _opened(source).learn()


def _opened(source: Source) -> Live:
    if source not in _open:
        store = open_store(Path(source.store))
        folders = [Path(folder) for folder in source.folders]
        _open[source] = Live(open_embedded(store, source.volumes, folders))
    _open.move_to_end(source)
    while len(_open) > MOST_OPEN:
        _open.popitem(last=False)[1].embedded.volume.close()
    return _open[source]
