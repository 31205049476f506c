"""General compressors: round trips, damage, foreign streams, bombs, and LZ78 and LZW literally."""

import bz2
import gzip
import lzma
import tracemalloc
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reference import dictionary_coders as reference

from emqs import errors
from emqs.codecs import COMPRESSORS, MAX_OUTPUT, dictionary, get_compressor
from emqs.errors import CodecError, MissingDependencyError

NAMES = sorted(COMPRESSORS)
CHECKED = [name for name in NAMES if name != "none"]
FRAMED = ["brotli", "lz78", "lzf", "lzo", "lzw"]
TEXT = b"the cat sat on the mat, the rat sat on the cat" * 2
LEVELS = {
    "brotli": (0, 11), "bz2": (1, 9), "gzip": (0, 9), "lzma": (0, 9), "zlib": (0, 9),
    "zstd": (1, 22),
}  # fmt: skip


def contents() -> list[bytes]:
    """Nothing, one byte, a run, text, noise, every byte, a run after noise."""
    rng = np.random.default_rng(0)
    noise = rng.bytes(3000)
    return [b"", b"\0", b"\xff" * 70_000, TEXT, noise, bytes(range(256)) * 3, noise + b"\0" * 5000]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("plain", contents(), ids=lambda plain: f"{len(plain)}")
def test_bytes_come_back(name: str, plain: bytes) -> None:
    compressor = get_compressor(name)
    stream = compressor.compress(plain)
    assert compressor.decompress(stream) == plain
    assert compressor.decompress(memoryview(stream)) == plain  # type: ignore[arg-type]
    assert type(stream) is bytes
    assert compressor.name == name
    if name != "none" and len(plain) == 70_000:
        assert len(stream) < len(plain) / 20


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=25, deadline=None)
@given(plain=st.binary(max_size=400) | st.lists(st.sampled_from(b"ab"), max_size=400).map(bytes))
def test_any_bytes_come_back(name: str, plain: bytes) -> None:
    compressor = get_compressor(name)
    assert compressor.decompress(compressor.compress(plain)) == plain


@pytest.mark.parametrize(("name", "level"), [(n, v) for n, both in LEVELS.items() for v in both])
def test_levels_come_back_and_reach_the_library(name: str, level: int) -> None:
    plain = np.arange(3000, dtype="u4").tobytes()
    compressor = get_compressor(name, level=level)
    stream = compressor.compress(plain)
    assert compressor.decompress(stream) == plain
    other = next(v for v in LEVELS[name] if v != level)
    other_stream = get_compressor(name, level=other).compress(plain)
    assert stream != other_stream
    assert compressor.decompress(other_stream) == plain


@pytest.mark.parametrize("name", NAMES)
def test_a_level_out_of_range_is_refused(name: str) -> None:
    allowed = f"{LEVELS[name][0]} to {LEVELS[name][1]}" if name in LEVELS else "left out"
    for level in (-1, 23):
        with pytest.raises(CodecError, match=f"^{name}: level must be {allowed}, got {level}"):
            get_compressor(name, level=level)


# ---- the usual tools read the streams, and the reverse --------------------------------------


def test_streams_are_those_of_the_usual_tools() -> None:
    assert get_compressor("lzma").compress(TEXT) == lzma.compress(TEXT, preset=6)
    assert get_compressor("bz2").compress(TEXT) == bz2.compress(TEXT)
    assert get_compressor("zlib").compress(TEXT) == zlib.compress(TEXT)
    assert gzip.decompress(get_compressor("gzip").compress(TEXT)) == TEXT
    assert zlib.decompress(get_compressor("zopfli").compress(TEXT)) == TEXT
    assert get_compressor("gzip").decompress(gzip.compress(TEXT)) == TEXT
    assert get_compressor("gzip").compress(TEXT)[4:8] == bytes(4)  # no time of writing


def test_the_framed_format_does_not_drift() -> None:
    """b"EMQC", version, tag, length 5, CRC-32, then the pairs (0, a) (1, b) (1, b) = a ab ab."""
    stream = get_compressor("lz78").compress(b"aabab")
    fields = b"EMQC" + b"\x01" + b"lz78" + b"\x05" + bytes(7)
    payload = b"\x61\0\0\0" + b"\x62\x01\0\0" * 2
    assert stream == fields + zlib.crc32(fields + payload).to_bytes(4, "little") + payload
    assert stream.hex() == (
        "454d5143016c7a37380500000000000000" + "21935626" + "610000006201000062010000"
    )


# ---- damage ---------------------------------------------------------------------------------


