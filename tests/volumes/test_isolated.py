"""Streams that crash a library: the process that reads them ends alone, and the chunk is named."""

import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import asdict, fields
from pathlib import Path

import crackle
import numpy as np
import pytest
from support.label_volumes import blocky, box_of, contained, opened, written

from emqs.codecs import crackle_stream, get_codec
from emqs.codecs.compressed_segmentation import check_stream
from emqs.codecs.crackle import Crackle
from emqs.codecs.isolated import Child, EndedError, get_isolated
from emqs.datasets.synthetic.segmentation import segmentation
from emqs.errors import CodecError, ConfigError, DataError
from emqs.labels import questions, verify
from emqs.volumes import Box, Volume
from emqs.volumes.axes import Request
from emqs.volumes.isolated import IsolatedReader
from emqs.volumes.label_answers import answers_of

#: A reader that ends its process at the slices from 2 on, as a library may.
CRASHING = """
import os
from emqs.volumes import isolated

class Served(isolated.Served):
    def of_box(self, what, box):
        if what == "read" and box.stop[0] > 2:
            os.abort()
        return super().of_box(what, box)

    def answer(self, request, content):
        if request["what"] == "fault" and request["number"] == 3:
            os.abort()
        return super().answer(request, content)

isolated.Served = Served
reader = isolated.reader
"""


def mutated(stream: bytes, rng: np.random.Generator) -> bytes:
    """A stream with some bytes changed, some of them near its beginning."""
    changed = bytearray(stream)
    for _ in range(rng.integers(1, 5)):
        reach = len(stream) if rng.random() < 0.5 else min(len(stream), 150)
        changed[rng.integers(reach)] = rng.choice([0, 1, 127, 128, 255, rng.integers(256)])
    return bytes(changed)


# the process


@pytest.mark.slow
def test_a_process_that_ends_is_an_error_and_is_started_again() -> None:
    with Child("os:abort") as child:
        for _ in range(2):
            with pytest.raises(EndedError, match="SIGABRT"):
                child.ask({})
    with Child("os:_exit", status=3) as child, pytest.raises(EndedError, match="exit code 3"):
        child.ask({})


def test_errors_come_back_as_they_were_raised() -> None:
    unknown = Child("emqs.codecs.isolated:decoder", name="rar", options={})
    with unknown as child, pytest.raises(CodecError, match="There is no codec 'rar'"):
        child.ask({"what": "decode"})
    with Child("emqs.codecs.isolated:decoder", name="none", options={}) as child:
        with pytest.raises(RuntimeError, match="KeyError: 'what'"):
            child.ask({})
        with pytest.raises(CodecError, match=r"^none: the stream is truncated"):
            child.ask({"what": "decode"}, b"EMQL")


def test_every_thread_gets_the_answer_to_what_it_asked() -> None:
    codec = get_isolated("none")
    volumes = [np.full((1, n, 50), n, np.uint16) for n in range(1, 65)]
    streams = [codec.encode(labels) for labels in volumes]
    with ThreadPoolExecutor(16) as pool:
        for _ in range(3):
            for labels, decoded in zip(volumes, pool.map(codec.decode, streams), strict=True):
                assert np.array_equal(labels, decoded)
    codec.close()


def test_closing_ends_what_a_thread_waits_for() -> None:
    child = Child("time:sleep", secs=60)
    with ThreadPoolExecutor(1) as pool:
        waits = pool.submit(child.ask, {})
        while child._process is None:
            time.sleep(0.01)
        child.close()
        with pytest.raises(EndedError, match="SIGKILL"):
            waits.result(timeout=20)


def test_what_a_library_prints_is_no_answer() -> None:
    with Child("builtins:print", sep="") as child, pytest.raises(RuntimeError, match="NoneType"):
        child.ask({})


# codecs


def test_a_contained_codec_gives_what_the_codec_gives() -> None:
    labels = segmentation(4, 30, 40, n_objects=9, seed=0)
    codec = get_isolated("compresso+zstd", window=(1, 8, 8), level=1)
    stream = codec.encode(labels)
    assert codec.name == "compresso+zstd"
    assert np.array_equal(codec.decode(stream), labels)
    assert np.array_equal(codec.labels(stream), np.unique(labels))
    assert codec.describe(stream) == get_codec("compresso+zstd").describe(stream)
    with pytest.raises(CodecError, match="damaged"):
        codec.decode(stream[:-1])


