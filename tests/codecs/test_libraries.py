"""Codecs that use libraries, in a checked frame: round trips, damage, foreign streams, limits."""

import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from emqs import errors
from emqs.codecs import CODECS, COMPRESSORS, Description, get_codec
from emqs.codecs.compressed_segmentation import CompressedSegmentation
from emqs.codecs.compresso_package import CompressoPackage
from emqs.codecs.crackle import Crackle
from emqs.codecs.frame import HEADER_BYTES, Framed
from emqs.errors import CodecError, MissingDependencyError

GOLDEN = Path(__file__).parents[1] / "golden"
NAMES = ["compressed_segmentation", "compresso", "crackle", "jpeg2000", "none", "png"]
OPTIONS = [
    ("crackle", {"markov_order": 5}),
    ("crackle", {"pins": True, "markov_order": 3}),
    ("crackle", {"threads": 2}),
    ("compresso", {"window": (1, 8, 8)}),
]
TOP = 2**64 - 1


def least(name: str) -> int:
    """Bytes of the smallest label that a codec holds."""
    return 4 if name == "compressed_segmentation" else 1


def hand_made(name: str) -> np.ndarray:
    """Labels from a formula, so that no random generator can change them: 2 x 9 x 21."""
    z, y, x = np.ogrid[:2, :9, :21]
    labels = (x // 6 + 2 * (y // 4) + z) % 5 + 300 * ((x + y * y) // 13 % 2)
    labels[0, 4, 10] = 65535
    labels[1, 0, 0] = 7
    return labels.astype(np.uint16 if least(name) == 1 else np.uint32)


def small(name: str) -> np.ndarray:
    """A volume whose stream is short enough to damage every bit of it."""
    return hand_made(name)[:, :6, :7]


def codec_of(name: str, **options: object) -> Framed:
    codec = get_codec(name, **options)
    assert isinstance(codec, Framed)
    return codec


def reframed(stream: bytes, **changed: object) -> bytes:
    """The stream with changed fields or payload, and right checksums."""
    names = ["magic", "version", "width", "tag", "z", "y", "x", "length", "crc"]
    fields = dict(zip(names, struct.unpack_from("<4sBB4s3QQI", stream), strict=True))
    payload = changed.pop("payload", stream[HEADER_BYTES:])
    assert isinstance(payload, bytes)
    fields |= {"length": len(payload), "crc": zlib.crc32(payload)} | changed
    header = struct.pack("<4sBB4s3QQI", *fields.values())
    return header + struct.pack("<I", zlib.crc32(header)) + payload


# ---- the format -----------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_golden_streams_are_read(name: str) -> None:
    """Streams written when the format was made; later versions of a library may write others."""
    golden = (GOLDEN / f"{name}.bin").read_bytes()
    volume = hand_made(name)
    codec = codec_of(name)
    np.testing.assert_array_equal(codec.decode(golden), volume)
    assert codec.decode(golden).dtype == volume.dtype
    assert codec.describe(golden) == Description((2, 9, 21), volume.dtype)
    assert codec.labels(golden).tolist() == np.unique(volume).tolist()
    written = codec.encode(volume)
    assert written[:34] == golden[:34]
    assert reframed(golden) == golden


def test_the_frame_does_not_drift() -> None:
    labels = np.array([[[1, 2, 515]]], dtype=">u2")
    fields = b"EMQL" + b"\x01" + b"\x02" + b"none"
    fields += b"".join(n.to_bytes(8, "little") for n in (1, 1, 3, 6))
    payload = b"\x01\x00\x02\x00\x03\x02"
    fields += zlib.crc32(payload).to_bytes(4, "little")
    stream = fields + zlib.crc32(fields).to_bytes(4, "little") + payload
    assert get_codec("none").encode(labels) == stream
    assert len(fields) + 4 == HEADER_BYTES == 50


@pytest.mark.parametrize("name", ["ones", "zeros"])
@pytest.mark.parametrize("width", [1, 2, 4, 8])
def test_published_crackle_files_of_one_label(name: str, width: int, labels_dir: Path) -> None:
    bare = (labels_dir / "golden-crackle" / f"{name}{width}.ckl").read_bytes()
    stream = Crackle().wrap(bare)
    volume = Crackle().decode(stream)
    assert volume.dtype == np.dtype(f"u{width}")
    assert volume.shape == (32, 32, 32)
    assert (volume == (name == "ones")).all()
    assert Crackle().unwrap(stream) == bare


@pytest.mark.parametrize(
    "name", ["pinky40", "pinky40_m4", "pinky40_m4pins", "pinky40_pins", "random"]
)
def test_published_crackle_files(name: str, labels_dir: Path) -> None:
    folder = labels_dir / "golden-crackle"
    xyz = np.load(folder / f"{name.split('_')[0]}.npy", allow_pickle=False)
    stream = Crackle().wrap((folder / f"{name}.ckl").read_bytes())
    np.testing.assert_array_equal(Crackle().decode(stream), xyz.transpose(2, 1, 0))
    np.testing.assert_array_equal(Crackle().labels(stream), np.unique(xyz))


# ---- round trips ----------------------------------------------------------------------------

SHAPES = st.tuples(st.integers(0, 4), st.integers(0, 9), st.integers(0, 19))
LABELS = st.sampled_from([0, 1, 2, 255, TOP, TOP - 1, 2**32, 2**63, 2**33 + 1])


@pytest.mark.parametrize(("name", "options"), [*((name, {}) for name in NAMES), *OPTIONS])
@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_a_volume_comes_back(name: str, options: dict[str, object], data: st.DataObject) -> None:
    """Every dtype, byte order and memory order; empty axes; labels at both ends."""
    kinds = ["u4", ">u4", "u8", ">u8", *(["u1", "u2", ">u2"] if least(name) == 1 else [])]
    dtype = np.dtype(data.draw(st.sampled_from(kinds)))
    mask = int(np.iinfo(dtype).max)
    volume = data.draw(
        arrays.arrays(dtype, data.draw(SHAPES), elements=LABELS.map(lambda v: v & mask))
    )
    order = data.draw(st.sampled_from(["C", "F", "reversed", "transposed"]))
    if order == "F":
        volume = np.asfortranarray(volume)
    elif order == "reversed":
        volume = volume[::-1, :, ::-2]
    elif order == "transposed":
        volume = volume.transpose(1, 2, 0)
    before = volume.copy()
    volume.flags.writeable = False
    codec = get_codec(name, **options)
    stream = codec.encode(volume)
    back = codec.decode(stream)
    np.testing.assert_array_equal(volume, before)
    np.testing.assert_array_equal(back, volume)
    assert back.shape == volume.shape
    assert back.dtype == dtype.newbyteorder("=")
    assert back.dtype.isnative
    assert back.flags.c_contiguous
    assert codec.describe(stream) == Description(volume.shape, dtype.newbyteorder("="))
    found = codec.labels(stream)
    np.testing.assert_array_equal(found, np.unique(volume))
    assert found.dtype == dtype.newbyteorder("=")


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    "shape", [(1, 1, 1), (0, 4, 4), (4, 0, 4), (3, 5, 7), (70, 65, 1), (1, 129, 66)]
)
def test_extreme_shapes_come_back(shape: tuple[int, int, int], name: str) -> None:
    labels = (np.arange(np.prod(shape), dtype="u8") // 3).reshape(shape)
    codec = get_codec(name)
    back = codec.decode(codec.encode(labels))
    np.testing.assert_array_equal(back, labels)
    assert back.shape == shape
    assert back.dtype == np.uint64


@pytest.mark.parametrize("name", ["crackle", "compresso"])
def test_slices_are_those_of_z(name: str) -> None:
    """The libraries slice their last axis and want Fortran order: theirs is X Y Z."""
    library = errors.require(name, extra="codecs", purpose="test")
    volume = hand_made(name)
    bare = codec_of(name).unwrap(codec_of(name).encode(volume))
    assert bare == library.compress(np.asfortranarray(volume.transpose(2, 1, 0)))
    np.testing.assert_array_equal(library.decompress(bare), volume.transpose(2, 1, 0))


def test_the_window_of_compresso_is_turned_as_well() -> None:
    library = errors.require("compresso", extra="codecs", purpose="test")
    volume = hand_made("compresso")
    for window, steps in [((1, 4, 4), (4, 4, 1)), ((1, 8, 8), (8, 8, 1))]:
        codec = CompressoPackage(window=window)
        expected = library.compress(np.asfortranarray(volume.transpose(2, 1, 0)), steps=steps)
        assert codec.unwrap(codec.encode(volume)) == expected


@pytest.mark.parametrize("name", CODECS)
@pytest.mark.parametrize("second", COMPRESSORS)
def test_every_combination_comes_back(name: str, second: str) -> None:
    volume = hand_made(name)
    codec = get_codec(f"{name}+{second}")
    stream = codec.encode(volume)
    np.testing.assert_array_equal(codec.decode(stream), volume)
    assert codec.describe(stream).shape == volume.shape
    assert codec.labels(stream).tolist() == np.unique(volume).tolist()
    assert codec.name == f"{name}+{second}"
    if name != "none":
        return
    assert get_codec("none").encode(volume) == (
        COMPRESSORS[second]().decompress(stream)  # nothing between the two stages
    )


def test_options_reach_their_stage() -> None:
    volume = hand_made("none")
    codec = get_codec("compresso-miccai+lzma", window=(1, 4, 4), level=0, max_output=500)
    assert codec.codec == get_codec("compresso-miccai", window=(1, 4, 4))  # type: ignore[attr-defined]
    assert codec.compressor.level == 0  # type: ignore[attr-defined]
    with pytest.raises(CodecError, match="over the limit of 500"):
        codec.encode(volume)
    with pytest.raises(CodecError, match=r"'crackle' has no option 'window'\. It takes: max_vox"):
        get_codec("crackle+zstd", window=(1, 4, 4))
    with pytest.raises(CodecError, match="'crackle' has no option 'level'"):
        get_codec("crackle", level=3)
    with pytest.raises(CodecError, match="There is no compressor ''"):
        get_codec("crackle+")
    with pytest.raises(CodecError, match="There is no codec ''"):
        get_codec("+lzma")


# ---- what is refused ------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    "labels",
    [
        np.zeros((2, 3, 4), "i4"),
        np.zeros((2, 3, 4), "bool"),
        np.zeros((2, 3, 4), "f4"),
        np.zeros((3, 4), "u4"),
        np.zeros((1, 2, 3, 4), "u4"),
    ],
    ids=lambda labels: f"{labels.dtype}-{labels.ndim}",
)
def test_what_is_no_label_volume_is_refused(labels: np.ndarray, name: str) -> None:
    with pytest.raises(CodecError, match=rf"^{name}: labels must be .*got {labels.dtype} of shape"):
        get_codec(name).encode(labels)


