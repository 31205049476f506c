"""What a stranger may have made of what commands read: a line of ``HOSTILE`` each.

The changes that need more than a line are in ``hostile_changes``.
"""

from dataclasses import replace

from faults import hostile_changes as made
from faults.commands import (
    CLICKS,
    EMBEDDING,
    MODEL,
    READERS,
    RUNS,
    STORE,
    WRITERS,
    Change,
)
from faults.hostile_changes import manifest, packed_bomb, written
from support.faults import Line


def without(line: Line, *words: str) -> Line:
    """Return a command without some of its words."""
    return replace(line, words=tuple(word for word in line.words if word not in words))


def reading(source: str) -> Line:
    """Return a conversion of another source."""
    words = ("task=convert", f"source={source}", "input.voxel_size_nm=[40,8,6]", "target=made.zarr")
    return replace(WRITERS["compress"], words=words)


def of(volume: str) -> Line:
    """Return an embedding of another volume."""
    rest = without(EMBEDDING, "volume=v.zarr").words
    more = ("embed.voxel_size_nm=[30,5,5]", "embed.axes=zyx")
    return replace(EMBEDDING, words=(f"volume={volume}", *more, *rest))


def typed(line: Line, *words: str) -> Line:
    """Return a command with more words."""
    return replace(line, words=(*line.words, *words))


def weights(name: str) -> Line:
    """Return an embedding with other weights."""
    return replace(EMBEDDING, words=(f"weights={name}", *without(EMBEDDING, MODEL[0]).words))


SEARCH, EXPORT, PREDICT = READERS["search"], WRITERS["export"], WRITERS["predict"]
SHARED = replace(SEARCH, words=("--config-dir=shared", *SEARCH.words, "+evil=x"))
OUTSIDE = ("../outside", "/etc", "file:///etc")

