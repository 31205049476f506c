"""What the library of each format makes of a volume, and what the file states, in a few lines.

They are written apart from the readers of ``emqs.volumes`` on purpose, so that a mistake there
shows. Only the usual places of sizes are looked at; where a file keeps them elsewhere, nothing is
said of them.
"""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from emqs.errors import require
from emqs.volumes.volume import Volume

#: Only what is common; an unknown unit leaves the size unsaid.
_NM = {"nm": 1.0, "nanometer": 1.0, "um": 1e3, "µm": 1e3, "μm": 1e3, "micrometer": 1e3,
       "micron": 1e3, "microns": 1e3, "mm": 1e6, "millimeter": 1e6, "m": 1e9, "meter": 1e9,
       "angstrom": 0.1}  # fmt: skip
_ISOLATED = ("compresso", "crackle")  # encodings whose libraries a damaged chunk may crash


@dataclass(frozen=True, eq=False)
class Look:
    """An array with named axes, and what is said of it.

    Attributes:
        library: What reads it.
        array: Anything with a shape.
        names: Of its axes, in its own order.
        get: Reads a part, given a slice for each axis.
        size_nm: Edge of a voxel by axis; None if it is not said.
        origin_nm: Of the first voxel by axis; None if it is not said.
        close: Closes the file.
    """

    library: str
    array: Any
    names: str | list[str]
    get: Callable[[tuple[slice, ...]], Any]
    size_nm: dict[str, float] | None = None
    origin_nm: dict[str, float] | None = None
    close: Callable[[], None] | None = None


def _hdf5(first: Volume) -> Look:
    """HDF5 by h5py: axistags, ``element_size_um``, ``resolution`` and ``offset``."""
    h5py = require("h5py", extra="volumes", purpose="compare HDF5 volumes")
    assert first.path is not None  # noqa: S101 (files only)
    file = h5py.File(first.path, "r")
    name = first.name.removeprefix(str(first.path)).strip("/")
    array = file[name]
    stated = dict(array.attrs)
    names: Any = "zyx" if array.ndim == 3 else "yx"
    if "axistags" in stated:
        names = [axis["key"] for axis in json.loads(stated["axistags"])["axes"]]
    size = origin = None
    if "element_size_um" in stated:
        size = {axis: float(v) * 1e3 for axis, v in zip("zyx", stated["element_size_um"])}  # noqa: B905
    elif "resolution" in stated and len(stated["resolution"]) == array.ndim:
        unit = stated.get("unit", stated.get("units", "nm"))
        factor = _NM.get(unit.decode() if isinstance(unit, bytes) else str(unit))
        if factor is not None:
            size = _by_axis(names, stated["resolution"], factor)
            if "offset" in stated and len(stated["offset"]) == array.ndim:
                origin = _by_axis(names, stated["offset"], factor)
    return Look("h5py", array, names, lambda index: array[index], size, origin, file.close)


def _by_axis(names: Any, values: Any, factor: float) -> dict[str, float]:  # noqa: ANN401
    return {str(name): float(v) * factor for name, v in zip(names, values, strict=True)}


