"""Search whole labelled datasets with examples from a few slices; write AP tables and PR curves.

python -m emqs.evaluate dataset=EPFL model=vae
"""

from pathlib import Path

import hydra
from omegaconf import DictConfig

from emqs.datasets.settings import DatasetConfig
from emqs.lazy import callable_as
from emqs.patches.settings import PatchConfig
from emqs.retrieval.settings import IndexConfig, QueryConfig
from emqs.runs import command, record
from emqs.runs.settings import PathsConfig
from emqs.settings import CONFIG_DIR, read

callable_as(__name__, "emqs.notebook:evaluate")


def work(cfg: DictConfig, run: record.Run) -> float:
    """Evaluate one model on one dataset, as the settings say.

    Args:
        cfg: The composed configuration of ``configs/evaluate.yaml``.
        run: Where results go.

    Returns:
        The component AP, or the paper's with ``query=paper``.
    """
    compute = command.compute(cfg)
    query = read(QueryConfig, cfg.query, "query")
    for note in query.idle(command.given()):
        print(f"Note: {note}")  # noqa: T201
    patch = read(PatchConfig, cfg.patch, "patch")
    index = read(IndexConfig, cfg.index, "index")
    paths = read(PathsConfig, cfg.paths, "paths")
    dataset = read(DatasetConfig, cfg.dataset, "dataset")

    from emqs.datasets import open_stack  # settings are right, so what takes seconds is worth it
    from emqs.evaluation import evaluate, tables
    from emqs.retrieval import score_files
    from emqs.runs.model import load_model

    model = load_model(cfg)
    stack = open_stack(dataset, Path(paths.images))
    score_files.check(stack, compute.score_files)
    result = evaluate.evaluate(
        stack,
        model,
        patch=patch,
        query=query,
        index=index,
        compute=compute.compute,
        n_bootstrap=compute.n_bootstrap,
    )

    from emqs.evaluation import report  # draws, so it brings matplotlib
    from emqs.retrieval.report import log

    result.metrics.update(
        report.conditions(stack, model, patch=patch, query=query, index=index, weights=cfg.weights)
    )
    report.write(result, run)
    log(
        run, stack, result.boxes, cfg.weights,
        score=result.scores, probability=result.probabilities, overlap=result.overlap,
    )  # fmt: skip
    if compute.figures:
        report.draw(result, stack, model, run, query=query)
    score_files.write(
        stack, result.boxes, result.scores, result.again,
        folder=run.folder, formats=compute.score_files,
    )  # fmt: skip
    print(tables.summary(result.metrics, stack.classes.get(query.structure)))  # noqa: T201
    print(f"\nResults and figures: {run.folder}")  # noqa: T201
    return float(result.metrics[tables.component_ap(result.metrics)])


@hydra.main(version_base="1.3", config_path=str(CONFIG_DIR), config_name="evaluate")
def main(cfg: DictConfig) -> float | None:
    """Run ``python -m emqs.evaluate``."""
    return command.run("evaluate", cfg, work)


if __name__ == "__main__":
    command.start("evaluate", main)
