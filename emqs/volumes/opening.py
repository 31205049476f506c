"""Opens a volume: finds out its format, and lets that read it."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any

from emqs.errors import ConfigError, DataError
from emqs.files import on_disk
from emqs.volumes import addresses
from emqs.volumes.axes import Request, letters
from emqs.volumes.chunks import ARCHIVES, SCHEMES, Location, NotThereError, locate
from emqs.volumes.objects import Objects
from emqs.volumes.volume import Volume

#: What opens each format, ``module:function`` below ``emqs.volumes``; loaded when it is used. Files
#: and folders of images take ``(Path, Request)``, formats in chunks ``(Location, Request)``.
FILES = {
    "compresso": "formats.label_streams:open_compresso",
    "compresso-miccai": "formats.label_streams:open_miccai",
    "compresso-v2": "formats.label_streams:open_version_two",
    "crackle": "formats.label_streams:open_crackle",
    "dm": "formats.dm:open_dm",
    "hdf5": "formats.hdf5:open_hdf5",
    "jpeg": "formats.slices:open_folder",
    "mrc": "formats.mrc:open_mrc",
    "nifti": "formats.medical:open_nifti",
    "npy": "formats.arrays:open_npy",
    "npz": "formats.arrays:open_npz",
    "nrrd": "formats.medical:open_nrrd",
    "png": "formats.slices:open_folder",
    "tiff": "formats.tiff:open_tiff",
}
CHUNKED = {
    "zarr": "formats.ome_zarr:open_zarr",
    "zarr2": "formats.ome_zarr:open_zarr2",
    "zarr3": "formats.ome_zarr:open_zarr3",
    "n5": "formats.n5:open_n5",
    "precomputed": "formats.precomputed:open_precomputed",
}
#: Names that ``format=`` takes.
READ = tuple(sorted({*FILES, *CHUNKED} - {"zarr2", "zarr3"}))

#: Formats in chunks, by the files that show them, in the order in which they are looked for.
MARKS = {
    "zarr.json": "zarr3",
    ".zattrs": "zarr2",
    ".zarray": "zarr2",
    ".zgroup": "zarr2",
    "info": "precomputed",
    "attributes.json": "n5",
}
#: The same formats by a name that can stand before a URL, ``n5://https://...``.
PREFIXES = ("zarr3", "zarr2", "precomputed", "n5")

#: Endings of files, and of folders, and their formats; before ``.gz`` and the like also.
ENDINGS = {
    ".npy": "npy", ".npz": "npz", ".h5": "hdf5", ".hdf5": "hdf5", ".hdf": "hdf5", ".ilp": "hdf5",
    ".tif": "tiff", ".tiff": "tiff", ".btf": "tiff", ".nii": "nifti", ".nrrd": "nrrd",
    ".nhdr": "nrrd", ".mrc": "mrc", ".rec": "mrc", ".map": "mrc", ".st": "mrc", ".dm3": "dm",
    ".dm4": "dm", ".ckl": "crackle", ".cpso": "compresso", ".compresso-miccai": "compresso-miccai",
    ".compresso-v2": "compresso-v2", ".zarr": "zarr", ".n5": "n5", ".precomputed": "precomputed",
    ".zip": "zarr", ".ozx": "zarr", ".xml": "hdf5", ".ome": "tiff",
}  # fmt: skip
#: First bytes of files, and their formats; they count more than the ending.
MAGICS = {
    b"\x89HDF\r\n\x1a\n": "hdf5",
    b"II*\0": "tiff", b"MM\0*": "tiff", b"II+\0": "tiff", b"MM\0+": "tiff",  # the latter: BigTIFF
    b"\x93NUMPY": "npy", b"NRRD": "nrrd", b"crkl": "crackle", b"cpso": "compresso",
    b"\0\0\0\3": "dm", b"\0\0\0\4": "dm",
}  # fmt: skip
_COMPRESSED = (".gz", ".lzma", ".xz", ".bz2", ".zst")


def open_volume(
    url_or_path: str | Path,
    *,
    level: int | str = 0,
    dataset: str | None = None,
    select: Mapping[str, int | str] | None = None,
    voxel_size_nm: Sequence[float] | None = None,
    axes: str | Sequence[str] | None = None,
    origin_nm: Sequence[float] | None = None,
    format: str | None = None,
) -> Volume:
    """Return a volume; only its metadata are read.

    Args:
        url_or_path: Folder of an OME-Zarr 0.4 or 0.5 image, an N5 dataset or multi-scale group, or
            a precomputed volume, on disk or at ``http(s)://``, ``s3://`` or ``gs://``; a file on
            disk (HDF5, TIFF, MRC, NIfTI, NRRD, ...); a folder of TIFF, PNG or JPEG slices.
            ``zarr2://``, ``zarr3://``, ``n5://`` or ``precomputed://`` before it says the format
            where it cannot be seen.
        level: Resolution level, 0 the finest, or its name in the source.
        dataset: Path inside the source, where it holds several volumes.
        select: Index along each axis that is not Z, Y or X and longer than 1, e.g. ``{"c": 0}``;
            or the name of a channel, ``{"c": "DAPI"}``. Text is a name first: ``{"c": "0"}``.
        voxel_size_nm: Edges of a voxel of this level along Z Y X, in nm. It goes before what the
            source states, with a note in ``Volume.notes``.
        axes: Names of the stored axes, in the order in which the source lists their lengths (N5: X
            first), e.g. ``"zyx"``. Needed where the source does not say.
        origin_nm: Position of the first voxel along Z Y X, in nm; as ``voxel_size_nm``.
        format: One of ``READ``; None to see by content and ending.

    Raises:
        DataError: If there is nothing, its format is not known, it is damaged, or it does not say
            which axis is which.
        ConfigError: If an argument does not fit the source.
    """
    request = requested(
        level=level,
        dataset=dataset,
        select=select,
        voxel_size_nm=voxel_size_nm,
        axes=axes,
        origin_nm=origin_nm,
        format=format,
    )
    return open_request(url_or_path, request)


def requested(
    *,
    level: int | str = 0,
    dataset: str | None = None,
    select: Mapping[str, int | str] | None = None,
    voxel_size_nm: Sequence[float] | None = None,
    axes: str | Sequence[str] | None = None,
    origin_nm: Sequence[float] | None = None,
    format: str | None = None,
) -> Request:
    """Return how a volume is opened; see ``open_volume`` for what each means.

    Raises:
        ConfigError: If a size or an origin is not three numbers.
    """
    return Request(
        level,
        dataset,
        dict(select or {}),
        _three(voxel_size_nm),
        None if axes is None else tuple(letters(axes)),
        _three(origin_nm, "origin_nm"),
        format,
    )


def open_request(url_or_path: str | Path, request: Request) -> Volume:
    """Return a volume, of which a ``Request`` says how it is opened; see ``open_volume``."""
    name = str(url_or_path).strip()
    if not name or "\0" in name:
        raise ConfigError("The volume has no path. Give a path or a URL, e.g. volume=my.zarr.")
    if not isinstance(request.level, str) and request.level < 0:
        raise ConfigError(f"level must be 0 (the finest) or more, got {request.level}.")
    if request.format is not None and request.format not in (*FILES, *CHUNKED):
        raise ConfigError(
            f"{request.prefix}format must be one of {', '.join(READ)}, got '{request.format}'."
        )
    prefix, separator, rest = name.partition("://")
    if separator and prefix in PREFIXES:
        return _opener(prefix)(_inside(locate(rest), request), request)
    if separator and prefix not in SCHEMES:
        raise ConfigError(
            f"{name} cannot be opened: allowed are a path on disk, the URLs "
            f"{', '.join(f'{s}://' for s in SCHEMES)}, and before them "
            f"{', '.join(f'{p}://' for p in PREFIXES)}."
        )
    if separator and prefix != "file":
        return _chunked(_inside(locate(name), request), request)
    return _on_disk(on_disk(Path(rest if separator else name).expanduser()), request)


def with_prefix(url: str) -> str:
    """Return a URL with its format before it, ``zarr3://https://...``; files on it are looked at.

    Viewers ask for the format. A URL that has it already stays as it is.

    Raises:
        DataError: If there is no volume, or the server does not answer.
    """
    if url.partition("://")[0] in PREFIXES:
        return url
    return f"{_format_in_chunks(locate(url))}://{url}"


def format_of_source(path: Path) -> str:
    """Return the format of a file or folder on disk.

    Raises:
        DataError: If neither its content nor its ending shows it.
    """
    if path.is_dir():
        return _format_of_folder(path)
    try:
        with path.open("rb") as file:
            head = file.read(1024)
    except PermissionError:
        raise DataError(f"{path} cannot be read: permission denied.") from None
    for magic, name in MAGICS.items():
        if head.startswith(magic):
            return name
    if head[208:212] == b"MAP ":
        return "mrc"
    ending = path.suffix.lower()
    if ending in _COMPRESSED:
        ending = Path(path.stem).suffix.lower()
    if ending in ENDINGS:
        return ENDINGS[ending]
    raise DataError(
        f"{path} is no volume that is known: neither its ending nor its first bytes say what "
        "format it has. Give the folder of a Zarr, N5 or precomputed volume or of image slices, an "
        f"HDF5, TIFF or MRC file; or say what it is with format=NAME, one of {', '.join(READ)}."
    )


def _three(lengths: Sequence[float] | None, what: str = "voxel_size_nm") -> Any:  # noqa: ANN401
    """Return lengths along Z Y X as a tuple; those of voxels are checked where they are used."""
    if lengths is None:
        return None
    if what == "origin_nm" and len(lengths) != 3:
        raise ConfigError(f"{what} must be three lengths (Z, Y, X) in nm, got {list(lengths)}.")
    return tuple(float(length) for length in lengths)


def _opener(name: str) -> Any:  # noqa: ANN401 (of files or of locations)
    """Return the function that opens a format."""
    module, _, function = {**FILES, **CHUNKED}[name].partition(":")
    return getattr(import_module(f"emqs.volumes.{module}"), function)


def _inside(location: Location, request: Request) -> Location:
    if request.dataset is None:
        return location
    return location.inside(request.dataset.strip("/"))


def _chunked(location: Location, request: Request) -> Volume:
    """Return a volume in chunks, by the metadata that are there or the format that is given."""
    name = request.format
    if name is None:
        name = _format_in_chunks(location)
    elif name not in CHUNKED:
        raise ConfigError(
            f"{location.name}: {name} is read from disk only; from servers {', '.join(CHUNKED)} "
            "are read."
        )
    volume: Volume = _opener(name)(location, request)
    return volume


def _format_in_chunks(location: Location) -> str:
    """Return the format of a volume in chunks, by the metadata that are there."""
    for key, name in MARKS.items():
        if location.read_json(key) is not None:
            return name
    if addresses.is_bucket(location.name):
        with suppress(NotThereError):
            Objects(location).check()
    raise DataError(
        f"There is no volume at {location.name}: none of {', '.join(MARKS)} is there. Check the "
        "address; HDF5, TIFF and image folders are read from disk only."
    )


def _on_disk(path: Path, request: Request) -> Volume:
    if not path.exists():
        raise DataError(f"There is no volume at {path}. Check the path.")
    if not request.labels and path.is_dir() and request.format is None:
        return _folder(path, request)
    if path.is_file() and path.suffix.lower() in ARCHIVES:  # a folder, by the files in it
        return _chunked(_inside(locate(str(path)), request), request)
    name = request.format or format_of_source(path)
    if name in CHUNKED:
        chunked: Volume = _opener(name)(_inside(locate(str(path)), request), request)
        return chunked
    if path.is_dir():
        return _folder(path, request)
    volume: Volume = _opener(name)(path, request)
    return volume


def _folder(path: Path, request: Request) -> Volume:
    """Return a volume of a folder on disk: in chunks, or of images."""
    inner = path if request.dataset is None else path / request.dataset.strip("/")
    location = None if request.dataset is None else _inside(locate(str(path)), request)
    if any((inner / key).is_file() for key in MARKS):
        return _chunked(location or locate(str(path)), request)
    if (inner / f"s{request.level}").is_dir():  # groups of N5 need no attributes of their own
        volume: Volume = _opener("n5")(location or locate(str(path)), request)
        return volume
    if not inner.is_dir() or next(inner.iterdir(), None) is None:
        raise DataError(f"{inner} is empty or not there: there is no volume in it.")
    volume = _opener("png")(inner, replace(request, dataset=None))
    return volume


def _format_of_folder(path: Path) -> str:
    """Return the format of a folder, by the files in it."""
    for key, name in MARKS.items():
        if (path / key).is_file():
            return "zarr" if name.startswith("zarr") else name
    if path.suffix.lower() == ".n5":
        return "n5"
    endings = {p.suffix.lower() for p in path.iterdir() if p.is_file()}
    for name, its in (("png", {".png"}), ("tiff", {".tif", ".tiff"}), ("jpeg", {".jpg", ".jpeg"})):
        if endings & its:
            return name
    raise DataError(
        f"{path} is a folder without slices (.png, .tif), a Precomputed info file, or a Zarr or N5 "
        "volume. Give the folder that holds them."
    )
