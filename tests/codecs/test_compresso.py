"""The original Compresso: streams, round trips, and what damaged streams do."""

import tracemalloc
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from reference import compresso as reference

from emqs.codecs import CODECS, Description, LabelCodec, get_codec
from emqs.codecs.compresso import layouts, scheme, windows
from emqs.errors import CodecError

GOLDEN = Path(__file__).parents[1] / "golden"
NAMES = ["compresso-miccai", "compresso-v2"]
WINDOWS = [(1, 8, 8), (1, 4, 4), (2, 4, 8), (1, 1, 1), (1, 3, 5), (4, 4, 4), (1, 1, 64), (64, 1, 1)]
LITERAL = {"compresso-miccai": reference.miccai, "compresso-v2": reference.version_2}
TOP = 2**64 - 1


def cells(shape: tuple[int, int, int], seed: int, dtype: str = "u8") -> np.ndarray:
    """Blocks of labels with a few single odd voxels: areas, thin objects and noise."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, 5, [-(-n // k) for n, k in zip(shape, (2, 4, 5), strict=True)])
    fine = coarse.repeat(2, 0).repeat(4, 1).repeat(5, 2)[: shape[0], : shape[1], : shape[2]]
    odd = rng.random(shape) < 0.04
    return np.where(odd, rng.integers(0, 250, shape), fine).astype(dtype)


def hand_made() -> np.ndarray:
    """Labels from a formula, so that no random generator can change them: 2 x 9 x 21, uint16."""
    z, y, x = np.ogrid[:2, :9, :21]
    labels = (x // 6 + 2 * (y // 4) + z) % 5 + 300 * ((x + y * y) // 13 % 2)
    labels[0, 4, 10] = 65535
    labels[1, 0, 0] = 7
    return labels.astype(np.uint16)


def stream_widths(codec: LabelCodec) -> np.dtype:
    """The dtype that a uint16 volume comes back as."""
    return np.dtype("u2" if codec.name == "compresso-v2" else "u8")


# ---- streams equal to the original's --------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_the_streams_do_not_drift(name: str) -> None:
    codec = get_codec(name)
    golden = (GOLDEN / f"{name}.bin").read_bytes()
    assert codec.encode(hand_made()) == golden
    assert golden == LITERAL[name](hand_made(), (1, 8, 8))
    volume = codec.decode(golden)
    np.testing.assert_array_equal(volume, hand_made())
    assert volume.dtype == stream_widths(codec)


@pytest.mark.parametrize("volume", ["noise_3x17x19", "pinky40_16x103x120"])
@pytest.mark.parametrize("size", [4, 8])
@pytest.mark.parametrize("name", NAMES)
def test_the_streams_are_those_of_the_original_programs(
    name: str, size: int, volume: str, labels_dir: Path
) -> None:
    folder = labels_dir / "golden-compresso"
    stream = folder / f"{volume}.{name.removeprefix('compresso-')}.1x{size}x{size}.bin"
    with np.load(folder / f"{volume}.npz", allow_pickle=False) as archive:
        labels = archive["labels_zyx"]
    codec = get_codec(name, window=(1, size, size))
    assert codec.encode(labels) == stream.read_bytes()
    assert LITERAL[name](labels[:, :20], (1, size, size)) == codec.encode(labels[:, :20])
    np.testing.assert_array_equal(codec.decode(stream.read_bytes()), labels)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("window", WINDOWS)
@pytest.mark.parametrize("seed", range(3))
def test_the_streams_are_the_literal_ones(
    seed: int, window: tuple[int, int, int], name: str
) -> None:
    labels = cells((3, 11 + seed, 17), seed)
    if seed == 2:  # all voxels different, and ids of 5 bytes
        labels = np.arange(labels.size, dtype=np.uint64).reshape(labels.shape) + np.uint64(2**33)
    stream = get_codec(name, window=window).encode(labels)
    assert stream == LITERAL[name](labels, window)
    np.testing.assert_array_equal(get_codec(name).decode(stream), labels)


@pytest.mark.parametrize("length", [127, 128])
def test_long_runs_widen_the_numbers(length: int) -> None:
    """A run of n is 2n in version 2: 254 takes one byte, 256 takes two."""
    labels = np.zeros((1, 1, length), np.uint8)
    stream = get_codec("compresso-v2", window=(1, 1, 1)).encode(labels)
    assert stream == reference.version_2(labels, (1, 1, 1))
    assert stream[75] == (1 if length == 127 else 2)


# ---- round trips ----------------------------------------------------------------------------

SHAPES = st.tuples(st.integers(0, 4), st.integers(0, 9), st.integers(0, 19))
LABELS = st.sampled_from([0, 1, 2, 255, TOP, TOP - 1, TOP - 2, TOP - 3, TOP - 4, TOP - 5, TOP - 6])


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=60, deadline=None)
@given(st.data())
def test_a_volume_comes_back(name: str, data: st.DataObject) -> None:
    """Every unsigned dtype, byte order and memory order; empty axes; labels at both ends."""
    dtype = np.dtype(data.draw(st.sampled_from(["u1", "u2", "<u4", ">u4", "<u8", ">u8", ">u2"])))
    mask = np.iinfo(dtype).max
    volume = data.draw(
        arrays.arrays(dtype, data.draw(SHAPES), elements=LABELS.map(lambda v: v & mask))
    )
    given_ = np.asfortranarray(volume) if data.draw(st.booleans()) else volume
    before = given_.copy()
    codec = get_codec(name, window=data.draw(st.sampled_from(WINDOWS)))
    stream = codec.encode(given_)
    back = codec.decode(stream)
    np.testing.assert_array_equal(given_, before)
    np.testing.assert_array_equal(back, volume)
    assert back.shape == volume.shape
    expected = dtype.newbyteorder("=") if name == "compresso-v2" else np.dtype("u8")
    assert back.dtype == expected
    assert codec.describe(stream) == Description(volume.shape, expected)
    found = codec.labels(stream)
    np.testing.assert_array_equal(found, np.unique(volume))
    assert found.dtype == expected


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    "labels",
    [
        np.zeros((3, 20, 30), "u4"),
        np.full((2, 9, 9), TOP, "u8"),
        np.full((1, 1, 1), TOP, "u8"),
        (np.indices((2, 17, 18)).sum(0) % 2).astype("u1"),
        (np.indices((3, 9, 9)).sum(0) % 2).astype("u8") * np.uint64(TOP),
        np.arange(3 * 40 * 50, dtype="u4").reshape(3, 40, 50),
        np.arange(300, dtype="u2").reshape(300, 1, 1),
        np.arange(300, dtype="u2").reshape(1, 300, 1),
        np.arange(300, dtype="u2").reshape(1, 1, 300) // 2,
        np.zeros((0, 5, 5), "u1"),
        np.zeros((5, 0, 5), "u1"),
        cells((5, 40, 60), 3)[::2, ::-1, 5:44:2],
    ],
    ids=lambda labels: f"{labels.dtype}-{labels.shape}",
)
def test_extreme_volumes_come_back(labels: np.ndarray, name: str) -> None:
    codec = get_codec(name)
    back = codec.decode(codec.encode(labels))
    np.testing.assert_array_equal(back, labels)
    assert back.shape == labels.shape


@pytest.mark.parametrize("name", NAMES)
def test_slabs_do_not_show_in_the_stream(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    labels = cells((7, 12, 20), 5)
    whole = get_codec(name, window=(2, 4, 4)).encode(labels)
    monkeypatch.setattr(windows, "SLAB_VOXELS", 1)
    assert get_codec(name, window=(2, 4, 4)).encode(labels) == whole
    np.testing.assert_array_equal(get_codec(name).decode(whole), labels)


def thin_top(label: int) -> np.ndarray:
    """One voxel in a corner whose label, plus 6, is the number of a direction to a free voxel."""
    labels = np.full((2, 4, 4), 9, np.uint64)
    labels[0, 0, 0] = label
    return labels


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("label", [2**64 - 6 + k for k in range(6)])
def test_labels_that_look_like_a_direction_come_back(label: int, name: str) -> None:
    codec = get_codec(name)
    labels = thin_top(label)
    stream = codec.encode(labels)
    np.testing.assert_array_equal(codec.decode(stream), labels)
    assert codec.labels(stream).tolist() == [9, label]


def test_a_label_that_looks_like_a_free_neighbour_marks_it() -> None:
    """The published program's stream for such a volume reads as label 9 at the corner."""
    for label, differs in [(TOP, True), (TOP - 4, True), (TOP - 5, False), (TOP - 6, False)]:
        labels = thin_top(label)
        ours = get_codec("compresso-v2").encode(labels)
        assert (ours != reference.version_2(labels, (1, 8, 8))) == differs


