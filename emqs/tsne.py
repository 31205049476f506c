"""Map the embedding: which patches a model finds alike, coloured by what they show.

python -m emqs.tsne experiment=exp3 dataset=EPFL
"""

import time
from pathlib import Path

import hydra
from omegaconf import DictConfig

from emqs.datasets.settings import DatasetConfig
from emqs.evaluation.settings import TsneConfig
from emqs.patches.settings import PatchConfig
from emqs.runs import command, record, tables
from emqs.runs.settings import PathsConfig
from emqs.settings import CONFIG_DIR, read


def work(cfg: DictConfig, run: record.Run) -> float:
    """Make the maps that the settings ask for.

    Args:
        cfg: The composed configuration of ``configs/tsne.yaml``.
        run: Where results go.

    Returns:
        The agreement of nearest neighbours in the embedding, in [0, 1].
    """
    config = read(TsneConfig, cfg.tsne, "tsne")
    patch = read(PatchConfig, cfg.patch, "patch")
    paths = read(PathsConfig, cfg.paths, "paths")
    dataset = read(DatasetConfig, cfg.dataset, "dataset")
    compute = command.compute(cfg)
    started = time.perf_counter()

    import numpy as np  # settings are right, so what takes seconds is worth it

    from emqs.datasets import open_stack
    from emqs.embedding import encode
    from emqs.evaluation import maps
    from emqs.runs.model import load_model

    model = load_model(cfg)
    stack = open_stack(dataset, Path(paths.images))
    labelled = maps.labelled_patches(stack, patch, config)
    chosen = maps.choose(labelled, maps.slice_windows(len(stack), config.windows), config)
    embedded = np.unique(np.concatenate(list(chosen.values())))
    boxes = labelled.boxes[embedded]
    encode.fit(model, stack, boxes)
    sizes = [size for size, _ in maps.edges_and_steps(stack, patch, config)]
    codes = maps.embed(model, stack, boxes, sizes, compute.compute)
    drawn = maps.make_maps(codes, embedded, chosen, labelled, config)

    from emqs.evaluation import map_report  # draws, so it brings matplotlib

    map_report.write(drawn, labelled, stack, run)
    title = maps.describe(stack, model, patch, config, cfg.weights)
    map_report.draw(drawn, labelled, stack, run, title=title, config=config)
    metrics = map_report.summary(drawn, labelled, stack, config) | {
        "model": model.name,
        "weights": cfg.weights,
        "weights_sha256": model.sha256,
        "seconds": round(time.perf_counter() - started, 3),
    }
    run.log_metrics({k: v for k, v in metrics.items() if isinstance(v, float)})
    run.save_json("metrics.json", metrics)
    print(tables.plain_table([map_report.row(map_) for map_ in drawn]))  # noqa: T201
    print(f"\nMaps and points: {run.folder}")  # noqa: T201
    return float(metrics["knn_agreement_codes"])


@hydra.main(version_base="1.3", config_path=str(CONFIG_DIR), config_name="tsne")
def main(cfg: DictConfig) -> float | None:
    """Run ``python -m emqs.tsne``."""
    return command.run("tsne", cfg, work)


if __name__ == "__main__":
    command.start("tsne", main)
