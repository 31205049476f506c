"""The commands that faults are tried on: a new one is one line of ``LINES``."""

import csv
import re
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import tensorstore
import tifffile
import zarr
from PIL import Image
from safetensors.numpy import load_file
from support.embedded_volumes import VOXEL_NM, voxels
from support.faults import Line, Starter
from support.raw_slices import disturbed, tissue, written

from emqs.datasets.synthetic.segmentation import segmentation
from emqs.volumes import write_ome_zarr

WEIGHTS = Path(__file__).parents[1] / "golden" / "trained" / "contrastive_pretrained.safetensors"
MODEL = ("weights=w.safetensors", "device=cpu")
EMBED = (
    "volume=v.zarr", *MODEL, "patch.size=32", "patch.stride=8", "embed.block=8",
    "embed.n_sample=64",
)  # fmt: skip
CHECKSUM = re.compile(rb'"[0-9a-f]{64}"')
Change = Callable[[Path], None]
Result = Callable[[Path], object]
CLICKS = ("positive=[[1,50,60],[2,20,90]]", "negative=[[0,20,30]]")


def world(folder: Path) -> None:
    """Write what all commands read."""
    write_ome_zarr(folder / "v.zarr", voxels(3), VOXEL_NM, (1, 64, 64))
    served(folder)
    (folder / "w.safetensors").write_bytes(WEIGHTS.read_bytes())
    labels = segmentation(3, 40, 48, n_objects=12, seed=5)
    np.save(folder / "labels.npy", labels)
    windows, _ = disturbed(tissue(4, 150, depth=4.0), 110, seed=3)
    written(folder / "raw", windows)
    (folder / "images" / "TINY" / "raw").mkdir(parents=True)
    for z, image in enumerate(voxels(3)):
        Image.fromarray(image[:80, :80]).save(folder / "images" / "TINY" / "raw" / f"{z}.png")
    (folder / "fetched" / "EPFL").mkdir(parents=True)
    for name in ("training", "testing"):
        stack = np.random.default_rng(len(name)).integers(0, 256, (40, 96, 112), np.uint8)
        tifffile.imwrite(folder / "fetched" / "EPFL" / f"{name}.tif", stack)
        truth = (stack > 128).astype(np.uint8) * np.uint8(255)
        tifffile.imwrite(folder / "fetched" / "EPFL" / f"{name}_groundtruth.tif", truth)


def served(folder: Path) -> None:
    """Write the same voxels in formats that are read from servers in other ways."""
    shutil.copytree(folder / "v.zarr", folder / "sharded.zarr")
    shutil.rmtree(folder / "sharded.zarr" / "0")
    array = zarr.create_array(
        folder / "sharded.zarr" / "0", shape=voxels(3).shape, dtype="u1", zarr_format=3,
        chunks=(1, 32, 32), shards=(1, 64, 64), compressors=None,
        dimension_names=("z", "y", "x"),
    )  # fmt: skip
    array[:] = voxels(3)
    sharding = {
        "@type": "neuroglancer_uint64_sharded_v1", "preshift_bits": 1, "hash": "identity",
        "minishard_bits": 1, "shard_bits": 2, "minishard_index_encoding": "raw",
        "data_encoding": "raw",
    }  # fmt: skip
    for name, more in (("v.precomputed", {}), ("shards.precomputed", {"sharding": sharding})):
        target = tensorstore.open(
            {
                "driver": "neuroglancer_precomputed",
                "kvstore": {"driver": "file", "path": f"{folder / name}/"},
                "multiscale_metadata": {"type": "image", "data_type": "uint8", "num_channels": 1},
                "scale_metadata": {
                    "size": voxels(3).shape[::-1], "resolution": VOXEL_NM[::-1],
                    "encoding": "raw", "chunk_size": [64, 64, 1], **more,
                },
            },
            create=True,
        ).result()  # fmt: skip
        target[...] = voxels(3).T[..., None]


def tree(target: str) -> Result:
    """Return what compares all files of a target, but what can be made again.

    Where the folder lies stands in some of them, and so in their checksums.
    """

    def result(folder: Path) -> dict[str, bytes]:
        top = folder / target
        return {
            str(file.relative_to(top)): _without_place(file, folder)
            for file in sorted(top.rglob("*"))
            if file.is_file() and ".scan" not in file.parts and "__lock" not in file.name
        }

    return result