HOSTILE: dict[str, tuple[Line, Change]] = {
    "search, a manifest 200,000 deep": (SEARCH, written("e.zarr/zarr.json", "[" * 200_000)),
    "search, a manifest of 4 GB": (SEARCH, made.sparse("e.zarr/zarr.json")),
    "search, shape=x": (SEARCH, manifest("volume.shape", "x")),
    "search, no model": (SEARCH, manifest("model", None)),
    "search, 8192 x 8192 x 8192 places": (SEARCH, manifest("grid.shape", [8192] * 3)),
    "search, examples of 4 GB in a line": (
        replace(SEARCH, words=("store=e.zarr", "figures=false", "examples=big.csv")),
        made.sparse("big.csv"),
    ),
    "search, a class in a setting": (typed(SEARCH, "+query._target_=os.mkdir"), made.nothing),
    "search, a class in shared settings": (
        SHARED,
        written("shared/evil/x.yaml", "_target_: os.system\n_args_: ['touch ran']\n"),
    ),
    "search, a callback in shared settings": (
        SHARED,
        written(
            "shared/evil/x.yaml",
            "# @package _global_\nhydra: {callbacks: {a: {_target_: os.mkdir, path: ran}}}\n",
        ),
    ),
    "search, YAML that runs Python": (
        SHARED,
        written("shared/evil/x.yaml", "a: !!python/object/apply:os.system ['touch ran']\n"),
    ),
    "search, YAML 20,000 deep": (
        SHARED,
        written("shared/evil/x.yaml", "[" * 20_000),
    ),
    "export, codes of a terabyte": (EXPORT, manifest("code_size", 2**40)),
    "embed, a store with blocks of 2**39": (STORE, manifest("grid.block", 2**39)),
    "predict, an address in a store": (
        without(PREDICT, "volume=v.zarr"),
        manifest("volume.name", "http://127.0.0.1:9/v.zarr"),
    ),
    "embed, weights with code": (weights("w.pth.tar"), made.trap("w.pth.tar")),
    "embed, weights whose head is 2**60 bytes long": (
        weights("x.safetensors"), written("x.safetensors", b"\0" * 7 + b"\x10" + bytes(100)),
    ),
    "embed, weights whose head is 200,000 deep": (
        weights("x.safetensors"),
        written("x.safetensors", (200_000).to_bytes(8, "little") + b"[" * 200_000),
    ),
    "train, a checkpoint with code": (
        typed(RUNS["train"], "ckpt_path=last.ckpt"), made.trap("last.ckpt"),
    ),
    "embed, a petavoxel of nothing": (EMBEDDING, made.zarr(shape=[100_000] * 3)),
    "embed, Zarr with chunks of 2**60 voxels": (
        EMBEDDING,
        made.zarr(
            chunk_grid={"name": "regular", "configuration": {"chunk_shape": [2**20] * 3}}
        ),
    ),
    "embed, Zarr with a negative length": (EMBEDDING, made.zarr(shape=[3, -104, 136])),
    "embed, Zarr that notes 2**60 chunks": (EMBEDDING, made.zarr_noted),
    "embed, Zarr that unpickles": (of("p.zarr"), made.pickled_zarr),
    "embed, Zarr 200,000 deep": (EMBEDDING, written("v.zarr/zarr.json", "[" * 200_000)),
    "embed, Zarr whose description has 4 GB": (EMBEDDING, made.sparse("v.zarr/zarr.json")),
    **{
        f"embed, Zarr with a level at {path}": (EMBEDDING, made.zarr_level(path))
        for path in OUTSIDE
    },
    "embed, N5 200,000 deep": (of("v.n5"), written("v.n5/attributes.json", "[" * 200_000)),
    "embed, a petavoxel of N5": (of("v.n5"), made.n5(dimensions=[100_000] * 3)),
    "embed, N5 with blocks of 2**60 voxels": (of("v.n5"), made.n5(blockSize=[2**20] * 3)),
    "embed, an N5 block that claims 2**90 voxels": (of("v.n5"), made.n5_block),
    **{
        f"embed, N5 with a level at {path}": (
            of("v.n5"),
            made.n5_level(path),
        )
        for path in OUTSIDE
    },
    "embed, precomputed 200,000 deep": (
        of("v.precomputed"), written("v.precomputed/info", "[" * 200_000),
    ),
    "embed, precomputed whose info has 4 GB": (
        of("v.precomputed"), made.sparse("v.precomputed/info"),
    ),
    "embed, a petavoxel of precomputed": (of("v.precomputed"), made.scale(size=[100_000] * 3)),
    "embed, precomputed with chunks of 2**60 voxels": (
        of("v.precomputed"), made.scale(chunk_sizes=[[2**20] * 3]),
    ),
    **{
        f"embed, precomputed with a scale at {path}": (of("v.precomputed"), made.scale(key=path))
        for path in OUTSIDE
    },
    "embed, a petavoxel of TIFF": (of("v.tif"), made.tiff(256, 2**25)),
    "embed, TIFF whose pages are a circle": (of("v.tif"), made.tiff_circle),
    "embed, MRC that claims terabytes": (of("v.mrc"), made.mrc_claim),
    "embed, NIfTI that claims terabytes": (of("v.nii"), made.nifti_claim),
    "embed, NRRD that claims terabytes": (
        of("v.nrrd"),
        written(
            "v.nrrd",
            "NRRD0004\ntype: uint8\ndimension: 3\nsizes: 100000 100000 100000\n"
            "encoding: raw\n\nabc",
        ),
    ),
    "embed, .npy that claims a terabyte": (of("v.npy"), made.npy_claim),
    "embed, .npy with code": (of("v.npy"), made.npy_code),
    "embed, .npz with code": (of("v.npz"), made.npz_code),
    "embed, .npz with a name that leads outside": (of("v.npz"), made.zip_outside("v.npz")),
    "embed, a zip file with a name that leads outside": (
        of("v.zarr.zip"), made.zip_outside("v.zarr.zip"),
    ),
    "embed, a zip file whose files claim 3 GB each": (of("v.zarr.zip"), made.zip_claim),
    "embed, a PNG of a terapixel": (of("slices"), made.png_claim),
    "embed, a JPEG of 65,500 x 65,500 pixels": (of("slices"), made.jpeg_claim(65_500)),
    "embed, a JPEG that claims half a gigapixel": (of("slices"), made.jpeg_claim(23_000)),
    "embed, a JPEG that is cut off": (of("slices"), made.jpeg_cut),
    "embed, DM4 that claims terabytes": (of("v.dm4"), made.dm_changed(made.dm_claim)),
    "embed, DM4 with 2**60 tags": (of("v.dm4"), made.dm_changed(made.dm_tags)),
    "embed, DM4 with a text of terabytes": (of("v.dm4"), made.dm_changed(made.dm_text)),
    "embed, DM4 that is cut off": (of("v.dm4"), made.dm_changed(lambda c: c[: len(c) // 2])),
    "embed, DM4 20,000 deep": (of("v.dm4"), made.dm_deep),
    "embed, HDF5 of a petavoxel of nothing": (of("v.h5"), made.hdf5_claim),
    "embed, HDF5 of other files": (of("v.h5"), made.hdf5_virtual),
    "embed, HDF5 with a link outside": (of("v.h5"), made.hdf5_link),
    "embed, XML that grows": (of("v.xml"), made.xml_bomb),
    "embed, XML that points outside": (of("v.xml"), made.xml_outside),
    "compress, a bomb": (reading("labels.npy.zst"), packed_bomb("labels.npy.zst")),
    "compress, a gzip bomb": (reading("labels.npy.gz"), packed_bomb("labels.npy.gz")),
    "compress, an xz bomb": (reading("labels.npy.xz"), packed_bomb("labels.npy.xz")),
    "compress, a bzip2 bomb": (reading("labels.npy.bz2"), packed_bomb("labels.npy.bz2")),
    "compress, NRRD that points outside": (reading("labels.nhdr"), made.nrrd("../secret.raw")),
    "compress, NRRD that points to /etc": (reading("labels.nhdr"), made.nrrd("/etc/passwd")),
    "compress, NRRD with a list": (reading("labels.nhdr"), made.nrrd("LIST\n../secret.raw")),
    "compress, HDF5 that points outside": (reading("labels.h5"), made.external),
}  # fmt: skip


def opening(volume: str) -> dict[str, Line]:
    """Return the other commands that open a volume, on another one."""
    ingest = without(WRITERS["ingest"], "source=raw").words
    return {
        "search": replace(SEARCH, words=("store=e.zarr", f"volume={volume}", *CLICKS)),
        "predict": replace(
            PREDICT, words=(f"volume={volume}", *without(PREDICT, "volume=v.zarr").words)
        ),
        "compress": reading(volume),
        "ingest": replace(WRITERS["ingest"], words=(f"source={volume}", *ingest)),
    }


#: Volumes whose voxels lie elsewhere, in every other command that opens one.
ELSEWHERE: dict[str, tuple[Line, Change]] = {
    f"{command}, {what} at {path}": (line, change(path))
    for what, volume, change in (
        ("Zarr with a level", "v.zarr", made.zarr_level),
        ("N5 with a level", "v.n5", made.n5_level),
        ("precomputed with a scale", "v.precomputed", lambda path: made.scale(key=path)),
    )
    for path in OUTSIDE
    for command, line in opening(volume).items()
}
