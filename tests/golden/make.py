"""Write the golden files of this folder anew, with the commands of the emqs that is installed.

    python tests/golden/make.py FOLDER

Files that lie beside this script are never made anew: they are what an older emqs wrote. README.md
tells of each of them.
"""

import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import torch
from commands import (
    AS_IT_WAS,
    NETWORKS,
    SEARCHES,
    SHIPPED,
    SWEEP,
    TRAINING,
    VOLUMES,
    Command,
    patches,
)

from emqs.codecs import CODECS, COMPRESSORS, get_codec
from emqs.datasets.synthetic import em_stack
from emqs.datasets.synthetic.segmentation import segmentation
from emqs.models import weights
from emqs.settings import WEIGHTS_DIR
from emqs.volumes import write_ome_zarr


def emqs(verb: str, *settings: str, folder: Path) -> None:
    """Type a command in a folder; its record goes to ``runs/VERB`` there."""
    words = [sys.executable, "-m", f"emqs.{verb}", *settings]
    if "-m" not in settings:
        words.append(f"hydra.run.dir=runs/{verb}")
    subprocess.run(words, cwd=folder, check=True)


def trained(folder: Path) -> None:
    """Make weights files, a published one, and a checkpoint with the history of the next epoch."""
    for name, settings in NETWORKS.items():
        shutil.rmtree(folder / "runs", ignore_errors=True)
        emqs("train", *TRAINING, *settings, "trainer.max_epochs=1", folder=folder)
        run = folder / "runs" / "train"
        shutil.copy(run / f"{name}_pretrained.safetensors", folder)
    shutil.copytree(run / "checkpoints", folder / "checkpoints")
    emqs(
        "train", *TRAINING, *NETWORKS["contrastive"], "trainer.max_epochs=2",
        "ckpt_path=checkpoints/last.ckpt", folder=folder,
    )  # fmt: skip
    shutil.copy(run / "history.csv", folder / "history.csv")
    network = weights.load(folder / "ae_pretrained.safetensors").network
    content = {"epoch": 1, "state_dict": network.state_dict()}
    torch.save(content, folder / "ae_published.pth.tar")
    (folder / "ae_pretrained.safetensors").unlink()
    shipped = [WEIGHTS_DIR / f"{name}.safetensors" for name in SHIPPED]
    for path in (*folder.glob("*.safetensors"), *folder.glob("*.tar"), *shipped):
        with torch.no_grad():
            codes = weights.load(path).network.encode(torch.from_numpy(patches()))
        kind = "shipped_" if path in shipped else ""
        np.save(folder / f"{kind}{path.name}.codes.npy", codes.numpy())


def embedded(folder: Path) -> None:
    """Make volumes, embedding volumes, an export, and tables of what is like a few examples."""
    for name, (shape, size_nm, settings) in VOLUMES.items():
        voxels = em_stack(n_slices=shape[0], height=shape[1], width=shape[2], seed=len(name))[0]
        write_ome_zarr(folder / f"{name}_volume.zarr", voxels, size_nm, (16, 96, 96))
        paths = [f"volume={name}_volume.zarr", f"out={name}.zarr"]
        emqs("embed", *paths, *settings, "device=cpu", "embed.n_sample=64", folder=folder)
    emqs("export", "store=first.zarr", "to=parquet", "out=first_parquet", folder=folder)
    for name, settings in SEARCHES.items():
        given = [*settings, *AS_IT_WAS, "figures=false", "search.n_results=20"]
        emqs("search", *given, folder=folder)
        shutil.copy(folder / "runs" / "search" / "matches.csv", folder / f"{name}.csv")
    for copy in folder.glob("*.zarr/.scan"):  # made anew by the first search
        shutil.rmtree(copy)


def labels(folder: Path) -> None:
    """Make labels, label volumes of them, and streams of every codec and every compressor."""
    array = segmentation(3, 40, 48, n_objects=12, seed=5)
    np.save(folder / "labels.npy", array)
    small = np.unique(array, return_inverse=True)[1].reshape(array.shape).astype(np.uint16)
    np.save(folder / "small.npy", small)  # for codecs of pictures, which hold 16 bits
    targets: list[Command] = [
        ["target=crackle.zarr", "codec=crackle", "codec.chunks=[2,32,32]", "output.levels=null"],
        ["target=archive.zarr", "codec=archive"],
        ["target=zstd.zarr", "codec=zstd"],
        *([f"target=labels{end}"] for end in (".ckl", ".cpso", ".precomputed", ".n5", ".nrrd")),
        *([f"target=labels.compresso-{version}"] for version in ("miccai", "v2")),
    ]
    for target in targets:
        fixed = ["task=convert", "source=labels.npy", "input.voxel_size_nm=[40,8,6]"]
        emqs("compress", *fixed, *target, folder=folder)
    (folder / "streams").mkdir()
    for codec in sorted(CODECS):
        for compressor in ("lzma", "zstd"):
            name = f"{codec}+{compressor}"
            content = small if codec in ("jpeg2000", "png") else array
            (folder / "streams" / name).write_bytes(get_codec(name).encode(content))
    for compressor in sorted(COMPRESSORS):
        name = f"compresso-miccai+{compressor}"
        (folder / "streams" / name).write_bytes(get_codec(name).encode(array))


def main(place: Path) -> None:
    """Make everything in a new folder."""
    for make in (trained, embedded, labels):
        (place / make.__name__).mkdir(parents=True)
        make(place / make.__name__)
        shutil.rmtree(place / make.__name__ / "runs", ignore_errors=True)
    emqs("evaluate", *SWEEP, folder=place)
    for folder in (place / "sweep").rglob(".hydra"):
        shutil.rmtree(folder)
    for path in (place / "sweep").rglob("*"):  # what nobody reads again
        if path.suffix in (".log", ".png", ".yaml"):
            path.unlink()


if __name__ == "__main__":
    main(Path(sys.argv[1]).absolute())
