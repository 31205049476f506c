"""What is done with label volumes: converted, resumed, verified, asked, measured."""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import crackle
import numpy as np
import pytest
from support.label_volumes import CODEC, SIZE, blocky, opened

from emqs.codecs import CODECS, COMPRESSORS, get_codec
from emqs.datasets.synthetic.segmentation import segmentation
from emqs.errors import ConfigError, DataError
from emqs.figures import bars
from emqs.labels import benchmark, benchmark_tables, questions, recommend, verify
from emqs.labels.convert import Conversion, Converted, Step, convert
from emqs.labels.region import part_of
from emqs.volumes import Box, Volume
from emqs.volumes.volume import Reader

TOP = Path(__file__).parents[2]
OPTIONS = {"codec": CODEC, "levels": 1}


@pytest.fixture
def source(tmp_path: Path) -> Path:
    np.save(tmp_path / "source.npy", blocky())
    return tmp_path / "source.npy"


class Killed(BaseException):
    """Stands for a process that ends at once."""


def converted(
    source: Path,
    target: Path,
    name: str = "zarr",
    step: Step = lambda _stage, _done, _total: None,
    **how: Any,  # noqa: ANN401 (as Conversion takes it)
) -> Converted:
    with opened(source, voxel_size_nm=SIZE) as volume:
        how = {"options": OPTIONS, "memory_bytes": 9000} | how
        return convert(volume, target, Conversion(name, **how), step=step)


class Watched:
    """Reads as another reader does, and notes the boxes."""

    def __init__(self, reader: Reader, read: list[Box]) -> None:
        self._reader, self._boxes = reader, read

    def read(self, box: Box) -> np.ndarray:
        self._boxes.append(box)
        return self._reader.read(box)


def watched(volume: Volume, read: list[Box]) -> Volume:
    return replace(volume, reader=Watched(volume.reader, read))


def dies_after(n_boxes: int) -> Step:
    def step(stage: str, done: int, _total: int) -> None:
        if stage == "copying" and done == n_boxes:
            raise Killed

    return step


# convert


@pytest.mark.parametrize("name", ["zarr", "npy", "hdf5", "tiff", "crackle", "n5", "precomputed"])
def test_a_volume_is_copied_whole(name: str, source: Path, tmp_path: Path) -> None:
    before = source.read_bytes()
    done = converted(source, tmp_path / "target", name, options=OPTIONS)
    assert done.verified
    assert done.n_resumed == 0
    assert done.n_bytes == sum(
        p.stat().st_size for p in [tmp_path / "target", *(tmp_path / "target").rglob("*")]
        if p.is_file()
    )  # fmt: skip
    with opened(tmp_path / "target", format=name) as volume:
        assert np.array_equal(volume.read(volume.box), blocky())
    assert source.read_bytes() == before
    assert sorted(p.name for p in tmp_path.iterdir()) == ["source.npy", "target"]


@pytest.mark.parametrize("name", ["zarr", "npy", "n5", "precomputed"])
def test_an_interrupted_conversion_goes_on(name: str, source: Path, tmp_path: Path) -> None:
    target = tmp_path / "target"
    with opened(source, voxel_size_nm=SIZE) as volume, pytest.raises(Killed):
        convert(volume, target, Conversion(name, options=OPTIONS, memory_bytes=9000),
                step=dies_after(2))  # fmt: skip
    assert not target.exists()
    read: list[Box] = []
    with opened(source, voxel_size_nm=SIZE) as volume:
        done = convert(
            watched(volume, read),
            target,
            Conversion(name, options=OPTIONS, memory_bytes=9000, verify=False),
        )
    assert done.n_resumed == 2
    assert len(read) == done.n_boxes >= 1
    with opened(target, format=name) as volume:
        assert np.array_equal(volume.read(volume.box), blocky())
    assert sorted(p.name for p in tmp_path.iterdir()) == ["source.npy", "target"]


