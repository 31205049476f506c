"""The Zarr codec emqs.labels: the bytes of a chunk, round trips, parts, damage, hostile input."""

import itertools
import struct
import subprocess
import sys
import tomllib
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import google_crc32c
import numpy as np
import pytest
import zarr
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st
from zarr.codecs import TransposeCodec

from emqs.codecs import chunk as layout
from emqs.codecs.chunk import ChunkSettings, decode_chunk, encode_chunk, place_of, read_index
from emqs.codecs.zarr_codec import NAME, LabelChunks, chunk_name
from emqs.errors import CodecError

U2 = np.dtype("u2")
TOP = 2**64 - 1
#: A chunk written when the layout was made: ``hand_made()`` for the key 0/2/1.
GOLDEN = """
454d515a01010102c89a6a6d08000000270000009800000000000000efb9ceef54472dbd28b52ffd2480d5000080072c
f00001f800407f808080804001000410003c0f81db10b0ecd8231f28b52ffd2498c5030022c71925902b8d01ffc06e8b
7fd2e9b4fa2f9fe63e3d5117ecbc5984a2c264aee23f92926c29a54c010a8c163aa10c3e04a0c6ae6d7f6e441ff5e1f2
7e65a4067c01cbb5555a89672b51cf5e5aab4a07eb931ab49cc316ebcb617810ff343a31fdf7137ec314934426900500
fae94f54d90746e70cc5009ae93c2a1a
"""


def hand_made() -> np.ndarray:
    """Labels from a formula: 2 x 16 x 24, uint16."""
    z, y, x = np.ogrid[:2, :16, :24]
    labels = (x // 8 + 3 * (y // 8) + z) * 300 + 7
    labels[0, 4, 10] = 65535
    return labels.astype(U2)


def created(path: Path | None, labels: np.ndarray, **options: object) -> zarr.Array:
    """An array that holds labels, with the codec under test."""
    settings: dict[str, Any] = {
        "chunks": labels.shape, "compressors": None, "fill_value": 0,
        "serializer": options.pop("codec", LabelChunks()), **options,
    }  # fmt: skip
    store = zarr.storage.MemoryStore() if path is None else path
    array = zarr.create_array(store, shape=labels.shape, dtype=labels.dtype, **settings)
    array[...] = labels
    return array


def resealed(chunk: bytes, **changed: int | bytes) -> bytes:
    """The chunk with changed fields, index or payload, and right checksums."""
    names = ["magic", "version", "coding", "compressor", "width", "place", "n_labels",
             "index_bytes", "plain_bytes", "crc"]  # fmt: skip
    fields: dict[str, Any] = dict(
        zip(names, struct.unpack_from("<4sBBBBIIIQI", chunk), strict=True)
    )
    start = 36 + fields["index_bytes"]
    index = changed.pop("index", chunk[36:start])
    payload = changed.pop("payload", chunk[start:])
    assert isinstance(index, bytes)
    assert isinstance(payload, bytes)
    fields |= {"index_bytes": len(index), "crc": google_crc32c.value(payload)} | changed
    head = struct.pack("<4sBBBBIIIQI", *fields.values())
    return head + struct.pack("<I", google_crc32c.value(head + index)) + index + payload


# ---- the format -----------------------------------------------------------------------------


def test_the_golden_chunk_is_read() -> None:
    golden = bytes.fromhex(GOLDEN)
    labels = hand_made()
    np.testing.assert_array_equal(decode_chunk(golden, (2, 16, 24), U2), labels)
    index = read_index(golden, labels.size, U2)
    assert index is not None
    assert index.labels.tolist() == np.unique(labels).tolist()
    assert resealed(golden) == golden
    assert encode_chunk(labels, ChunkSettings(), place_of("0/2/1"))[:12] == golden[:12]


def test_the_layout_does_not_drift() -> None:
    labels = np.array([[[513, 513, 65535]]], dtype=U2)
    chunk = encode_chunk(labels, ChunkSettings(), place_of("0/2/1"))
    steps = (513).to_bytes(8, "little"), (65535 - 513).to_bytes(8, "little")
    counts = (2).to_bytes(8, "little"), (1).to_bytes(8, "little")
    columns = b"".join(bytes(pair) for pair in zip(*steps, strict=True))
    columns += b"".join(bytes(pair) for pair in zip(*counts, strict=True))
    index_bytes = int.from_bytes(chunk[16:20], "little")
    index, payload = chunk[36 : 36 + index_bytes], chunk[36 + index_bytes :]
    assert zstandard.ZstdDecompressor().decompress(index) == columns
    assert payload == b"\x01\x02\x01\x02\xff\xff"
    head = b"EMQZ" + b"\x01" + b"\x00" + b"\x00" + b"\x02"
    head += google_crc32c.value(b"0/2/1").to_bytes(4, "little")
    head += b"".join(n.to_bytes(4, "little") for n in (2, index_bytes)) + bytes([6] + [0] * 7)
    head += google_crc32c.value(payload).to_bytes(4, "little")
    assert chunk[:32] == head
    assert chunk[32:36] == google_crc32c.value(head + index).to_bytes(4, "little")


@pytest.mark.slow
def test_zarr_finds_the_codec_without_an_import_of_emqs(tmp_path: Path) -> None:
    """The entry point: a plain script reads the store."""
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text("utf-8"))
    declared = project["project"]["entry-points"]["zarr.codecs"]
    installed = {point.name: point for point in entry_points(group="zarr.codecs")}
    assert NAME in declared
    assert installed[NAME].value == declared[NAME], "install emqs again: pip install -e ."
    created(tmp_path / "a.zarr", hand_made())
    script = "import sys, zarr; z = zarr.open(sys.argv[1], mode='r'); print(z[0, 4, 9:12].tolist())"
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path / "a.zarr")],
        capture_output=True, text=True, check=True, cwd=tmp_path,
    )  # fmt: skip
    assert done.stdout.strip() == "[307, 65535, 307]"


