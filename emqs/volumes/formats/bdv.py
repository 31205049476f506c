"""HDF5 and N5 of BigDataViewer, whose XML says how large voxels are and where they lie."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np

from emqs.errors import ConfigError, DataError
from emqs.volumes.axes import Request, Stated
from emqs.volumes.chunks import locate
from emqs.volumes.formats.hdf5 import Source, open_dataset, partner
from emqs.volumes.volume import Volume

_MAX_XML_BYTES = 2**26
_ARRAY = re.compile(r"setup(?P<setup>\d+)/timepoint(?P<time>\d+)/s\d+")  # of N5
_PATH = re.compile(r"(?:t(?P<time>\d+)/)?s(?P<setup>\d+)(?:/(?P<level>\d+)(?:/cells)?)?")


def is_bdv(file: Any) -> bool:  # noqa: ANN401 (an HDF5 file)
    """Return whether an HDF5 file is one of BigDataViewer."""
    setups = [name for name in file if re.fullmatch(r"s\d+", name)]
    times = [name for name in file if re.fullmatch(r"t\d+", name)]
    return bool(times) and any("resolutions" in file[name] for name in setups)


def open_xml(path: Path, request: Request) -> Volume:
    """Return a volume of the HDF5 file, or of the N5 folder, that an XML of BigDataViewer names.

    Raises:
        DataError: If it is no such XML, or what it names is missing or lies elsewhere.
        ConfigError: If there are several setups or time points and none is chosen.
    """
    kind, name = _named(_parsed(path))
    if kind == "hdf5" and name:
        return open_bdv(Source(partner(path, name, "its image is in")), path, request)
    if kind == "n5" and name:
        from emqs.volumes.formats.n5 import open_n5  # which asks this module for sizes

        folder = locate(str(partner(path, name, "its image is in")))
        if request.dataset is not None:
            folder = folder.inside(request.dataset.strip("/"))
        return open_n5(folder, request, path)
    raise DataError(
        f"{path} names no HDF5 file or N5 folder of BigDataViewer, but an image of the kind "
        f"{kind or 'unknown'!r}. Give the volume itself: an HDF5 file, or the folder of an N5 or "
        "Zarr."
    )


def _named(root: Any) -> tuple[str, str]:  # noqa: ANN401 (an element)
    """Return the kind of image that an XML names, and its file; the outer one of loaders counts."""
    loader = root.find(".//ImageLoader")
    if loader is None:
        return "", ""
    for kind in ("hdf5", "n5"):
        if (loader.findtext(kind) or "").strip():
            return kind, loader.findtext(kind).strip()
    return str(loader.get("format", "")), ""


def of_n5(array: Path, xml: Path | None, factors: Sequence[float]) -> tuple[Stated, str] | None:
    """Return what an XML says of an array of N5, axes X Y Z, and a note.

    Args:
        array: Its folder, ``NAME.n5/setup0/timepoint0/s0``.
        xml: The XML; None to look for ``NAME.xml`` beside it, which must name it.
        factors: How much coarser the level is along X Y Z.

    Returns:
        None if the array is none of BigDataViewer, or there is no XML.

    Raises:
        DataError: If the XML is damaged.
    """
    array = array.absolute()
    match = _ARRAY.fullmatch("/".join(array.parts[-3:]))
    if match is None:
        return None
    folder = array.parents[2]
    if xml is None:
        xml = folder.with_suffix(".xml")
        if not xml.is_file() or _named(_parsed(xml)) != ("n5", folder.name):
            return None
    steps = np.asarray(factors, float)[::-1]
    stated, note = _stated(xml, int(match["setup"]), int(match["time"]), steps)
    lists = (stated.names, stated.scale, stated.translation, stated.units)
    names, scale, shift, units = (None if each is None else each[::-1] for each in lists)
    return Stated(names, scale, shift, units), note  # type: ignore[arg-type]


def open_bdv(source: Source, xml: Path | None, request: Request) -> Volume:
    """Return a volume of one setup, time point and level.

    ``dataset`` names a setup (``s00``), or with it a time point (``t00000/s00``) and level. Stored
    are unsigned numbers of 16 bits as signed ones, which BigDataViewer means them to be.

    Args:
        source: The HDF5 file.
        xml: Its XML; None to look for one of the same name beside it.
        request: What the user says of it.

    Raises:
        ConfigError: If there are several setups or time points and none is chosen.
    """
    path = source.path
    with source.opened() as file:
        setups = [int(name[1:]) for name in sorted(file) if re.fullmatch(r"s\d+", name)]
        times = [int(name[1:]) for name in sorted(file) if re.fullmatch(r"t\d+", name)]
        if not is_bdv(file):
            raise DataError(f"{path} is no HDF5 file of BigDataViewer, though {xml} names it.")
        time, setup, level = _chosen(path, setups, times, request)
        factors = np.asarray(file[f"s{setup:02d}/resolutions"], float)
    if factors.ndim != 2 or factors.shape[1] != 3 or not len(factors):
        raise DataError(f"{path}: 's{setup:02d}/resolutions' must list three factors per level.")
    level = request.level_of([str(k) for k in range(len(factors))], str(path)) if (
        level is None
    ) else level  # fmt: skip
    if level >= len(factors):
        raise ConfigError(f"{path} has {len(factors)} levels, from 0 to {len(factors) - 1}.")
    beside = path.with_suffix(".xml")
    xml = beside if xml is None and beside.is_file() else xml
    names, notes = ["z", "y", "x"], []
    stated = Stated(names)
    if xml is None:
        notes.append(f"{beside.name}, which says the voxel size, is not beside {path}.")
    else:
        stated, note = _stated(xml, setup, time, factors[level][::-1])
        notes += [note] if note else []
    name = f"t{time:05d}/s{setup:02d}/{level}/cells"
    return open_dataset(
        source, name, request, f"{path}/{name}", stated=stated, unsigned=True,
        level=level, n_levels=len(factors), notes=tuple(notes),
    )  # fmt: skip


def _chosen(
    path: Path, setups: list[int], times: list[int], request: Request
) -> tuple[int, int, int | None]:
    """Return time point, setup and level (None: as ``level`` says)."""
    match = None
    if request.dataset is not None:
        match = _PATH.fullmatch(request.dataset.strip("/"))
        if match is None or int(match["setup"]) not in setups:
            raise ConfigError(
                f"{path} has no setup '{request.dataset}'. {request.prefix}dataset= is one of "
                f"{', '.join(f's{n:02d}' for n in setups[:10])}, or with a time point, t00000/s00."
            )
    elif len(setups) > 1:
        raise ConfigError(
            f"{path} holds {len(setups)} setups (channels or views). Choose one with "
            f"{request.prefix}dataset=, e.g. s{setups[0]:02d}."
        )
    setup = setups[0] if match is None else int(match["setup"])
    time = None if match is None or match["time"] is None else int(match["time"])
    if time is None and len(times) == 1:
        time = times[0]
    if time not in times:
        raise ConfigError(
            f"{path} holds {len(times)} time points. Choose one with {request.prefix}dataset=, "
            f"e.g. t{times[0]:05d}/s{setup:02d}."
        )
    return time, setup, None if match is None or match["level"] is None else int(match["level"])


def _parsed(path: Path) -> Any:  # noqa: ANN401 (an element)
    """Return the XML of a file."""
    if path.stat().st_size > _MAX_XML_BYTES:
        raise DataError(f"{path} has {path.stat().st_size} bytes: no XML of BigDataViewer.")
    try:
        return ElementTree.fromstring(path.read_bytes())
    except ElementTree.ParseError as error:
        raise DataError(f"{path} is not valid XML ({error}). Export it again.") from None


def _stated(xml: Path, setup: int, time: int, factors: np.ndarray) -> tuple[Stated, str]:
    """Return what the XML says of a level, and a note.

    Args:
        xml: The file.
        setup: Number of the setup.
        time: Number of the time point.
        factors: How much coarser the level is along Z Y X. The middle of its first voxel lies as
            much further in as the voxel is larger.
    """
    root = _parsed(xml)
    names = ["z", "y", "x"]
    views = [v for v in root.iter("ViewSetup") if (v.findtext("id") or "").strip() == str(setup)]
    size_text = views[0].findtext("voxelSize/size") if views else None
    unit = views[0].findtext("voxelSize/unit") if views else None
    if size_text is None:
        return Stated(names), f"{xml} states no voxel size of setup {setup}."
    try:
        size = np.array([float(number) for number in size_text.split()])[::-1]
        matrix = _registration(root, setup, time)
    except ValueError:
        raise DataError(
            f"{xml} holds no valid numbers of setup {setup}. Export it again."
        ) from None
    if size.shape != (3,):
        raise DataError(f"{xml}: the voxel size of setup {setup} must be three numbers.")
    units = [(unit or "").strip() or None] * 3
    scale = (size * factors).tolist()
    if matrix is None:
        return Stated(names, scale, None, units), ""
    stretch = np.diag(matrix[:, :3])
    if (stretch <= 0).any() or not np.allclose(matrix[:, :3], np.diag(stretch), atol=1e-9):
        note = f"{xml} turns or shears setup {setup}; it is read as stored, without an origin."
        return Stated(names, scale, None, units), note
    in_voxels = (matrix[:, 3] / stretch)[::-1]  # of level 0, whose lengths may be scaled
    shift = (in_voxels + (factors - 1) / 2) * size
    return Stated(names, scale, shift.tolist(), units), ""


def _registration(root: Any, setup: int, time: int) -> np.ndarray | None:  # noqa: ANN401
    """Return the transform of a view, 3 x 4, X Y Z; None if there is none."""
    for view in root.iter("ViewRegistration"):
        if view.get("setup") != str(setup) or view.get("timepoint") != str(time):
            continue
        total = np.eye(4)
        for step in view.iter("affine"):  # the first one listed is applied last
            values = [float(number) for number in (step.text or "").split()]
            if len(values) != 12:
                raise ValueError("an affine has 12 numbers")
            total = total @ np.vstack([np.reshape(values, (3, 4)), [0, 0, 0, 1]])
        return total[:3]
    return None