def test_many_labels_that_look_like_directions_end() -> None:
    """Every pixel of the largest labels, so that marking neighbours meets new ones."""
    rng = np.random.default_rng(0)
    for _ in range(20):
        labels = rng.integers(TOP - 6, TOP, (3, 12, 13), dtype=np.uint64, endpoint=True)
        labels[rng.random(labels.shape) < 0.5] = 3
        codec = get_codec("compresso-miccai")
        np.testing.assert_array_equal(codec.decode(codec.encode(labels)), labels)


def test_marking_neighbours_gives_up_and_marks_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scheme, "_MAX_ROUNDS", 1)
    parts = scheme.take_apart(thin_top(TOP), (1, 4, 4))
    assert parts.values.tolist() == [2**16 - 1]
    assert parts.ids.tolist() == [0, 10]  # one per slice: its boundary, which is all of it
    np.testing.assert_array_equal(scheme.put_together(parts), thin_top(TOP))


# ---- windows and runs -----------------------------------------------------------------------


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.integers(0, 3).map(lambda v: v if v < 3 else 0), max_size=40),
    st.integers(1, 5),
    st.booleans(),
)
def test_runs_of_zeros_come_back(indices: list[int], max_run: int, trailing: bool) -> None:
    numbers, is_run = windows.condense(
        np.array(indices, dtype=np.int64), max_run=max_run, trailing=trailing
    )
    made: list[int] = []
    for number, run in zip(numbers.tolist(), is_run.tolist(), strict=True):
        assert number > 0
        assert not run or number <= max_run
        made += [0] * number if run else [number]
    missing = len(indices) - len(made)
    assert made + [0] * missing == indices
    assert missing == 0 or (not trailing and (not made or made[-1] > 0))
    back = windows.expand(numbers, is_run, len(indices), exact=trailing)
    assert back is not None
    assert back.tolist() == indices