def _zarr(first: Volume) -> Look | None:
    """Zarr 2 and 3 by zarr-python; OME metadata by hand."""
    zarr = require("zarr", extra="labels", purpose="compare Zarr volumes")
    assert first.path is not None  # noqa: S101 (files only)
    top = Path(first.path)
    image: dict[str, Any] | None = None
    for folder in (top, *top.parents[:3]):  # the array may lie some folders inside the image
        image = _ome(folder)
        if image is not None:
            break
    if image is None:
        inside = first.name.removeprefix(str(top)).strip("/")
        return _plain_zarr(zarr.open_array(top if _is_array(top) else top / inside, mode="r"))
    levels = image["datasets"]
    entry = levels[first.level]
    array = zarr.open_array(folder / entry["path"], mode="r")
    if any(
        type(codec).__name__ == "LabelChunks" for codec in getattr(array.metadata, "codecs", ())
    ):
        return None  # the codec is emqs's own, and its libraries may crash
    axes = image["axes"]
    names = [str(axis["name"]).lower() for axis in axes]
    factors = {n: _NM.get(str(axis.get("unit"))) for n, axis in zip(names, axes, strict=True)}
    scale, shift = np.ones(len(axes)), np.zeros(len(axes))
    for step in (*entry.get("coordinateTransformations", ()),
                 *image.get("coordinateTransformations", ())):  # fmt: skip
        if step["type"] == "scale":
            scale, shift = scale * step["scale"], shift * step["scale"]
        elif step["type"] == "translation":
            shift = shift + step["translation"]
    size = origin = None
    if all(factors.get(axis) for axis in "zyx"):
        size = {n: float(s) * (factors[n] or 1) for n, s in zip(names, scale, strict=True)}
        origin = {n: float(s) * (factors[n] or 1) for n, s in zip(names, shift, strict=True)}
    return Look("zarr", array, names, lambda index: array[index], size, origin)


def _plain_zarr(array: Any) -> Look | None:  # noqa: ANN401
    names = getattr(array.metadata, "dimension_names", None)
    names = names or array.attrs.get("_ARRAY_DIMENSIONS")
    if names is None:
        names = "zyx" if array.ndim == 3 else "yx"
    if any(
        type(codec).__name__ == "LabelChunks" for codec in getattr(array.metadata, "codecs", ())
    ):
        return None
    return Look("zarr", array, list(names), lambda index: array[index])


def _has_own_codec(array: Any) -> bool:  # noqa: ANN401 (zarr's, which is optional)
    """Return whether chunks are in the codec of emqs, whose libraries a damaged one may crash."""
    codecs = getattr(array.metadata, "codecs", ())
    return any(type(codec).__name__ == "LabelChunks" for codec in codecs)


def _is_array(folder: Path) -> bool:
    if (folder / ".zarray").is_file():
        return True
    text = folder / "zarr.json"
    return text.is_file() and json.loads(text.read_text())["node_type"] == "array"


def _ome(folder: Path) -> dict[str, Any] | None:
    """Return the first multiscale image that a folder describes."""
    for name, path in (("zarr.json", ("attributes", "ome")), (".zattrs", ())):
        if (folder / name).is_file():
            attributes = json.loads((folder / name).read_text())
            for key in path:
                attributes = attributes.get(key, {})
            if attributes.get("multiscales"):
                return dict(attributes["multiscales"][0])
    return None


def _n5(first: Volume) -> Look:
    """N5 by tensorstore; ``attributes.json`` by hand."""
    assert first.path is not None  # noqa: S101 (files only)
    folder = Path(first.name) if Path(first.name).is_dir() else Path(first.path)
    stated = json.loads((folder / "attributes.json").read_text())
    spec = {"driver": "n5", "kvstore": {"driver": "file", "path": f"{folder.resolve()}/"}}
    array = _tensorstore().open(spec, read=True).result()
    names: list[str] = list("xyz")
    size = origin = None
    if "transform" in stated:
        transform = stated["transform"]  # in C order, which N5 is not
        names = [str(axis).lower() for axis in transform["axes"][::-1]]
        factor = _NM.get(str(transform["units"][0]))
        if factor is not None:
            size = _by_axis(names, transform["scale"][::-1], factor)
            origin = _by_axis(names, transform["translate"][::-1], factor)
    elif isinstance(stated.get("pixelResolution"), dict):
        resolution = stated["pixelResolution"]
        factor = _NM.get(str(resolution.get("unit")))
        steps = stated.get("downsamplingFactors", [1, 1, 1])
        edges = [e * f for e, f in zip(resolution["dimensions"], steps, strict=True)]
        size = None if factor is None else _by_axis(names, edges, factor)
    return Look(
        "tensorstore", array, names, lambda index: array[index].read().result(), size, origin
    )