def test_zarr_json_holds_what_the_spec_says() -> None:
    array = created(None, hand_made(), codec=LabelChunks(ChunkSettings("lzma", 9, 5)))
    assert array.metadata.to_dict()["codecs"] == (
        {
            "name": "emqs.labels",
            "configuration": {
                "compressor": "lzma", "level": 9, "markov_order": 5, "pins": False,
                "plane": [1, 2],
            },
        },
    )  # fmt: skip
    assert LabelChunks.from_dict({"name": "emqs.labels"}) == LabelChunks()


# ---- round trips ----------------------------------------------------------------------------

DTYPES = ["u1", "u2", "u4", "u8", "i1", "i2", "i4", "i8", "?", ">u2", ">i4", ">u8"]


@st.composite
def volumes(draw: st.DrawFn) -> tuple[np.ndarray, tuple[int, ...], tuple[int, int] | None]:
    """Labels of any kind, chunks, and a plane."""
    shape = tuple(draw(st.lists(st.integers(1, 7), max_size=5)))
    dtype = np.dtype(draw(st.sampled_from(DTYPES)))
    n = draw(st.integers(1, 4))
    if dtype.kind == "b":
        palette = np.array([False, True])[-n:]
    else:
        limits = np.iinfo(dtype)
        palette = np.array([0, limits.min, limits.max, 5][:n], dtype.newbyteorder("="))
    seed = draw(st.integers(0, 99))
    # nested runs, not noise: what crackle is for; 1 in 4 is noise
    labels = np.random.default_rng(seed).choice(palette, shape)
    if labels.ndim and draw(st.integers(0, 3)):
        labels = np.maximum.accumulate(labels, axis=-1)
    labels = labels.astype(dtype)
    if labels.ndim and draw(st.booleans()):
        labels = np.asfortranarray(labels)
    chunks = tuple(draw(st.integers(1, side)) for side in shape)
    axes = draw(st.permutations(range(len(shape))))[:2]
    plane = (axes[0], axes[1]) if len(axes) == 2 and draw(st.booleans()) else None
    return labels, chunks, plane


