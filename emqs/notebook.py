"""What a notebook calls: the commands' steps, with the commands' own defaults.

Every function takes ``settings``, what one would type after the command, such as
``["query.structure=2", "patch.size=60"]``; whatever is not given has the value of ``configs/``. So
a notebook and a command line that say the same do the same. ``import emqs`` offers all of this.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from emqs.runs.compose import composed
from emqs.settings import read

if TYPE_CHECKING:
    import numpy as np

    from emqs.datasets import Stack
    from emqs.embedding.stores import SearchableStore
    from emqs.embedding.stores.zarr import EmbeddingStore
    from emqs.evaluation.evaluate import Evaluation
    from emqs.models.compute import Compute
    from emqs.models.weights import Model
    from emqs.retrieval.retrieve import Retrieval
    from emqs.retrieval.volume_search import Matches
    from emqs.volumes import Volume

Points = Sequence[Sequence[int]]


def open_stack(
    name: str, *, images: str | Path = "images", settings: Sequence[str] = ()
) -> "Stack":
    """Return the slices of a dataset, and their labels if there are any, all in memory.

    Args:
        name: A file of ``configs/dataset``, e.g. ``"toy"`` or ``"EPFL"``; ``"folder"`` with
            ``settings=["dataset.name=MINE"]`` for slices of one's own.
        images: Folder that holds ``NAME/raw`` and ``NAME/labels``.
        settings: E.g. ``["dataset.slices=[0,10]", "dataset.pixel_size_nm=5"]``.

    Returns:
        Z slices ``(Y, X)``, sizes may differ; ``unit(z)`` gives one as float32 in [0, 1]. Lengths
        of pixels and sections are in nm, or None where nobody says.

    Raises:
        ConfigError: If there is no such dataset, or a setting does not fit.
        DataError: If files are missing, damaged, or do not belong together.
    """
    from emqs.datasets import open_stack
    from emqs.datasets.settings import DatasetConfig

    cfg = composed("evaluate", [f"dataset={name}", *settings])
    return open_stack(read(DatasetConfig, cfg.dataset, "dataset"), Path(images))


def load_model(
    name: str = "contrastive",
    weights: str | Path | None = None,
    *,
    settings: Sequence[str] = (),
) -> "Model":
    """Return an encoder, ready to embed.

    Args:
        name: A file of ``configs/model``, e.g. ``"contrastive"``, ``"ae"``, ``"vae"``, ``"pca"``.
        weights: A ``.safetensors`` file, or a published ``.pth.tar``; None: those that come with
            emqs, where the model needs any.
        settings: E.g. ``["model.network.bins=32"]``.

    Returns:
        The network with its preprocessing. Models that learn from the searched patches (PCA,
        histogram) still do that in ``evaluate`` and ``retrieve``.

    Raises:
        ConfigError: If there is no such model, or a setting is not allowed.
        WeightsError: If the file is missing, damaged, or holds another model.
    """
    from emqs.runs.model import load_model

    cfg = composed("evaluate", [f"model={name}", *settings])
    if weights is not None:
        cfg.weights = str(weights)
    return load_model(cfg)


def make_grid(stack: "Stack", *, settings: Sequence[str] = ()) -> "np.ndarray":
    """Return the patches of a regular grid over all slices; those at a border are cut there.

    Args:
        stack: The slices.
        settings: E.g. ``["patch.size=400", "patch.stride=100", "patch.unit=nm"]``.

    Returns:
        Boxes, shape ``(N, 5)``, int64, columns ``(z, y, x, height, width)`` in pixels, sorted by z,
        then y, then x.

    Raises:
        ConfigError: If nm are asked for and the stack's pixel size is not known.
    """
    from emqs.patches.grid import make_grid
    from emqs.patches.settings import PatchConfig

    return make_grid(stack, read(PatchConfig, composed("evaluate", settings).patch, "patch"))


def encode(
    model: "Model", stack: "Stack", boxes: "np.ndarray", *, compute: "Compute | None" = None
) -> "np.ndarray":
    """Return the codes of patches, which are cut a batch at a time.

    Args:
        model: The encoder; one that learns from the patches must have been fitted.
        stack: The slices.
        boxes: Shape ``(N, 5)``, integer, columns ``(z, y, x, height, width)`` in pixels.
        compute: Device, batch size, progress; None: ``Compute()``.

    Returns:
        Codes, shape ``(N, D)``, float32, in the order of ``boxes``.

    Raises:
        ConfigError: If the device cannot be used.
        DataError: If a code is not finite.
    """
    from emqs.embedding import encode
    from emqs.models.compute import DEFAULT

    return encode.embed(
        model,
        stack,
        boxes,
        compute=DEFAULT if compute is None else compute,
    )


def evaluate(
    stack: "Stack",
    model: "Model",
    *,
    settings: Sequence[str] = (),
    compute: "Compute | None" = None,
) -> "Evaluation":
    """Search labelled slices with examples from a few of them, and measure the ranking.

    Args:
        stack: Slices with labels.
        model: The encoder.
        settings: As of ``python -m emqs.evaluate``, e.g. ``["query.structure=2", "index=annoy"]``.
        compute: Device, batch size, progress; None: ``Compute()``.

    Returns:
        All searched patches, best first: ``boxes`` ``(N, 5)`` in pixels, ``scores`` ``(N,)``,
        ``overlap`` ``(N,)`` with the structure in [0, 1]; ``metrics`` holds component AP, patch AP
        and precision, 95 % intervals, and what chance gives.

    Raises:
        ConfigError: If a setting is unknown or out of range.
        DataError: If there are no labels, no positive or no negative example.
    """
    from emqs.evaluation.evaluate import evaluate
    from emqs.models.compute import DEFAULT
    from emqs.patches.settings import PatchConfig
    from emqs.retrieval.settings import IndexConfig, QueryConfig

    cfg = composed("evaluate", settings)
    return evaluate(
        stack,
        model,
        patch=read(PatchConfig, cfg.patch, "patch"),
        query=read(QueryConfig, cfg.query, "query"),
        index=read(IndexConfig, cfg.index, "index"),
        compute=DEFAULT if compute is None else compute,
        n_bootstrap=cfg.n_bootstrap,
    )


def retrieve(
    stack: "Stack",
    model: "Model",
    positive: Points | None = None,
    negative: Points | None = None,
    *,
    settings: Sequence[str] = (),
    compute: "Compute | None" = None,
) -> "Retrieval":
    """Search slices for what looks like a few examples.

    Args:
        stack: The slices; labels are not needed if points are given.
        model: The encoder.
        positive: Voxels ``(z, y, x)`` in what is looked for, counted from 0; None: examples are
            drawn where the labels say.
        negative: Voxels in what is not looked for.
        settings: As of ``python -m emqs.retrieve``, e.g. ``["retrieve.n_results=24"]``.
        compute: Device, batch size, progress; None: ``Compute()``.

    Returns:
        The results, best first: ``boxes`` ``(K, 5)`` in pixels, ``scores`` and ``ranks`` ``(K,)``;
        ``suggested`` says which patches to label next.

    Raises:
        ConfigError: If a point lies outside the stack, or settings contradict it.
        DataError: If labels are needed and missing, or no patch qualifies as an example.
    """
    from dataclasses import replace

    from emqs.models.compute import DEFAULT
    from emqs.patches.settings import PatchConfig
    from emqs.retrieval.retrieve import retrieve
    from emqs.retrieval.settings import IndexConfig, QueryConfig, RetrieveConfig

    cfg = composed("retrieve", settings)
    asked = read(RetrieveConfig, cfg.retrieve, "retrieve")
    if positive is not None:
        asked = replace(asked, positive=_listed(positive), negative=_listed(negative or ()))
    return retrieve(
        stack,
        model,
        asked,
        patch=read(PatchConfig, cfg.patch, "patch"),
        query=read(QueryConfig, cfg.query, "query"),
        index=read(IndexConfig, cfg.index, "index"),
        compute=DEFAULT if compute is None else compute,
    )


def embed(
    volume: "Volume",
    model: "Model",
    out: str | Path,
    *,
    settings: Sequence[str] = (),
    compute: "Compute | None" = None,
) -> "EmbeddingStore":
    """Embed a whole volume, or go on with one that is begun; it can then be searched.

    Args:
        volume: As ``emqs.open_volume`` gives it, with square voxels in the slice plane.
        model: An encoder whose weights are fixed.
        out: Folder of the embedding volume, ``NAME.zarr``, on disk or at ``s3://BUCKET/PATH`` or
            ``gs://BUCKET/PATH``. One that is there must have been made of
            the same volume with the same model and settings.
        settings: As of ``python -m emqs.embed``, e.g. ``["patch.size=400", "patch.unit=nm"]``.
        compute: Device, batch size, progress; None: ``Compute()``.

    Returns:
        The embedding volume: codes ``(Z, Y, X, D)``, float16, signatures of 64 bits, and which
        places of the grid have one.

    Raises:
        ConfigError: If a setting does not fit the volume, or ``out`` was made with others.
        DataError: If the volume cannot be read, shows nothing, or ``out`` cannot be written. What
            was written stays, and the next call goes on there.
    """
    from emqs.embedding.build import EmbedConfig, build
    from emqs.models.compute import DEFAULT
    from emqs.patches.settings import PatchConfig

    cfg = composed("embed", settings)
    built = build(
        volume,
        model,
        out,
        patch=read(PatchConfig, cfg.patch, "patch"),
        settings=read(EmbedConfig, cfg.embed, "embed"),
        compute=DEFAULT if compute is None else compute,
    )
    return built.store


def open_store(name: str | Path, *, settings: Sequence[str] = ()) -> "SearchableStore":
    """Return an embedding volume, ready to be searched.

    Args:
        name: A folder that ``emqs.embed`` made, on disk or at ``s3://BUCKET/PATH`` or
            ``gs://BUCKET/PATH``; ``clickhouse://host:port/database/table``; or ``chdb://FOLDER``.
        settings: How a server is reached, e.g. ``["clickhouse.user=me"]``.

    Returns:
        Its ``grid`` says where places lie (Z Y X, voxels and nm), its ``manifest`` what codes were
        made of and with.

    Raises:
        ConfigError: If the name is none of these.
        DataError: If there is no embedding volume, it is damaged, or the server says no.
    """
    from emqs.embedding.stores.connections import ClickhouseConfig
    from emqs.embedding.stores.opening import open_searchable

    cfg = composed("search", settings)
    return open_searchable(str(name), read(ClickhouseConfig, cfg.clickhouse, "clickhouse"))


def search(
    store: "str | Path | EmbeddingStore | SearchableStore | Sequence[SearchableStore]",
    positive: Points,
    negative: Points = (),
    *,
    settings: Sequence[str] = (),
) -> "Matches":
    """Return the places of an embedding volume that look most like a few examples.

    Args:
        store: What ``emqs.embed`` or ``emqs.open_store`` gave, or its name; or several that were
            opened, whose codes must be comparable.
        positive: Voxels ``(z, y, x)`` in what is looked for, counted from 0, at least one;
            ``(store, z, y, x)`` with several stores.
        negative: Voxels in what is not looked for.
        settings: As of ``python -m emqs.search``, e.g. ``["search.n_results=100"]``.

    Returns:
        A page of results, best first: ``voxels`` ``(K, 3)`` and ``centres_nm`` ``(K, 3)``, both
        Z Y X, ``scores`` ``(K,)``; ``columns`` has all by name, for a table.

    Raises:
        ConfigError: If there is no positive example, or one lies outside the volume, where nothing
            was embedded.
        DataError: If the store is missing, damaged or empty.
    """
    from emqs.retrieval.settings import QueryConfig, SearchConfig
    from emqs.retrieval.volume_search import search

    cfg = composed("search", settings)
    return search(
        open_store(store, settings=settings) if isinstance(store, str | Path) else store,
        _listed(positive),
        _listed(negative),
        query=read(QueryConfig, cfg.query, "query"),
        settings=read(SearchConfig, cfg.search, "search"),
    )


def _listed(points: Points) -> list[list[int]]:
    """Return points as plain lists of whole numbers; NumPy's become Python's."""
    return [[getattr(v, "item", lambda v=v: v)() for v in point] for point in points]
