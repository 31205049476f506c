"""Print the table of README.md: all encoders, scored as the paper does and as emqs does by default.

    python benchmarks/readme_table.py --images IMAGES --weights PUBLISHED
    python benchmarks/readme_table.py --images IMAGES --finetuned EPFL=FILE VNC=FILE

``--finetuned`` adds rows for weights of model=contrastive that learned from a set's own slices; a
set without such weights has a dash there.
"""

import argparse
import os
from dataclasses import dataclass
from pathlib import Path

from omegaconf import OmegaConf

from emqs.datasets import Stack, open_stack
from emqs.datasets.settings import DatasetConfig
from emqs.evaluation import evaluate
from emqs.evaluation.evaluate import Evaluation
from emqs.models import opening
from emqs.models.settings import ModelConfig
from emqs.patches.settings import PatchConfig
from emqs.retrieval.settings import IndexConfig, QueryConfig
from emqs.runs import tables
from emqs.settings import CONFIG_DIR, WEIGHTS_DIR, read

DATASETS = ("EPFL", "VNC")
BASELINES = ("imagenet", "handcrafted", "pca", "pixels", "histogram", "random_conv")
SEARCHES = {  # what is put on top of configs/query/default.yaml
    "default": {},
    "default, touches": {"question": "touches"},
    "nearest, touches": {"scorer": "nearest", "question": "touches"},
    "whole patches": {"dense": False},
    "paper": {"scorer": "nearest", "dense": False, "metric": "l2", "whiten": "none"},
}
MEASURES = (
    ("component AP", "component_ap"),
    ("patch AP, touch", "patch_ap_touch"),
    ("patch AP, overlap", "patch_ap_overlap"),
)
NETWORKS = ("ae", "vae")
STAGES = ("pretrained", "finetuned")


def baseline(name: str) -> ModelConfig:
    """Return the settings of a model that needs no weights, as ``configs/model`` has them."""
    return read(ModelConfig, OmegaConf.load(CONFIG_DIR / "model" / f"{name}.yaml"), "model")


@dataclass(frozen=True)
class Entry:
    """One row of the table."""

    label: str
    search: str  # a key of SEARCHES
    config: ModelConfig
    weights: dict[str, str] | str | None  # a file; one for each dataset; or none


def entries(published: Path | None, finetuned: dict[str, str]) -> list[Entry]:
    """Return the rows in the order of the table."""
    rows = []
    ours = str(WEIGHTS_DIR / "contrastive_pretrained.safetensors")
    contrastive = ModelConfig("contrastive", weights=ours)
    if finetuned:
        rows += [
            Entry("contrastive, finetuned on the set", search, contrastive, finetuned)
            for search in ("default", "default, touches", "nearest, touches", "whole patches")
        ]
    rows += [Entry("`contrastive_pretrained`", name, contrastive, ours) for name in SEARCHES]
    for stage in reversed(STAGES):
        for name in reversed(NETWORKS):
            path = str(WEIGHTS_DIR / f"{name}_{stage}.safetensors")
            config = ModelConfig(name, weights=path)
            rows.append(Entry(f"`{name}_{stage}`", "paper", config, path))
    for stage in reversed(STAGES) if published is not None else ():
        for name in reversed(NETWORKS):
            path = str(published / f"{name}_{stage}.pth.tar")
            config = ModelConfig(name, weights=path)
            rows.append(Entry(f"{name}_{stage}, published", "paper", config, path))
    rows += [Entry(f"`model={name}`", "paper", baseline(name), None) for name in BASELINES]
    return rows


def evaluated(stack: Stack, entry: Entry, *, border: bool) -> Evaluation:
    """Return one evaluation; what is not named is as in ``configs``."""
    values = OmegaConf.load(CONFIG_DIR / "query" / "default.yaml")
    query = read(QueryConfig, OmegaConf.merge(values, SEARCHES[entry.search]), "query")
    path = entry.weights[stack.name] if isinstance(entry.weights, dict) else entry.weights
    return evaluate.evaluate(
        stack,
        opening.load_model(entry.config, path),
        patch=PatchConfig(border=border),
        query=query,
        index=IndexConfig("exact"),
    )


def main() -> None:
    """Evaluate everything and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", default=os.environ.get("EMQS_IMAGES"), required=False)
    parser.add_argument("--weights", default=os.environ.get("EMQS_WEIGHTS"), required=False)
    parser.add_argument("--no-border", action="store_true", help="whole patches only")
    parser.add_argument("--finetuned", nargs="+", metavar="SET=FILE", default=[])
    parser.add_argument("--only", default="", help="only rows whose name holds this")
    arguments = parser.parse_args()
    if arguments.images is None:
        parser.error("give --images, a folder that holds EPFL and VNC")
    stacks = [
        open_stack(DatasetConfig(name=name, kind="folder"), Path(arguments.images))
        for name in DATASETS
    ]
    published = None if arguments.weights is None else Path(arguments.weights)
    finetuned = dict(pair.split("=", 1) for pair in arguments.finetuned)
    table: list[dict[str, str]] = []
    chance = {"encoder": "random ranking", "search": ""}
    for entry in entries(published, finetuned):
        if arguments.only not in entry.label:
            continue
        row = {"encoder": entry.label, "search": entry.search}
        for stack in stacks:
            if isinstance(entry.weights, dict) and stack.name not in entry.weights:
                row |= {f"{stack.name} {name}": "-" for name, _ in MEASURES}
                continue
            result = evaluated(stack, entry, border=not arguments.no_border).metrics
            ap = "component_ap_paper" if entry.search == "paper" else "component_ap"
            low, high = result["confidence_95"][ap]
            row[f"{stack.name} component AP"] = f"{result[ap]:.3f} ({low:.2f}-{high:.2f})"
            row[f"{stack.name} patch AP, touch"] = f"{result['patch_ap_touch']:.3f}"
            row[f"{stack.name} patch AP, overlap"] = f"{result['patch_ap_overlap']:.3f}"
            for name, key in MEASURES:
                chance[f"{stack.name} {name}"] = f"{result['chance'][key]:.3f}"
        table.append(row)
    print(tables.markdown_table([*table, chance]))


if __name__ == "__main__":
    main()