def test_a_window_counts_its_pixels_from_the_corner() -> None:
    boundaries = np.zeros((1, 3, 5), bool)
    boundaries[0, 1, 2] = boundaries[0, 2, 4] = True
    # windows of 2 x 4 pixels: (1, 2) is bit 1*4 + 2; (2, 4) is bit 0 of the window at the corner
    assert windows.pack(boundaries, (1, 2, 4)).tolist() == [64, 0, 0, 1]


# ---- damaged, foreign and hostile streams ---------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_every_truncated_stream_is_refused(name: str) -> None:
    codec = get_codec(name, window=(1, 4, 4))
    stream = codec.encode(cells((2, 13, 17), 1))
    for length in range(len(stream)):
        with pytest.raises(CodecError, match=f"^{name}: the stream is damaged, or of another"):
            codec.decode(stream[:length])
    with pytest.raises(CodecError, match=r"no multiple of|do not make the 40 windows"):
        codec.decode(stream + b"\x00")


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_flipped_bits_are_an_error_or_change_labels_only(name: str) -> None:
    """No bit flip does anything but raise a CodecError or give a volume; values all raise."""
    codec = get_codec(name, window=(1, 4, 4), max_voxels=10_000)
    stream = codec.encode(cells((2, 13, 17), 1))
    header = layouts.read_header(stream, codec.layout, 2**31)  # type: ignore[attr-defined]
    start = codec.layout.header_size  # type: ignore[attr-defined]
    sections = ["header"] * start
    for section in codec.layout.sections:  # type: ignore[attr-defined]
        sections += [section] * (header.counts[section] * header.widths[section])
    sections += ["indices"] * (len(stream) - len(sections))
    silent = dict.fromkeys(sections, 0)
    for bit in range(0, 8 * len(stream), 3):
        damaged = bytearray(stream)
        damaged[bit // 8] ^= 1 << bit % 8
        try:
            silent[sections[bit // 8]] += len(codec.decode(bytes(damaged))) >= 0
        except CodecError:
            continue
    assert silent["values"] == 0
    assert silent["header"] + silent["indices"] <= 0.01 * 8 * len(stream) / 3
    assert silent["ids"] + silent["locations"] > 0  # the format has no checksum


def two_areas(**changed: list[int]) -> scheme.Parts:
    """Labels [[4 4 4 8]] in windows of 2 pixels: boundary at x = 2, bit 0 of the second window."""
    labels = np.array([[[4, 4, 4, 8]]], dtype=np.uint64)
    parts = scheme.take_apart(labels, (1, 1, 2))
    assert [getattr(parts, n).tolist() for n in ("ids", "values", "locations", "indices")] == [
        [5, 5, 9],
        [0, 1],
        [],
        [0, 1],
    ]
    return replace(parts, **{n: np.array(v, dtype=np.uint64) for n, v in changed.items()})


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"ids": [5, 5]}, "enclose more areas than its 2 ids"),
        ({"ids": [5, 5, 9, 9]}, "it has 4 ids, but its boundaries enclose 3 areas"),
        ({"ids": [5, 6, 9]}, "the id of a slice's boundary is not that of its first"),
        ({"ids": [5, 5, 5]}, "boundaries are not those of its labels, in one of the slices 0 to 0"),
        ({"locations": [1]}, "it has 1 locations, but its boundaries need 0"),
        ({"indices": [0, 2]}, "window value 2 is used, but it has 2 of them"),
        ({"indices": [1, 1]}, "window values are not all used, or not in ascending order"),
        ({"values": [1, 0]}, "window values are not all used, or not in ascending order"),
        ({"values": [0, 5]}, "its windows have boundary pixels outside the volume"),
        ({"values": [0, 2]}, "it has 3 ids, but its boundaries enclose 2 areas"),
    ],
)
def test_a_contradiction_is_named(changed: dict[str, list[int]], message: str) -> None:
    with pytest.raises(scheme.DamageError, match=message):
        scheme.put_together(two_areas(**changed))


