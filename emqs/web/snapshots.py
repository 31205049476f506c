"""Pictures of a place: a cut through a layer along one axis, of any size and resolution."""

import io
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import numpy as np
from fastapi import APIRouter, Query, Request
from fastapi.responses import Response
from pydantic import BaseModel, Field

from emqs.errors import ConfigError, NotFoundError
from emqs.volumes import Box
from emqs.web import catalogue, served_files
from emqs.web.caches import Cache
from emqs.web.context import Context, context
from emqs.web.data import layer_for
from emqs.web.layers import OpenLayer, layers, nearest_scale, relabelled
from emqs.web.rights import Access, needs

if TYPE_CHECKING:
    from PIL.Image import Image
    from PIL.ImageFont import FreeTypeFont

router = APIRouter(tags=["snapshots"])

MOST_PIXELS = 2048  # along each edge
MOST_READ = 2**27  # voxels of one picture
GREY = 128  # outside of the volume
CACHE_BYTES = 2**26
QUALITY = 85
PLANES = {"z": (1, 2), "y": (0, 2), "x": (1, 0)}  # axis: axes of rows and columns
MEDIA = {"jpeg": "image/jpeg", "png": "image/png"}


@dataclass(frozen=True)
class View:
    """What a picture shows.

    Attributes:
        centre: Voxel in the middle of pixel ``(height // 2, width // 2)``, Z Y X; it may lie
            outside of the volume.
        axis: Along which one looks: ``"z"`` shows Y down and X to the right, ``"y"`` Z down and X
            to the right, ``"x"`` Y down and Z to the right.
        width: In pixels.
        height: In pixels.
        nm_per_pixel: None: the shorter edge of a voxel in the plane.
        window: Voxel values that become black and white; None: the range of the type.
        scale_bar: Whether one is drawn.
        form: ``"jpeg"`` or ``"png"``.
    """

    centre: tuple[float, float, float]
    axis: str = "z"
    width: int = 256
    height: int = 256
    nm_per_pixel: float | None = None
    window: tuple[float, float] | None = None
    scale_bar: bool = False
    form: str = "jpeg"

    def __post_init__(self) -> None:
        """Check the limits that a type cannot express."""
        if self.axis not in PLANES:
            raise ConfigError(f"axis must be z, y or x, got {self.axis!r}.")
        if not all(math.isfinite(v) and abs(v) < 1e12 for v in self.centre):
            raise ConfigError(f"The place must be finite, got {self.centre}.")
        for name in ("width", "height"):
            if not 1 <= getattr(self, name) <= MOST_PIXELS:
                raise ConfigError(
                    f"{name} must be from 1 to {MOST_PIXELS} pixels, got {getattr(self, name)}."
                )
        if self.nm_per_pixel is not None and not 1e-3 <= self.nm_per_pixel <= 1e9:
            raise ConfigError(f"nm_per_pixel must be above 0, got {self.nm_per_pixel:g}.")
        if self.window is not None and not self.window[0] < self.window[1] < math.inf:
            raise ConfigError(
                f"low must be below high, got {self.window[0]:g}, {self.window[1]:g}."
            )
        if self.form not in MEDIA:
            raise ConfigError(f"format must be one of {', '.join(MEDIA)}, got {self.form!r}.")