def _without_place(file: Path, folder: Path) -> bytes:
    content = file.read_bytes()
    if file.suffix != ".json":
        return content
    return CHECKSUM.sub(b'""', content.replace(str(folder).encode(), b"FOLDER"))


def table(name: str) -> Result:
    """Return what compares a table of a run."""

    def result(folder: Path) -> list[list[str]]:
        with (folder / "run" / name).open(newline="") as file:
            return list(csv.reader(file))

    return result


def tables(name: str) -> Result:
    """Return what compares the tables of a sweep, one of each point."""

    def result(folder: Path) -> dict[str, list[list[str]]]:
        found = {}
        for path in sorted((folder / "run").glob(f"*/{name}")):
            with path.open(newline="") as file:
                found[path.parent.name] = list(csv.reader(file))
        return found

    return result


def labels_in_hdf5(folder: Path) -> tuple[str, bytes]:
    """Return the labels of an HDF5 file that was made."""
    with h5py.File(folder / "made.h5") as file:
        array = file["main"][()]
    return f"{array.dtype} {array.shape}", array.tobytes()


def trained(folder: Path) -> list[object]:
    """Return what a training learned, and its losses."""
    run = folder / "run"
    tensors = load_file(run / "vae_pretrained.safetensors")
    weights = [(name, tensors[name].tobytes()) for name in sorted(tensors)]
    with (run / "history.csv").open(newline="") as file:
        losses = [(row["epoch"], row["train/loss"]) for row in csv.DictReader(file)]
    return [weights, losses]


def rows(target: str) -> Result:
    """Return what compares the rows of Parquet files."""

    def result(folder: Path) -> list[bytes]:
        from pyarrow import parquet

        return [
            str(parquet.read_table(file).to_pydict()).encode()
            for file in sorted((folder / target / "places").glob("*.parquet"))
        ]

    return result


EMBEDDING = Line(
    "embed", (*EMBED, "out=made.zarr"), "made.zarr", ("v.zarr", "w.safetensors"), tree("made.zarr")
)
STORE = Line("embed", (*EMBED, "out=e.zarr"), "e.zarr", (), tree("e.zarr"))
PARQUET = Line("export", ("store=e.zarr", "to=parquet", "out=pq"), "pq", (), rows("pq"))
SEARCH = ("figures=false", "search.n_results=10", *CLICKS)

#: What is started, killed, started twice, and finds no room or something else in its place.
WRITERS = {
    "embed": EMBEDDING,
    "export": Line(
        "export", ("store=e.zarr", "to=parquet", "out=made"), "made", ("e.zarr",), rows("made")
    ),
    "compress": Line(
        "compress",
        (
            "task=convert",
            "source=labels.npy",
            "input.voxel_size_nm=[40,8,6]",
            "target=made.zarr",
            "codec=crackle",
            "codec.chunks=[2,32,32]",
        ),
        "made.zarr",
        ("labels.npy",),
        tree("made.zarr"),
        is_once=True,
    ),
    "ingest": Line(
        "ingest",
        (
            "source=raw",
            "out=made.zarr",
            "voxel_size_nm=[20,5,5]",
            "align=translation",
            "contrast=none",
            "figures=false",
        ),
        "made.zarr",
        ("raw",),
        tree("made.zarr"),
    ),
    "predict": Line(
        "predict",
        (
            "store=e.zarr",
            "volume=v.zarr",
            *MODEL,
            "out=made.zarr",
            "predict.tile=128",
            "figures=false",
            *CLICKS,
        ),
        "made.zarr",
        ("e.zarr", "v.zarr"),
        tree("made.zarr"),
        patches={"emqs.prediction.features:SAMPLE_TILES": 3},
    ),
}
#: What reads stores and copies, whose files are flipped, cut, removed and swapped.
READERS = {
    "search": Line("search", ("store=e.zarr", *SEARCH), "run", ("e.zarr",), table("matches.csv")),
    "search_sql": Line(
        "search", ("store=chdb://pq", *SEARCH), "run", ("pq",), table("matches.csv")
    ),
}
#: What makes a run, whose folder is written again each time; figures are those of ``tsne``.
TOY = (
    "dataset=toy", "dataset.toy.n_slices=3", "dataset.toy.height=96", "dataset.toy.width=112",
    "patch.size=32", "patch.stride=16", *MODEL, "device=cpu",
)  # fmt: skip
RUNS = {
    "train": Line(
        "train",
        (
            "model=vae", "dataset=folder", "dataset.name=TINY", "paths.images=images",
            "patch.size=32", "patch.stride=16", "data.batch_size=8", "data.patches_per_epoch=16",
            "trainer.max_epochs=3", "trainer=cpu", "data.num_workers=0",
            "callbacks.reconstructions_every=0",  # its losses are drawn
        ),
        "run",
        ("images",),
        trained,
        checkpoint="run/checkpoints/last.ckpt",
    ),
    "evaluate": Line(
        "evaluate",
        (*TOY, "query.min_overlap=0.3", "score_files=[tiff,zarr]", "figures=false"), "run", (),
        table("similarities.csv"),
    ),
    "retrieve": Line(
        "retrieve", (*TOY, "retrieve.positive=[[0,40,40]]"), "run", (), table("matches.csv")
    ),
    "tsne": Line(
        "tsne", (*TOY, "patch.stride=8", "tsne.perplexity=2", "tsne.neighbors=2"),
        "run", (), table("points.csv"),
    ),
}  # fmt: skip
SWEEP = ("-m", "hydra.sweep.dir=run")
CONVERT = ("task=convert", "source=labels.npy", "input.voxel_size_nm=[40,8,6]")


