"""The Compresso paper's experiment: encodings and compressors, their sizes and speeds.

Speeds are of one thread, in processor time, so that other programs on the machine count little. MB
are 10**6 bytes of the volume as it is measured; Mvoxel/s and bits per voxel do not depend on how
many bytes a label takes, which a ratio does.

Source: Matejek et al., "Compresso: Efficient Compression of Segmentation Data for Connectomics",
MICCAI 2017, section 3; the published run.py.
"""

import logging
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from emqs.codecs import CODECS, COMPRESSORS, get_codec, get_compressor
from emqs.codecs.combined import Combined
from emqs.errors import CodecError, ConfigError, DataError

logger = logging.getLogger(__name__)

#: Compressors that take many minutes for a large stream.
SLOW = ("brotli", "lz78", "lzw", "zopfli")


@dataclass
class Result:
    """One encoding followed by one compressor, and what was measured."""

    encoding: str
    compressor: str
    voxels: int
    original_bytes: int
    encoded_bytes: int = 0  # after the encoding
    compressed_bytes: int = 0  # after both
    encode_s: list[float] = field(default_factory=list)
    compress_s: list[float] = field(default_factory=list)
    decompress_s: list[float] = field(default_factory=list)
    decode_s: list[float] = field(default_factory=list)

    @property
    def name(self) -> str:
        """As ``get_codec`` takes it."""
        return f"{self.encoding}+{self.compressor}"

    @property
    def ratio(self) -> float:
        """How many times smaller than the volume."""
        return self.original_bytes / max(self.compressed_bytes, 1)

    @property
    def bits_per_voxel(self) -> float:
        """Bits that a voxel takes."""
        return 8 * self.compressed_bytes / self.voxels

    @property
    def write_s(self) -> list[float]:
        """Seconds of both stages, each run."""
        return [a + b for a, b in zip(self.encode_s, self.compress_s, strict=True)]

    @property
    def read_s(self) -> list[float]:
        """Seconds of both stages back, each run."""
        return [a + b for a, b in zip(self.decompress_s, self.decode_s, strict=True)]


def speeds(amount: float, seconds: Sequence[float]) -> dict[str, float]:
    """Return median, lowest, highest, mean and standard deviation of ``amount`` per second."""
    rates = [amount / max(s, 1e-9) for s in seconds]
    return {
        "median": statistics.median(rates),
        "min": min(rates),
        "max": max(rates),
        "mean": statistics.fmean(rates),
        "stddev": statistics.stdev(rates) if len(rates) > 1 else 0.0,
    }


def names(value: str | None, known: Sequence[str], kind: str) -> list[str]:
    """Return names separated by commas, or all of them for ``"all"``.

    Raises:
        ConfigError: If one is not known.
    """
    if value is None or value == "all":
        return sorted(known)
    chosen = [name.strip() for name in str(value).split(",")]
    for name in chosen:
        if name not in known:
            raise ConfigError(f"There is no {kind}={name}. Known are: {', '.join(sorted(known))}.")
    return chosen


def measure(
    volume: np.ndarray,
    encodings: Sequence[str],
    compressors: Sequence[str],
    *,
    runs: int,
    slow_bytes: int,
    step: Callable[[str], None] = lambda _: None,
) -> tuple[list[Result], dict[str, str]]:
    """Measure encodings with compressors; in every run, all of them take turns.

    Args:
        volume: Labels, shape ``(Z, Y, X)``, unsigned, not empty.
        encodings: Keys of ``CODECS``.
        compressors: Keys of ``COMPRESSORS``.
        runs: How often, at least 1.
        slow_bytes: Compressors of ``SLOW`` are left out for streams over this size, where there
            is more than one combination to measure.
        step: Called before each combination with its name.

    Returns:
        One result for each combination measured, in the given order; and why the others were left
        out, by name.

    Raises:
        CodecError: If the only encoding cannot hold the volume.
        DataError: If a volume does not come back as it was.
    """
    single = len(encodings) * len(compressors) == 1
    results: dict[str, Result] = {}
    left_out: dict[str, str] = {}
    for _ in range(runs):
        for encoding in encodings:
            try:
                plain, encode_s = _timed(lambda name=encoding: get_codec(name).encode(volume))  # type: ignore[misc]
            except CodecError as error:
                if single or len(encodings) == 1:
                    raise
                left_out[encoding] = str(error)
                continue
            for compressor in compressors:
                result = Result(encoding, compressor, volume.size, volume.nbytes, len(plain))
                if compressor in SLOW and len(plain) > slow_bytes and not single:
                    left_out[result.name] = f"too slow for a stream of {len(plain):,} bytes"
                    continue
                result = results.setdefault(result.name, result)
                step(result.name)
                _round(volume, plain, result)
                result.encode_s.append(encode_s)
    return list(results.values()), left_out


