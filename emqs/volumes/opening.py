"""Opens a volume: finds out its format, and lets that read it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from emqs.errors import ConfigError, DataError
from emqs.volumes.axes import Request, letters
from emqs.volumes.chunks import SCHEMES, Location, locate
from emqs.volumes.formats.hdf5 import MAGIC as HDF5
from emqs.volumes.formats.hdf5 import open_hdf5
from emqs.volumes.formats.n5 import open_n5
from emqs.volumes.formats.ome_zarr import open_zarr2, open_zarr3
from emqs.volumes.formats.precomputed import open_precomputed
from emqs.volumes.formats.slices import open_folder
from emqs.volumes.formats.tiff import open_tiff
from emqs.volumes.volume import Volume

Opener = Callable[[Location, Request], Volume]

#: Formats in chunks, by the files that show them, in the order in which they are looked for.
MARKS: dict[str, Opener] = {
    "zarr.json": open_zarr3,
    ".zattrs": open_zarr2,
    ".zarray": open_zarr2,
    ".zgroup": open_zarr2,
    "info": open_precomputed,
    "attributes.json": open_n5,
}

#: The same formats by a name that can stand before a URL, ``n5://https://...``.
PREFIXES: dict[str, Opener] = {
    "zarr3": open_zarr3,
    "zarr2": open_zarr2,
    "precomputed": open_precomputed,
    "n5": open_n5,
}

_TIFF = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")  # the latter two are BigTIFF


def open_volume(
    url_or_path: str | Path,
    *,
    level: int = 0,
    dataset: str | None = None,
    select: Mapping[str, int] | None = None,
    voxel_size_nm: Sequence[float] | None = None,
    axes: str | Sequence[str] | None = None,
) -> Volume:
    """Return a volume; only its metadata are read.

    Args:
        url_or_path: Folder of an OME-Zarr 0.4 or 0.5 image, an N5 dataset or multi-scale group, or
            a precomputed volume, on disk or at ``http(s)://``, ``s3://`` or ``gs://``; an HDF5 or
            TIFF file on disk; a folder of TIFF, PNG or JPEG slices. ``zarr2://``, ``zarr3://``,
            ``n5://`` or ``precomputed://`` before it says the format where it cannot be seen.
        level: Resolution level, 0 the finest.
        dataset: Path inside the source, where it holds several volumes.
        select: Index along each axis that is not Z, Y or X and longer than 1, e.g. ``{"c": 0}``.
        voxel_size_nm: Edges of a voxel of this level along Z Y X, in nm. Needed where the source
            does not say; otherwise it goes before what it says.
        axes: Names of the stored axes, in the order in which the source lists their lengths (N5: X
            first), e.g. ``"zyx"``. Needed where the source does not say.

    Raises:
        DataError: If there is nothing, its format is not known, it is damaged, or it does not say
            which axis is which or how large a voxel is.
        ConfigError: If an argument does not fit the source.
    """
    name = str(url_or_path).strip()
    if not name or "\0" in name:
        raise ConfigError("The volume has no path. Give a path or a URL, e.g. volume=my.zarr.")
    if level < 0:
        raise ConfigError(f"level must be 0 (the finest) or more, got {level}.")
    size = None if voxel_size_nm is None else tuple(float(v) for v in voxel_size_nm)
    request = Request(
        level,
        dataset,
        dict(select or {}),
        size,  # type: ignore[arg-type] # its length is checked where it is used
        None if axes is None else tuple(letters(axes)),
    )
    prefix, separator, rest = name.partition("://")
    if separator and prefix in PREFIXES:
        return PREFIXES[prefix](_inside(locate(rest), request), request)
    if separator and prefix not in SCHEMES:
        raise ConfigError(
            f"{name} cannot be opened: allowed are a path on disk, the URLs "
            f"{', '.join(f'{s}://' for s in SCHEMES)}, and before them "
            f"{', '.join(f'{p}://' for p in PREFIXES)}."
        )
    if separator and prefix != "file":
        return _chunked(_inside(locate(name), request), request)
    return _on_disk(Path(rest if separator else name).expanduser(), request)


def with_prefix(url: str) -> str:
    """Return a URL with its format before it, ``zarr3://https://...``; files on it are looked at.

    Viewers ask for the format. A URL that has it already stays as it is.

    Raises:
        DataError: If there is no volume, or the server does not answer.
    """
    scheme = url.partition("://")[0]
    if scheme in PREFIXES:
        return url
    location = locate(url)
    opener = _found(location)
    return next(f"{prefix}://{url}" for prefix, other in PREFIXES.items() if other is opener)


def _inside(location: Location, request: Request) -> Location:
    if request.dataset is None:
        return location
    return location.inside(request.dataset.strip("/"))


def _chunked(location: Location, request: Request) -> Volume:
    """Return a volume in chunks, by the metadata that are there."""
    return _found(location)(location, request)


def _found(location: Location) -> Opener:
    """Return what opens a volume in chunks, by the metadata that are there."""
    for key, opener in MARKS.items():
        if location.read_json(key) is not None:
            return opener
    raise DataError(
        f"There is no volume at {location.name}: none of {', '.join(MARKS)} is there. Check the "
        "address; HDF5, TIFF and image folders are read from disk only."
    )


def _on_disk(path: Path, request: Request) -> Volume:
    if path.is_dir():
        return _folder(path, request)
    if not path.exists():
        raise DataError(f"There is no volume at {path}. Check the path.")
    try:
        with path.open("rb") as file:
            head = file.read(8)
    except PermissionError:
        raise DataError(f"{path} cannot be read: permission denied.") from None
    if head == HDF5:
        return open_hdf5(path, request)
    if head[:4] in _TIFF:
        return open_tiff(path, request)
    raise DataError(
        f"{path} is no volume: it begins neither like HDF5 nor like TIFF. Give the folder of a "
        "Zarr, N5 or precomputed volume or of image slices, or an HDF5 or TIFF file."
    )


def _folder(path: Path, request: Request) -> Volume:
    """Return a volume of a folder on disk: in chunks, or of images."""
    inner = path if request.dataset is None else path / request.dataset.strip("/")
    location = None if request.dataset is None else _inside(locate(str(path)), request)
    if any((inner / key).is_file() for key in MARKS):
        return _chunked(location or locate(str(path)), request)
    if (inner / f"s{request.level}").is_dir():  # groups of N5 need no attributes of their own
        return open_n5(location or locate(str(path)), request)
    if not inner.is_dir() or next(inner.iterdir(), None) is None:
        raise DataError(f"{inner} is empty or not there: there is no volume in it.")
    return open_folder(inner, replace(request, dataset=None))
