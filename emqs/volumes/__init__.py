"""Volumes of any size and in many formats, read box by box.

``open_volume`` is the way in; it gives a ``Volume``, whose axes are Z Y X whatever the order in
the file. ``sources`` finds out the format; ``ome_zarr``, ``n5`` and ``precomputed`` read the
metadata of what tensorstore reads in ``chunked``; ``hdf5``, ``tiff`` and ``folder`` read files;
``axes`` holds what they share about axes and units. ``writing`` writes, ``stacks`` gives slices,
``points`` writes points for viewers.
"""

from emqs.volumes.copying import write_ome_zarr, write_precomputed
from emqs.volumes.opening import open_volume
from emqs.volumes.volume import Box, Volume, from_array

__all__ = [
    "Box",
    "Volume",
    "from_array",
    "open_volume",
    "write_ome_zarr",
    "write_precomputed",
]
