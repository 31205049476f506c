"""The commands that faults are tried on: a new one is one line of ``LINES``."""

import csv
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
from support.embedded_volumes import VOXEL_NM, voxels
from support.faults import Line, Starter
from support.raw_slices import disturbed, tissue, written

from emqs.datasets.synthetic.segmentation import segmentation
from emqs.volumes import write_ome_zarr

WEIGHTS = Path(__file__).parents[1] / "golden" / "trained" / "contrastive_pretrained.safetensors"
MODEL = ("weights=w.safetensors", "device=cpu")
EMBED = (
    "volume=v.zarr", *MODEL, "patch.size=16", "patch.stride=8", "embed.block=8",
    "embed.n_sample=64",
)  # fmt: skip
CHECKSUM = re.compile(rb'"[0-9a-f]{64}"')
Result = Callable[[Path], object]
CLICKS = ("positive=[[1,50,60],[2,20,90]]", "negative=[[0,20,30]]")


def world(folder: Path) -> None:
    """Write what all commands read."""
    write_ome_zarr(folder / "v.zarr", voxels(3), VOXEL_NM, (1, 64, 64))
    (folder / "w.safetensors").write_bytes(WEIGHTS.read_bytes())
    labels = segmentation(3, 40, 48, n_objects=12, seed=5)
    np.save(folder / "labels.npy", labels)
    windows, _ = disturbed(tissue(4, 150, depth=4.0), 110, seed=3)
    written(folder / "raw", windows)


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
    ),
}
#: What reads stores and copies, whose files are flipped, cut, removed and swapped.
READERS = {
    "search": Line("search", ("store=e.zarr", *SEARCH), "run", ("e.zarr",), table("matches.csv")),
    "search_sql": Line(
        "search", ("store=chdb://pq", *SEARCH), "run", ("pq",), table("matches.csv")
    ),
}
LINES = WRITERS | READERS


def prepare(starter: Starter, folder: Path) -> None:
    """Make all that commands read, an embedding volume and its copy among it."""
    world(folder)
    for line in (STORE, PARQUET, READERS["search"]):
        said = starter.type(line, folder)
        assert said.code == 0, said.text
    shutil.rmtree(folder / "run")
    (folder / "said.txt").unlink()
