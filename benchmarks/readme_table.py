"""Print the table of README.md: all weights and baselines at the paper's defaults.

python benchmarks/readme_table.py --images IMAGES --weights PUBLISHED
"""

import argparse
import os
from pathlib import Path

from omegaconf import OmegaConf

from emqs import pipeline, report
from emqs.config import (
    CONFIG_DIR,
    WEIGHTS_DIR,
    DatasetConfig,
    IndexConfig,
    ModelConfig,
    PatchConfig,
    QueryConfig,
    read,
)
from emqs.datasets import Stack, open_stack
from emqs.pipeline import Evaluation

DATASETS = ("EPFL", "VNC")
BASELINES = ("pca", "pixels", "histogram", "random_conv")
NETWORKS = ("ae", "vae")
STAGES = ("pretrained", "finetuned")


def baseline(name: str) -> ModelConfig:
    """Return the settings of a model that needs no weights, as ``configs/model`` has them."""
    return read(ModelConfig, OmegaConf.load(CONFIG_DIR / "model" / f"{name}.yaml"), "model")


def entries(published: Path | None) -> dict[str, tuple[ModelConfig, str | None]]:
    """Return label to settings and weights, in the order of the table."""
    found: dict[str, tuple[ModelConfig, str | None]] = {}
    for stage in reversed(STAGES):
        for name in reversed(NETWORKS):
            path = str(WEIGHTS_DIR / f"{name}_{stage}.safetensors")
            found[f"`{name}_{stage}`, shipped"] = ModelConfig(name, weights=path), path
    for stage in reversed(STAGES) if published is not None else ():
        for name in reversed(NETWORKS):
            path = str(published / f"{name}_{stage}.pth.tar")
            found[f"{name}_{stage}, published"] = ModelConfig(name, weights=path), path
    for name in BASELINES:
        found[f"`model={name}`"] = baseline(name), None
    return found


def evaluated(
    stack: Stack, config: ModelConfig, weights: str | None, *, border: bool
) -> Evaluation:
    """Return one evaluation at the paper's defaults."""
    return pipeline.evaluate(
        stack,
        pipeline.load_model(config, weights),
        patch=PatchConfig(border=border),
        query=QueryConfig(),
        index=IndexConfig(),
    )


def main() -> None:
    """Evaluate everything and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", default=os.environ.get("EMQS_IMAGES"), required=False)
    parser.add_argument("--weights", default=os.environ.get("EMQS_WEIGHTS"), required=False)
    parser.add_argument("--no-border", action="store_true", help="whole patches only")
    arguments = parser.parse_args()
    if arguments.images is None:
        parser.error("give --images, a folder that holds EPFL and VNC")
    stacks = [
        open_stack(DatasetConfig(name=name, kind="folder"), Path(arguments.images))
        for name in DATASETS
    ]
    published = None if arguments.weights is None else Path(arguments.weights)
    table, chance = [], {"encoder": "random ranking"}
    for label, (config, weights) in entries(published).items():
        row = {"encoder": label}
        for stack in stacks:
            result = evaluated(stack, config, weights, border=not arguments.no_border).metrics
            low, high = result["confidence_95"]["component_ap"]
            row[f"{stack.name} component AP"] = (
                f"{result['component_ap']:.3f} ({low:.2f}-{high:.2f})"
            )
            row[f"{stack.name} patch AP, overlap"] = f"{result['patch_ap_overlap']:.3f}"
            chance[f"{stack.name} component AP"] = f"{result['chance']['component_ap']:.3f}"
            chance[f"{stack.name} patch AP, overlap"] = (
                f"{result['chance']['patch_ap_overlap']:.3f}"
            )
        table.append(row)
    print(report.markdown_table([*table, chance]))


if __name__ == "__main__":
    main()