def made_into(target: str, result: Result) -> Line:
    """Return a conversion of labels into another format."""
    words = (*CONVERT, f"target={target}")
    return Line("compress", words, target, ("labels.npy",), result, is_once=True)


#: Further targets, sweeps and copies, which are tried in longer runs alone.
MORE = {
    "search, first of a store": Line(
        "search", ("store=new.zarr", *SEARCH), "run", (), table("matches.csv")
    ),
    "evaluate, sweep": Line(
        "evaluate", (*SWEEP, *TOY, "query.min_overlap=0.3", "query.whiten=standard,none"),
        "run", (), tables("similarities.csv"),
    ),
    "retrieve, sweep": Line(
        "retrieve", (*SWEEP, *TOY, "retrieve.positive=[[0,40,40]]", "query.metric=cosine,l2"),
        "run", (), tables("matches.csv"),
    ),
    "compress, N5": made_into("made.n5", tree("made.n5")),
    "compress, precomputed": made_into("made.precomputed", tree("made.precomputed")),
    "compress, HDF5": made_into("made.h5", labels_in_hdf5),
    "download": Line(
        "download", ("dataset=EPFL", "paths.images=made", "download.cache=fetched"),
        "made/EPFL_testing", (), tree("made"), is_once=True,
    ),
}  # fmt: skip
LINES = WRITERS | READERS | RUNS | MORE


def of_volume(line: Line, volume: str) -> Line:
    """Return a command on another volume of the same voxels."""
    return replace(line, words=tuple(w.replace("v.zarr", volume) for w in line.words))


#: What reads its volume from a server, which fails.
SERVED = {
    "embed": EMBEDDING,
    "embed, sharded": of_volume(EMBEDDING, "sharded.zarr"),
    "embed, precomputed": of_volume(EMBEDDING, "v.precomputed"),
    "embed, precomputed in shards": of_volume(EMBEDDING, "shards.precomputed"),
    "search": Line(
        "search", ("store=e.zarr", "volume=v.zarr", *SEARCH[1:]), "run", (), table("matches.csv")
    ),
    "predict": WRITERS["predict"],
}
#: How it fails.
FAILING = (
    "500 now and then", "503 now and then", "cut now and then", "drop now and then", "500", "404",
    "403", "301", "drop", "cut", "cut pieces", "longer", "shorter", "empty", "page", "whole",
    "other range", "slow", "drip", "endless", "hang",
)  # fmt: skip


def prepare(starter: Starter, folder: Path) -> None:
    """Make all that commands read, an embedding volume and its copy among it."""
    world(folder)
    for line in (STORE, PARQUET, READERS["search"]):
        said = starter.type(line, folder)
        assert said.code == 0, said.text
        if line is STORE:
            shutil.copytree(folder / "e.zarr", folder / "new.zarr")  # never searched
    shutil.rmtree(folder / "run")
    (folder / "said.txt").unlink()
