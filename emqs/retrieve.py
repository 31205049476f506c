"""A few examples in, the most similar patches out, drawn.

python -m emqs.retrieve retrieve.positive='[[3,200,310]]'
"""

from dataclasses import replace
from pathlib import Path

import hydra
from omegaconf import DictConfig

from emqs.datasets.settings import DatasetConfig
from emqs.errors import ConfigError, DataError
from emqs.lazy import callable_as
from emqs.patches.settings import PatchConfig
from emqs.retrieval.settings import IndexConfig, QueryConfig, RetrieveConfig
from emqs.runs import command, record, tables
from emqs.runs.settings import PathsConfig
from emqs.settings import CONFIG_DIR, read

callable_as(__name__, "emqs.notebook:retrieve")


def work(cfg: DictConfig, run: record.Run) -> float | None:
    """Do what ``python -m emqs.retrieve`` was asked to.

    Args:
        cfg: The composed configuration of ``configs/retrieve.yaml``.
        run: Where results go.

    Returns:
        The share of results that show the structure, or None without labels.
    """
    dataset = read(DatasetConfig, cfg.dataset, "dataset")
    settings = with_examples(cfg, read(RetrieveConfig, cfg.retrieve, "retrieve"), dataset)
    query = read(QueryConfig, cfg.query, "query")
    for note in query.idle(command.given()):
        print(f"Note: {note}")  # noqa: T201
    patch = read(PatchConfig, cfg.patch, "patch")
    index = read(IndexConfig, cfg.index, "index")
    paths = read(PathsConfig, cfg.paths, "paths")
    compute = command.compute(cfg)

    from emqs.datasets import open_stack  # settings are right, so what takes seconds is worth it
    from emqs.patches import grid
    from emqs.retrieval import retrieve, score_files
    from emqs.runs.model import load_model

    model = load_model(cfg)
    stack = open_stack(dataset, Path(paths.images))
    score_files.check(stack, compute.score_files)
    result = retrieve.retrieve(
        stack,
        model,
        settings,
        patch=patch,
        query=query,
        index=index,
        compute=compute.compute,
    )

    from emqs.retrieval import report  # draws, so it brings matplotlib

    size, stride = grid.patch_pixels(stack, patch)
    result.metrics.update(
        structure=query.structure,
        patch_size_px=size,
        patch_stride_px=stride,
        index=index.name,
        weights=cfg.weights,
        weights_sha256=model.sha256,
    )
    report.write(result, stack, run)
    report.log(
        run, stack, result.boxes, cfg.weights,
        score=result.scores, probability=result.probabilities, overlap=result.overlap,
    )  # fmt: skip
    if compute.figures:
        report.draw(result, stack, run, settings, structure=query.structure)
    score_files.write(
        stack, result.searched, result.searched_scores, result.again,
        folder=run.folder, formats=compute.score_files,
    )  # fmt: skip
    print(tables.plain_table(report.table(result, stack)))  # noqa: T201
    if len(result.suggested):
        from emqs.retrieval.examples_file import next_round

        print(f"\n{next_round('retrieve', command.typed(), run.folder)}")  # noqa: T201
    print(f"\nResults and figures: {run.folder}")  # noqa: T201
    precision: float | None = result.metrics["precision_touch"]
    return precision


def with_examples(
    cfg: DictConfig, settings: RetrieveConfig, dataset: DatasetConfig
) -> RetrieveConfig:
    """Return the settings with the points of the files that ``examples`` names, if it does.

    Places in nm are understood where the dataset says how large its pixels are, and how far its
    slices lie apart.

    Raises:
        ConfigError: If points are typed, too.
        DataError: If a file is wrong, or holds no positive example.
    """
    files = command.names(cfg, "examples")
    if not files:
        return settings
    if settings.positive is not None or settings.negative is not None:
        raise ConfigError(
            "Give either examples=NAME.csv, or retrieve.positive= and retrieve.negative=, not both."
        )
    from emqs.retrieval.examples_file import read_several

    section, pixel = dataset.section_nm, dataset.pixel_size_nm
    known = None if section is None or pixel is None else (section, pixel, pixel)
    paths = [Path(name).expanduser() for name in files]
    positive, negative = read_several(paths, voxel_size_nm=known).points
    if not positive:
        raise DataError(f"None of the examples of {', '.join(files)} is positive.")
    return replace(settings, positive=positive, negative=negative)


@hydra.main(version_base="1.3", config_path=str(CONFIG_DIR), config_name="retrieve")
def main(cfg: DictConfig) -> float | None:
    """Run ``python -m emqs.retrieve``."""
    return command.run("retrieve", cfg, work)


if __name__ == "__main__":
    command.start("retrieve", main)
