"""What was typed to make the golden files, and what their tests type again."""

import numpy as np

Command = list[str]  # what is typed after python -m emqs.

TRAINING: Command = [
    "stage=pretrain", "dataset=toy", "dataset.toy.n_slices=4", "dataset.toy.height=128",
    "dataset.toy.width=128", "patch.size=64", "patch.stride=64", "data.batch_size=8",
    "data.patches_per_epoch=8", "trainer=cpu", "callbacks.reconstructions_every=0",
    "optimizer.warmup_epochs=0", "optimizer.schedule=constant",
]  # fmt: skip
NETWORKS: dict[str, Command] = {
    "ae": ["model=ae", "model.network.latent_size=1"],
    "vae": ["model=vae", "model.network.latent_size=1"],
    "contrastive": [
        "model=contrastive", "model.network.start=random", "model.network.blocks=1",
        "model.network.frozen=0", "model.network.greys=4", "loss.head_hidden=16",
        "loss.head_size=8",
    ],
}  # fmt: skip
TINY = "weights=../trained/contrastive_pretrained.safetensors"
VOLUMES = {  # name: shape, voxel size in nm, how it is embedded
    "shipped": ((2, 160, 160), (40, 5, 5), ["patch.size=40", "patch.stride=20"]),
    "first": ((3, 192, 160), (40, 5, 5), ["patch.size=40", "patch.stride=20", TINY]),
    "second": ((1, 128, 128), (40, 5, 5), ["patch.size=40", "patch.stride=20", TINY]),
    "ortho": ((24, 64, 64), (5, 5, 5), ["patch.size=16", "patch.stride=8", "planes=ortho", TINY]),
}
SEARCHES: dict[str, Command] = {
    "shipped_one": ["store=shipped.zarr", "positive=[[1,60,70]]"],
    "shipped_five": [
        "store=shipped.zarr", "positive=[[0,40,40],[1,60,70],[1,140,100]]",
        "negative=[[0,120,40],[1,30,130]]",
    ],
    "ortho_two": ["store=ortho.zarr", "positive=[[12,20,24]]", "negative=[[8,40,40]]"],
    "both": [
        "store=[first.zarr,second.zarr]", "positive=[[0,1,60,70],[1,0,70,80]]",
        "negative=[[0,0,120,40]]",
    ],
}  # fmt: skip
#: What a search with so few examples did before a classifier was fitted to them, scores evened, and
#: some directions of codes shortened.
AS_IT_WAS: Command = [
    "query.scorer=nearest", "query.whiten=standard", "search.expand=false", "search.smooth=0",
]  # fmt: skip
SWEEP: Command = [
    "-m", "dataset=toy", "dataset.toy.n_slices=6", "dataset.toy.height=128",
    "dataset.toy.width=128", "patch.size=32", "query=paper", "query.batch_size=3",
    "model=histogram,pixels", "figures=false", "n_bootstrap=40", "paths.weights=weights",
    "hydra.sweep.dir=sweep",
]  # fmt: skip
SHIPPED = (
    "ae_finetuned",
    "ae_pretrained",
    "contrastive_pretrained",
    "vae_finetuned",
    "vae_pretrained",
)


def patches() -> np.ndarray:
    """Return four patches by a formula, ``(4, 1, 64, 64)``, float32 in [0, 1]."""
    n, y, x = np.ogrid[:4, :64, :64]
    greys = ((3 + n) * y + (5 + 2 * n) * x + y * x // (4 + n)) % 251
    return (greys / 250).astype(np.float32)[:, None]
