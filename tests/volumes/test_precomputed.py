"""Precomputed volumes of other programs: names, compression, encodings, shards; hostile ones."""

import gzip
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import brotli
import compresso
import crackle
import numpy as np
import pytest
import tensorstore
import zstandard
from support import volumes_on_disk as disk
from support.failing_server import Server
from support.label_volumes import blocky, written

from emqs.errors import ConfigError, DataError
from emqs.geometry import Box, boxes
from emqs.volumes import Layout, create_volume, open_volume, stored
from emqs.volumes.axes import Request
from emqs.volumes.formats import precomputed as precomputed_format
from emqs.volumes.opening import open_request

SIZE = (40.0, 4.0, 4.0)
OFFSET = (-3, 512, 256)  # Z Y X
LABELS = blocky()
CHUNK = (2, 40, 33)
SHARDING = {
    "@type": "neuroglancer_uint64_sharded_v1", "preshift_bits": 1, "hash": "murmurhash3_x86_128",
    "minishard_bits": 1, "shard_bits": 1, "minishard_index_encoding": "gzip",
    "data_encoding": "gzip",
}  # fmt: skip


def info(path: Path, encoding: str, **scale: Any) -> None:  # noqa: ANN401 (of JSON)
    described = {
        "key": "4_4_40", "size": LABELS.shape[::-1], "resolution": SIZE[::-1],
        "chunk_sizes": [CHUNK[::-1]], "voxel_offset": OFFSET[::-1], "encoding": encoding, **scale,
    }  # fmt: skip
    content = {"type": "segmentation", "data_type": "uint32", "num_channels": 1}
    disk.put(path / "info", {**content, "scales": [described]})


def stream(part: np.ndarray, encoding: str) -> bytes:
    xyz = np.asfortranarray(part.T)
    if encoding == "raw":
        return xyz.tobytes("F")
    return bytes({"compresso": compresso, "crackle": crackle}[encoding].compress(xyz))


def name_of(box: Box) -> str:
    z, y, x = (f"{a + o}-{b + o}" for a, b, o in zip(box.start, box.stop, OFFSET, strict=True))
    return f"{x}_{y}_{z}"


PACK: dict[str, Callable[[bytes], bytes]] = {
    "": bytes, ".gz": gzip.compress, ".br": brotli.compress,
    ".zstd": zstandard.ZstdCompressor(write_content_size=False).compress,
}  # fmt: skip


@pytest.mark.parametrize("ending", PACK)
@pytest.mark.parametrize("encoding", ["raw", "compresso", "crackle"])
def test_chunks_of_cloud_volume(encoding: str, ending: str, tmp_path: Path) -> None:
    """NAME, NAME.gz, NAME.br and NAME.zstd, X fastest, at an offset; one is missing."""
    info(tmp_path, encoding)
    expected = LABELS.copy()
    for number, box in enumerate(boxes(LABELS.shape, CHUNK)):
        if number == 5:
            expected[box.slices] = 0
            continue
        content = PACK[ending](stream(LABELS[box.slices], encoding))
        disk.put(tmp_path / "4_4_40" / f"{name_of(box)}{ending}", content)
    for labels in (False, True):
        volume = open_request(tmp_path, Request(labels=labels))
        assert (volume.voxel_size_nm, volume.origin_nm) == (SIZE, (-120, 2048, 1024))
        assert volume.notes == ("1 of 12 chunks are missing: background 0.",)
        np.testing.assert_array_equal(volume.read(volume.box), expected)
        part = Box((1, 30, 20), (4, 50, 40))
        np.testing.assert_array_equal(volume.read(part), expected[part.slices])
        for box in volume.blocks():
            listed = volume.labels.block_labels(box)  # type: ignore[union-attr]
            if listed is not None:
                np.testing.assert_array_equal(np.unique(listed), np.unique(expected[box.slices]))


@pytest.mark.parametrize("ending", [".gz", ".br", ".zstd"])
def test_a_compressed_chunk_that_is_cut_off_or_huge(ending: str, tmp_path: Path) -> None:
    info(tmp_path, "raw")
    for box in boxes(LABELS.shape, CHUNK):
        content = PACK[ending](stream(LABELS[box.slices], "raw"))
        disk.put(tmp_path / "4_4_40" / f"{name_of(box)}{ending}", content)
    volume = open_volume(tmp_path)
    first = tmp_path / "4_4_40" / f"{name_of(Box((0, 0, 0), CHUNK))}{ending}"
    first.write_bytes(first.read_bytes()[:-12])
    with pytest.raises(DataError, match=f"{first.name} is damaged"):
        volume.read(Box((0, 0, 0), (1, 1, 1)))
    first.write_bytes(PACK[ending](bytes(2**23)))
    with pytest.raises(DataError, match="far too large"):
        volume.read(Box((0, 0, 0), (1, 1, 1)))