@pytest.mark.slow
def test_kill_minus_nine_leaves_nothing_under_the_name(source: Path, tmp_path: Path) -> None:
    """A real process, really killed."""
    program = (
        "import json, sys, time\n"
        "from pathlib import Path\n"
        "from emqs.volumes.axes import Request\n"
        "from emqs.volumes.opening import open_request\n"
        "from emqs.labels.convert import Conversion, convert\n"
        "request = Request(labels=True, voxel_size_nm=(40.0, 8.0, 4.0))\n"
        "with open_request(sys.argv[1], request) as volume:\n"
        "    how = Conversion('zarr', options=json.loads(sys.argv[3]), memory_bytes=9000)\n"
        "    convert(volume, Path(sys.argv[2]), how, step=lambda *a: time.sleep(0.1))\n"
    )
    target, journal = tmp_path / "t.zarr", tmp_path / ".t.zarr.partial" / "journal.jsonl"
    process = subprocess.Popen(
        [sys.executable, "-c", program, str(source), str(target), json.dumps(OPTIONS)], cwd=TOP
    )
    end = time.monotonic() + 60
    while not (journal.is_file() and journal.read_text().count("box") >= 2):
        assert process.poll() is None
        assert time.monotonic() < end
        time.sleep(0.02)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert not target.exists()
    (tmp_path / ".t.zarr.partial" / "t.zarr" / "0" / "c.123.partial").write_bytes(b"half")
    done = converted(source, target)
    assert done.n_resumed >= 2
    with opened(target) as volume:
        assert np.array_equal(volume.read(volume.box), blocky())
    assert list(target.rglob("*.partial")) == []


def test_other_settings_do_not_go_on(source: Path, tmp_path: Path) -> None:
    target = tmp_path / "target.zarr"
    with pytest.raises(Killed):
        converted(source, target, step=dies_after(2))
    with pytest.raises(ConfigError, match=r"output\.memory_mb"):
        converted(source, target, memory_bytes=20_000)
    np.save(source, blocky(seed=1))
    with pytest.raises(ConfigError, match="source that has changed"):
        converted(source, target)
    assert converted(source, target, restart=True).n_resumed == 0
    with opened(target) as volume:
        assert np.array_equal(volume.read(volume.box), blocky(seed=1))


def test_two_at_once_are_refused(source: Path, tmp_path: Path) -> None:
    def again(*_: object) -> None:
        with pytest.raises(DataError, match="by another process"):
            converted(source, tmp_path / "t.zarr")

    converted(source, tmp_path / "t.zarr", step=again)


def test_a_source_that_changes_meanwhile_is_noticed(source: Path, tmp_path: Path) -> None:
    changed = np.load(source, mmap_mode="r+")

    def change(stage: str, done: int, total: int) -> None:
        if stage == "copying" and done == total:
            changed[2, 50, 50] += 1
            changed.flush()

    with pytest.raises(DataError, match=r"does not hold the labels .* at z [0-2]:\d"):
        converted(source, tmp_path / "t.zarr", step=change)
    assert not (tmp_path / "t.zarr").exists()


@pytest.mark.slow
@pytest.mark.parametrize("name", ["zarr", "npy", "hdf5", "n5", "precomputed", "tiff", "crackle"])
def test_no_room_is_told_and_what_is_done_is_gone_on_with(
    name: str, source: Path, tmp_path: Path
) -> None:
    """No file may be longer than so many bytes: the system's error, as of a full disk."""
    target = tmp_path / "target"
    limit = {"npy": 30_000, "hdf5": 3000, "n5": 150, "precomputed": 150}.get(name, 200)
    program = (
        "import json, resource, sys\n"
        "sys.dont_write_bytecode = True\n"  # Python would leave the half of a file and read it
        "from pathlib import Path\n"
        "from emqs.errors import DataError\n"
        "from emqs.volumes.axes import Request\n"
        "from emqs.volumes.opening import open_request\n"
        "from emqs.labels.convert import Conversion, convert\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[4]),) * 2)\n"
        "try:\n"
        "    request = Request(labels=True, voxel_size_nm=(40.0, 8.0, 4.0))\n"
        "    with open_request(sys.argv[1], request) as volume:\n"
        "        options = json.loads(sys.argv[5])\n"
        "        how = Conversion(sys.argv[3], options=options, memory_bytes=9000)\n"
        "        convert(volume, Path(sys.argv[2]), how)\n"
        "except DataError as error:\n"
        "    sys.exit(str(error))\n"
    )
    line = [sys.executable, "-c", program, source, target, name, str(limit), json.dumps(OPTIONS)]
    found = subprocess.run(line, cwd=TOP, capture_output=True, text=True)
    assert found.returncode == 1, found.stderr
    assert found.stderr == (
        f"{target} cannot be written: File too large. Free space and run the same command again.\n"
    )
    assert not target.exists()
    converted(source, target, name)
    with opened(target, format=name) as volume:
        assert np.array_equal(volume.read(volume.box), blocky())