def draw(opened: OpenLayer, view: View) -> bytes:
    """Return a picture of a layer, encoded.

    Raises:
        ConfigError: If the voxels have no known window, or too many would have to be read.
        DataError: If they cannot be read.
    """
    finest = opened.scales[0].volume
    rows, columns = PLANES[view.axis]
    sizes = finest.require_voxel_size()
    step_nm = view.nm_per_pixel or min(sizes[rows], sizes[columns])
    number = nearest_scale(opened.scales, step_nm, (rows, columns))
    if opened.kind == "segmentation":
        number = 0 if len(opened.scales) == 1 else number
    pixels, inside = cut(opened, number, view, step_nm)
    if opened.kind == "segmentation":
        picture = coloured(pixels)
    else:
        low, high = view.window or window_of(opened)
        scaled = (pixels - low) * (255.0 / (high - low))
        picture = np.clip(np.nan_to_num(scaled) + 0.5, 0, 255).astype(np.uint8)
    picture[~inside] = GREY
    from PIL import Image  # a server that nobody asks for a picture does without

    image = Image.fromarray(picture)
    if view.scale_bar:
        _draw_bar(image, step_nm)
    stream = io.BytesIO()
    if view.form == "jpeg":
        image.save(stream, "JPEG", quality=QUALITY)
    else:
        image.save(stream, "PNG", compress_level=1)
    return stream.getvalue()


