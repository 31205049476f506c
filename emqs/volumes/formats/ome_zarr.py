"""OME-Zarr 0.4 (Zarr 2) and 0.5 (Zarr 3, also sharded), and plain Zarr arrays; also in zip files.

Arrays whose codecs tensorstore knows are read by it, from disk and from servers. Others, like those
of the label codec ``emqs.labels``, are read by the Zarr library, from disk.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from emqs.errors import ConfigError, DataError
from emqs.volumes import ome, seals, stored
from emqs.volumes.axes import Request, Stated, numbers
from emqs.volumes.chunks import Location, locate, open_array
from emqs.volumes.volume import Volume

_VERSION_2, _VERSION_3 = ".zarray", "zarr.json"
_FLAT, _NESTED = r"\d+(\.\d+)*", r"\d+(/\d+)*"
#: Codecs that tensorstore reads, by metadata file.
_TENSORSTORE = {
    _VERSION_2: {"blosc", "bz2", "gzip", "zlib", "zstd"},
    _VERSION_3: {
        "blosc", "bytes", "crc32c", "gzip", "sharding_indexed", "transpose", "zstd",
    },
}  # fmt: skip


def open_zarr(location: Location, request: Request) -> Volume:
    """Return a volume of a folder that has the metadata of Zarr 3 or Zarr 2, 3 first.

    Raises:
        DataError: If it has neither; as ``open_zarr3`` and ``open_zarr2``.
        ConfigError: As these.
    """
    if location.read_json(_VERSION_3) is not None:
        return open_zarr3(location, request)
    return open_zarr2(location, request)


def open_zarr3(location: Location, request: Request) -> Volume:
    """Return a volume of a folder that has ``zarr.json``.

    Raises:
        DataError: If it holds no OME-Zarr image and is no array, or contradicts itself.
        ConfigError: If the level is out of range, or an index must be chosen.
    """
    node = location.read_json(_VERSION_3) or {}
    attributes = _mapping(node.get("attributes", {}), location, "attributes")
    if node.get("node_type") == "array":
        request.refuse_level(location.name)
        names = node.get("dimension_names")
        return _alone(location, _VERSION_3, node, _plain(location, names, attributes), request)
    return _image(location, *_of_group(location, _VERSION_3), _VERSION_3, request)


def open_zarr2(location: Location, request: Request) -> Volume:
    """Return a volume of a folder that has ``.zattrs``, ``.zgroup`` or ``.zarray``.

    Raises:
        DataError: If it holds no OME-Zarr image and is no array, or contradicts itself.
        ConfigError: If the level is out of range, or an index must be chosen.
    """
    attributes = location.read_json(".zattrs") or {}
    node = location.read_json(_VERSION_2)
    if node is not None:
        request.refuse_level(location.name)
        names = attributes.get("_ARRAY_DIMENSIONS")
        return _alone(location, _VERSION_2, node, _plain(location, names, attributes), request)
    return _image(location, *_of_group(location, _VERSION_2), _VERSION_2, request)


@dataclass(frozen=True)
class _Array:
    """An array, and what its group says beside the image.

    Attributes:
        location: Its folder.
        metadata: Name of its metadata file.
        node: Content of that file.
        group: Folder of its group; None if it is opened alone.
        own: Attributes of the group.
        path: Of the array in the group.
    """

    location: Location
    metadata: str
    node: dict[str, Any]
    group: Location | None = None
    own: dict[str, Any] | None = None
    path: str = ""

    @property
    def foreign(self) -> list[str]:
        """Names of codecs that tensorstore does not read."""
        known = _TENSORSTORE[self.metadata]
        return [name for name in codecs(self.node) if name not in known]


def _alone(
    location: Location,
    metadata: str,
    node: dict[str, Any],
    stated: Callable[[list[int]], Stated],
    request: Request,
) -> Volume:
    """Return the volume of an array that is opened by its own path.

    It is a level of an image if the group that it lies in says so.
    """
    group = location.outer
    if group is None and location.path is not None:
        group = locate(str(location.path.parent))
    name = location.name.rstrip("/").rpartition("/")[2]
    if group is None:
        return _open(_Array(location, metadata, node), stated, request)
    attributes, described, version = _of_group(group, metadata)
    if seals.SEAL in attributes or (seals.has_group(node) and group.read_json(metadata)):
        seals.check_array(group.name, attributes, name, node)
    images = described.get("multiscales")
    levels = images[0].get("datasets") if ome.is_list_of_mappings(images) else None
    paths = [str(v.get("path")) for v in levels] if ome.is_list_of_mappings(levels) else []
    if paths.count(name) != 1:
        return _open(_Array(location, metadata, node), stated, request)
    image = ome.read_image(described, version, group.name)
    number = paths.index(name)
    array = _Array(location, metadata, node, group, attributes, name)
    volume = _open(array, lambda _: image.stated(number), request)
    return replace(volume, level=number, n_levels=len(paths))


def _of_group(group: Location, metadata: str) -> tuple[dict[str, Any], dict[str, Any], object]:
    """Return the attributes of a group, those of its image, and their version."""
    if metadata == _VERSION_2:
        attributes = group.read_json(".zattrs") or {}
        seals.check_group(group.name, attributes)
        images = attributes.get("multiscales")
        version = images[0].get("version") if ome.is_list_of_mappings(images) else None
        return attributes, attributes, version
    node = group.read_json(_VERSION_3) or {}
    attributes = _mapping(node.get("attributes", {}), group, "attributes")
    seals.check_group(group.name, attributes)
    described = _mapping(attributes.get("ome", {}), group, "ome")
    if "multiscales" not in described and "multiscales" in attributes:
        described = attributes  # of 0.4 in Zarr 3, as some programs write it
    return attributes, described, described.get("version")


def _open(array: _Array, stated: Callable[[list[int]], Stated], request: Request) -> Volume:
    """Return the volume of an array."""
    from emqs.volumes.zarr_labels import reading

    location, style = array.location, _style(array)
    labels = reading.Source(location, array.node, style, array.group, array.own or {}, array.path)
    if array.foreign:
        return reading.open_with_zarr(labels, stated, request, array.foreign)
    driver: dict[str, Any] = {"driver": "zarr3" if array.metadata == _VERSION_3 else "zarr"}
    if array.metadata == _VERSION_2 and "dimension_separator" not in array.node and style == "/":
        driver["key_encoding"] = "/"
    return open_array(location, driver, array.metadata, stated, request, labels.answers)


def _style(array: _Array) -> str:
    """Return what stands between the numbers in the names of chunks.

    Raises:
        DataError: If there is no chunk, or all have other names than the metadata say.
    """
    node, location = array.node, array.location
    if array.metadata == _VERSION_2:
        said = node.get("dimension_separator")
        styles = {".": _FLAT, "/": _NESTED} if said != "/" else {"/": _NESTED, ".": _FLAT}
        fixed = said is not None
    else:
        encoding = node.get("chunk_key_encoding")
        named = encoding if isinstance(encoding, dict) else {"name": encoding}
        settings = named.get("configuration")
        settings = settings if isinstance(settings, dict) else {}
        is_default = named.get("name", "default") != "v2"
        said = settings.get("separator", "/" if is_default else ".")
        before = "c" if is_default else ""
        slash = r"c(/\d+)*" if is_default else _NESTED
        point = r"c(\.\d+)*" if is_default else _FLAT
        styles = {"/": slash, ".": point} if said == "/" else {".": point, "/": slash}
        fixed = True
    expected = next(iter(styles))
    style = stored.style_of(location, styles)
    example = expected.join(
        ["c", "0", "0", "0"] if array.metadata == _VERSION_3 and before else "000"
    )
    if style is None:
        if array.own is not None and "emqs" in array.own:
            return expected  # it notes which chunks it has, and may have none
        raise stored.no_chunks(location, example)
    if style != expected and fixed:
        raise DataError(
            f"The chunks of {location.name} lie under other names than its metadata say: "
            f"{array.metadata} states {expected!r} between their numbers ({example}), but it is "
            f"{style!r} in the names. Correct the entry in {array.metadata}, or copy the volume "
            "again."
        )
    return style


def codecs(node: dict[str, Any]) -> Iterator[str]:
    """Yield the names of all codecs in the metadata of an array, also of those in shards."""
    if "zarr_format" in node and node["zarr_format"] == 2:
        for codec in [node.get("compressor"), *(node.get("filters") or [])]:
            if codec is not None:
                yield str(codec.get("id") if isinstance(codec, dict) else codec)
        return
    listed = node.get("codecs")
    for codec in listed if isinstance(listed, list) else []:
        if not isinstance(codec, dict):
            yield str(codec)
            continue
        yield str(codec.get("name"))
        inner = codec.get("configuration")
        if codec.get("name") == "sharding_indexed" and isinstance(inner, dict):
            yield from codecs({"codecs": inner.get("codecs")})


def _plain(
    location: Location, names: object, attributes: dict[str, Any]
) -> Callable[[list[int]], Stated]:
    """Return what an array without OME metadata says of its axes.

    Attributes are read as those of funlib and of COSEM: ``resolution`` or ``voxel_size``,
    ``offset``, ``units`` and ``axis_names``, for all axes or for the last three.
    """

    def stated(shape: list[int]) -> Stated:
        n_axes = len(shape)
        known = _names(names, n_axes) or _names(attributes.get("axis_names"), n_axes)
        scale = attributes.get("resolution", attributes.get("voxel_size"))
        if not isinstance(scale, list) or not 0 < len(scale) <= n_axes:
            return Stated(names=known)
        what = f"The resolution of {location.name}"
        count = len(scale)
        before = n_axes - count
        offset = attributes.get("offset")
        units = attributes.get("units")
        units = [units] * count if isinstance(units, str) else units
        return Stated(
            known,
            [1.0] * before + numbers(scale, count, what),
            None
            if offset is None
            else [0.0] * before + numbers(offset, count, f"'offset' of {location.name}"),
            [None] * before + units if isinstance(units, list) and len(units) == count else None,
        )

    return stated


def _names(names: object, n_axes: int) -> list[str] | None:
    """Return names of axes if there is one for each."""
    if not isinstance(names, list) or len(names) != n_axes:
        return None
    return [str(name) for name in names] if all(isinstance(name, str) for name in names) else None


def _image(
    location: Location,
    attributes: dict[str, Any],
    described: dict[str, Any],
    version: object,
    metadata: str,
    request: Request,
) -> Volume:
    """Return one resolution level of the first image of a group."""
    if "multiscales" not in described and "plate" not in described:
        array = _only_array(location, metadata, request)
        if array is not None:
            return (open_zarr3 if metadata == _VERSION_3 else open_zarr2)(array, request)
    image = ome.read_image(described, version, location.name)
    number = image.number(request, location.name)
    path = image.levels[number].path
    inner = location.inside(path)
    node = inner.read_json(metadata)
    if node is None:
        raise DataError(f"There is no array at {inner.name}.")
    seals.check_array(location.name, attributes, path, node)
    level = _Array(inner, metadata, node, location, attributes, path)
    volume = _open(level, lambda _: image.stated(number), request)
    return replace(volume, path=location.source, level=number, n_levels=len(image.levels))


def _only_array(location: Location, metadata: str, request: Request) -> Location | None:
    """Return the one array of a group on disk; None if it has none, or is on a server.

    Raises:
        ConfigError: If it has several, or there is no group.
    """
    if location.path is None:
        return None
    marks = (_VERSION_3, _VERSION_2, ".zgroup", ".zattrs")
    if not any((location.path / mark).is_file() for mark in marks):
        raise ConfigError(
            f"There is no Zarr array or group at {location.name}. Choose another with "
            f"{request.prefix}dataset=NAME."
        )
    names = []
    for folder in sorted(path for path in location.path.iterdir() if path.is_dir()):
        node = location.inside(folder.name).read_json(metadata) if _is_plain(folder.name) else None
        if node is not None and node.get("node_type", "array") == "array":
            names.append(folder.name)
    if len(names) > 1:
        raise ConfigError(
            f"{location.name} is a Zarr group that holds {', '.join(names[:8])}. Choose an array "
            f"with {request.prefix}dataset=NAME."
        )
    return location.inside(names[0]) if names else None


def _is_plain(name: str) -> bool:
    return not set(name) & set("\\|:") and name not in (".", "..")


def _mapping(value: object, location: Location, what: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise DataError(f"{location.name} has damaged metadata: '{what}' is no JSON object.")
    return value
