"""Codecs for label volumes, by name.

A new codec is one file with a class that follows ``LabelCodec``, and one line below.
"""

from collections.abc import Callable

from emqs.codecs.codec import MAX_VOXELS, Description, LabelCodec
from emqs.codecs.compresso import CompressoMiccai, CompressoV2
from emqs.errors import CodecError

__all__ = ["CODECS", "MAX_VOXELS", "Description", "LabelCodec", "get_codec"]

#: Every codec by its name, which never changes.
CODECS: dict[str, Callable[..., LabelCodec]] = {
    "compresso-miccai": CompressoMiccai,
    "compresso-v2": CompressoV2,
}


def get_codec(name: str, **options: object) -> LabelCodec:
    """Return the codec of a name.

    Args:
        name: A key of ``CODECS``.
        **options: What its class takes, e.g. ``window=(1, 4, 4)``.

    Raises:
        CodecError: If there is no codec of this name, or an option is out of range.
    """
    if name not in CODECS:
        raise CodecError(f"There is no codec '{name}'. Known are: {', '.join(sorted(CODECS))}.")
    return CODECS[name](**options)