@pytest.mark.slow
@settings(max_examples=30)
@given(volumes(), st.data())
def test_labels_and_parts_of_them_come_back(
    case: tuple[np.ndarray, tuple[int, ...], tuple[int, int] | None], data: st.DataObject
) -> None:
    labels, chunks, plane = case
    array = created(None, labels, chunks=chunks, codec=LabelChunks(plane=plane))
    np.testing.assert_array_equal(array[...], labels)
    assert array[...].dtype.kind == labels.dtype.kind
    part = tuple(
        data.draw(
            st.integers(0, side - 1)
            | st.tuples(st.integers(0, side), st.integers(0, side), st.integers(1, 3)).map(
                lambda t: slice(*t)
            )
        )
        for side in labels.shape
    )
    np.testing.assert_array_equal(array[part], labels[part])
    if not labels.ndim:
        return
    picked = [
        sorted(data.draw(st.sets(st.integers(0, side - 1), min_size=1))) for side in labels.shape
    ]
    np.testing.assert_array_equal(array.oindex[tuple(picked)], labels[np.ix_(*picked)])


@pytest.mark.slow
@settings(max_examples=20)
@given(volumes(), st.data())
def test_parts_are_written_as_numpy_writes_them(
    case: tuple[np.ndarray, tuple[int, ...], tuple[int, int] | None], data: st.DataObject
) -> None:
    labels, chunks, plane = case
    array = created(None, labels, chunks=chunks, codec=LabelChunks(plane=plane))
    expected = labels.copy()
    value = np.array(data.draw(st.sampled_from([0, 1])), labels.dtype)
    for _ in range(3):
        part = tuple(
            data.draw(
                st.integers(0, side - 1)
                | st.tuples(st.integers(0, side - 1), st.integers(1, side)).map(
                    lambda t: slice(t[0], max(t))
                )
            )
            for side in labels.shape
        )
        array[part] = expected[part] = value
    if labels.ndim > 1:
        rows = sorted(data.draw(st.sets(st.integers(0, labels.shape[0] - 1), min_size=1)))
        array.oindex[(rows, 0)] = expected[rows, 0] = np.flip(expected[rows, 0], -1)
        mask = expected == value
        array.vindex[mask] = np.full(mask.sum(), 1, labels.dtype)
        expected[mask] = 1
    np.testing.assert_array_equal(array[...], expected)


@pytest.mark.parametrize("options", [{"markov_order": 5}, {"pins": True}, {"compressor": "lzma"},
                                     {"compressor": "none"}, {"level": 19}])  # fmt: skip
def test_settings_change_bytes_and_not_labels(options: dict[str, Any]) -> None:
    setting = ChunkSettings(**({"level": None} | options))
    labels = np.tile(hand_made(), (2, 8, 8))
    chunk = encode_chunk(labels, setting)
    assert chunk[5] == layout.CRACKLE
    np.testing.assert_array_equal(decode_chunk(chunk, labels.shape, U2), labels)  # type: ignore[arg-type]
    assert chunk != encode_chunk(labels, ChunkSettings())


