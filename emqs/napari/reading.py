"""Opens in napari what emqs reads: volumes, labels, embedding volumes, predictions."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from emqs.errors import ConfigError, DataError, EmqsError
from emqs.napari.lazy_array import LazyArray
from emqs.volumes import Volume, open_volume
from emqs.volumes.chunks import SCHEMES, locate
from emqs.volumes.opening import PREFIXES, format_of_source

LayerData = tuple[Any, dict[str, Any], str]
STORE = "emqs_store"  # in the metadata of a layer: the embedding volume that was made of it
STREAMS = ("compresso", "compresso-miccai", "compresso-v2", "crackle")  # hold labels only
MOST_LEVELS = 32


def get_reader(path: str | Sequence[str]) -> Callable[[Any], list[LayerData]] | None:
    """Return what reads a path, or None if emqs does not know its format; napari asks this.

    Args:
        path: A file, a folder or an address; several are left to other readers.
    """
    if not isinstance(path, str):
        return None
    scheme, separator, _ = path.partition("://")
    if separator:
        return read_layers if scheme in (*PREFIXES, *SCHEMES) else None
    try:
        format_of_source(Path(path))
    except (EmqsError, OSError):
        return None
    return read_layers


def read_layers(path: str) -> list[LayerData]:
    """Return the layers of a path; voxels are read when they are looked at.

    An embedding volume gives the volume it was made of, and a prediction its probability and its
    objects; several classes each their own.

    Args:
        path: A file, a folder, or an address.

    Returns:
        For each layer data, attributes and kind, as napari takes them.

    Raises:
        DataError: If it cannot be read.
        ConfigError: If more must be said than napari can, such as which dataset.
    """
    attributes = _attributes(path)
    own = attributes.get("emqs")
    if isinstance(own, dict) and own.get("format") == "emqs-store":
        return store_layers(Path(path))
    if isinstance(own, dict) and isinstance(own.get("classes"), list):
        names = [str(name) for name in own["classes"]]
        return [layer for name in names for layer in read_layers(f"{path.rstrip('/')}/{name}")]
    stem = Path(path.rstrip("/")).name
    layers = [layer_of(levels_of(path), stem, is_label=_says_label(path, attributes))]
    for inner in sorted(_inside(path)):
        layers.append(layer_of(levels_of(str(inner)), f"{stem}: {inner.name}", is_label=True))
    return layers


def store_layers(path: Path, volume: str | None = None) -> list[LayerData]:
    """Return the volume that an embedding volume was made of, as a layer that knows of it.

    Args:
        path: Of the embedding volume.
        volume: Where the volume lies now; None: where it was.

    Raises:
        ConfigError: If the volume is not there.
        DataError: If one of both cannot be read.
    """
    from emqs.embedding.stores.zarr import open_store
    from emqs.retrieval.contact_sheet import source_volume

    store = open_store(path)
    first = source_volume(store, volume)
    whole = None if first.path is None else _whole(first, first.path)
    levels = [first] if whole is None else [first, *coarser(str(whole), first)]
    name = first.name if first.path is None else (whole or first.path).name
    return [layer_of(levels, name, is_label=False, store=str(path))]


def _whole(first: Volume, path: Path) -> Path | None:
    """Return the image whose finest level a volume is, the folder or the one above it."""
    for folder in (path.parent, path):
        try:
            with open_volume(folder) as volume:
                if volume.name == first.name:
                    return folder
        except (ConfigError, DataError):
            continue  # no image is described there
    return None


def levels_of(path: str) -> list[Volume]:
    """Return a volume at all its resolutions, the finest first."""
    first = open_volume(path)
    return [first, *coarser(path, first)]


def coarser(path: str, first: Volume) -> list[Volume]:
    """Return the smaller copies that a volume has; napari wants each smaller than the last."""
    levels = [first]
    for number in range(1, min(first.n_levels, MOST_LEVELS)):
        try:
            smaller = open_volume(path, level=number)
        except (ConfigError, DataError):
            break  # what is listed and not there; the finest shows everything
        if smaller.dtype != first.dtype or smaller.box.size >= levels[-1].box.size:
            break
        levels.append(smaller)
    return levels[1:]


def layer_of(
    levels: Sequence[Volume], name: str, *, is_label: bool, store: str | None = None
) -> LayerData:
    """Return a layer of a volume, in nm where its voxel size is known.

    Args:
        levels: All resolutions, the finest first.
        name: Of the layer.
        is_label: Whether its voxels are labels.
        store: The embedding volume that was made of it.
    """
    first = levels[0]
    data = [LazyArray(level) for level in levels]
    about: dict[str, Any] = {"name": name, "metadata": {}}
    if first.voxel_size_nm is not None:
        place = Placed(first.voxel_size_nm, first.origin_nm)
        about |= place.attributes
    if store is not None:
        about["metadata"][STORE] = store
    if len(data) > 1:
        about["multiscale"] = True
    if not is_label:
        about["colormap"] = "gray"
        if first.dtype.kind == "u" and first.dtype.itemsize == 1:
            about["contrast_limits"] = (0, 255)
    return (data if len(data) > 1 else data[0]), about, "labels" if is_label else "image"


@dataclass(frozen=True)
class Placed:
    """Where a layer lies, in nm along Z Y X.

    Attributes:
        voxel_size_nm: Edges of a voxel.
        origin_nm: Centre of the first voxel.
    """

    voxel_size_nm: tuple[float, float, float]
    origin_nm: tuple[float, float, float]

    @property
    def attributes(self) -> dict[str, Any]:
        """What napari calls these."""
        return {
            "scale": self.voxel_size_nm,
            "translate": self.origin_nm,
            "units": ("nm", "nm", "nm"),
        }


def _attributes(path: str) -> dict[str, Any]:
    """Return the attributes of a Zarr group on this disk, or nothing."""
    if "://" in path or not Path(path).is_dir():
        return {}
    node = locate(path).read_json("zarr.json") or {}
    inside = node.get("attributes")
    if isinstance(inside, dict):
        return inside
    return locate(path).read_json(".zattrs") or {}


def _says_label(path: str, attributes: dict[str, Any]) -> bool:
    """Return whether a source says that it holds labels, or its numbers are too long for greys."""
    described = attributes.get("ome", attributes)
    if isinstance(described, dict) and "image-label" in described:
        return True
    volume = open_volume(path)
    with volume:
        if volume.format in STREAMS or volume.dtype.kind == "b":
            return True
        return volume.dtype.kind in "ui" and volume.dtype.itemsize >= 4


def _inside(path: str) -> list[Path]:
    """Return the label images that lie in an OME-Zarr image on this disk."""
    if "://" in path:
        return []
    return [one.parent for one in Path(path).glob("labels/*/zarr.json")] + [
        one.parent for one in Path(path).glob("labels/*/.zattrs")
    ]
