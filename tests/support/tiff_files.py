"""TIFF files, tag by tag: those of ImageJ, of Bio-Formats (OME) and plain ones."""

import struct
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from support.volumes_on_disk import SIZE, VOXELS

_KINDS = {"u": 1, "i": 2, "f": 3}
_FORMATS = {2: "s", 3: "H", 4: "I", 5: "I", 16: "Q"}
UM = tuple(edge / 1000 for edge in SIZE)


def page(image: np.ndarray, **tags: Any) -> dict[int, tuple[int, Any]]:  # noqa: ANN401
    """Tags of a grey page in one strip, by their numbers; pixels are under 0."""
    n_bits = image.dtype.itemsize * 8
    entries: dict[int, tuple[int, Any]] = {
        0: (0, image), 256: (4, image.shape[1]), 257: (4, image.shape[0]), 258: (3, n_bits),
        259: (3, 1), 262: (3, 1), 277: (3, 1), 278: (4, image.shape[0]),
        339: (3, _KINDS[image.dtype.kind]),
    }  # fmt: skip
    numbers = {"photometric": (3, 262), "resolution_unit": (3, 296), "bits": (3, 258)}
    for name, value in tags.items():
        if name == "description" and value is not None:
            entries[270] = (2, value.encode() + b"\0")
        elif name == "resolution" and value is not None:
            entries[282] = entries[283] = (5, value)
        elif name == "resolutions":
            entries[282], entries[283] = (5, value[0]), (5, value[1])
        elif name == "colours":
            entries[320] = (3, value)
        elif name in numbers and value is not None:
            kind, number = numbers[name]
            entries[number] = (kind, value)
    return entries


def write(path: Path, pages: Sequence[dict], *, big: bool = False, endian: str = "<") -> Path:
    """Write pages: pixels of all, one after the other, then the directories."""
    e, pointer = endian, "Q" if big else "I"
    mark = b"II" if e == "<" else b"MM"
    content = bytearray(mark + struct.pack(f"{e}HHHQ", 43, 8, 0, 0) if big else
                        mark + struct.pack(f"{e}HI", 42, 0))  # fmt: skip
    for tags in pages:
        image = tags.pop(0)[1]
        pixels = image if isinstance(image, bytes) else image.astype(
            image.dtype.newbyteorder(e)
        ).tobytes()  # fmt: skip
        tags[273], tags[279] = (4 if not big else 16, len(content)), (4, len(pixels))
        content += pixels
    link = 8 if big else 4
    for tags in pages:
        entries = []
        for number in sorted(tags):
            kind, value = tags[number]
            values = [value] if np.isscalar(value) and kind != 2 else value
            if kind == 2:
                packed, count = bytes(value), len(value)
            elif kind == 5:
                packed, count = struct.pack(f"{e}2I", *value), 1
            else:
                packed = struct.pack(f"{e}{len(values)}{_FORMATS[kind]}", *values)
                count = len(values)
            width = 8 if big else 4
            if len(packed) > width:
                where = len(content)
                content += packed + bytes(len(packed) % 2)
                packed = struct.pack(f"{e}{pointer}", where)
            head = struct.pack(f"{e}HH{pointer}", number, kind, count)
            entries.append(head + packed.ljust(width, b"\0"))
        content += bytes(len(content) % 2)
        content[link : link + (8 if big else 4)] = struct.pack(f"{e}{pointer}", len(content))
        content += struct.pack(f"{e}{'Q' if big else 'H'}", len(entries)) + b"".join(entries)
        link = len(content)
        content += bytes(8 if big else 4)
    path.write_bytes(bytes(content))
    return path


def tiff(
    path: Path,
    voxels: np.ndarray = VOXELS,
    *,
    big: bool = False,
    endian: str = "<",
    **tags: Any,  # noqa: ANN401
) -> Path:
    """A page for each slice, as most programs write."""
    return write(path, [page(image, **tags) for image in voxels], big=big, endian=endian)