def test_targets_that_cannot_be(source: Path, tmp_path: Path) -> None:
    (tmp_path / "there.zarr").mkdir()
    with pytest.raises(DataError, match="never overwritten"):
        converted(source, tmp_path / "there.zarr")
    with pytest.raises(DataError, match="does not exist"):
        converted(source, tmp_path / "no" / "t.zarr")
    np.save(source, blocky() + np.uint32(300))
    with pytest.raises(DataError, match=r"label \d+ at z 0:.* does not fit uint8"):
        converted(source, tmp_path / "t.npy", "npy", dtype=np.dtype("u1"))
    with pytest.raises(DataError, match=r"png: a PNG holds") as error:
        converted(source, tmp_path / "t.png", "png")
    assert ".partial" not in str(error.value)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["source.npy", "there.zarr"]


@pytest.mark.slow
def test_memory_stays_within_a_few_chunks(tmp_path: Path) -> None:
    """The largest box that is asked for, of a volume many times as large."""
    read: list[Box] = []
    np.save(tmp_path / "v.npy", np.tile(blocky(), (8, 1, 2)))
    with opened(tmp_path / "v.npy") as volume:
        how = Conversion("zarr", options=OPTIONS, memory_bytes=50_000)
        convert(watched(volume, read), tmp_path / "v.zarr", how)
    asked = [box.size * blocky().itemsize for box in read]
    assert max(asked) <= 50_000
    assert sum(asked) == 2 * 8 * 2 * blocky().nbytes  # once to copy, once to compare


def test_a_region(source: Path) -> None:
    with opened(source, voxel_size_nm=(40, 8, 8), origin_nm=(100, 0, -7)) as volume:
        part = part_of(volume, [[1, 4], [30, 60], [5, 66]])
        assert np.array_equal(part.read(part.box), blocky()[1:4, 30:60, 5:66])
        assert part.voxel_size_nm == (40, 8, 8)
        assert part.origin_nm == (100 + 1 * 40, 30 * 8, 5 * 8 - 7)  # it lies where it lay
        with pytest.raises(ConfigError, match="reaches to y=71"):
            part_of(volume, [[0, 1], [0, 71], [0, 1]])


# verify and query


def test_verify_names_every_bad_chunk(source: Path, tmp_path: Path) -> None:
    target = tmp_path / "t.zarr"
    converted(source, target, options={"codec": CODEC, "levels": 2})
    with opened(target) as volume:
        assert verify.verify(volume).bad == {}
    (target / "0/c/1/1/1").unlink()
    for place in ("0/c/2/2/1", "1/c/0/1/0"):
        file = target / place
        file.write_bytes(file.read_bytes()[:-1] + b"\x55")
    with opened(target) as volume:
        found = verify.verify(volume)
    names = [str(Path(place).relative_to(target)) for place in found.bad]
    assert sorted(names) == ["0/c/1/1/1", "0/c/2/2/1", "1/c/0/1/0"]
    assert found.checksum == "its CRC-32C"
    assert found.n_blocks > len(found.bad)


@pytest.mark.parametrize("name", ["zarr", "npy", "crackle", "precomputed"])
def test_questions_have_the_answers_of_numpy(name: str, source: Path, tmp_path: Path) -> None:
    labels = blocky()
    converted(source, tmp_path / "t", name)
    with opened(tmp_path / "t", format=name) as volume:
        listed = questions.labels(volume)
        assert listed.labels is not None
        assert listed.labels.tolist() == np.unique(labels).tolist()
        for label in (*np.unique(labels)[[0, 1, 50, -1]].tolist(), 100_000, -1, 2**63):
            places = np.argwhere(labels == label)
            measured = questions.measure(volume, label)
            assert measured.n_voxels == len(places)
            assert questions.measure(volume, label, box=False).n_voxels == len(places)
            where = questions.where(volume, label)
            assert bool(where.blocks) == bool(len(places))
            for box in where.blocks or ():
                assert (labels[box.slices] == label).any()
            if len(places):
                assert measured.box is not None
                assert list(measured.box.start) == places.min(axis=0).tolist()
                assert list(measured.box.stop) == (places.max(axis=0) + 1).tolist()
                mask = questions.mask_of(volume, label, measured.box)
                assert np.array_equal(mask.read(mask.box), labels[measured.box.slices] == label)
            else:
                assert measured.box is None