def _precomputed(first: Volume) -> Look | None:
    """Precomputed by tensorstore; ``info`` by hand."""
    assert first.path is not None  # noqa: S101 (files only)
    top = Path(first.path)
    scale = json.loads((top / "info").read_text())["scales"][first.level]
    if scale["encoding"] in _ISOLATED:
        return None
    kvstore = {"driver": "file", "path": f"{top.resolve()}/"}
    spec = {"driver": "neuroglancer_precomputed", "kvstore": kvstore, "scale_index": first.level}
    array = _tensorstore().open(spec, read=True).result()
    array = array[_tensorstore().d[:].translate_to[0]]
    chunks = [p for p in (top / scale["key"]).glob("*_*_*") if p.suffix in ("", ".gz")]
    if "sharding" not in scale and not any(p.suffix == "" for p in chunks):
        return None  # only NAME.gz, which tensorstore does not look for
    offset = scale.get("voxel_offset", [0, 0, 0])
    size = _by_axis("xyz", scale["resolution"], 1.0)
    origin = {axis: size[axis] * v for axis, v in zip("xyz", offset, strict=True)}
    return Look(
        "tensorstore", array, "xyzc", lambda index: array[index].read().result(), size, origin
    )


def _tensorstore() -> Any:  # noqa: ANN401 (the package has no types)
    return require("tensorstore", extra="volumes", purpose="compare volumes")


def _npy(first: Volume) -> Look | None:
    """A .npy file by NumPy, mapped."""
    assert first.path is not None  # noqa: S101 (files only)
    if first.path.suffix.lower() != ".npy":
        return None
    array = np.load(first.path, mmap_mode="r", allow_pickle=False)
    spare = array.ndim - 3
    names = [*(f"axis{k}" for k in range(spare)), *"zyx"][: array.ndim]
    if array.ndim == 2:
        names = ["y", "x"]
    if spare > 0 and any(length != 1 for length in array.shape[:spare]):
        return None  # axes of length 1 stand elsewhere
    return Look("numpy", array, names, lambda index: np.array(array[index]))


def _nifti(first: Volume) -> Look | None:
    """NIfTI by nibabel; size and origin of an affine without rotation."""
    nibabel = require("nibabel", extra="labels", purpose="compare NIfTI files")
    image = nibabel.load(first.path)
    factor = {"mm": 1e6, "micron": 1e3, "meter": 1e9}.get(image.header.get_xyzt_units()[0])
    edges = np.diag(image.affine)[:3]
    size = origin = None
    straight = np.count_nonzero(image.affine[:3, :3]) == 3 and (edges > 0).all()
    if factor is not None and straight:
        size = _by_axis("xyz", image.header.get_zooms()[:3], factor)
        if image.header["sform_code"] > 0:
            origin = _by_axis("xyz", image.affine[:3, 3], factor)
    names = ["x", "y", "z", *(f"axis{k}" for k in range(3, len(image.shape)))]
    if len(image.shape) < 3:
        return None
    return Look(
        "nibabel", image.dataobj, names, lambda index: np.asarray(image.dataobj[index]), size,
        origin,
    )  # fmt: skip


def _nrrd(first: Volume) -> Look | None:
    """NRRD by pynrrd, which reads the whole file; spacings or straight directions."""
    nrrd = require("nrrd", extra="labels", purpose="compare NRRD files")
    assert first.path is not None  # noqa: S101 (files only)
    if first.path.stat().st_size > 2**29 or first.path.suffix.lower() != ".nrrd":
        return None
    array, header = nrrd.read(str(first.path))
    if array.ndim != 3:
        return None
    size = origin = None
    units = header.get("units") or header.get("space units")
    factor = None if units is None else _NM.get(str(units[0]))
    if factor is not None and "spacings" in header:
        size = _by_axis("xyz", header["spacings"], factor)
    elif factor is not None and "space directions" in header:
        directions = np.asarray(header["space directions"])
        if np.count_nonzero(directions) == 3 and (np.diag(directions) > 0).all():
            size = _by_axis("xyz", np.diag(directions), factor)
            if "space origin" in header:
                origin = _by_axis("xyz", header["space origin"], factor)
    return Look("pynrrd", array, "xyz", lambda index: array[index], size, origin)