def test_a_pixel_in_the_filling_of_an_edge_window_is_refused() -> None:
    """Labels [[8 4 4]]: the second window reaches outside, and bit 1 of it lies there."""
    parts = scheme.take_apart(np.array([[[8, 4, 4]]], dtype=np.uint8), (1, 1, 2))
    assert parts.values.tolist() == [0, 1]
    with pytest.raises(scheme.DamageError, match="boundary pixels outside the volume"):
        scheme.put_together(replace(parts, values=np.array([2, 3], dtype=np.uint64)))


@pytest.mark.slow
@settings(max_examples=200, deadline=None)
@given(st.data())
def test_lists_that_contradict_each_other_raise_or_decode(data: st.DataObject) -> None:
    """Lists of the right lengths with any content, so that every later check is reached."""
    shape, window = (2, 5, 6), (1, 3, 4)
    used = data.draw(st.lists(st.integers(0, 2**12 - 1), min_size=1, max_size=8, unique=True))
    dtype = np.dtype(data.draw(st.sampled_from(["u1", "u8"])))

    def numbers(values: st.SearchStrategy[int], low: int, high: int) -> np.ndarray:
        drawn = data.draw(st.lists(values, min_size=low, max_size=high))
        return np.array(drawn, dtype=np.uint64)

    parts = scheme.Parts(
        shape=shape,
        window=window,
        dtype=dtype,
        ids=numbers(st.integers(0, 5), 2, 12),
        values=np.array(sorted(used), dtype=np.uint64),
        locations=numbers(st.integers(0, 9), 0, 12),
        indices=numbers(st.integers(0, len(used) - 1), 8, 8),
    )
    with suppress(scheme.DamageError):
        volume = scheme.put_together(parts)
        assert volume.shape == shape
        assert volume.dtype == dtype