@pytest.mark.parametrize("dtype", ["u1", "u2"])
def test_narrow_labels_are_refused_where_the_format_has_none(dtype: str) -> None:
    message = rf"holds uint32 and uint64, got {np.dtype(dtype)}\. Convert with astype first"
    with pytest.raises(CodecError, match=message):
        CompressedSegmentation().encode(np.zeros((1, 2, 3), dtype))


@pytest.mark.parametrize("shape", [(65536, 1, 1), (1, 65536, 1), (1, 1, 65536)])
def test_long_sides(shape: tuple[int, int, int]) -> None:
    """The compresso library ends the process on them; the others have no such limit.

    Crackle takes seconds for so many slices, so it is spared them.
    """
    labels = np.arange(65536, dtype="u4").reshape(shape) // 1000
    with pytest.raises(CodecError, match="compresso: sides are at most 65535 voxels, got"):
        get_codec("compresso").encode(labels)
    names = ["compressed_segmentation"] if shape[0] > 1 else ["compressed_segmentation", "crackle"]
    for name in names:
        codec = get_codec(name)
        np.testing.assert_array_equal(codec.decode(codec.encode(labels)), labels)


@pytest.mark.parametrize("name", NAMES)
def test_too_many_voxels_are_refused(name: str) -> None:
    volume = small(name)
    stream = get_codec(name).encode(volume)
    few = get_codec(name, max_voxels=volume.size - 1)
    for ask in (few.decode, few.describe, few.labels):
        with pytest.raises(CodecError, match=rf"^{name}: .*2 x 6 x 7 .*over the limit of 83 vox"):
            ask(stream)
    with pytest.raises(CodecError, match="over the limit of 83"):
        few.encode(volume)
    huge = reframed(stream, z=2**60)
    with pytest.raises(CodecError, match="over the limit of 268435456 voxels"):
        get_codec(name).decode(huge)