@pytest.mark.parametrize("encoding", ["compresso", "crackle"])
def test_shards_of_streams_that_tensorstore_does_not_decode(encoding: str, tmp_path: Path) -> None:
    """Shards are written by tensorstore's key-value driver, numbers of chunks by hand."""
    info(tmp_path, encoding, sharding=SHARDING)
    spec = {
        "driver": "neuroglancer_uint64_sharded", "base": f"file://{tmp_path}/4_4_40/",
        "metadata": SHARDING,
    }  # fmt: skip
    store = tensorstore.KvStore.open(spec).result()
    with tensorstore.Transaction() as transaction:
        for box in boxes(LABELS.shape, CHUNK):
            z, y, x = (a // c for a, c in zip(box.start, CHUNK, strict=True))
            # 2 x 2 x 3 chunks along X Y Z: one bit of X, one of Y, two of Z
            number = x | y << 1 | (z & 1) << 2 | (z >> 1) << 3
            store.with_transaction(transaction)[number.to_bytes(8, "big")] = stream(
                LABELS[box.slices], encoding
            )
    volume = open_volume(tmp_path)
    assert (volume.voxel_size_nm, volume.origin_nm) == (SIZE, (-120, 2048, 1024))
    np.testing.assert_array_equal(volume.read(volume.box), LABELS)


def test_a_source_without_any_chunk_is_an_error_that_says_so(tmp_path: Path) -> None:
    info(tmp_path, "raw")
    (tmp_path / "4_4_40").mkdir()
    disk.put(tmp_path / "4_4_40" / ".DS_Store", b"x")
    with pytest.raises(DataError, match=r"None of the chunks of .*4_4_40 is there \(.*256-289_512"):
        open_volume(tmp_path)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    made = Server(tmp_path)
    yield made
    made.stop()


def of_tensorstore(path: Path, size: list[int], kind: str, *, sharded: bool = False) -> Any:  # noqa: ANN401
    """A volume without chunks, and what writes them."""
    scale = {"size": size, "resolution": [4, 4, 40], "chunk_size": [4, 4, 4], "encoding": "raw",
             **({"sharding": SHARDING} if sharded else {})}  # fmt: skip
    spec = {
        "driver": "neuroglancer_precomputed", "kvstore": f"file://{path}/",
        "multiscale_metadata": {"type": kind, "data_type": "uint8", "num_channels": 1},
        "scale_metadata": scale,
    }  # fmt: skip
    return tensorstore.open(spec, create=True).result()


@pytest.mark.parametrize("is_remote", [False, True])
@pytest.mark.parametrize("sharded", [False, True])
@pytest.mark.parametrize("kind", ["image", "segmentation"])
def test_no_chunk_at_all_is_an_error_wherever_it_lies(
    kind: str, sharded: bool, is_remote: bool, tmp_path: Path, server: Server
) -> None:
    store = of_tensorstore(tmp_path / "v", [16, 12, 8], kind, sharded=sharded)
    source = f"{server.url}/v" if is_remote else tmp_path / "v"
    with pytest.raises(DataError, match=r"None of the chunks of .*4_4_40 is there \(.*0-4_0-4_0-4"):
        open_volume(source)
    store[12:, 8:, 4:].write(7).result()  # the last chunk
    volume = open_volume(source)
    assert volume.read(volume.box)[4:, 8:, 12:].tolist() == np.full((4, 4, 4), 7).tolist()
    assert volume.read(volume.box).sum() == 7 * 64


def test_some_chunks_of_a_server_stand_for_many(
    tmp_path: Path, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """16 x 16 x 16 chunks: an image without any is an error, labels without any are noted."""
    monkeypatch.setattr(precomputed_format, "_MOST_LOOKED", 32)
    for kind in ("image", "segmentation"):
        of_tensorstore(tmp_path / kind, [64, 64, 64], kind)
    with pytest.raises(DataError, match="None of the 32 looked at, of 4,096 chunks of"):
        open_volume(f"{server.url}/image")
    volume = open_volume(f"{server.url}/segmentation")
    assert "None of the 32 chunks that were looked at, of 4,096, is there" in volume.notes[0]
    store = of_tensorstore(tmp_path / "some", [64, 64, 64], "image")
    store[32:64, 32:64, 32:64].write(7).result()  # 1 in 8
    assert open_volume(f"{server.url}/some").notes == ()


def test_a_chunk_of_a_server_that_is_not_the_first_tells_how_chunks_are_packed(
    tmp_path: Path, server: Server
) -> None:
    info(tmp_path / "v", "raw")
    last = list(boxes(LABELS.shape, CHUNK))[-1]
    packed = gzip.compress(stream(LABELS[last.slices], "raw"))
    disk.put(tmp_path / "v" / "4_4_40" / f"{name_of(last)}.gz", packed)
    volume = open_volume(f"{server.url}/v")
    np.testing.assert_array_equal(volume.read(last), LABELS[last.slices])


def test_places_that_are_looked_at_are_spread_evenly() -> None:
    chosen = stored.spread((100, 200, 50), (3, 7, 2), 256)
    assert len(set(chosen)) > 250
    assert set(chosen) <= set(boxes((100, 200, 50), (3, 7, 2)))
    for axis, length in enumerate((100, 200, 50)):
        quarters = np.histogram([box.start[axis] for box in chosen], 4, (0, length))[0]
        assert quarters.min() > 50
    assert stored.spread((4, 4, 4), (2, 2, 2), 8) == list(boxes((4, 4, 4), (2, 2, 2)))


@pytest.mark.parametrize(
    "key",
    ["../other", "/etc", "file:///etc", "a/../../b", "https://example.org/x", "..", "a\\b", ""],
)
def test_keys_that_leave_the_source_are_refused(key: str, tmp_path: Path) -> None:
    info(tmp_path, "raw", key=key)
    with pytest.raises(DataError, match=r"outside the volume|is not allowed"):
        open_volume(tmp_path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"chunk_sizes": [[2**20, 2**20, 2**20]]}, "above the limit"),
        ({"chunk_sizes": [[0, 4, 4]]}, "lengths below 1"),
        ({"chunk_sizes": []}, "is not as precomputed"),
        ({"size": [1.5, 2, 3]}, "no whole number"),
        ({"encoding": "x264"}, "in the encoding 'x264'; read are .* compresso, crackle"),
        ({"sharding": [1]}, "'sharding' is no JSON object"),
        ({"resolution": [4, 4]}, "3 finite numbers"),
    ],
)
def test_damaged_info(change: dict[str, Any], message: str, tmp_path: Path) -> None:
    info(tmp_path, **{"encoding": "raw", **change})
    disk.put(tmp_path / "4_4_40" / "256-289_512-552_-3--1", b"x")
    with pytest.raises(DataError, match=message):
        open_volume(tmp_path)