@pytest.mark.parametrize("shape", [(65_537, 2, 1), (1, 65_537, 2), (2, 1, 65_537)])
def test_sides_over_65535(shape: tuple[int, int, int]) -> None:
    labels = (np.arange(np.prod(shape)) // 5000).reshape(shape).astype("u4")
    if shape[0] > 2:
        labels = labels[:500]  # as many crackle slices take seconds; the side is that of the array
        array = created(None, labels, chunks=(100, 2, 1))
        array.resize(shape)
        array[-500:] = labels
        np.testing.assert_array_equal(array[-500:], labels)
        return
    array = created(None, labels)
    np.testing.assert_array_equal(array[...], labels)


def test_noise_and_checkerboards_do_not_grow() -> None:
    rng = np.random.default_rng(0)
    noise = rng.integers(0, TOP, (4, 32, 32), dtype="u8", endpoint=True)
    chunk = encode_chunk(noise, ChunkSettings())
    assert len(chunk) == noise.nbytes + layout.HEADER_BYTES
    assert read_index(chunk, noise.size, noise.dtype) is None
    np.testing.assert_array_equal(decode_chunk(chunk, noise.shape, noise.dtype), noise)  # type: ignore[arg-type]
    board = (np.indices((4, 32, 32)).sum(axis=0) % 2).astype("u4")
    chunk = encode_chunk(board, ChunkSettings())
    assert len(chunk) < 250
    np.testing.assert_array_equal(decode_chunk(chunk, board.shape, board.dtype), board)  # type: ignore[arg-type]


@pytest.mark.parametrize("fill", [0, 9])
def test_a_chunk_of_nothing_but_the_fill_value_is_no_file(tmp_path: Path, fill: int) -> None:
    labels = np.full((4, 8, 8), fill, "i4")
    labels[0, 0, 0] = -3
    array = created(tmp_path / "a", labels, chunks=(2, 8, 8), fill_value=fill)
    files = [p.relative_to(tmp_path / "a").as_posix() for p in (tmp_path / "a").rglob("c/*/*/*")]
    assert files == ["c/0/0/0"]
    np.testing.assert_array_equal(array[...], labels)
    array[0, 0, 0] = fill
    assert not (tmp_path / "a/c/0/0/0").exists()
    array = created(tmp_path / "b", labels * 0 + fill, fill_value=fill,
                    config={"write_empty_chunks": True})  # fmt: skip
    assert (tmp_path / "b/c/0/0/0").is_file()
    assert (array[...] == fill).all()


def test_slices_are_those_of_the_plane() -> None:
    """A volume stored X Y Z is as small as one stored Z Y X if the codec is told."""
    z, y, x = np.ogrid[:6, :64, :64]
    zyx = ((x - 30) ** 2 + (y - 30 - z) ** 2 < 400).astype("u4")
    straight = created(None, zyx).nbytes_stored()
    turned = created(None, zyx.T.copy(), codec=LabelChunks(plane=(1, 0))).nbytes_stored()
    wrong = created(None, zyx.T.copy()).nbytes_stored()
    assert abs(straight - turned) < 10
    assert wrong > straight + 50


@pytest.mark.parametrize(
    ("part", "expected"),
    [
        (np.s_[:,], (0, 24)),
        (np.s_[1, 2], (8 + 4, 8 + 6)),
        (np.s_[1, 2, 1], (13, 14)),
        (np.s_[0:2, 1:3], (0, 16)),
        (np.s_[2, 1:4:2, :, 3, 3], (18, 24)),
        (np.s_[..., 5, 5], (0, 24)),
    ],
)
def test_only_the_slices_asked_for_are_decoded(
    part: tuple[slice | int, ...], expected: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    labels = np.tile(hand_made(), (12, 4, 4)).reshape(3, 4, 2, 64, 96)
    array = created(None, labels)
    seen: list[tuple[int, int]] = []
    decode = layout._fastcrackle().decompress

    def recorded(stream: bytes, first: int, last: int, *others: object) -> np.ndarray:
        seen.append((first, last))
        return decode(stream, first, last, *others)

    monkeypatch.setattr(layout._fastcrackle(), "decompress", recorded)
    np.testing.assert_array_equal(array[part], labels[part])
    assert seen == [expected]


def test_inside_shards_and_behind_a_transpose() -> None:
    labels = np.tile(hand_made(), (4, 2, 2))
    for options in (
        {"chunks": (2, 16, 24), "shards": (4, 32, 48)},
        {"chunks": (4, 16, 24), "filters": [TransposeCodec(order=(2, 0, 1))]},
        {"chunks": (4, 16, 24), "compressors": [zarr.codecs.Crc32cCodec()]},
    ):
        array = created(None, labels, **options)
        np.testing.assert_array_equal(array[...], labels)
        array[3, 5:20] = labels[3, 5:20] = 12
        np.testing.assert_array_equal(array[2:5, ::3], labels[2:5, ::3])


# ---- the index ------------------------------------------------------------------------------


@settings(max_examples=60)
@given(
    st.sampled_from(["u1", "u2", "u4", "u8"]),
    st.tuples(st.integers(1, 5), st.integers(1, 9), st.integers(1, 9)),
    st.integers(0, 999),
)
def test_the_index_counts_voxels(dtype: str, shape: tuple[int, int, int], seed: int) -> None:
    rng = np.random.default_rng(seed)
    limit = int(np.iinfo(dtype).max)
    palette = np.array([0, 1, limit, limit - 1, limit // 2], dtype)
    labels = rng.choice(palette[: rng.integers(1, 6)], shape)
    found = layout.index_of(labels)
    expected = np.unique(labels, return_counts=True)
    np.testing.assert_array_equal(found.labels, expected[0])
    np.testing.assert_array_equal(found.counts, expected[1])
    chunk = encode_chunk(labels, ChunkSettings())
    stored = read_index(chunk, labels.size, labels.dtype)
    if stored is None:
        assert expected[0].size * 16 > labels.size
        return
    np.testing.assert_array_equal(stored.labels, expected[0])
    np.testing.assert_array_equal(stored.counts, expected[1])
    assert stored.labels.dtype == labels.dtype


def test_the_index_needs_no_byte_of_the_payload() -> None:
    labels = np.tile(hand_made(), (2, 8, 8))
    chunk = encode_chunk(labels, ChunkSettings())
    needed = 36 + layout.read_head(chunk[:36], U2).index_bytes
    assert needed < 200
    index = read_index(chunk[:needed], labels.size, U2)
    assert index is not None
    assert index.labels.tolist() == np.unique(labels).tolist()
    with pytest.raises(CodecError, match=f"truncated: {needed - 1} bytes, header and index take"):
        read_index(chunk[: needed - 1], labels.size, U2)


# ---- damage and malice ----------------------------------------------------------------------


def flipped(chunk: bytes, bit: int) -> bytes:
    """The chunk with one bit changed."""
    damaged = bytearray(chunk)
    damaged[bit // 8] ^= 1 << bit % 8
    return bytes(damaged)


def test_every_flipped_bit_is_an_error() -> None:
    chunk = encode_chunk(hand_made(), ChunkSettings(), place_of("0"))
    needed = 36 + layout.read_head(chunk, U2).index_bytes
    for bit in range(8 * len(chunk)):
        with pytest.raises(CodecError, match=r"^emqs\.labels: the chunk "):
            decode_chunk(flipped(chunk, bit), (2, 16, 24), U2)
        if bit < 8 * needed:
            with pytest.raises(CodecError, match=r"^emqs\.labels: the chunk "):
                read_index(flipped(chunk, bit), 768, U2)


def test_a_flipped_bit_in_a_file_is_an_error_that_names_the_chunk(tmp_path: Path) -> None:
    labels = hand_made()
    array = created(tmp_path / "a", labels, chunks=(2, 8, 24))
    file = tmp_path / "a/c/0/1/0"
    whole = file.read_bytes()
    some = {*range(8 * 36), *range(8 * 36, 8 * len(whole), 7)}
    for bit in sorted(some):
        file.write_bytes(flipped(whole, bit))
        with pytest.raises(CodecError, match=r"Chunk c/0/1/0: emqs\.labels: the chunk "):
            array[0, 8:]
    file.write_bytes(whole)
    np.testing.assert_array_equal(array[...], labels)


def test_truncated_and_foreign_chunks_are_errors(tmp_path: Path) -> None:
    array = created(tmp_path / "a", hand_made())
    file = tmp_path / "a/c/0/0/0"
    whole = file.read_bytes()
    for content in [*(whole[:n] for n in range(len(whole))), whole + b"\0"]:
        file.write_bytes(content)
        with pytest.raises(CodecError, match=r"Chunk c/0/0/0: .*the chunk is damaged"):
            array[...]
    file.write_bytes(b"crkl" + whole[4:])
    with pytest.raises(CodecError, match="starts with b'crkl', expected b'EMQZ'"):
        array[...]


def test_swapped_chunks_are_errors(tmp_path: Path) -> None:
    array = created(tmp_path / "a", hand_made(), chunks=(1, 16, 24))
    first, second = tmp_path / "a/c/0/0/0", tmp_path / "a/c/1/0/0"
    one, two = first.read_bytes(), second.read_bytes()
    first.write_bytes(two)
    second.write_bytes(one)
    with pytest.raises(CodecError, match=r"Chunk c/0/0/0: .* was written for another place"):
        array[0]
    with pytest.raises(CodecError, match=r"Chunk c/1/0/0: .* was written for another place"):
        array[1]
    second.unlink()
    assert (array[1] == 0).all()  # a missing chunk is the fill value: so Zarr has it


def test_keys_of_chunks() -> None:
    assert chunk_name("a/b/c/0/12/3", 3) == "0/12/3"
    assert chunk_name("c.0.12.3", 3) == "0/12/3"
    assert chunk_name("c/0/12/3", 2) == ""
    assert chunk_name("0/12/3", 3) == ""
    assert chunk_name("abc/0/1", 2) == ""


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"plain_bytes": 2**60}, "promises 1152921504606846976 bytes for labels of 1536"),
        ({"plain_bytes": 1536}, "bytes where 1536 are promised"),
        ({"coding": 0}, "promises .* bytes for labels of 1536"),
        ({"coding": 2}, "coding 2 and compressor 1 are not known"),
        ({"compressor": 3}, "coding 1 and compressor 3 are not known"),
        ({"compressor": 2}, "the stream"),
        ({"width": 4}, "4 bytes per label, the array 2"),
        ({"version": 2}, "version 2 of the layout, this program reads 1"),
        ({"payload": b""}, "zstd: the stream is damaged"),
    ],
)
def test_a_hostile_header_is_refused(changed: dict[str, Any], message: str) -> None:
    """Right checksums, wrong numbers."""
    labels = np.tile(hand_made(), (1, 1, 1))
    chunk = encode_chunk(labels, ChunkSettings())
    assert chunk[5] == layout.CRACKLE
    with pytest.raises(CodecError, match=message):
        decode_chunk(resealed(chunk, **changed), (2, 16, 24), U2)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"n_labels": 2**31}, "index has 2147483648 labels for 768 voxels"),
        ({"n_labels": 0}, "index has 0 labels"),
        ({"n_labels": 3}, "over the limit of 48"),
        ({"n_labels": 700}, "has not the length promised"),
        ({"index": b""}, "zstd"),
    ],
)
def test_a_hostile_index_is_refused(changed: dict[str, Any], message: str) -> None:
    chunk = encode_chunk(hand_made(), ChunkSettings())
    with pytest.raises(CodecError, match=message):
        read_index(resealed(chunk, **changed), 768, U2)


