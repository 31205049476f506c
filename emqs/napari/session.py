"""What the dock does, without a window: an embedding volume, clicks, a search, a map in view."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from emqs.errors import ConfigError
from emqs.geometry import Box, boxes
from emqs.retrieval.examples_file import Examples, columns, from_points, read_examples
from emqs.runs.compose import composed
from emqs.runs.progress import Step
from emqs.settings import read

if TYPE_CHECKING:
    from emqs.embedding.stores.zarr import EmbeddingStore
    from emqs.prediction.features import Features
    from emqs.prediction.head import Head
    from emqs.prediction.predict import Embedded, Predicted
    from emqs.prediction.settings import PredictConfig
    from emqs.retrieval.volume_search import Matches
    from emqs.volumes import Volume

EDGE = 512  # of a square of what is in view that is mapped at once
MOST_TILES = 16  # squares of features in view that are mapped at once, 4 megapixels


@dataclass(frozen=True, eq=False)
class Map:
    """The probability of a part of a slice.

    Attributes:
        box: Of the volume, one slice thick.
        values: ``box.shape``, float32 in [0, 1].
        is_whole: Whether it is all that was asked for; else its middle.
    """

    box: Box
    values: np.ndarray
    is_whole: bool


@dataclass(eq=False)
class Session:
    """An embedding volume that is searched and predicted in.

    Attributes:
        store: The embedding volume.
        volume: That it was made of.
        weights: Of its encoder, where they are not those that come with emqs.
        heads: Fitted to the clicks of the last ``learn``.
    """

    store: "EmbeddingStore"
    volume: "Volume"
    weights: str | None = None
    heads: "Mapping[str, Head] | None" = None
    _learnt: np.ndarray | None = field(default=None, repr=False)

    @cached_property
    def embedded(self) -> "Embedded":
        """The embedding volume with its encoder, which is loaded when it is first needed.

        Raises:
            ConfigError: If the encoder is another one than the store was made with.
            WeightsError: If the weights cannot be read.
        """
        from emqs.prediction.predict import Embedded, check_model
        from emqs.runs.model import load_model

        name = self.store.manifest["model"]["name"]
        cfg = composed("predict", [f"model={name}"])
        if self.weights is not None:
            cfg.weights = self.weights
        model = load_model(cfg)
        check_model(self.store, model)
        return Embedded(self.store, self.volume, model)

    @cached_property
    def features(self) -> "Features":
        """Features of the volume, those in view kept for the next click."""
        from emqs.prediction.predict import features_of

        return features_of(self.embedded)

    @cached_property
    def settings(self) -> "PredictConfig":
        """Settings of predictions, as the command has them."""
        from emqs.prediction.settings import PredictConfig

        return read(PredictConfig, composed("predict").predict, "predict")

    def search(self, examples: Examples) -> "Matches":
        """Return the places that look most like the examples; see ``volume_search.search``."""
        from emqs.retrieval.settings import QueryConfig, SearchConfig
        from emqs.retrieval.volume_search import search

        cfg = composed("search")
        return search(
            self.store, *examples.points, query=read(QueryConfig, cfg.query, "query"),
            settings=read(SearchConfig, cfg.search, "search"),
        )  # fmt: skip

    def learn(self, examples: Examples) -> None:
        """Fit the head to examples; the features of the volume are learnt the first time.

        Raises:
            ConfigError: If nothing is positive, or an example lies outside.
        """
        from emqs.prediction.predict import checked_classes, heads_of

        checked_classes(self.store, self.volume, examples)
        if self._learnt is None:
            self._learnt = self.features.learn(
                self.settings.components, n_voxels=self.settings.n_unlabelled,
                seed=self.settings.seed,
            )  # fmt: skip
        self.heads = heads_of(self.features, self._learnt, examples, self.settings)

    def mapped(self, view: Box, step: Step) -> Map:
        """Return the probability of what is in view, as a prediction of the volume gives it.

        Args:
            view: One slice thick, inside the volume; of what is too large the middle is mapped.
            step: Called after each part with a stage, parts done, and parts in all.

        Raises:
            RuntimeError: If ``learn`` was not called.
            DataError: If the volume cannot be read.
        """
        from emqs.prediction.tiles import probabilities

        if self.heads is None:
            raise RuntimeError("learn comes first")
        box = around(view, self.volume.shape, EDGE, MOST_TILES)
        parts = list(boxes(box.shape, (1, EDGE, EDGE)))
        values = np.empty(box.shape, dtype=np.float32)
        reach_px = self.settings.smoothing * self.store.grid.seen
        for done, part in enumerate(parts, 1):
            made = probabilities(self.features, self.heads, part.moved(box.start), reach_px)
            (values[part.slices],) = made.values()
            step("probability", done, len(parts))
        return Map(box, values, box.overlap(view) == view)

    def objects(self, shown: Map, threshold: float) -> np.ndarray:
        """Return the numbers of the objects of a map, ``box.shape``, int32, 0 outside."""
        from emqs.prediction.found import objects_in

        values = np.rint(shown.values * 255).astype(np.uint8)  # as it is stored
        settings = replace(self.settings, threshold=threshold)
        return objects_in(values, self.store.grid, shown.box, settings)

    def suggestions(self, shown: Map) -> np.ndarray:
        """Return voxels ``(n, 3)`` of the volume that are worth a click, the most telling first."""
        from emqs.prediction.suggestions import suggest_in

        whole = Box((0, 0, 0), shown.box.shape)
        asked = suggest_in(
            [(whole, [shown.values])], self.settings.n_suggestions, apart=2 * self.store.grid.size
        )
        return asked + np.array(shown.box.start)

    def predict(
        self, examples: Examples, out: Path, region: Box | None, threshold: float, step: Step
    ) -> "Predicted":
        """Write the prediction of a region, and its objects as a table beside it.

        Args:
            examples: All clicks.
            out: The OME-Zarr to make.
            region: Of the volume; None: all of it.
            threshold: Probability from which on a voxel belongs to an object.
            step: As of ``mapped``.

        Raises:
            ConfigError: If an example lies outside, or ``out`` holds something else.
            DataError: If it cannot be written.
        """
        from emqs.prediction.predict import predicting
        from emqs.prediction.report import tables_of
        from emqs.runs.tables import write_csv

        settings = replace(self.settings, threshold=threshold)
        with predicting(
            self.embedded, examples, out, settings=settings, region=region, step=step
        ) as made:
            if made.is_new:
                table, _ = tables_of(made, self.store.grid.voxel_size_nm, {})
                write_csv(out.with_name(f"{out.stem}_objects.csv"), table)
        return replace(made, path=out)

    def save_examples(self, path: Path, examples: Examples) -> None:
        """Write clicks as the file that ``examples=`` of every command reads."""
        from emqs.runs.tables import write_csv

        grid = self.store.grid
        table = columns(
            examples.voxels,
            examples.labels,
            voxel_size_nm=grid.voxel_size_nm,
            origin_nm=grid.origin_nm,
        )
        write_csv(path, table)

    def read_examples(self, path: Path) -> Examples:
        """Return the clicks of such a file."""
        grid = self.store.grid
        return read_examples(path, voxel_size_nm=grid.voxel_size_nm, origin_nm=grid.origin_nm)


def opened(path: Path, volume: str | None = None, weights: str | None = None) -> Session:
    """Return a session of an embedding volume.

    Args:
        path: Of the embedding volume.
        volume: Where the volume that it was made of lies now; None: where it was.
        weights: Of its encoder; None: those that come with emqs.

    Raises:
        ConfigError: If the volume is not there.
        DataError: If one of both cannot be read.
    """
    from emqs.embedding.stores.zarr import open_store
    from emqs.retrieval.contact_sheet import source_volume

    store = open_store(path)
    return Session(store, source_volume(store, volume), weights)


def examples_of(positive: np.ndarray, negative: np.ndarray) -> Examples:
    """Return clicks ``(N, 3)``, in voxels and fractions of them, as examples; each place once.

    Raises:
        ConfigError: If a place is in both.
    """
    sides = [np.unique(np.rint(one).astype(np.int64), axis=0).tolist() for one in
             (positive.reshape(-1, 3), negative.reshape(-1, 3))]  # fmt: skip
    both = [voxel for voxel in sides[0] if voxel in sides[1]]
    if both:
        raise ConfigError(
            f"The voxel {both[0]} is marked as the structure and as something else. Remove one of "
            "both points."
        )
    return from_points(*sides)


def around(view: Box, shape: tuple[int, int, int], edge: int, most: int) -> Box:
    """Return the squares of a slice that cover a view, so that they are the same when it moves.

    Args:
        view: One slice thick, inside the volume.
        shape: Of the volume.
        edge: Of the squares; they begin at voxel 0.
        most: Squares at most; those in the middle count.
    """
    start, stop = [view.start[0]], [view.stop[0]]
    longest = max(1, int(most**0.5))
    for first, last, length in zip(view.start[1:], view.stop[1:], shape[1:], strict=True):
        squares = list(_squares(first, last, edge))
        spare = max(0, len(squares) - longest)
        squares = squares[spare // 2 : len(squares) - (spare - spare // 2)]
        start.append(squares[0] * edge)
        stop.append(min(length, (squares[-1] + 1) * edge))
    return Box((start[0], start[1], start[2]), (stop[0], stop[1], stop[2]))


def _squares(first: int, last: int, edge: int) -> Iterator[int]:
    yield from range(first // edge, -(-last // edge))
