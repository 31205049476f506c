"""What the OME-XML of a TIFF says: where each plane lies, in this file or in its partners."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from math import prod
from pathlib import Path, PurePosixPath
from typing import Any
from xml.etree import ElementTree

from emqs.errors import ConfigError, DataError
from emqs.volumes.axes import Request, Stated, unit_nm
from emqs.volumes.formats.tiff_pages import opened

_MICROMETRE = "\u00b5m"  # the unit of OME where none is said
_MAX_XML_BYTES = 2**28
_MAX_PLANES = 10**6
#: Types that OME-XML knows, by NumPy's names.
OME_TYPES = {
    "uint8": "uint8", "uint16": "uint16", "uint32": "uint32", "int8": "int8", "int16": "int16",
    "int32": "int32", "float32": "float", "float64": "double", "bool": "bit",
}  # fmt: skip


@dataclass(frozen=True, eq=False)
class OmeImage:
    """One image of an OME-TIFF.

    Attributes:
        shape: Lengths of the stored axes, in the order of ``stated.names``; Y and X are the last.
        stated: What the XML says of axes, voxel size and origin.
        pages: File and number of the page of each plane, in the order of the axes before Y X.
    """

    shape: tuple[int, ...]
    stated: Stated
    pages: tuple[tuple[Path, int], ...]


def read_ome(path: Path, text: str, request: Request) -> OmeImage:
    """Return the image that OME-XML describes; no other file is opened but one of metadata.

    Args:
        path: The file that holds the XML.
        text: The XML.
        request: Its ``dataset`` names one of several images, by name or by number.

    Raises:
        DataError: If the XML is damaged, or a partner is missing or lies elsewhere.
        ConfigError: If there are several images and none is chosen.
    """
    root, uuid = _root(path, text)
    image = _chosen(_all(root, "Image"), request, path)
    pixels = next(iter(_all(image, "Pixels")), None)
    order = "" if pixels is None else pixels.get("DimensionOrder", "")
    if pixels is None or sorted(order) != sorted("XYZCT"):
        raise _damaged(path, "its image has no Pixels with a DimensionOrder")
    if any(int(c.get("SamplesPerPixel", 1)) > 1 for c in _all(pixels, "Channel")):
        raise DataError(
            f"{path} is coloured: its pages have several samples per pixel. Save one channel."
        )
    names = order[::-1].lower()
    try:
        shape = tuple(int(pixels.get(f"Size{name.upper()}", "")) for name in names)
        places = _places(pixels, names, shape, path, uuid)
    except ValueError as error:
        raise _damaged(path, f"its OME-XML holds no valid number ({error})") from None
    named = [channel.get("Name") for channel in _all(pixels, "Channel")]
    channels = [str(n) if name is None else name for n, name in enumerate(named)]
    if not any(named):
        channels = []
    stated = Stated(list(names), *_calibration(pixels, names), channels=channels)
    return OmeImage(shape, stated, places)


def _root(path: Path, text: str) -> tuple[Any, str | None]:
    """Return the XML that describes all planes, and the UUID of the file itself."""
    root = _parsed(path, text)
    binary = next(iter(_all(root, "BinaryOnly")), None)
    if binary is None:
        return root, root.get("UUID")
    name = binary.get("MetadataFile", "")
    master = _partner(path, name)
    if master.suffix.lower() in (".tif", ".tiff", ".btf"):
        with opened(master) as file:
            text = file.ome_metadata or ""
    elif master.stat().st_size > _MAX_XML_BYTES:
        raise DataError(f"{master} has {master.stat().st_size} bytes: no OME-XML.")
    else:
        text = master.read_text(encoding="utf-8", errors="replace")
    return _parsed(master, text), root.get("UUID")


def _parsed(path: Path, text: str) -> Any:  # noqa: ANN401 (an element)
    try:
        return ElementTree.fromstring(text)
    except ElementTree.ParseError as error:
        raise _damaged(path, f"its OME-XML is not valid ({error})") from None


def _all(element: Any, name: str) -> list[Any]:  # noqa: ANN401
    """Return the children of a name, whatever the version of the namespace."""
    return [child for child in element if child.tag.rpartition("}")[2] == name]


def _chosen(images: list[Any], request: Request, path: Path) -> Any:  # noqa: ANN401
    if not images:
        raise _damaged(path, "its OME-XML describes no image")
    names = [image.get("Name") or image.get("ID") or str(k) for k, image in enumerate(images)]
    if request.dataset is None and len(images) == 1:
        return images[0]
    if request.dataset in names:
        return images[names.index(str(request.dataset))]
    if str(request.dataset).isdecimal() and int(str(request.dataset)) < len(images):
        return images[int(str(request.dataset))]
    raise ConfigError(
        f"{path} holds {len(images)} images: {', '.join(names[:8])}. Choose one with "
        f"{request.prefix}dataset=, by its name or its number from 0 to {len(images) - 1}."
    )


def _partner(path: Path, name: str) -> Path:
    """Return a file of the same set, which lies beside this one.

    Raises:
        DataError: If it lies elsewhere, or is missing.
    """
    pure = PurePosixPath(name.replace("\\", "/"))
    if not name or pure.is_absolute() or ".." in pure.parts or ":" in name or "\0" in name:
        raise DataError(
            f"{path} names the partner file '{name}', which does not lie in its folder. Files of "
            "one OME-TIFF must lie together."
        )
    partner = path.parent / pure
    if not partner.is_file():
        raise DataError(
            f"{path} is one file of several, and its partner '{name}' is missing. Put all files of "
            "the set into one folder."
        )
    return partner


def _places(
    pixels: Any,  # noqa: ANN401
    names: str,
    shape: tuple[int, ...],
    path: Path,
    uuid: str | None,
) -> tuple[tuple[Path, int], ...]:
    """Return file and page of each plane, from the elements TiffData."""
    outer, lengths = names[:-2], shape[:-2]
    count = prod(lengths)
    if not 0 < count <= _MAX_PLANES:
        raise _damaged(path, f"it states {count} planes; allowed are 1 to {_MAX_PLANES:,}")
    listed = _all(pixels, "TiffData")
    in_files = [_uuid_of(element) for element in listed]
    alone = len({name for name, _ in in_files}) == 1  # of one file, which may have another name
    planes: list[tuple[Path, int] | None] = [None] * count
    order = list(product(*(range(length) for length in lengths)))
    for element, (name, its) in zip(listed, in_files, strict=True):
        own = name is None or name == path.name or (its is not None and its == uuid)
        own = own or (alone and not (path.parent / str(name)).is_file())
        beside = path.suffix.lower() == ".ome"  # the XML alone, which holds no planes itself
        file = _partner(path, name or "") if beside or not own else path
        start = [int(element.get(f"First{axis.upper()}", 0)) for axis in outer]
        first = order.index(tuple(start)) if tuple(start) in order else count
        page = int(element.get("IFD", 0))
        n_planes = element.get("PlaneCount", element.get("NumPlanes"))
        if n_planes is None:
            n_planes = 1 if element.get("IFD") is not None else _n_pages(file)
        for step in range(int(n_planes)):
            if first + step >= count:
                raise _damaged(path, f"it lists more planes than the {count} that it states")
            planes[first + step] = (file, page + step)
    if not listed:
        planes = [(path, number) for number in range(count)]
    missing = planes.count(None)
    if missing:
        raise _damaged(path, f"{missing} of the {count} planes that it states lie in no file")
    return tuple(place for place in planes if place is not None)


def _uuid_of(element: Any) -> tuple[str | None, str | None]:  # noqa: ANN401
    """Return the file that a TiffData names, and its UUID."""
    uuid = next(iter(_all(element, "UUID")), None)
    return (None, None) if uuid is None else (uuid.get("FileName"), (uuid.text or "").strip())


def _n_pages(path: Path) -> int:
    with opened(path) as file:
        return len(file.pages)


def _calibration(
    pixels: Any,  # noqa: ANN401
    names: str,
) -> tuple[list[float | None], list[float | None] | None, list[object]]:
    """Return scale, translation and units of the axes; OME's own unit is the micrometre."""
    scale: list[float | None] = []
    units: list[object] = []
    for name in names.upper():
        length = pixels.get(f"PhysicalSize{name}") if name in "ZYX" else None
        scale.append(None if length is None else float(length))
        units.append(pixels.get(f"PhysicalSize{name}Unit", _MICROMETRE))
    return scale, _position(pixels, names, units), units


