"""Label volumes as OME-Zarr: written block by block, asked for labels without decoding them.

``write_labels`` stores an array, ``LabelWriter`` takes it in pieces, ``open_labels`` reads regions
and answers which labels are where, ``export_precomputed`` makes a copy that neuroglancer shows. The
arrays inside are plain Zarr v3 with the codec ``emqs.labels`` (docs/label-codec.md).
"""

from emqs.volumes.downsampling import mode_pool
from emqs.volumes.zarr_labels.index import BadChunk, LabelVolume, open_labels
from emqs.volumes.zarr_labels.plan import PRESETS, ImageOptions, Preset, Region
from emqs.volumes.zarr_labels.to_precomputed import export_precomputed
from emqs.volumes.zarr_labels.writer import LabelWriter, write_labels

__all__ = [
    "PRESETS",
    "BadChunk",
    "ImageOptions",
    "LabelVolume",
    "LabelWriter",
    "Preset",
    "Region",
    "export_precomputed",
    "mode_pool",
    "open_labels",
    "write_labels",
]
