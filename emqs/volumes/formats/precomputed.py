"""Neuroglancer precomputed volumes, which list their axes X first, in nm.

Source:
    https://github.com/google/neuroglancer/blob/master/src/datasource/precomputed/volume.md
"""

from dataclasses import replace

from emqs.errors import ConfigError, DataError
from emqs.volumes.axes import Request, Stated, numbers
from emqs.volumes.chunks import Location, open_array
from emqs.volumes.volume import Volume

METADATA = "info"


def open_precomputed(location: Location, request: Request) -> Volume:
    """Return one scale of a volume that has an ``info`` file.

    Raises:
        DataError: If the file is damaged, or describes no volume.
        ConfigError: If the level is out of range, axes are given, or a channel must be chosen.
    """
    if request.axes is not None:
        raise ConfigError(
            f"{location.name} is a precomputed volume, whose axes are always x, y, z and c; "
            "leave axes= out."
        )
    scales = (location.read_json(METADATA) or {}).get("scales")
    if not isinstance(scales, list) or not all(isinstance(scale, dict) for scale in scales):
        raise DataError(f"{location.name}/{METADATA} describes no precomputed volume: no 'scales'.")
    number = request.level_of([str(scale.get("key")) for scale in scales], location.name)
    scale = scales[number]
    resolution = numbers(scale.get("resolution"), 3, f"The resolution of {location.name}")
    offset = numbers(scale.get("voxel_offset", [0, 0, 0]), 3, f"'voxel_offset' of {location.name}")
    # a scale's key may name a folder beside the volume; it must not leave the source
    key = str(scale.get("key"))
    if key.startswith("/") or key.split("/").count("..") > 0:
        raise DataError(f"{location.name} keeps a scale in {key!r}, outside the volume.")
    stated = Stated(
        ["x", "y", "z", "c"],
        [*resolution, 1.0],
        [*(r * v for r, v in zip(resolution, offset, strict=True)), 0.0],
        ["nm", "nm", "nm", None],
    )
    driver = {"driver": "neuroglancer_precomputed", "scale_index": number}
    volume = open_array(location, driver, METADATA, lambda _: stated, request)
    return replace(volume, level=number, n_levels=len(scales))