def cut(
    opened: OpenLayer, number: int, view: View, step_nm: float
) -> tuple[np.ndarray, np.ndarray]:
    """Return the voxels of a cut, one for each pixel, and which pixels lie in the volume.

    Args:
        opened: The layer.
        number: Of the scale that is read.
        view: Where, and how many pixels.
        step_nm: Edge of a pixel.

    Returns:
        Shape ``(height, width)``: of an image the mean over each pixel, float64; of a segmentation
        the label in its middle. Then bool, of the same shape: its middle is inside.
    """
    scale = opened.scales[number]
    shape, factors = scale.volume.shape, scale.factors
    sizes = scale.volume.require_voxel_size()
    place = [(c - (f - 1) / 2) / f for c, f in zip(view.centre, factors, strict=True)]
    rows, columns = PLANES[view.axis]
    depth = "zyx".index(view.axis)
    empty = np.zeros((view.height, view.width)), np.zeros((view.height, view.width), dtype=np.bool_)
    at = math.floor(place[depth] + 0.5)
    if not 0 <= at < shape[depth]:
        return empty
    start, stop = [0, 0, 0], [0, 0, 0]
    start[depth], stop[depth] = at, at + 1
    edges = {}
    for axis, count in ((rows, view.height), (columns, view.width)):
        width = step_nm / sizes[axis]  # of a pixel, in voxels
        first = place[axis] - (count // 2 + 0.5) * width
        edges[axis] = first, width, count
        start[axis] = max(0, math.floor(first + 0.5))
        stop[axis] = min(shape[axis], math.ceil(first + count * width + 0.5))
        if start[axis] >= stop[axis]:
            return empty
    n_voxels = math.prod(b - a for a, b in zip(start, stop, strict=True))
    if n_voxels > MOST_READ:
        raise ConfigError(
            f"This picture would need {n_voxels} voxels. Show less of the volume, or wait until "
            "its coarser levels are made."
        )
    box = Box((start[0], start[1], start[2]), (stop[0], stop[1], stop[2]))
    voxels = scale.volume.read(box)
    if opened.equivalences is not None:
        voxels = relabelled(voxels, *opened.equivalences)
    flat = voxels.take(0, axis=depth)
    flat = flat if rows < columns else flat.T
    if opened.kind == "segmentation":
        return _labels(flat, edges[rows], edges[columns], start[rows], start[columns])
    return _means(flat, edges[rows], edges[columns], start[rows], start[columns])


Edge = tuple[float, float, int]  # start of the first pixel, length of a pixel, number; in voxels


def _means(
    flat: np.ndarray, rows: Edge, columns: Edge, top: int, left: int
) -> tuple[np.ndarray, np.ndarray]:
    down = overlaps(rows, top, flat.shape[0])
    right = overlaps(columns, left, flat.shape[1])
    in_rows, in_columns = down.sum(axis=1), right.sum(axis=1)
    covered = in_rows[:, None] * in_columns
    total = down @ flat.astype(np.float64) @ right.T
    half = 0.5 - 1e-9  # of a pixel is enough, along each axis
    inside = (in_rows >= half * rows[1])[:, None] & (in_columns >= half * columns[1])
    return np.divide(total, covered, out=np.zeros_like(total), where=inside), inside


def overlaps(edge: Edge, first: int, count: int) -> np.ndarray:
    """Return how much of each voxel lies in each pixel, shape ``(pixels, voxels)``, in voxels.

    Args:
        edge: Pixels; voxel i spans i - 0.5 to i + 0.5.
        first: Number of the first voxel.
        count: How many voxels there are.
    """
    start = edge[0] + np.arange(edge[2])[:, None] * edge[1]
    low = first + np.arange(count) - 0.5
    return np.maximum(0.0, np.minimum(start + edge[1], low + 1) - np.maximum(start, low))


def _labels(
    flat: np.ndarray, rows: Edge, columns: Edge, top: int, left: int
) -> tuple[np.ndarray, np.ndarray]:
    sides = []
    for (start, width, count), first, length in (
        (rows, top, flat.shape[0]),
        (columns, left, flat.shape[1]),
    ):
        middle = np.floor(start + (np.arange(count) + 0.5) * width + 0.5).astype(np.int64) - first
        sides.append((np.clip(middle, 0, length - 1), (middle >= 0) & (middle < length)))
    (down, in_rows), (right, in_columns) = sides
    return flat[np.ix_(down, right)], in_rows[:, None] & in_columns


def window_of(opened: OpenLayer) -> tuple[float, float]:
    """Return the voxel values of a layer that are black and white.

    Raises:
        ConfigError: If neither its settings nor its type say so.
    """
    given = opened.layer.settings.get("intensity")
    if given is not None:
        return float(given[0]), float(given[1])
    dtype = opened.scales[0].volume.dtype
    if dtype.kind == "f":
        raise ConfigError(
            f"The layer {opened.layer.name} holds {dtype}, which has no black and white. Give low "
            "and high, or set intensity in the layer's settings."
        )
    limits = np.iinfo(dtype.name)
    return float(limits.min), float(limits.max)


def coloured(labels: np.ndarray) -> np.ndarray:
    """Return a colour for each label, shape ``(H, W, 3)``, uint8; 0 is black, others bright."""
    mixed = labels.astype(np.uint64)
    for factor in (0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9):
        mixed = (mixed ^ (mixed >> np.uint64(29))) * np.uint64(factor)
    parts = [(mixed >> np.uint64(shift)) & np.uint64(0xFF) for shift in (56, 48, 40)]
    colours = np.stack(parts, axis=-1).astype(np.uint8) // 2 + 96
    colours[labels == 0] = 0
    return colours


def bar_length(width: int, nm_per_pixel: float) -> tuple[float, str]:
    """Return the length of a scale bar in nm, at most a third of the picture, and its label."""
    most = width * nm_per_pixel / 3
    power = 10.0 ** math.floor(math.log10(most))
    length = max(factor * power for factor in (1.0, 2.0, 5.0) if factor * power <= most)
    for unit, size in (("mm", 1e6), ("µm", 1e3)):
        if length >= size:
            return length, f"{length / size:g} {unit}"
    return length, f"{length:g} nm"


@lru_cache(maxsize=16)
def font_of(height: int) -> "FreeTypeFont":
    """Return a font, so many pixels high, that has all letters of the labels of scale bars.

    The one that Pillow brings has no "µ", so it is that of matplotlib's figures, which is not
    imported for it.
    """
    from PIL import ImageFont

    spec = find_spec("matplotlib")
    if spec is None or spec.origin is None:
        raise RuntimeError("matplotlib is not installed, though emqs depends on it")
    fonts = Path(spec.origin).parent / "mpl-data" / "fonts" / "ttf"
    return ImageFont.truetype(fonts / "DejaVuSans.ttf", height)


def _draw_bar(image: "Image", nm_per_pixel: float) -> None:
    """Draw a scale bar with its length into the lower right corner, white with a dark edge."""
    from PIL import ImageDraw

    length, label = bar_length(image.width, nm_per_pixel)
    pixels = round(length / nm_per_pixel)
    margin = max(4, image.width // 40)
    thick = max(2, image.height // 80)
    right, bottom = image.width - margin, image.height - margin
    white, black = ((255,) * 3, (0,) * 3) if image.mode == "RGB" else (255, 0)
    pen = ImageDraw.Draw(image)
    bar = (right - pixels, bottom - thick, right - 1, bottom - 1)
    pen.rectangle((bar[0] - 1, bar[1] - 1, bar[2] + 1, bar[3] + 1), fill=black)
    pen.rectangle(bar, fill=white)
    font = font_of(max(10, image.height // 20))
    pen.text(
        (right - pixels / 2, bar[1] - 3),
        label,
        white,
        font,
        "ms",
        stroke_width=2,
        stroke_fill=black,
    )


class Pictures:
    """Pictures of this process that were drawn lately."""

    def __init__(self) -> None:
        """Start without pictures."""
        self._drawn: Cache[bytes] = Cache(CACHE_BYTES, len)

    def get(self, opened: OpenLayer, view: View) -> bytes:
        """Return a picture, drawn if it has to be."""
        return self._drawn.get((opened.key, view), lambda: draw(opened, view))


def pictures(state: Context) -> Pictures:
    """Return the pictures of this process."""
    return state.kept(Pictures, lambda _: Pictures())


def first_image(listed: Sequence[catalogue.Layer]) -> str:
    """Return the name of the first image among layers.

    Raises:
        NotFoundError: If there is none.
    """
    for layer in listed:
        if layer.kind == "image" and layer.owner_id is None:
            return layer.name
    raise NotFoundError("This dataset has no image to draw. Name a layer.")


Pixels = Annotated[int, Field(ge=1, le=MOST_PIXELS)]


class Picture(BaseModel):
    """What is asked for: a place in voxels, how it is seen, and in which layer."""

    z: float
    y: float
    x: float
    axis: Literal["z", "y", "x"] = "z"
    width: Pixels = 256
    height: Pixels = 256
    nm_per_pixel: Annotated[float | None, Field(gt=0, le=1e9)] = None
    layer: Annotated[str | None, Field(max_length=100)] = None
    low: float | None = None
    high: float | None = None
    scale_bar: bool = False
    format: Literal["jpeg", "png"] = "jpeg"

    def view(self) -> View:
        """Return what the picture shows.

        Raises:
            ConfigError: If only one end of the window is given.
        """
        if (self.low is None) != (self.high is None):
            raise ConfigError("Give low and high, or neither.")
        window = None if self.low is None or self.high is None else (self.low, self.high)
        return View(
            (self.z, self.y, self.x), self.axis, self.width, self.height, self.nm_per_pixel,
            window, self.scale_bar, self.format,
        )  # fmt: skip


@router.get("/datasets/{dataset}/snapshot", response_class=Response)
def snapshot(
    request: Request,
    access: Annotated[Access, needs("dataset:reader", links=True)],
    asked: Annotated[Picture, Query()],
) -> Response:
    """Return a picture around a voxel; what lies outside of the volume is grey."""
    view, layer = asked.view(), asked.layer
    state = context(request)
    user_id = None if access.user is None else access.user.id
    with state.database.read() as connection:
        if layer is None and access.link is None:
            layer = first_image(catalogue.layers_of(connection, access.dataset.id, user_id))
        name = layer or "image"
        row = layer_for(connection, access.dataset.id, name, user_id, access.link)
    opened = layers(state).get(row)
    shown = f"{opened.key}:{opened.n_missing}:{view}"
    tag = f'"{sha256(shown.encode()).hexdigest()[:24]}"'
    headers = {"ETag": tag, "Cache-Control": served_files.CHECKED}
    if served_files.is_known(request, tag):
        return Response(None, 304, headers)
    return Response(pictures(state).get(opened, view), 200, headers, MEDIA[view.form])