@pytest.mark.parametrize("name", CHECKED)
def test_truncated_streams_are_refused(name: str) -> None:
    compressor = get_compressor(name)
    stream = compressor.compress(TEXT)
    for length in range(len(stream)):
        with pytest.raises(CodecError, match=f"^{name}: "):
            compressor.decompress(stream[:length])
    for more in (b"\0", stream):
        with pytest.raises(CodecError, match=f"^{name}: the stream is damaged"):
            compressor.decompress(stream + more)


@pytest.mark.parametrize("name", CHECKED)
def test_every_flipped_bit_is_noticed_or_harmless(name: str) -> None:
    """Some bits of published headers mean nothing (the gzip header's time): same content then."""
    compressor = get_compressor(name, max_output=10_000)
    stream = compressor.compress(TEXT)
    harmless = 0
    for bit in range(8 * len(stream)):
        damaged = bytearray(stream)
        damaged[bit // 8] ^= 1 << bit % 8
        try:
            assert compressor.decompress(bytes(damaged)) == TEXT
            harmless += 1
        except CodecError as error:
            assert str(error).startswith(f"{name}: ")  # noqa: PT017
    assert harmless <= (8 * 7 if name == "gzip" else 8)
    if name in FRAMED:
        assert harmless == 0


@pytest.mark.parametrize("name", CHECKED)
@settings(max_examples=40, deadline=None)
@given(stream=st.binary(max_size=100))
def test_arbitrary_bytes_are_refused(name: str, stream: bytes) -> None:
    with pytest.raises(CodecError, match=f"^{name}: "):
        get_compressor(name, max_output=10_000).decompress(stream)


@pytest.mark.parametrize("name", CHECKED)
@pytest.mark.parametrize("other", [*NAMES, "npy"])
def test_foreign_streams_are_refused(name: str, other: str) -> None:
    same = {"zlib", "zopfli"}  # one format
    if name == other or {name, other} == same or other == "none":
        return
    stream = b"\x93NUMPY" if other == "npy" else get_compressor(other).compress(TEXT)
    kinds = {
        "lzma": "this is an XZ", "gzip": "this is a gzip", "zstd": "this is a Zstandard",
        "bz2": "this is a bzip2", "npy": "this is a NumPy",
    }  # fmt: skip
    expected = kinds.get(other, "")
    if other in FRAMED:
        expected = "was written by another compressor" if name in FRAMED else "this is a framed"
    with pytest.raises(CodecError, match=f"^{name}: .*{expected}"):
        get_compressor(name).decompress(stream)


def test_what_is_no_bytes_is_refused() -> None:
    with pytest.raises(CodecError, match="a stream must be bytes, got str"):
        get_compressor("zlib").decompress("x")  # type: ignore[arg-type]


# ---- bombs ----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_more_than_the_limit_is_refused_and_takes_no_memory(name: str) -> None:
    plain = bytes(8_000_000 if name not in ("lz78", "lzw", "zopfli") else 400_000)
    stream = get_compressor(name).compress(plain)
    limit = len(plain) - 1
    with pytest.raises(CodecError, match=f"^{name}: .*over the limit of {limit}.*max_output"):
        get_compressor(name, max_output=limit).decompress(stream)
    with pytest.raises(CodecError, match=f"has {len(plain)} bytes, over the limit of {limit}"):
        get_compressor(name, max_output=limit).compress(plain)
    assert get_compressor(name, max_output=len(plain)).decompress(stream) == plain
    small = get_compressor(name, max_output=1000)
    tracemalloc.start()
    with pytest.raises(CodecError, match="over the limit of 1000"):
        small.decompress(stream)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < (10_000_000 if name == "lzma" else 200_000)  # the dictionary of level 6: 8 MiB


@pytest.mark.parametrize("name", FRAMED)
@pytest.mark.parametrize("promised", [0, 1, len(TEXT) - 1, len(TEXT) + 1, 10_000, 2**64 - 1])
def test_a_wrong_promise_is_refused(name: str, promised: int) -> None:
    """A header rewritten together with its checksum."""
    stream = get_compressor(name).compress(TEXT)
    fields, payload = stream[:9] + promised.to_bytes(8, "little"), stream[21:]
    forged = fields + zlib.crc32(fields + payload).to_bytes(4, "little") + payload
    match = "over the limit" if promised > MAX_OUTPUT else "damaged"
    with pytest.raises(CodecError, match=f"^{name}: .*{match}"):
        get_compressor(name).decompress(forged)


@pytest.mark.parametrize("name", FRAMED)
def test_a_promise_of_less_takes_no_memory_for_more(name: str) -> None:
    stream = get_compressor(name).compress(bytes(2_000_000))
    fields, payload = stream[:9] + (1000).to_bytes(8, "little"), stream[21:]
    forged = fields + zlib.crc32(fields + payload).to_bytes(4, "little") + payload
    tracemalloc.start()
    with pytest.raises(CodecError, match=f"^{name}: the stream is damaged"):
        get_compressor(name).decompress(forged)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 500_000


def test_a_dictionary_of_gigabytes_is_refused() -> None:
    filters = [{"id": lzma.FILTER_LZMA2, "preset": 0, "dict_size": 2**29}]
    stream = lzma.compress(TEXT, lzma.FORMAT_XZ, filters=filters)
    with pytest.raises(CodecError, match=r"lzma: the stream is damaged.*[Mm]emory"):
        get_compressor("lzma").decompress(stream)


def test_zstd_frames_without_length_or_checksum_are_refused() -> None:
    library = errors.require("zstandard", extra="codecs", purpose="test")
    for options in ({"write_content_size": False, "write_checksum": True}, {}):
        frame = library.ZstdCompressor(**options).compress(TEXT)
        with pytest.raises(CodecError, match="lacks the length or the checksum"):
            get_compressor("zstd").decompress(frame)


# ---- LZ78 and LZW ---------------------------------------------------------------------------

FEW = st.lists(st.sampled_from(b"ab\xff"), max_size=300).map(bytes)


@settings(max_examples=150, deadline=None)
@given(plain=FEW | st.binary(max_size=60), limit=st.integers(1, 40))
def test_lz78_is_the_literal_one(plain: bytes, limit: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(dictionary, "LZ78_PHRASES", limit)
        payload = dictionary.lz78_compress(plain)
        assert payload == reference.lz78(plain, limit)
        assert dictionary.lz78_decompress(payload, len(plain)) == plain


@settings(max_examples=150, deadline=None)
@given(plain=FEW | st.binary(max_size=60), limit=st.integers(257, 300))
def test_lzw_is_the_literal_one(plain: bytes, limit: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(dictionary, "LZW_CODES", limit)
        payload = dictionary.lzw_compress(plain)
        assert payload == reference.lzw(plain, limit)
        assert dictionary.lzw_decompress(payload, len(plain)) == plain


def test_lzw_by_hand() -> None:
    """ababab: a, b, ab (256), ab; aaaa: a, then 256 = aa before the reader knows it, then a."""
    assert np.frombuffer(dictionary.lzw_compress(b"ababab"), "<u2").tolist() == [97, 98, 256, 256]
    assert np.frombuffer(dictionary.lzw_compress(b"aaaa"), "<u2").tolist() == [97, 256, 97]


def test_the_dictionaries_are_forgotten_at_their_real_size() -> None:
    """Noise long enough to fill LZW's 65,536 codes."""
    plain = np.random.default_rng(1).bytes(200_000)
    payload = dictionary.lzw_compress(plain)
    assert np.frombuffer(payload, "<u2").max() > 65_000
    assert dictionary.lzw_decompress(payload, len(plain)) == plain


@pytest.mark.parametrize(
    ("payload", "match"),
    [
        (b"\x61\x01\0\0", "phrase 1 of 1"),
        (b"\x61\0\0\0" * 4, "more than 3 bytes"),
        (b"\0", "multiple of"),
    ],
)
def test_lz78_refuses_nonsense(payload: bytes, match: str) -> None:
    with pytest.raises(ValueError, match=match):
        dictionary.lz78_decompress(payload, 3)


@pytest.mark.parametrize(
    ("payload", "match"),
    [(b"\0\1", "code 256 of 256"), (b"\x61\0\x01\x01", "code 257 of 256"),
     (b"\x61\0" * 4, "more than 3 bytes"), (b"\x61\0", "1 bytes where 3"), (b"\0", "multiple of")],
)  # fmt: skip
def test_lzw_refuses_nonsense(payload: bytes, match: str) -> None:
    with pytest.raises(ValueError, match=match):
        dictionary.lzw_decompress(payload, 3)


# ---- the registry ---------------------------------------------------------------------------


def test_unknown_names_and_options_are_named() -> None:
    with pytest.raises(CodecError, match=r"no compressor 'rar'\. Known are: brotli, bz2, gzip, "):
        get_compressor("rar")
    with pytest.raises(CodecError, match=r"'lzma' has no option 'speed'\. It takes: level, max_"):
        get_compressor("lzma", speed=1)


@pytest.mark.parametrize(
    ("name", "package"),
    [("zstd", "zstandard"), ("brotli", "brotli"), ("zopfli", "zopfli.zlib"),
     ("lzf", "imagecodecs"), ("lzo", "lzallright")],
)  # fmt: skip
def test_a_missing_package_is_named(
    name: str, package: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(wanted: str) -> None:
        raise ModuleNotFoundError(name=wanted)

    monkeypatch.setattr(errors.importlib, "import_module", missing)
    with pytest.raises(MissingDependencyError, match=rf"'{package}' .* 'emqs\[codecs\]'"):
        get_compressor(name).compress(b"x")