def _position(pixels: Any, names: str, units: Sequence[object]) -> list[float | None] | None:  # noqa: ANN401
    """Return the position of the first plane, if it is stated along Z, Y and X with units."""
    first = [
        plane for plane in _all(pixels, "Plane")
        if all(plane.get(f"The{axis}", "0") == "0" for axis in "ZCT")
    ]  # fmt: skip
    if not first:
        return None
    position: list[float | None] = []
    for name, unit in zip(names.upper(), units, strict=True):
        if name not in "ZYX":
            position.append(None)
            continue
        value = first[0].get(f"Position{name}")
        stated = unit_nm(first[0].get(f"Position{name}Unit", "reference frame"))
        length = unit_nm(unit)
        if value is None or stated is None or length is None:
            return None
        position.append(float(value) * stated / length)
    return position


def _damaged(path: Path, reason: str) -> DataError:
    return DataError(f"{path} cannot be read as an OME-TIFF; {reason}. Copy or export it again.")


def ome_xml(layout: Any) -> str | None:  # noqa: ANN401 (a Layout)
    """Return the XML of a stack with one page per slice; None for a type that OME has not.

    Args:
        layout: Shape, dtype, voxel size and origin. What is unknown is left out.
    """
    kind = OME_TYPES.get(layout.dtype.name)
    if kind is None:
        return None
    depth, height, width = layout.shape
    sizes = ""
    if layout.voxel_size_nm is not None:
        sizes = "".join(
            f' PhysicalSize{axis}="{length!r}" PhysicalSize{axis}Unit="nm"'
            for axis, length in zip("ZYX", map(float, layout.voxel_size_nm), strict=True)
        )
    plane = ""
    if any(layout.origin_nm):
        position = "".join(
            f' Position{axis}="{length!r}" Position{axis}Unit="nm"'
            for axis, length in zip("ZYX", map(float, layout.origin_nm), strict=True)
        )
        plane = f'<Plane TheZ="0" TheC="0" TheT="0"{position}/>'
    schema = "http://www.openmicroscopy.org/Schemas/OME/2016-06"
    return (
        f'<?xml version="1.0" encoding="UTF-8"?><OME xmlns="{schema}" '
        'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" '
        f'xsi:schemaLocation="{schema} {schema}/ome.xsd"><Image ID="Image:0">'
        f'<Pixels ID="Pixels:0" DimensionOrder="XYZCT" Type="{kind}" SizeX="{width}" '
        f'SizeY="{height}" SizeZ="{depth}" SizeC="1" SizeT="1"{sizes}>'
        '<Channel ID="Channel:0:0" SamplesPerPixel="1"/>'
        f'<TiffData IFD="0" PlaneCount="{depth}"/>{plane}</Pixels></Image></OME>'
    )