EDGES = st.sampled_from([0, 1, 2, 3, 8, 64, 65, 255, 2**16, 2**31, 2**32, 2**60, 2**63, TOP])


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=150, deadline=None)
@given(st.data())
def test_hostile_streams_raise_or_decode_and_take_little_memory(
    name: str, data: st.DataObject
) -> None:
    codec = get_codec(name, max_voxels=10_000)
    stream = bytearray(codec.encode(cells((2, 9, 10), 2)))
    for _ in range(data.draw(st.integers(1, 3))):
        place = data.draw(st.integers(0, len(stream) - 8))
        place = 8 * (place % 9) if data.draw(st.booleans()) else place
        stream[place : place + 8] = data.draw(EDGES).to_bytes(8, "little")
    tracemalloc.start()
    try:
        volume = codec.decode(bytes(stream))
        assert volume.size <= 10_000
        codec.labels(bytes(stream))
    except CodecError:
        pass
    finally:
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert peak < 8_000_000


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=100, deadline=None)
@given(stream=st.binary(max_size=300))
def test_arbitrary_bytes_raise_or_decode(name: str, stream: bytes) -> None:
    codec = get_codec(name, max_voxels=10_000)
    for ask in (codec.decode, codec.describe, codec.labels):
        with (
            pytest.raises(CodecError, match=f"^{name}: ")
            if len(stream) < 72
            else suppress(CodecError)
        ):
            ask(stream)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    "shape", [(2**60, 1, 1), (2**20, 2**20, 2**20), (TOP, TOP, TOP), (2**60, 0, 0), (0, TOP, TOP)]
)
def test_a_promise_of_too_many_voxels_is_refused_at_once(
    name: str, shape: tuple[int, int, int]
) -> None:
    codec = get_codec(name)
    stream = codec.encode(np.zeros((1, 8, 8), np.uint8))
    promise = b"".join(n.to_bytes(8, "little") for n in shape) + stream[24:]
    tracemalloc.start()
    with pytest.raises(CodecError, match=r"over the limit of 268435456 voxels.*raise max_voxels"):
        codec.decode(promise)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 100_000


def test_a_lack_of_memory_is_an_error_like_others(monkeypatch: pytest.MonkeyPatch) -> None:
    codec = get_codec("compresso-v2")
    stream = codec.encode(np.zeros((1, 8, 8), np.uint8))

    def fail(parts: scheme.Parts) -> np.ndarray:
        raise MemoryError

    monkeypatch.setattr(scheme, "put_together", fail)
    with pytest.raises(CodecError, match=r"more memory than there is\. Lower max_voxels"):
        codec.decode(stream)


def edited(name: str, field: str, value: int) -> bytes:
    """A good stream with one number of its header changed."""
    codec = get_codec(name)
    stream = codec.encode(cells((2, 16, 16), 4))
    place = 8 * codec.layout.fields.index(field)  # type: ignore[attr-defined]
    return stream[:place] + value.to_bytes(8, "little") + stream[place + 8 :]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("z", 0, "a window must be Z x Y x X pixels, 1 to 64 in all, got 0 x 8 x 8"),
        ("y", 9, "a window must be Z x Y x X pixels, 1 to 64 in all, got 1 x 9 x 8"),
        ("x", 2**63, "a window must be Z x Y x X pixels, 1 to 64 in all"),
        ("ids", 1, r"a volume of \(2, 16, 16\) voxels has 2 to 512 ids, and it has 1"),
        ("values", 0, "has 1 to 8 values, and it has 0"),
        ("locations", 513, "has 0 to 512 locations, and it has 513"),
        ("locations", 500, r"its header promises \d+ more bytes than its \d+"),
    ],
)
def test_a_bad_header_is_named(name: str, field: str, value: int, message: str) -> None:
    with pytest.raises(CodecError, match=message):
        get_codec(name).describe(edited(name, field, value))


