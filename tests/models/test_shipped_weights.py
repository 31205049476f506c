"""The weight files that ship: complete, unchanged, small, and better than chance."""

import hashlib
import json
from pathlib import Path

import pytest

from emqs.datasets import open_stack
from emqs.datasets.settings import DatasetConfig
from emqs.evaluation import evaluate
from emqs.models import opening, weights
from emqs.models.settings import ModelConfig
from emqs.patches.settings import PatchConfig
from emqs.retrieval.settings import IndexConfig, QueryConfig
from emqs.settings import WEIGHTS_DIR

NAMES = ("ae_finetuned", "ae_pretrained", "vae_finetuned", "vae_pretrained")
PARAMETERS = {"ae": 160_353, "vae": 225_921}
PUBLISHED_AP = {  # component AP at the paper's defaults, border patches kept
    ("EPFL", "ae"): 0.896,
    ("EPFL", "vae"): 0.907,
    ("VNC", "ae"): 0.559,
    ("VNC", "vae"): 0.606,
}


def test_the_checksums_name_exactly_the_files_that_ship() -> None:
    lines = (WEIGHTS_DIR / "SHA256SUMS").read_text(encoding="utf-8").splitlines()
    expected = {name: digest for digest, name in (line.split("  ") for line in lines)}
    found = {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in WEIGHTS_DIR.iterdir()
        if path.suffix in (".safetensors", ".npz")
    }
    assert found == expected
    assert sorted(found) == sorted(
        [f"{name}.safetensors" for name in (*NAMES, "contrastive_pretrained")]
        + ["contrastive_pretrained_turned.npz"]
    )


@pytest.mark.parametrize("name", NAMES)
def test_a_file_alone_rebuilds_its_model(name: str) -> None:
    path = WEIGHTS_DIR / f"{name}.safetensors"
    assert path.stat().st_size < 3_000_000
    model = weights.load(path)
    architecture, stage = name.split("_")
    assert model.name == architecture
    assert sum(p.numel() for p in model.network.parameters()) == PARAMETERS[architecture]
    assert model.record["stage"] == {"pretrained": "pretrain", "finetuned": "finetune"}[stage]
    assert "/" not in json.dumps(model.record["settings"].get("weights"))


@pytest.mark.parametrize("architecture", ["ae", "vae"])
def test_finetuned_weights_saw_only_sets_whose_terms_allow_it(architecture: str) -> None:
    record = weights.load(WEIGHTS_DIR / f"{architecture}_finetuned.safetensors").record
    allowed = {"FLYEM", "FLYEM_unlabelled", "KASTHURI_unlabelled", "CHLOROPLAST"}
    assert set(record["data"]) <= allowed
    assert record["settings"]["weights"] == f"{architecture}_pretrained.safetensors"


@pytest.mark.slow
@pytest.mark.parametrize(("dataset", "architecture"), [("EPFL", "ae"), ("VNC", "vae")])
def test_finetuned_weights_beat_the_published_ones(
    dataset: str, architecture: str, images_dir: Path
) -> None:
    path = str(WEIGHTS_DIR / f"{architecture}_finetuned.safetensors")
    result = evaluate.evaluate(
        open_stack(DatasetConfig(name=dataset, kind="folder"), images_dir),
        opening.load_model(ModelConfig(architecture, weights=path), path),
        patch=PatchConfig(),
        query=QueryConfig(),
        index=IndexConfig("exact"),
        n_bootstrap=40,
    )
    assert result.metrics["component_ap_paper"] > PUBLISHED_AP[dataset, architecture] + 0.02


@pytest.mark.parametrize("name", ["ae", "vae"])
def test_files_older_than_a_setting_have_its_default(name: str) -> None:
    model = weights.load(WEIGHTS_DIR / f"{name}_pretrained.safetensors")
    assert "pooled" not in model.settings
    asked = {"latent_size": 32, "activation": "relu", "pooled": 0}
    assert weights.differences(model, ModelConfig(name, asked, model.preprocessing)) == []
    found = weights.differences(
        model, ModelConfig(name, asked | {"pooled": 8}, model.preprocessing)
    )
    assert found == [("model.network.pooled", 0, 8)]