def test_options_out_of_range_are_refused() -> None:
    with pytest.raises(CodecError, match="crackle: markov_order must be 0 to 10, got 11"):
        Crackle(markov_order=11)
    with pytest.raises(CodecError, match="crackle: threads must be at least 1, got 0"):
        Crackle(threads=0)
    with pytest.raises(CodecError, match=r"compresso: window must be .* got \(1, 8, 4\)"):
        CompressoPackage(window=(1, 8, 4))


@pytest.mark.parametrize(
    ("name", "package"),
    [(name, {"png": "imagecodecs", "jpeg2000": "imagecodecs"}.get(name, name))
     for name in NAMES if name != "none"],
)  # fmt: skip
def test_a_missing_package_is_named(
    name: str, package: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    stream = get_codec(name).encode(small(name))

    def missing(wanted: str) -> None:
        raise ModuleNotFoundError(name=wanted)

    monkeypatch.setattr(errors.importlib, "import_module", missing)
    with pytest.raises(MissingDependencyError, match=rf"'{package}' .* 'emqs\[codecs\]'"):
        get_codec(name).encode(small(name))
    with pytest.raises(MissingDependencyError, match=rf"'{package}' .* 'emqs\[codecs\]'"):
        get_codec(name).decode(stream)
    assert get_codec(name).describe(stream).shape == (2, 6, 7)  # the frame alone tells


# ---- damage ---------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_every_flipped_bit_is_an_error(name: str) -> None:
    codec = get_codec(name)
    stream = codec.encode(small(name))
    for bit in range(8 * len(stream)):
        damaged = bytearray(stream)
        damaged[bit // 8] ^= 1 << bit % 8
        for ask in (codec.decode, codec.labels):
            with pytest.raises(CodecError, match=f"^{name}: the stream (is damaged|starts with)"):
                ask(bytes(damaged))
        if bit < 8 * HEADER_BYTES:
            with pytest.raises(CodecError, match=f"^{name}: "):
                codec.describe(bytes(damaged))


@pytest.mark.parametrize("name", NAMES)
def test_truncated_streams_are_errors(name: str) -> None:
    codec = get_codec(name)
    stream = codec.encode(small(name))
    for length in range(len(stream)):
        for ask in (codec.decode, codec.describe, codec.labels):
            with pytest.raises(CodecError, match=f"^{name}: the stream is (damaged|truncated)"):
                ask(stream[:length])
    with pytest.raises(CodecError, match="bytes of payload where"):
        codec.decode(stream + b"\0")


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=30, deadline=None)
@given(stream=st.binary(max_size=200))
def test_arbitrary_bytes_are_errors(name: str, stream: bytes) -> None:
    codec = get_codec(name)
    for ask in (codec.decode, codec.describe, codec.labels):
        for sent in (stream, b"EMQL" + stream):
            with pytest.raises(CodecError, match=f"^{name}: "):
                ask(sent)


@pytest.mark.parametrize("name", NAMES)
def test_a_frame_that_contradicts_its_payload_is_an_error(name: str) -> None:
    """Right checksums, wrong content: what a faulty writer could make."""
    codec = get_codec(name)
    stream = codec.encode(small(name))
    for changed in ({"z": 3}, {"y": 7, "x": 6}, {"x": 6}, {"width": 8}):
        if name == "compressed_segmentation":
            continue  # its payload states neither shape nor dtype
        if name == "none" and changed == {"y": 7, "x": 6}:
            continue  # as many bytes
        with pytest.raises(CodecError, match=f"^{name}: the stream contradicts itself"):
            codec.decode(reframed(stream, **changed))
        if name in ("crackle", "compresso"):  # the payload's own header is read first
            for ask in (codec.decode, codec.labels):
                with pytest.raises(CodecError, match=r"frame promises uint.* the payload uint"):
                    ask(reframed(stream, **changed))
    shorter = [b""]
    if name in ("compressed_segmentation", "none", "png"):  # the others may not use the last byte
        shorter.append(stream[HEADER_BYTES:-1])
    for payload in shorter:
        with pytest.raises(CodecError, match=f"^{name}: the stream contradicts itself"):
            codec.decode(reframed(stream, payload=payload))
    with pytest.raises(CodecError, match=f"^{name}: the stream has version 2 of the frame"):
        codec.decode(reframed(stream, version=2))
    with pytest.raises(CodecError, match=f"^{name}: the stream is damaged: 3 bytes per label"):
        codec.decode(reframed(stream, width=3))


def test_chunks_of_compressed_segmentation_must_be_as_many_as_the_shape_needs() -> None:
    codec = get_codec("compressed_segmentation")
    stream = codec.encode(small("compressed_segmentation"))
    with pytest.raises(CodecError, match="contradicts itself: chunks are missing"):
        codec.decode(reframed(stream, x=65))
    payload = stream[HEADER_BYTES:]
    with pytest.raises(CodecError, match="contradicts itself: too many chunks"):
        codec.decode(reframed(stream, payload=payload + payload))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("other", [*CODECS, *(f"compresso-v2+{name}" for name in COMPRESSORS)])
def test_foreign_streams_are_refused(name: str, other: str) -> None:
    if name == other:
        return
    stream = get_codec(other).encode(small("compressed_segmentation"))
    with pytest.raises(CodecError, match=f"^{name}: the stream (was written by|starts|is)"):
        get_codec(name).decode(stream)
    if other in NAMES:
        with pytest.raises(CodecError, match=r"by another codec: its tag is b'.{4}', exp"):
            get_codec(name).decode(stream)


# ---- the libraries' own streams -------------------------------------------------------------


@pytest.mark.parametrize("name", ["crackle", "compresso"])
@pytest.mark.parametrize("shape", [(3, 5, 7), (0, 5, 7)])
def test_bare_streams_go_in_and_out_of_the_frame(name: str, shape: tuple[int, int, int]) -> None:
    library = errors.require(name, extra="codecs", purpose="test")
    xyz = np.arange(np.prod(shape), dtype="u2").reshape(shape).transpose(2, 1, 0) // 9
    for order in (np.ascontiguousarray, np.asfortranarray):
        bare = library.compress(order(xyz))
        codec = codec_of(name)
        assert isinstance(codec, Crackle | CompressoPackage)
        stream = codec.wrap(bare)
        np.testing.assert_array_equal(codec.decode(stream), xyz.transpose(2, 1, 0))
        assert codec.decode(stream).flags.c_contiguous
        np.testing.assert_array_equal(codec.labels(stream), np.unique(xyz))
        assert codec.unwrap(stream) == (bare if 0 not in shape else b"")
        with pytest.raises(CodecError, match=f"the codec '{name}' can wrap it"):
            codec.decode(bare)
        for length in range(20):
            with pytest.raises(CodecError, match=rf"^{name}: .*bare"):
                codec.wrap(bare[:length])
    with pytest.raises(CodecError, match=rf"^{name}: a bare .*starts with .*got b'EMQL'"):
        codec.wrap(stream)


def test_labels_of_a_window_that_the_compresso_library_reads_wrongly() -> None:
    """compresso 3.3.3 lists labels that are not there for windows of 8 x 1 x 1."""
    library = errors.require("compresso", extra="codecs", purpose="test")
    labels = np.random.default_rng(0).integers(0, 3, (3, 20, 30)).astype("u4")
    bare = library.compress(labels.T, steps=(8, 1, 1))
    assert CompressoPackage().labels(CompressoPackage().wrap(bare)).tolist() == [0, 1, 2]


def test_the_largest_labels_of_crackle_with_pins_are_exact() -> None:
    """The library itself lists them through float64."""
    labels = np.array([[[1, 1]], [[1, 2**64 - 1]], [[2**63 + 1, 1]]], dtype=np.uint64)
    codec = get_codec("crackle", pins=True)
    stream = codec.encode(labels)
    assert codec.labels(stream).tolist() == [1, 2**63 + 1, 2**64 - 1]
    assert np.array_equal(codec.decode(stream), labels)