def test_chunks_on_a_server(tmp_path: Path, server: Server) -> None:
    info(tmp_path / "v", "crackle")
    for box in boxes(LABELS.shape, CHUNK):
        content = gzip.compress(stream(LABELS[box.slices], "crackle"))
        disk.put(tmp_path / "v" / "4_4_40" / f"{name_of(box)}.gz", content)
    volume = open_volume(f"{server.url}/v")
    np.testing.assert_array_equal(volume.read(volume.box), LABELS)


# writing


@pytest.mark.parametrize("dtype", ["uint8", "uint32", "uint64"])
def test_what_is_written_is_what_tensorstore_reads(dtype: str, tmp_path: Path) -> None:
    labels = (LABELS % 251).astype(dtype)
    layout = Layout(labels.shape, labels.dtype, SIZE, (-120, 2048, 1024))  # type: ignore[arg-type]
    writer = create_volume(tmp_path / "a", layout, "precomputed")
    for box in boxes(labels.shape, (64, 64, 64)):  # type: ignore[arg-type]
        writer.write(box, labels[box.slices])
    writer.finish()
    spec = {"driver": "neuroglancer_precomputed", "kvstore": f"file://{tmp_path}/a/"}
    array = tensorstore.open(spec).result()
    assert array.domain.inclusive_min[:3] == (256, 512, -3)
    np.testing.assert_array_equal(array[..., 0].read().result().T, labels)
    scale = json.loads((tmp_path / "a" / "info").read_text())["scales"][0]
    assert (scale["resolution"], scale["voxel_offset"]) == ([4, 4, 40], [256, 512, -3])
    names = {path.name for path in (tmp_path / "a" / scale["key"]).iterdir()}
    assert names == {"256-320_512-576_-3-2", "320-322_512-576_-3-2",
                     "256-320_576-582_-3-2", "320-322_576-582_-3-2"}  # fmt: skip


def test_what_cannot_be_written(tmp_path: Path) -> None:
    shape, u4 = (1, 2, 3), np.dtype("u4")
    with pytest.raises(
        ConfigError, match=r"must state its voxel size.*input.voxel_size_nm=\[z,y,x\]"
    ):
        create_volume(tmp_path / "a", Layout(shape, u4, None), "precomputed")
    with pytest.raises(ConfigError, match=r"whole number of voxels.*another input.origin_nm"):
        create_volume(tmp_path / "a", Layout(shape, u4, SIZE, (0, 2, 0)), "precomputed")
    with pytest.raises(DataError, match="unsigned, got int32"):
        create_volume(tmp_path / "a", Layout(shape, np.dtype("i4"), SIZE), "precomputed")


def test_labels_of_emqs_are_no_longer_called_gz(tmp_path: Path) -> None:
    path = written(tmp_path / "a", "precomputed", LABELS)
    assert not list(path.rglob("*.gz"))
