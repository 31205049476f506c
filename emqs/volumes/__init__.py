"""Volumes of any size and in many formats, read box by box.

``open_volume`` is the way in; it gives a ``Volume``, whose axes are Z Y X whatever the order in
the file. ``create_volume`` is the way out. ``opening`` and ``creating`` find out the format;
``formats`` has a file for each; ``axes`` holds what they share about axes, units and origin.
"""

from emqs.geometry import Box
from emqs.volumes.copying import write_ome_zarr, write_precomputed
from emqs.volumes.creating import create_volume
from emqs.volumes.opening import open_volume
from emqs.volumes.volume import Volume, from_array
from emqs.volumes.writer import Layout

__all__ = [
    "Box",
    "Layout",
    "Volume",
    "create_volume",
    "from_array",
    "open_volume",
    "write_ome_zarr",
    "write_precomputed",
]