def test_forged_streams_of_compresso_end_only_the_process_that_reads_them() -> None:
    """A right checksum around wrong windows: about one in seven crashes the library."""
    plain, rng = get_codec("compresso"), np.random.default_rng(0)
    codec = get_isolated("compresso")
    labels = segmentation(4, 30, 40, n_objects=9, seed=0)
    stream = plain.encode(labels)
    payload, description = plain.unwrap(stream), plain.describe(stream)  # type: ignore[attr-defined]
    for _ in range(40):
        forged = plain._frame(mutated(payload, rng), description)  # type: ignore[attr-defined]
        with suppress(CodecError):
            assert codec.decode(forged).shape == labels.shape
    assert np.array_equal(codec.decode(stream), labels)
    codec.close()


# readers


def crashing(path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Volume:
    """A volume in another process, whose later slices crash."""
    (folder / "crashing.py").write_text(CRASHING)
    monkeypatch.setattr(sys, "path", [str(folder), *sys.path])
    volume = contained(path)
    assert isinstance(volume.reader, IsolatedReader)
    volume.close()
    volume.reader.child = Child(
        "crashing:reader", path=str(path), request=asdict(Request(labels=True))
    )
    return volume


@pytest.mark.slow
def test_a_chunk_that_crashes_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = written(tmp_path / "v.zarr", "zarr", blocky())
    with crashing(source, tmp_path, monkeypatch) as volume:
        assert np.array_equal(volume.read(box_of(np.s_[0:2, 0:70, 0:66])), blocky()[:2])
        named = r"0/c/1/0/0: reading it ended the process that did so \(SIGABRT\)"
        with pytest.raises(DataError, match=named):
            volume.read(volume.box)
        found = verify.verify(volume)
        assert found.n_blocks == 18
        (place,) = found.bad
        assert place.endswith("0/c/0/1/1")  # number 3
        assert found.bad[place].startswith("reading it ended the process")
        counts = questions.measure(volume, 0, box=False)  # the index needs no voxels
        assert counts.n_voxels == np.count_nonzero(blocky() == 0)


@pytest.mark.parametrize(
    "dtype", ["uint32", *(pytest.param(one, marks=pytest.mark.slow) for one in ("int16", "bool"))]
)
def test_a_volume_in_another_process_is_the_volume(dtype: str, tmp_path: Path) -> None:
    labels = blocky() - 3 if dtype == "int16" else blocky()
    labels = labels.astype(dtype)
    path = written(tmp_path / "v.zarr", "zarr", labels)
    with opened(path) as plain, contained(path) as isolated:
        assert type(isolated.reader) is IsolatedReader
        for field in fields(Volume):
            if field.name not in ("reader", "labels"):
                assert getattr(isolated, field.name) == getattr(plain, field.name), field.name
        assert answers_of(isolated).checksum == answers_of(plain).checksum
        assert np.array_equal(isolated.read(isolated.box), labels)
        for box in plain.blocks():
            assert_same_answers(isolated, plain, box)
        steps: list[tuple[int, int]] = []
        assert verify.verify(isolated, step=lambda _, *at: steps.append(at)).bad == {}
        assert steps == [(n, 18) for n in range(1, 19)]


def assert_same_answers(isolated: Volume, plain: Volume, box: Box) -> None:
    first, second = answers_of(isolated), answers_of(plain)
    assert first.place(box) == second.place(box)
    assert first.missing(box) == second.missing(box)
    for mine, other in (
        (first.block_counts(box), second.block_counts(box)),
        ((first.block_labels(box),), (second.block_labels(box),)),
    ):
        assert mine is not None
        assert other is not None
        for one, two in zip(mine, other, strict=True):
            assert one is not None
            assert two is not None
            assert one.dtype == two.dtype
            assert np.array_equal(one, two)


@pytest.mark.slow
def test_mistakes_are_those_of_the_reader(tmp_path: Path) -> None:
    path = written(tmp_path / "v.zarr", "zarr", blocky())
    with pytest.raises(ConfigError, match="level=7 is out of range"):
        contained(path, level="7")
    with pytest.raises(DataError, match="There is no volume"):
        contained(tmp_path / "no.zarr")
    (path / "0" / "c" / "1" / "0" / "0").write_bytes(b"EMQZ")
    with contained(path) as volume, pytest.raises(DataError, match="truncated: 4 bytes"):
        volume.read(volume.box)


# what is checked before a library is called


def literal(stream: bytes, shape: tuple[int, int, int], wide: int) -> None:
    """Look up every voxel of a chunk as the format's specification says."""
    words = np.frombuffer(stream, "<u4").tolist()
    grid = [-(-side // 8) for side in shape]
    start = words[0]
    for z, y, x in np.ndindex(*shape):
        block = (z // 8 * grid[1] + y // 8) * grid[2] + x // 8
        head, values = words[start + 2 * block], words[start + 2 * block + 1]
        bits, number = head >> 24, 0
        if bits:
            inside = (z % 8 * 8 + y % 8) * 8 + x % 8
            word = words[start + values + inside * bits // 32]
            number = word >> inside * bits % 32 & ((1 << bits) - 1)
        words[start + (head & 0xFFFFFF) + wide * number + wide - 1]


@pytest.mark.parametrize("dtype", ["uint32", "uint64"])
def test_a_stream_that_points_outside_is_refused(dtype: str) -> None:
    """Whatever a literal reader cannot look up; the stream as it was written is taken."""
    shape, kind, rng = (5, 11, 9), np.dtype(dtype), np.random.default_rng(0)
    labels = rng.integers(0, 5, shape).astype(kind)
    labels[:, 8:] = rng.integers(0, 300, (5, 3, 9))
    stream = get_codec("compressed_segmentation").encode(labels)[50 + 4 :]
    check_stream(stream, shape, kind)
    literal(stream, shape, kind.itemsize // 4)
    refused = outside = 0
    for _ in range(400):
        forged = mutated(stream, rng)
        try:
            check_stream(forged, shape, kind)
        except CodecError:
            refused += 1
            continue
        literal(forged, shape, kind.itemsize // 4)
        outside += forged != stream
    assert refused > 100
    assert outside > 20
    for cut in (0, 3, 4, 16, len(stream) - 4):
        with pytest.raises(CodecError, match=r"lies? outside of it"):
            check_stream(stream[:cut], shape, kind)


def test_pins_outside_of_the_volume_are_refused() -> None:
    """What crackle's own reader of pins finds in streams that are let through lies inside."""
    labels = segmentation(6, 20, 24, n_objects=9, seed=0)
    codec, shape = Crackle(pins=True), labels.shape
    stream = bytearray(codec.unwrap(codec.encode(labels)))
    head = crackle_stream.read_head(bytes(stream))
    assert head.label_format == crackle_stream.PINS
    assert crackle_stream.check(bytes(stream), head) is None
    first = crackle_stream.HEADER_BYTES + 4 * (shape[0] + 1)
    refused = 0
    for at in range(first, first + head.label_bytes):
        for value in (0, 1, 250):
            forged = stream.copy()
            forged[at] = value
            try:
                crackle_stream.check(bytes(forged), head)
            except crackle_stream.StreamError:
                refused += 1
                continue
            found, single = crackle.codec.decode_condensed_pins(bytes(forged))
            for pin in (pin for pins in found.values() for pin in pins):
                assert int(pin.index) + int(pin.depth) * shape[1] * shape[2] < labels.size
            n_components = crackle.codec.decode_condensed_pins_components(bytes(forged))
            total = int(n_components["components_per_grid"].sum(dtype=np.int64))
            assert all(int(c) < total for some in single.values() for c in some)
    assert refused > 40


@pytest.mark.parametrize("name", ["crackle", "compresso"])
def test_a_promise_of_long_sections_never_reaches_the_library(name: str) -> None:
    codec = get_codec(name)
    stream = codec.encode(segmentation(4, 30, 40, n_objects=9, seed=0))
    payload = bytearray(codec.unwrap(stream))  # type: ignore[attr-defined]
    if name == "crackle":
        payload[20:28] = (2**60).to_bytes(8, "little")
        payload[28] = crackle.headers.crc8(payload[5:28])
    else:
        payload[15:23] = (2**60).to_bytes(8, "little")
    forged = codec._frame(bytes(payload), codec.describe(stream))  # type: ignore[attr-defined]
    for ask in (codec.decode, codec.labels):
        with pytest.raises(CodecError, match=f"^{name}: the stream contradicts itself"):
            ask(forged)