def test_widths_that_lose_boundaries_are_refused() -> None:
    """The original v2 program gives a window of 9 pixels one byte, which loses the ninth."""
    codec = get_codec("compresso-v2", window=(1, 3, 3))
    stream = bytearray(codec.encode(cells((2, 16, 16), 4)))
    assert stream[72] == 2
    stream[72] = 1
    with pytest.raises(CodecError, match="9 pixels takes 2 bytes, and it gives each 1"):
        codec.decode(bytes(stream))
    stream[72], stream[76] = 2, 3
    with pytest.raises(CodecError, match=r"take \[2, 1, 1, 1, 3\] bytes.*1, 2, 4 or 8 for a label"):
        codec.decode(bytes(stream))


def test_a_label_over_its_dtype_is_refused() -> None:
    codec = get_codec("compresso-v2")
    stream = bytearray(codec.encode(np.full((1, 8, 8), 255, np.uint16)))
    stream[76] = 1  # uint8
    assert codec.decode(bytes(stream)).dtype == np.uint8
    stream = bytearray(codec.encode(np.full((1, 8, 8), 256, np.uint16)))
    stream[76] = 1
    with pytest.raises(CodecError, match="one id gives label 256, which does not fit uint8"):
        codec.decode(bytes(stream))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    ("stream", "kind"),
    [
        (b"cpso\x01" + bytes(100), "a stream of the compresso package"),
        (b"crkl" + bytes(100), "a crackle stream"),
        (b"\xfd7zXZ\x00" + bytes(100), r"an XZ \(LZMA\) file; decompress it first"),
    ],
)
def test_a_foreign_stream_is_refused_by_name(name: str, stream: bytes, kind: str) -> None:
    for ask in (get_codec(name).decode, get_codec(name).describe, get_codec(name).labels):
        with pytest.raises(
            CodecError, match=f"^{name}: the stream starts with b.*: this is {kind}"
        ):
            ask(stream)


def test_a_stream_of_the_other_version_is_refused() -> None:
    one, other = get_codec(NAMES[0]), get_codec(NAMES[1])
    labels = cells((3, 20, 20), 0)
    for first, second in [(one, other), (other, one)]:
        with pytest.raises(CodecError, match="damaged, or of another format"):
            second.decode(first.encode(labels))


# ---- what encode refuses, and the registry --------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    ("labels", "got"),
    [
        (np.zeros((2, 2, 2), np.int32), r"int32 of shape \(2, 2, 2\)"),
        (np.zeros((2, 2), np.uint8), r"uint8 of shape \(2, 2\)"),
        (np.zeros((2, 2, 2), bool), "bool"),
        (np.zeros((2, 2, 2)), "float64"),
        ([[[1]]], "list"),
    ],
)
def test_what_is_no_label_volume_is_refused(name: str, labels: np.ndarray, got: str) -> None:
    with pytest.raises(CodecError, match=f"^{name}: labels must be an array .*got {got}"):
        get_codec(name).encode(labels)


def test_more_windows_than_the_format_can_number_are_refused() -> None:
    parts = scheme.take_apart(np.zeros((1, 4, 4), np.uint8), (1, 1, 1))
    many = np.broadcast_to(np.uint64(0), 2**31 + 1)  # takes no memory
    with pytest.raises(CodecError, match="2147483649 distinct windows are more than the format"):
        layouts.write(replace(parts, values=many), layouts.MICCAI)


def test_a_volume_over_the_limit_is_refused() -> None:
    codec = get_codec("compresso-v2", max_voxels=100)
    with pytest.raises(
        CodecError, match=r"3 x 5 x 7 voxels \(Z x Y x X\) is over the limit of 100"
    ):
        codec.encode(np.zeros((3, 5, 7), np.uint8))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("window", [(1, 8, 9), (0, 8, 8), (1, -8, -8), (8, 8)])
def test_a_window_over_64_pixels_is_refused(name: str, window: tuple[int, ...]) -> None:
    with pytest.raises(CodecError, match=f"^{name}: a window must be Z x Y x X pixels, 1 to 64"):
        get_codec(name, window=window)


def test_an_unknown_codec_is_refused_by_name() -> None:
    with pytest.raises(
        CodecError, match=r"no codec 'compreso'\. Known are: compressed_segmentation, com"
    ):
        get_codec("compreso")


def test_names_in_the_registry_are_those_of_the_codecs() -> None:
    assert {name: get_codec(name).name for name in CODECS} == {name: name for name in CODECS}