def test_a_crackle_stream_of_pins_is_asked_as_well(tmp_path: Path) -> None:
    """Its table does not say which slices hold a label, so slices are decoded."""
    labels = segmentation(6, 20, 24, n_objects=9, seed=0)
    path = tmp_path / "v.ckl"
    path.write_bytes(crackle.compress(np.asfortranarray(labels.T), allow_pins=1))
    assert crackle.header(path.read_bytes()).label_format != 0
    with opened(path) as volume:
        listed = questions.labels(volume)
        assert listed.labels is not None
        assert listed.labels.tolist() == np.unique(labels).tolist()
        assert listed.n_decoded == 6
        assert questions.measure(volume, 3).n_voxels == np.count_nonzero(labels == 3)


def test_an_index_is_asked_before_anything_is_decoded(source: Path, tmp_path: Path) -> None:
    converted(source, tmp_path / "t.zarr")
    with opened(tmp_path / "t.zarr") as volume:

        class Undecoded:
            def read(self, box: Box) -> np.ndarray:
                raise AssertionError(f"{box} was decoded")

        volume = replace(volume, reader=Undecoded())
        label = int(blocky()[4, 60, 60])
        assert questions.labels(volume).n_decoded == 0
        assert questions.where(volume, label).n_decoded == 0
        count = questions.measure(volume, label, box=False)
        assert count.n_decoded == 0
        assert count.n_voxels == np.count_nonzero(blocky() == label)


# bench and recommend


def test_sizes_are_those_of_the_streams() -> None:
    volume = segmentation(4, 64, 64, n_objects=20)
    steps: list[str] = []
    found, left_out = benchmark.measure(
        volume, ["none", "crackle"], ["none", "lzma"], runs=2, slow_bytes=10**9, step=steps.append
    )
    assert left_out == {}
    assert len(steps) == 8
    for result in found:
        stream = get_codec(f"{result.encoding}+{result.compressor}").encode(volume)
        assert result.compressed_bytes == len(stream)
        entry = benchmark.record(result)
        assert entry["ratio"] == pytest.approx(volume.nbytes / len(stream))
        assert entry["bits_per_voxel"] == pytest.approx(8 * len(stream) / volume.size)
        assert entry["runs"] == 2


def test_what_a_grid_leaves_out_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    volume = segmentation(2, 32, 32, n_objects=5).astype(np.uint64).astype(np.uint16)
    found, left_out = benchmark.measure(
        volume, ["none", "compressed_segmentation"], ["none", "lzw"], runs=1, slow_bytes=10
    )
    assert [result.name for result in found] == ["none+none"]
    assert "compressed_segmentation holds uint32 and uint64" in left_out["compressed_segmentation"]
    assert "too slow" in left_out["none+lzw"]

    class Lossy:
        name = "lossy"

        def encode(self, labels: np.ndarray) -> bytes:
            return get_codec("none").encode(labels)

        def decode(self, stream: bytes) -> np.ndarray:
            return get_codec("none").decode(stream) // 2

    monkeypatch.setitem(CODECS, "none", Lossy)  # type: ignore[arg-type]
    monkeypatch.setattr(benchmark, "get_codec", lambda name: Lossy() if name == "none" else None)
    monkeypatch.setattr(Lossy, "encode", lambda self, labels: labels.tobytes())
    monkeypatch.setattr(
        Lossy, "decode", lambda self, s: np.frombuffer(s, "u2").reshape(2, 32, 32) // 2
    )
    with pytest.raises(DataError, match="not lossless"):
        benchmark.measure(volume, ["none"], ["none"], runs=1, slow_bytes=10)


def test_speeds_by_hand() -> None:
    assert benchmark.speeds(10, [1.0, 2.0, 5.0]) == {
        "median": 5.0, "min": 2.0, "max": 10.0, "mean": pytest.approx(17 / 3),
        "stddev": pytest.approx(4.0414518),
    }  # fmt: skip


