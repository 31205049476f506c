"""Codecs for label volumes, by name.

A new codec is one file with a class that follows ``LabelCodec``, and one line below; a compressor
is a class that follows ``Compressor``, and one line. The Compresso paper's names are these:

    NONE, PNG, JPEG2000   none, png, jpeg2000
    COMPRESSO             compresso-miccai
    NEUROGLANCER          compressed_segmentation
    second stages         the same in lower case, after a plus: compresso-miccai+lzma

X264 has no counterpart: it keeps 24 bits of a label.
"""

import inspect
from collections.abc import Callable
from typing import TypeVar

from emqs.codecs.codec import MAX_VOXELS, Description, LabelCodec
from emqs.codecs.combined import Combined
from emqs.codecs.compressed_segmentation import CompressedSegmentation
from emqs.codecs.compresso import CompressoMiccai, CompressoV2
from emqs.codecs.compresso_package import CompressoPackage
from emqs.codecs.compressors import (
    MAX_OUTPUT,
    Brotli,
    Bz2,
    Compressor,
    Gzip,
    Lz78,
    Lzf,
    Lzma,
    Lzo,
    Lzw,
    NoCompressor,
    Zlib,
    Zopfli,
    Zstd,
)
from emqs.codecs.crackle import Crackle
from emqs.codecs.images import Jpeg2000, Png
from emqs.codecs.raw import Raw
from emqs.errors import CodecError

__all__ = [
    "CODECS",
    "COMPRESSORS",
    "MAX_OUTPUT",
    "MAX_VOXELS",
    "Compressor",
    "Description",
    "LabelCodec",
    "get_codec",
    "get_compressor",
]

#: Every codec by its name, which never changes.
CODECS: dict[str, Callable[..., LabelCodec]] = {
    "compressed_segmentation": CompressedSegmentation,
    "compresso": CompressoPackage,
    "compresso-miccai": CompressoMiccai,
    "compresso-v2": CompressoV2,
    "crackle": Crackle,
    "jpeg2000": Jpeg2000,
    "none": Raw,
    "png": Png,
}

#: Every second stage by its name, which never changes.
COMPRESSORS: dict[str, Callable[..., Compressor]] = {
    "brotli": Brotli,
    "bz2": Bz2,
    "gzip": Gzip,
    "lz78": Lz78,
    "lzf": Lzf,
    "lzma": Lzma,
    "lzo": Lzo,
    "lzw": Lzw,
    "none": NoCompressor,
    "zlib": Zlib,
    "zopfli": Zopfli,
    "zstd": Zstd,
}

_T = TypeVar("_T")
_COMPRESSOR_OPTIONS = ("level", "max_output")


def get_codec(name: str, **options: object) -> LabelCodec:
    """Return the codec of a name, or of two names with a plus between them.

    Args:
        name: A key of ``CODECS``, alone or with a key of ``COMPRESSORS``: ``"crackle"``,
            ``"compresso-miccai+lzma"``.
        **options: What its class takes, e.g. ``window=(1, 4, 4)``; ``level`` and ``max_output`` go
            to the compressor.

    Raises:
        CodecError: If there is no codec or compressor of this name, or an option is unknown or out
            of range.
    """
    first, plus, second = name.partition("+")
    if plus == "":
        return _make(CODECS, "codec", name, options)
    of_second = {key: options.pop(key) for key in _COMPRESSOR_OPTIONS if key in options}
    return Combined(_make(CODECS, "codec", first, options), get_compressor(second, **of_second))


def get_compressor(name: str, **options: object) -> Compressor:
    """Return the compressor of a name.

    Args:
        name: A key of ``COMPRESSORS``.
        **options: ``level``, ``max_output``.

    Raises:
        CodecError: If there is no compressor of this name, or an option is unknown or out of range.
    """
    return _make(COMPRESSORS, "compressor", name, options)


def _make(
    registry: dict[str, Callable[..., _T]], kind: str, name: str, options: dict[str, object]
) -> _T:
    """Return what a registry has under a name, with options."""
    if name not in registry:
        raise CodecError(f"There is no {kind} '{name}'. Known are: {', '.join(sorted(registry))}.")
    made = registry[name]
    allowed = inspect.signature(made).parameters
    for option in options:
        if option not in allowed:
            raise CodecError(
                f"The {kind} '{name}' has no option '{option}'. It takes: {', '.join(allowed)}."
            )
    return made(**options)