def imagej(
    path: Path,
    voxels: np.ndarray = VOXELS,
    *,
    unit: str | None = None,
    size: Sequence[float] = UM,
    origin_px: Sequence[float] | None = None,
    zunit: str | None = None,
    resolution_unit: int = 1,
    one_page: bool = False,
    images: int | None = None,
    **tags: Any,  # noqa: ANN401
) -> Path:
    """As ImageJ's TiffEncoder: big-endian; over 4 GB one page and all pixels behind it."""
    n = len(voxels) if images is None else images
    lines = ["ImageJ=1.54f", f"images={n}", f"slices={n}"]
    lines += [f"unit={unit}"] if unit else []
    lines += [f"spacing={size[0]!r}"]
    lines += [f"zunit={zunit}"] if zunit else []
    if origin_px is not None:
        lines += [f"{a}origin={p}" for a, p in zip("zyx", origin_px, strict=True)][::-1]
    y, x = (Fraction(1 / edge).limit_denominator(1000) for edge in size[1:])
    resolutions = [(x.numerator, x.denominator), (y.numerator, y.denominator)]
    tags |= {"resolutions": resolutions, "resolution_unit": resolution_unit}
    tags["description"] = "\n".join(lines) + "\n"
    pages = [page(image, **tags if z == 0 else {}) for z, image in enumerate(voxels)]
    if one_page:
        pixels = voxels.astype(voxels.dtype.newbyteorder(">")).tobytes()
        pages = pages[:1]
        pages[0][0] = (0, pixels)
        write(path, pages, endian=">")
        content = path.read_bytes()  # its strip is one slice long, as ImageJ states
        old = struct.pack(">HHII", 279, 4, 1, len(pixels))
        new = struct.pack(">HHII", 279, 4, 1, voxels[0].nbytes)
        path.write_bytes(content.replace(old, new))
        return path
    return write(path, pages, endian=">")


OME = """<?xml version="1.0" encoding="UTF-8"?>
<OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06" {uuid}><Image ID="Image:0" Name="a">
<Pixels ID="Pixels:0" DimensionOrder="{order}" Type="uint16" SizeX="{x}" SizeY="{y}" SizeZ="{z}"
SizeC="1" SizeT="1" {sizes}><Channel ID="Channel:0:0" SamplesPerPixel="1"/>{planes}</Pixels></Image>
</OME>"""


def ome(
    path: Path,
    voxels: np.ndarray = VOXELS,
    *,
    size: Sequence[float | None] = (None, None, None),
    unit: str | None = None,
    position: Sequence[float] | None = None,
    position_unit: str = "um",
    order: str = "XYZCT",
    files: bool = False,
    own_name: str | None = None,
    partner: str | None = None,
) -> Path:
    """As Bio-Formats writes: a TiffData for each plane; in many files, each with all of the XML."""
    lengths = [f'PhysicalSize{a}="{s!r}"' for a, s in zip("ZYX", size, strict=True) if s]
    if unit:
        lengths += [f'PhysicalSize{a}Unit="{unit}"' for a in "ZYX"]
    folder, stem = path.parent, path.name.removesuffix(".ome.tif")
    names = [f"{stem}_{z}.ome.tif" if files else own_name for z in range(len(voxels))]
    planes = []
    for z, name in enumerate([names[0], partner, *names[2:]] if partner else names):
        uuid = (
            "" if name is None else f'<UUID FileName="{name}">urn:uuid:{z if files else 0}</UUID>'
        )
        ifd = 0 if files else z
        planes.append(f'<TiffData FirstZ="{z}" IFD="{ifd}" PlaneCount="1">{uuid}</TiffData>')
    if position is not None:
        at = " ".join(f'Position{a}="{p!r}"' for a, p in zip("ZYX", position, strict=True))
        units = " ".join(f'Position{a}Unit="{position_unit}"' for a in "ZYX")
        planes.append(f'<Plane TheZ="0" TheC="0" TheT="0" {at} {units}/>')
    depth, height, width = voxels.shape

    def text(number: int) -> str:
        uuid = f'UUID="urn:uuid:{number}"' if files or own_name else ""
        return OME.format(
            uuid=uuid, order=order, x=width, y=height, z=depth, sizes=" ".join(lengths),
            planes="".join(planes),
        )  # fmt: skip

    if not files:
        return write(path, [page(image, description=text(0) if z == 0 else None)
                            for z, image in enumerate(voxels)])  # fmt: skip
    for z, image in enumerate(voxels):
        write(folder / str(names[z]), [page(image, description=text(z))])
    return folder / str(names[len(names) // 2])


def pyramid(
    path: Path,
    voxels: np.ndarray = VOXELS,
    *,
    n_levels: int = 3,
    in_pages: bool = False,
    marked: bool = True,
    **metadata: Any,  # noqa: ANN401
) -> Path:
    """By tifffile: smaller copies of each page in its SubIFDs, or of all as pages after them."""
    is_ome = path.name.endswith(".ome.tif")
    tiles: dict[str, Any] = {
        "tile": (16, 16), "compression": "zlib", "photometric": "minisblack",
    }  # fmt: skip
    first = {"metadata": {"axes": "ZYX", **metadata} if is_ome else None, "subifds": n_levels - 1}
    with tifffile.TiffWriter(path, ome=is_ome) as file:
        for level in range(n_levels):
            images = voxels[:, :: 2**level, :: 2**level]
            if not in_pages:
                file.write(images, **tiles, **(first if level == 0 else {"subfiletype": 1}))
                continue
            for image in images:
                file.write(
                    image, subfiletype=int(level > 0 and marked), metadata=None, contiguous=False
                )
    return path