def _tiff(first: Volume) -> Look | None:
    """TIFF by tifffile's series; ImageJ's and OME's sizes."""
    import tifffile

    assert first.path is not None  # noqa: S101 (files only)
    if first.path.is_dir() or first.path.suffix.lower() == ".ome":
        return None
    file = tifffile.TiffFile(first.path)
    whole = file.series[0]
    if first.level >= len(whole.levels):
        file.close()
        return None
    series = whole.levels[first.level]
    names = ["z" if name in "qi" else name for name in series.axes.lower()]
    photometric = file.pages.first.photometric
    flat = len(names) != len(set(names)) or names[-2:] != ["y", "x"] or len(file.series) > 1
    if photometric != tifffile.PHOTOMETRIC.MINISBLACK or flat:
        file.close()
        return None  # shades and colours are decided by emqs
    array = series
    pages = series.pages

    def get(index: tuple[slice, ...]) -> np.ndarray:
        if len(pages) == 1 or series.is_multifile:  # it closes the other files of a set
            return np.asarray(series.asarray()[index])
        leading = [range(*part.indices(n)) for part, n in zip(index, array.shape[:-2])]  # noqa: B905
        planes = [
            pages[int(np.ravel_multi_index(place, array.shape[:-2]))].asarray()[index[-2:]]
            for place in np.stack(np.meshgrid(*leading, indexing="ij"), -1).reshape(
                -1, len(leading)
            )
        ]
        return np.stack(planes).reshape(*(len(part) for part in leading), *planes[0].shape)

    size = _tiff_size(file)
    ratios = [a / b for a, b in zip(whole.shape, series.shape, strict=True)]
    if not all(ratio.is_integer() for ratio in ratios):
        size = None  # rounded lengths do not say the factor
    if size is not None:
        size = {n: v * dict(zip(names, ratios, strict=True))[n] for n, v in size.items()}
    return Look("tifffile", array, names, get, size, None, file.close)


def _tiff_size(file: Any) -> dict[str, float] | None:  # noqa: ANN401
    """Return the voxel size of an OME-TIFF or of ImageJ."""
    if file.is_ome:
        sizes = {}
        for axis in "zyx":
            length = re.search(rf'PhysicalSize{axis.upper()}="([^"]+)"', file.ome_metadata)
            unit = re.search(rf'PhysicalSize{axis.upper()}Unit="([^"]+)"', file.ome_metadata)
            factor = _NM.get(unit.group(1) if unit else "µm")
            if length is not None and factor is not None:
                sizes[axis] = float(length.group(1)) * factor
        return sizes
    if file.is_imagej:
        stated, tags = file.imagej_metadata, file.pages.first.tags
        factor = _NM.get(str(stated.get("unit")).replace("\\u00B5", "µ"))
        if factor is None or "spacing" not in stated or "XResolution" not in tags:
            return None
        sizes = {"z": float(stated["spacing"]) * factor}
        for axis in "xy":
            above, below = tags[f"{axis.upper()}Resolution"].value
            sizes[axis] = below / above * factor
        return sizes
    return None


def _mrc(first: Volume) -> Look | None:
    """MRC by mrcfile."""
    mrcfile = require("mrcfile", extra="volumes", purpose="compare MRC files")
    file = mrcfile.mmap(first.path, "r", permissive=True)
    array = file.data
    if array.ndim != 3:
        return None
    return Look("mrcfile", array, "zyx", lambda index: np.array(array[index]), close=file.close)


READERS: dict[str, Callable[[Volume], Look | None]] = {
    "hdf5": _hdf5,
    "mrc": _mrc,
    "n5": _n5,
    "nifti": _nifti,
    "npy": _npy,
    "nrrd": _nrrd,
    "precomputed": _precomputed,
    "tiff": _tiff,
    "zarr": _zarr,
}