def _round(volume: np.ndarray, plain: bytes, result: Result) -> None:
    """Compress once, go all the way back, and compare."""
    codec = get_codec(result.encoding)
    compressor = get_compressor(result.compressor)
    stream, compress_s = _timed(lambda: compressor.compress(plain))
    again, decompress_s = _timed(lambda: compressor.decompress(stream))
    back, decode_s = _timed(lambda: codec.decode(again))
    if back.shape != volume.shape or not np.array_equal(back, volume):
        raise DataError(
            f"{Combined(codec, compressor).name} is not lossless for this volume: "
            "other labels came back. Please report it."
        )
    result.compressed_bytes = len(stream)
    result.compress_s.append(compress_s)
    result.decompress_s.append(decompress_s)
    result.decode_s.append(decode_s)


def _timed(work: Callable[[], Any]) -> tuple[Any, float]:
    """Return what some work gave, and the processor time it took, in seconds."""
    start = time.process_time()
    made = work()
    return made, time.process_time() - start


def record(result: Result) -> dict[str, Any]:
    """Return all numbers of a result: the paper's keys, and those beside them.

    The paper's are ``encoding``, ``compression``, ``orig_bytes`` and ``comp_bytes`` (here in bytes,
    not MB), ``ratio`` and the six speeds, in MB/s of original bytes.
    """
    megabytes, megavoxels = result.original_bytes / 1e6, result.voxels / 1e6
    return {
        "encoding": result.encoding,
        "compression": result.compressor,
        "orig_bytes": result.original_bytes,
        "enc_bytes": result.encoded_bytes,
        "comp_bytes": result.compressed_bytes,
        "voxels": result.voxels,
        "runs": len(result.encode_s),
        "ratio": result.ratio,
        "bits_per_voxel": result.bits_per_voxel,
        "enc_speed": speeds(megabytes, result.encode_s),
        "comp_speed": speeds(megabytes, result.compress_s),
        "decomp_speed": speeds(megabytes, result.decompress_s),
        "denc_speed": speeds(megabytes, result.decode_s),
        "total_comp_speed": speeds(megabytes, result.write_s),
        "total_decomp_speed": speeds(megabytes, result.read_s),
        "total_comp_mvoxels": speeds(megavoxels, result.write_s),
        "total_decomp_mvoxels": speeds(megavoxels, result.read_s),
    }


def row(measured: dict[str, Any]) -> dict[str, Any]:
    """Return one row of the printed table for what ``record`` returned."""

    def shown(key: str) -> str:
        speed = measured[key]
        return f"{speed['median']:.0f} ({speed['min']:.0f}-{speed['max']:.0f})"

    return {
        "encoding": measured["encoding"],
        "compressor": measured["compression"],
        "bytes": f"{measured['comp_bytes']:,}",
        "ratio": f"{measured['ratio']:.1f}",
        "bits/voxel": f"{measured['bits_per_voxel']:.4f}",
        "write MB/s": shown("total_comp_speed"),
        "Mvoxel/s": f"{measured['total_comp_mvoxels']['median']:.0f}",
        "read MB/s": shown("total_decomp_speed"),
        "Mvoxel/s back": f"{measured['total_decomp_mvoxels']['median']:.0f}",
    }


def flat(measured: dict[str, Any]) -> dict[str, Any]:
    """Return ``record`` with one number per key, for a CSV file: ``enc_speed_median`` ..."""
    numbers: dict[str, Any] = {}
    for key, value in measured.items():
        if isinstance(value, dict):
            numbers.update({f"{key}_{part}": number for part, number in value.items()})
        else:
            numbers[key] = value
    return numbers


def all_encodings() -> list[str]:
    """Return the names of all encodings, those of the paper first."""
    first = ("none", "compressed_segmentation", "compresso-miccai", "compresso-v2", "compresso")
    return [*first, *(name for name in sorted(CODECS) if name not in first)]


def all_compressors() -> list[str]:
    """Return the names of all compressors, none first."""
    return ["none", *(name for name in sorted(COMPRESSORS) if name != "none")]