def test_every_encoding_and_compressor_is_in_the_grid() -> None:
    assert sorted(benchmark.all_encodings()) == sorted(CODECS)
    assert sorted(benchmark.all_compressors()) == sorted(COMPRESSORS)
    assert len(bars.LOOKS) >= len(CODECS)
    assert len(set(bars.LOOKS)) == len(bars.LOOKS)


def measured(what: str = "one", factor: float = 1.0) -> dict[str, Any]:
    entries = []
    for encoding, compressor, n_bytes in (("none", "lzma", 50), ("crackle", "none", 10)):
        result = benchmark.Result(encoding, compressor, 1000, 4000, 1, int(n_bytes * factor))
        for part in ("encode_s", "compress_s", "decompress_s", "decode_s"):
            setattr(result, part, [0.5, 0.25])
        entries.append(benchmark.record(result))
    volume = {"what": what, "shape": [1, 10, 100], "dtype": "uint32", "n_labels": 3}
    return {"volume": volume, "results": entries, "left_out": {}}


def test_tables_and_chart_say_what_was_measured(tmp_path: Path) -> None:
    benchmark_tables.write([measured(), measured("two", 2)], tmp_path)
    assert "| one | none | lzma | 50 | 80.0 |" in (tmp_path / "results.md").read_text()
    assert "80.0" in (tmp_path / "results.tex").read_text()
    assert "total_comp_speed_median" in (tmp_path / "results.csv").read_text()
    figure = benchmark_tables.chart([measured(), measured("two", 2)])
    (axes,) = figure.axes
    heights = {
        box.get_label(): [bar.get_height() for bar in box]  # type: ignore[attr-defined]
        for box in axes.containers
    }
    assert heights["crackle"][1] == pytest.approx((400 + 200) / 2)  # none comes last
    assert heights["none"][0] == pytest.approx((80 + 40) / 2)
    assert [t.get_text() for t in axes.get_xticklabels()] == ["lzma", "none"]
    assert (tmp_path / "ratios.png").read_bytes()[:4] == b"\x89PNG"
    json.dumps(measured())


def test_many_bars_stand_in_two_rows() -> None:
    groups = {f"c{k}": {f"e{j}": float(j + 1) for j in range(8)} for k in range(9)}
    figure = bars.grouped(
        groups, series=[f"e{j}" for j in range(8)], title="", ylabel="", xlabel=""
    )
    assert len(figure.axes) == 2
    assert [len(axes.get_xticks()) for axes in figure.axes] == [5, 4]
    with pytest.raises(DataError, match="no bars"):
        bars.grouped({}, series=[], title="", ylabel="", xlabel="")


def test_a_recommendation_is_the_best_that_was_tried(source: Path) -> None:
    with opened(source) as volume:
        parts = recommend.sample(volume, (2, 32, 33), 3, 0)
    assert len(parts) == 3
    assert all(part.min() != part.max() for part in parts)
    tried = recommend.try_all(parts, runs=1)
    assert {one.option for one in tried} == set(recommend.CANDIDATES)
    for one in tried:
        name, settings = recommend.CANDIDATES[one.option]
        assert one.n_bytes == sum(len(get_codec(name, **settings).encode(p)) for p in parts)
    tried[0].read_s, tried[1].read_s, tried[2].read_s = [1.0], [1e-6], [1.0]
    chosen = recommend.choose(tried)
    in_zarr = tried[:3]
    assert chosen["smallest Zarr"].n_bytes == min(one.n_bytes for one in in_zarr)
    assert chosen["fastest Zarr to read"] is tried[1]
    assert chosen["for viewers (Neuroglancer)"].option == recommend.VIEWER


# the synthetic sample


def test_the_sample_is_a_dense_segmentation() -> None:
    volume = segmentation(6, 60, 70, n_objects=30, seed=3)
    assert volume.shape == (6, 60, 70)
    assert volume.dtype == np.uint32
    assert volume.min() > 0
    assert 15 <= len(np.unique(volume)) <= 30
    same = (volume[:, :, 1:] == volume[:, :, :-1]).mean()
    assert same > 0.9  # areas, not noise
    assert np.array_equal(volume, segmentation(6, 60, 70, n_objects=30, seed=3))
    assert not np.array_equal(volume, segmentation(6, 60, 70, n_objects=30, seed=4))
    with pytest.raises(ConfigError, match="at least one"):
        segmentation(0, 1, 1)
