"""Writes label volumes as OME-Zarr 0.5 with the codec ``emqs.labels``, or plain with zstd."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from emqs.errors import CodecError, ConfigError, require
from emqs.geometry import Box
from emqs.volumes import ome, seals
from emqs.volumes.writer import Layout, VolumeWriter
from emqs.volumes.zarr_labels.writer import LabelWriter, zarr_library

if TYPE_CHECKING:
    from emqs.codecs.chunk import ChunkSettings

_AXES = "zyx"


class ZarrWriter(VolumeWriter):
    """An OME-Zarr 0.5 label image.

    Options: ``codec``, a dict with the settings of ``CodecConfig``; ``levels``, arrays of the
    pyramid, None for as many as it takes.
    """

    format = "zarr"

    def __init__(self, path: Path, layout: Layout) -> None:
        """Make the image, or open it again.

        Raises:
            ConfigError: If chunks are too large, or a codec setting is out of range.
        """
        super().__init__(path, layout)
        if layout.voxel_size_nm is None and any(layout.origin_nm):
            self.notes.append(
                "The origin is not written: OME-Zarr states it in a unit, and so with a voxel size."
            )
        codec = dict(layout.options["codec"])
        chunks = tuple(min(a, b) for a, b in zip(codec["chunks"], layout.shape, strict=True))
        self.unit = (chunks[0], chunks[1], chunks[2])
        self._image: LabelWriter | None = None
        if codec["name"] == "zstd":
            self._array = self._plain(codec["level"])
        else:
            try:
                self._image = LabelWriter(
                    path, layout.shape, layout.dtype, axes=_AXES, chunks=chunks,
                    voxel_size_nm=layout.voxel_size_nm, origin_nm=layout.origin_nm,
                    settings=_settings(codec), levels=layout.options.get("levels", 1),
                )  # fmt: skip
            except CodecError as fault:
                raise ConfigError(f"codec: {fault}") from None

    def _plain(self, level: int) -> Any:  # noqa: ANN401 - an array of an extra
        """Return the array of an image without the label codec, new or as it was left."""
        if self.layout.options.get("levels", 1) != 1:
            raise ConfigError("output.levels: a pyramid is made with codec=crackle or archive.")
        zarr = zarr_library()
        zstd = require("zarr.codecs", extra="labels", purpose="write Zarr").ZstdCodec
        group = zarr.open_group(self.path, mode="a", zarr_format=3)
        if "0" in group:
            return group["0"]
        size = self.layout.voxel_size_nm
        full = ome.Level("0", size, self.layout.origin_nm)
        image = ome.multiscale(self.path.name, _AXES, [full], has_size=size is not None)
        group.update_attributes(ome.attributes_of(image, is_label=True))
        return group.create_array(
            "0", shape=self.layout.shape, dtype=self.layout.dtype, chunks=self.unit, fill_value=0,
            compressors=[zstd(level=level, checksum=True)], dimension_names=list(_AXES),
            attributes=dict(seals.OF_ARRAY),
        )  # fmt: skip

    def write(self, box: Box, voxels: np.ndarray) -> None:
        """Write whole chunks."""
        if self._image is not None:
            self._image.write(box.slices, voxels)
        else:
            self._array[box.slices] = voxels

    def finish(self) -> None:
        """Make the smaller levels, and note which chunks are stored, so that a lost one shows."""
        if self._image is not None:
            self._image.finish()
        grid = [-(-s // c) for s, c in zip(self.layout.shape, self.unit, strict=True)]
        stored = np.zeros(grid, bool)
        for place in np.ndindex(*grid):
            stored[place] = (self.path / "0" / _key(place)).is_file()
        group = zarr_library().open_group(self.path, mode="r+")
        group.update_attributes({seals.STORED: seals.noted(stored)})
        if self._image is None:
            group.update_attributes(seals.seal(self.path, group.attrs.asdict()))


def _settings(codec: dict[str, Any]) -> "ChunkSettings":
    """Return the settings of the label codec."""
    from emqs.codecs.chunk import ChunkSettings  # needs the extra

    return ChunkSettings(
        compressor=codec["compressor"],
        level=codec["level"],
        markov_order=codec["markov_order"],
        pins=codec["pins"],
    )


def _key(place: Sequence[int]) -> str:
    """Return the key of a chunk in a Zarr v3 array, e.g. ``c/0/2/1``."""
    return "/".join(["c", *(str(int(number)) for number in place)])