@pytest.mark.parametrize("n_voxels", [767, 769])
def test_an_index_must_count_every_voxel_once(n_voxels: int) -> None:
    with pytest.raises(CodecError, match="its index contradicts itself"):
        read_index(encode_chunk(hand_made(), ChunkSettings()), n_voxels, U2)


def stream_of(chunk: bytes) -> bytes:
    """The payload of a chunk."""
    return chunk[36 + int.from_bytes(chunk[16:20], "little") :]


def forged(chunk: bytes, at: int, value: int) -> bytes:
    """The chunk with one byte of its crackle stream changed, and all checksums right."""
    stream = bytearray(stream_of(chunk))
    stream[at] = value
    if at < 28:
        stream[28] = layout._crackle().headers.crc8(stream[5:28])
    return resealed(chunk, payload=bytes(stream))


def test_a_forged_crackle_header_never_reaches_the_library(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every byte of the header, the table of slices and the counts of labels, changed."""
    labels = hand_made()
    chunk = encode_chunk(labels, ChunkSettings("none", None))
    assert chunk[5:7] == bytes([layout.CRACKLE, 0])

    class ReachedError(Exception):
        """The library was called."""

    def reached(*_: object) -> None:
        raise ReachedError

    monkeypatch.setattr(layout._fastcrackle(), "decompress", reached)
    with pytest.raises(CodecError, match="crackle cannot read it"):
        decode_chunk(chunk, (2, 16, 24), U2)
    sections = [*range(4, 28), *range(29, 29 + 8), *range(41, 49)]
    sections += [29 + 12 + int.from_bytes(stream_of(chunk)[20:28], "little") - 1]  # the last key
    harmless = {6, 19}  # model order, sortedness; size of a grid in a slice
    for at, value in itertools.product(sections, (0, 1, 2, 64, 255)):
        sent = forged(chunk, at, value)
        if sent == chunk or at in harmless or (at == sections[-1] and value < 64):
            continue
        with pytest.raises(CodecError, match=r"its crackle|it has not") as caught:
            decode_chunk(sent, (2, 16, 24), U2)
        assert not isinstance(caught.value.__cause__, ReachedError), (at, value)


def test_a_chunk_over_the_limit_is_refused_before_memory_is_taken() -> None:
    with pytest.raises(CodecError, match="1099511627776 x 2 voxels is over the limit"):
        zarr.create_array(
            zarr.storage.MemoryStore(), shape=(2**40, 2), chunks=(2**40, 2), dtype="u4",
            serializer=LabelChunks(), compressors=None,
        )  # fmt: skip
    with pytest.raises(CodecError, match="over the limit"):
        decode_chunk(encode_chunk(hand_made(), ChunkSettings()), (2**20, 2**20, 2**20), U2)


@pytest.mark.parametrize(
    ("configuration", "message"),
    [
        ({"compressor": "gzip"}, "compressor must be one of none, zstd, lzma, got 'gzip'"),
        ({"level": 99}, "zstd: level must be 1 to 22, got 99"),
        ({"level": "3"}, "level must be a whole number, got '3'"),
        ({"markov_order": 11}, "markov_order must be 0 to 10, got 11"),
        ({"markov_order": True}, "markov_order must be 0 to 10, got True"),
        ({"pins": 1}, "pins must be true or false, got 1"),
        ({"plane": [1, 1]}, "plane must be two different axes, got"),
        ({"plane": [0, 3]}, "plane must be two axes of an array with 3"),
        ({"window": 8}, "has no option 'window'. It takes: compressor, level"),
    ],
)
def test_a_wrong_configuration_is_refused(configuration: dict[str, Any], message: str) -> None:
    with pytest.raises(CodecError, match=message):
        created(
            None,
            hand_made(),
            codec={"name": "emqs.labels", "configuration": configuration},
        )


def test_what_is_no_label_is_refused() -> None:
    with pytest.raises(CodecError, match="stores integers and bool, got float32"):
        created(None, np.zeros((2, 3), "f4"))
    array = created(None, np.array([[3, 200]], "u1"))
    raw = dict(array.metadata.to_dict()) | {"data_type": "bool", "fill_value": False}
    as_bool = zarr.Array.from_dict(array.store_path, raw)
    with pytest.raises(CodecError, match="it holds values that are no bool"):
        as_bool[...]
