"""Label images in OME-Zarr: written in pieces, asked for labels, checked, exported."""

import json
from collections import Counter
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emqs.codecs.chunk import ChunkSettings
from emqs.errors import CodecError, ConfigError, DataError, require
from emqs.volumes.zarr_labels import (
    LabelWriter,
    export_precomputed,
    mode_pool,
    open_labels,
    write_labels,
)

SIZE = (40.0, 16.0, 16.0)


def objects(shape: tuple[int, ...] = (20, 50, 70), dtype: str = "u4", seed: int = 0) -> np.ndarray:
    """Labels of some hundred voxels each: the nearest of random points."""
    rng = np.random.default_rng(seed)
    points = rng.random((12, len(shape))) * shape
    grid = np.stack(np.meshgrid(*map(np.arange, shape), indexing="ij"), -1)
    nearest = ((grid[..., None, :] - points) ** 2).sum(-1).argmin(-1)
    limits = np.iinfo(dtype)
    palette = rng.integers(limits.min, limits.max, 12, dtype=dtype, endpoint=True)
    palette[0] = 0
    return palette[nearest]


class Recorded:
    """Labels that remember which boxes were read, and may fail at one of them."""

    def __init__(self, labels: np.ndarray, fail_at: int = -1) -> None:
        self.shape, self.dtype = labels.shape, labels.dtype
        self.boxes: list[tuple[slice, ...]] = []
        self._labels, self._fail_at = labels, fail_at

    def __getitem__(self, box: tuple[slice, ...]) -> np.ndarray:
        if len(self.boxes) == self._fail_at:
            raise OSError("the disk is gone")
        self.boxes.append(box)
        return self._labels[box]


# ---- pooling --------------------------------------------------------------------------------


def pooled_by_counting(labels: np.ndarray, factors: tuple[int, ...]) -> np.ndarray:
    """The most common voxel of every block, by counting them; the first of equals."""
    shape = [-(-side // factor) for side, factor in zip(labels.shape, factors, strict=True)]
    found = np.empty(shape, labels.dtype)
    for corner in product(*map(range, shape)):
        block = labels[
            tuple(slice(k * f, (k + 1) * f) for k, f in zip(corner, factors, strict=True))
        ]
        found[corner] = Counter(block.ravel().tolist()).most_common(1)[0][0]  # first of equals
    return found


@given(
    st.tuples(st.integers(1, 5), st.integers(1, 5), st.integers(1, 5)),
    st.tuples(st.sampled_from([1, 2]), st.sampled_from([1, 2]), st.sampled_from([1, 2])),
    st.integers(0, 999),
)
def test_pooling_takes_the_most_common_label(
    shape: tuple[int, int, int], factors: tuple[int, int, int], seed: int
) -> None:
    labels = np.random.default_rng(seed).integers(0, 4, shape).astype("i8") - 1
    pooled = mode_pool(labels, factors)
    np.testing.assert_array_equal(pooled, pooled_by_counting(labels, factors))
    assert pooled.dtype == labels.dtype


# ---- writing and reading --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("shape", "dtype", "sizes", "axes"),
    [
        ((20, 50, 70), "u4", SIZE, "zyx"),
        ((20, 50, 70), "i8", SIZE, "zyx"),
        ((50, 70), "u1", (4.0, 4.0), "yx"),
        ((2, 1, 6, 30, 33), "u2", SIZE, "tczyx"),
        ((2, 30, 33), "u8", (4.0, 4.0), "tyx"),
        ((1, 1, 1), "u8", SIZE, "zyx"),
    ],
)
def test_labels_come_back_with_their_pyramid(
    shape: tuple[int, ...], dtype: str, sizes: tuple[float, ...], axes: str, tmp_path: Path
) -> None:
    labels = objects(shape, dtype)
    chunks = (8, 16, 32)[3 - len(sizes) :]
    write_labels(
        tmp_path / "a.zarr", labels, voxel_size_nm=sizes, axes=axes, chunks=chunks, levels=3
    )
    volume = open_labels(tmp_path / "a.zarr")
    np.testing.assert_array_equal(volume[...], labels)
    assert volume.dtype == labels.dtype
    assert (volume.shape, volume.axes, volume.voxel_size_nm) == (shape, axes, sizes)
    assert volume.n_levels == (3 if max(shape) > 1 else 1)
    expected = labels
    for level in range(1, volume.n_levels):
        spacing = volume.level_voxel_sizes_nm
        assert spacing is not None
        ratio = [round(b / a) for a, b in zip(spacing[level - 1], spacing[level], strict=True)]
        factors = (1,) * (len(shape) - len(sizes)) + tuple(ratio)
        expected = pooled_by_counting(expected, factors)
        np.testing.assert_array_equal(volume.level(level)[...], expected)
    assert list(volume.verify()) == []


def test_metadata_are_those_of_ome_zarr(tmp_path: Path) -> None:
    write_labels(tmp_path / "a.zarr", objects(), voxel_size_nm=SIZE, chunks=(8, 16, 32), levels=3)
    group = json.loads((tmp_path / "a.zarr/zarr.json").read_text("utf-8"))
    ome = group["attributes"]["ome"]
    assert ome["version"] == "0.5"
    assert "image-label" in ome
    (image,) = ome["multiscales"]
    assert image["axes"] == [{"name": name, "type": "space", "unit": "nanometer"} for name in "zyx"]
    assert image["datasets"] == [
        {"path": "0", "coordinateTransformations": [{"type": "scale", "scale": [40, 16, 16]}]},
        {"path": "1", "coordinateTransformations": [
            {"type": "scale", "scale": [40, 32, 32]},
            {"type": "translation", "translation": [0, 8, 8]}]},
        {"path": "2", "coordinateTransformations": [
            {"type": "scale", "scale": [80, 64, 64]},
            {"type": "translation", "translation": [20, 24, 24]}]},
    ]  # fmt: skip
    array = json.loads((tmp_path / "a.zarr/0/zarr.json").read_text("utf-8"))
    assert array["dimension_names"] == ["z", "y", "x"]
    assert [codec["name"] for codec in array["codecs"]] == ["emqs.labels"]


def test_levels_end_when_all_fits_in_a_chunk(tmp_path: Path) -> None:
    write_labels(tmp_path / "a.zarr", objects(), voxel_size_nm=(1, 1, 1), chunks=(8, 16, 32))
    volume = open_labels(tmp_path / "a.zarr")
    shapes = [volume.level(level).shape for level in range(volume.n_levels)]
    assert shapes == [(20, 50, 70), (10, 25, 35), (5, 13, 18)]


def test_chunks_of_odd_length_are_pooled_as_one_array(tmp_path: Path) -> None:
    labels = np.random.default_rng(0).integers(0, 9, (10, 31, 44)).astype("u1")
    write_labels(tmp_path / "a.zarr", labels, voxel_size_nm=(1, 1, 1), chunks=(3, 7, 9), levels=2)
    pooled = open_labels(tmp_path / "a.zarr").level(1)[...]
    np.testing.assert_array_equal(pooled, pooled_by_counting(labels, (2, 2, 2)))


def test_labels_are_read_a_chunk_at_a_time(tmp_path: Path) -> None:
    source = Recorded(objects())
    steps: list[tuple[str, int, int]] = []
    write_labels(
        tmp_path / "a.zarr", source, voxel_size_nm=SIZE, chunks=(8, 16, 32), levels=2,
        step=lambda *args: steps.append(args),
    )  # fmt: skip
    assert len(source.boxes) == 3 * 4 * 3
    assert max(max(part.stop - part.start for part in box) for box in source.boxes) == 32
    assert steps[35] == ("level 0", 36, 36)
    assert steps[-1] == ("level 1", 12, 12)


def test_nothing_is_under_the_name_until_all_is_written(tmp_path: Path) -> None:
    labels, path = objects(), tmp_path / "a.zarr"
    settings: dict[str, Any] = {"voxel_size_nm": SIZE, "chunks": (8, 16, 32), "levels": 2}
    with pytest.raises(OSError, match="the disk is gone"):
        write_labels(path, Recorded(labels, fail_at=20), **settings)
    assert not path.exists()
    with pytest.raises(DataError, match="was written with other settings"):
        write_labels(path, labels, resume=True, **(settings | {"chunks": (8, 16, 16)}))
    # one chunk of the first run is damaged, the others are kept
    damaged = tmp_path / ".a.zarr.partial/0/c/0/1/0"
    damaged.write_bytes(damaged.read_bytes()[:-1])
    source = Recorded(labels)
    write_labels(path, source, resume=True, **settings)
    stored = sum(bool(labels[box].any()) for box in source.boxes)
    assert stored == 36 - 20 + 1  # chunks of nothing but 0 have no file: they are read again
    assert [p.name for p in tmp_path.iterdir()] == ["a.zarr"]
    np.testing.assert_array_equal(open_labels(path)[...], labels)
    with pytest.raises(DataError, match="exists already, and is never overwritten"):
        write_labels(path, labels, **settings)


def test_a_writer_takes_pieces_in_any_order_and_size(tmp_path: Path) -> None:
    labels = objects()
    options: dict[str, Any] = {"voxel_size_nm": SIZE, "chunks": (8, 16, 32), "levels": 2}
    writer = LabelWriter(tmp_path / "a.zarr", labels.shape, labels.dtype, **options)
    for box in reversed([*writer.boxes()]):
        assert not writer.is_written(box)
        writer.write(box, labels[box])
        assert writer.is_written(box) == bool(labels[box].any())
    whole = (slice(3, 20), slice(0, 50), slice(5, 66))
    labels[whole] += 1
    again = LabelWriter(tmp_path / "a.zarr", labels.shape, labels.dtype, **options)
    again.write(whole, labels[whole])
    (tmp_path / "a.zarr/0/c/0/0/0.0123.partial").write_bytes(b"left by a killed process")
    again.finish()
    assert not list(tmp_path.rglob("*.partial"))
    volume = open_labels(tmp_path / "a.zarr")
    np.testing.assert_array_equal(volume[...], labels)
    np.testing.assert_array_equal(volume.level(1)[...], pooled_by_counting(labels, (1, 2, 2)))
    with pytest.raises(DataError, match="does not fit a box of uint32, shape"):
        again.write((slice(0, 1),) * 3, labels[:2, :1, :1])
    with pytest.raises(DataError, match="a piece of int64"):
        again.write((slice(0, 1),) * 3, labels[:1, :1, :1].astype("i8"))


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"voxel_size_nm": (1, 1)}, "must be 3 numbers above 0, one for each of Z Y X, got"),
        ({"voxel_size_nm": (1, 0, 1)}, "must be 3 numbers above 0"),
        ({"chunks": (8, 8)}, "chunks must be whole numbers above 0, one for each of z y x"),
        ({"chunks": (8, 8, 0)}, "chunks must be whole numbers above 0"),
        ({"preset": "small"}, "There is no preset 'small'. Known are: default, archive"),
        ({"levels": 0}, "levels must be 1 to 16, got 0"),
        ({"axes": "xyz"}, "axes must be 3 different letters of tczyx, in this order"),
        ({"axes": "zzyx"}, "axes must be 3 different letters"),
        ({"dtype": "f4"}, "Labels must be integers or bool, got float32"),
        ({"shape": (0, 2, 3)}, "at least one voxel, got the shape"),
        ({"shape": (3,)}, "Labels must have 2 to 5 axes"),
    ],
)
def test_wrong_settings_are_refused(changed: dict[str, Any], message: str, tmp_path: Path) -> None:
    options = {"shape": (4, 5, 6), "dtype": "u4", "voxel_size_nm": SIZE} | changed
    with pytest.raises(ConfigError, match=message):
        LabelWriter(tmp_path / "a.zarr", **options)
    assert not (tmp_path / "a.zarr").exists()


def test_an_option_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    options: dict[str, Any] = {"level": 2}
    with pytest.raises(TypeError, match="There is no option level of a label image, only origin"):
        write_labels(tmp_path / "a.zarr", objects(), voxel_size_nm=SIZE, **options)


@pytest.mark.parametrize("seed", range(8))
def test_a_piece_written_over_others_is_merged(seed: int, tmp_path: Path) -> None:
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 3, (5, 6, 7)).astype("u2")
    path = tmp_path / "a.zarr"
    writer = LabelWriter(path, (5, 6, 7), "u2", voxel_size_nm=SIZE, chunks=(2, 3, 4), levels=1)
    expected = np.zeros_like(labels)
    for _ in range(4):
        corner = rng.integers(0, (5, 6, 7))
        box = tuple(slice(int(a), int(rng.integers(a, b)) + 1) for a, b in
                    zip(corner, (5, 6, 7), strict=True))  # fmt: skip
        writer.write(box, labels[box])
        expected[box] = labels[box]
    np.testing.assert_array_equal(open_labels(path)[...], expected)


# ---- questions ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "dtype", ["u8", *(pytest.param(one, marks=pytest.mark.slow) for one in ("i2", "?"))]
)
def test_questions_are_answered_as_by_looking(dtype: str, tmp_path: Path) -> None:
    labels = objects(dtype="u4") % 3 == 1 if dtype == "?" else objects(dtype=dtype)
    labels[:8, :16, :32] = 0  # a chunk that is not stored
    write_labels(tmp_path / "a.zarr", labels, voxel_size_nm=SIZE, chunks=(8, 16, 32), levels=1)
    volume = open_labels(tmp_path / "a.zarr")
    assert volume.has_index
    present, counts = np.unique(labels, return_counts=True)
    np.testing.assert_array_equal(volume.labels(), present)
    np.testing.assert_array_equal(volume.counts()[1], counts)
    for label, count in zip(present.tolist(), counts.tolist(), strict=True):
        where = np.argwhere(labels == label)
        assert volume.contains(label)
        assert volume.count(label) == count
        keys = {tuple(key) for key in (where // (8, 16, 32)).tolist()}
        assert set(volume.chunks_with(label)) == keys
        box = volume.bounding_box(label)
        assert box is not None
        assert [part.start for part in box] == where.min(axis=0).tolist()
        assert [part.stop for part in box] == (where.max(axis=0) + 1).tolist()
        mask = np.zeros(labels.shape, bool)
        for part, inside in volume.extract(label):
            mask[part] = inside
        np.testing.assert_array_equal(mask, labels == label)
    for label in {-1, 1, 2**64, *range(250, 260)} - set(present.tolist()):
        assert not volume.contains(label)
        assert volume.count(label) == 0
        assert volume.bounding_box(label) is None


def test_no_chunk_is_decoded_for_a_question(tmp_path: Path) -> None:
    """All payloads are cut off: only questions that need voxels fail."""
    labels = objects()
    write_labels(tmp_path / "a.zarr", labels, voxel_size_nm=SIZE, chunks=(8, 16, 32), levels=1)
    for file in (tmp_path / "a.zarr/0/c").rglob("*"):
        if file.is_file():
            whole = file.read_bytes()
            file.write_bytes(whole[: 36 + int.from_bytes(whole[16:20], "little")])
    volume = open_labels(tmp_path / "a.zarr")
    np.testing.assert_array_equal(volume.labels(), np.unique(labels))
    label = int(labels[10, 25, 35])
    assert (1, 1, 1) in volume.chunks_with(label)
    assert volume.count(label) == (labels == label).sum()
    with pytest.raises(CodecError, match=r"Chunk .*c/\d/\d/\d: .*checksum of its payload"):
        volume.bounding_box(label)


def test_an_index_longer_than_the_first_read(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    labels = np.sort(rng.integers(0, 2**63, 4096, dtype="u8")).repeat(32).reshape(32, 64, 64)
    write_labels(tmp_path / "a.zarr", labels, voxel_size_nm=SIZE)
    file = tmp_path / "a.zarr/0/c/0/0/0"
    assert int.from_bytes(file.read_bytes()[16:20], "little") > 4096
    volume = open_labels(tmp_path / "a.zarr")
    np.testing.assert_array_equal(volume.labels(), np.unique(labels))


def test_noise_has_no_index_and_is_decoded_instead(tmp_path: Path) -> None:
    labels = np.random.default_rng(0).integers(0, 2**64 - 1, (4, 16, 16), dtype="u8")
    write_labels(tmp_path / "a.zarr", labels, voxel_size_nm=SIZE)
    volume = open_labels(tmp_path / "a.zarr")
    np.testing.assert_array_equal(volume.labels(), np.unique(labels))
    assert volume.count(int(labels[1, 2, 3])) == 1
    assert list(volume.verify()) == []


def test_arrays_of_other_codecs_are_read_as_well(tmp_path: Path) -> None:
    zarr = require("zarr", extra="labels", purpose="test")
    labels = objects()
    array = zarr.create_array(
        tmp_path / "a.zarr", shape=labels.shape, dtype=labels.dtype, chunks=(8, 16, 32),
        shards=(16, 32, 64), dimension_names=["z", "y", "x"],
    )  # fmt: skip
    array[...] = labels
    volume = open_labels(tmp_path / "a.zarr")
    assert not volume.has_index
    assert volume.chunks == (16, 32, 64)
    assert volume.voxel_size_nm is None
    label = int(labels[10, 25, 35])
    np.testing.assert_array_equal(volume.labels(), np.unique(labels))
    assert volume.count(label) == (labels == label).sum()
    assert list(volume.verify()) == []


# ---- damage ---------------------------------------------------------------------------------


def read_all(path: Path) -> tuple[str, list[np.ndarray]]:
    """The error of reading all levels of a volume, or none and the levels."""
    try:
        volume = open_labels(path)
        return "", [volume.level(level)[...] for level in range(volume.n_levels)]
    except (CodecError, DataError) as fault:
        return str(fault), []


@pytest.mark.slow
def test_random_flips_are_errors_that_name_the_chunk_or_harmless(tmp_path: Path) -> None:
    labels = objects((8, 40, 40))
    labels[0, 0, :] = np.arange(1, 41)
    path = tmp_path / "a.zarr"
    write_labels(path, labels, voxel_size_nm=SIZE, chunks=(8, 16, 32), levels=2)
    files = sorted(file for file in path.rglob("*") if file.is_file())
    ends = np.cumsum([file.stat().st_size for file in files])
    levels = [labels, pooled_by_counting(labels, (1, 2, 2))]
    rng = np.random.default_rng(1)
    caught = 0
    for at in rng.integers(8 * ends[-1], size=100).tolist():
        which = int(np.searchsorted(ends, at // 8, side="right"))
        file, whole = files[which], files[which].read_bytes()
        damaged = bytearray(whole)
        damaged[at // 8 - int(ends[which]) + len(whole)] ^= 1 << at % 8
        file.write_bytes(damaged)
        outcome, found = read_all(path)
        if outcome == "":
            assert file.name == "zarr.json"
            for one, expected in zip(found, levels, strict=True):
                np.testing.assert_array_equal(one, expected)
        elif file.name == "zarr.json":
            assert str(path) in outcome
        else:
            assert file.relative_to(path).as_posix() in outcome
            assert [bad.path for bad in open_labels(path).verify()] == [file]
            caught += 1
        file.write_bytes(whole)
    assert caught > 20
    assert list(open_labels(path).verify()) == []


@pytest.mark.parametrize(
    ("key", "value"), [("fill_value", 7), ("shape", [20, 50, 69]), ("data_type", "int32")]
)
def test_changed_metadata_are_noticed(key: str, value: object, tmp_path: Path) -> None:
    write_labels(tmp_path / "a.zarr", objects(), voxel_size_nm=SIZE, levels=1)
    file = tmp_path / "a.zarr/0/zarr.json"
    file.write_text(json.dumps(json.loads(file.read_text("utf-8")) | {key: value}), "utf-8")
    with pytest.raises(DataError, match=r"0/zarr\.json is damaged or was edited"):
        open_labels(tmp_path / "a.zarr")
    group = tmp_path / "a.zarr/zarr.json"
    content = json.loads(group.read_text("utf-8"))
    del content["attributes"]["emqs"]
    group.write_text(json.dumps(content), "utf-8")
    open_labels(tmp_path / "a.zarr")


def test_verify_finds_an_index_that_lies(tmp_path: Path) -> None:
    """Two chunks of one place, header and index of one and payload of the other: checksums fit."""
    from emqs.codecs.chunk import encode_chunk, place_of

    labels = objects()
    write_labels(tmp_path / "a.zarr", labels, voxel_size_nm=SIZE, chunks=(8, 16, 32), levels=1)
    file = tmp_path / "a.zarr/0/c/1/1/1"
    part = labels[8:16, 16:32, 32:64].copy()
    honest = encode_chunk(part, ChunkSettings(), place_of("1/1/1"))
    assert honest == file.read_bytes()
    part[0, 0, 0] += 1
    other = encode_chunk(part, ChunkSettings(), place_of("1/1/1"))
    import struct

    import google_crc32c

    start = 36 + int.from_bytes(honest[16:20], "little")
    fields = honest[:20] + other[20:32]
    payload = other[36 + int.from_bytes(other[16:20], "little") :]
    crc = google_crc32c.value(fields + honest[36:start])
    file.write_bytes(fields + struct.pack("<I", crc) + honest[36:start] + payload)
    (bad,) = open_labels(tmp_path / "a.zarr").verify()
    assert (bad.key, bad.path) == ((1, 1, 1), file)
    assert bad.reason == "its index names other labels than it holds"


def test_what_is_no_label_volume_is_refused(tmp_path: Path) -> None:
    zarr = require("zarr", extra="labels", purpose="test")
    with pytest.raises(DataError, match="is not a folder"):
        open_labels(tmp_path / "missing")
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="cannot be opened as Zarr"):
        open_labels(tmp_path / "empty")
    zarr.create_array(tmp_path / "f.zarr", shape=(4,), dtype="f4")
    with pytest.raises(DataError, match="holds float32; labels are integers or bool"):
        open_labels(tmp_path / "f.zarr")
    group = zarr.create_group(tmp_path / "g.zarr")
    group.create_array("cells", shape=(4,), dtype="u4")
    with pytest.raises(DataError, match=r"It holds: cells\. Give the path of one of these"):
        open_labels(tmp_path / "g.zarr")


# ---- export ---------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("dtype", ["u1", "u4", "u8"])
def test_precomputed_holds_the_labels(dtype: str, tmp_path: Path) -> None:
    library = require("compressed_segmentation", extra="labels", purpose="test")
    labels = objects((20, 70, 130), dtype)
    write_labels(tmp_path / "a.zarr", labels, voxel_size_nm=SIZE, chunks=(8, 16, 32), levels=2)
    volume = open_labels(tmp_path / "a.zarr")
    export_precomputed(volume, tmp_path / "out")
    info = json.loads((tmp_path / "out/info").read_text("utf-8"))
    width = "uint64" if dtype == "u8" else "uint32"
    assert (info["type"], info["data_type"], info["num_channels"]) == ("segmentation", width, 1)
    assert [scale["resolution"] for scale in info["scales"]] == [[16, 16, 40], [32, 32, 40]]
    for level, scale in enumerate(info["scales"]):
        expected = volume.level(level)[...]
        assert scale["size"] == list(expected.shape[::-1])
        files = list((tmp_path / "out" / scale["key"]).iterdir())
        assert len(files) == np.prod([-(-side // 64) for side in expected.shape])
        for file in files:
            box = tuple(slice(*map(int, part.split("-"))) for part in file.name.split("_"))[::-1]
            shape = [part.stop - part.start for part in box[::-1]]
            xyz = library.decompress(file.read_bytes(), shape, width, (8, 8, 8), order="F")
            np.testing.assert_array_equal(xyz.T, expected[box])
    assert [p.name for p in tmp_path.iterdir() if p.name.startswith(".")] == []
    with pytest.raises(DataError, match="exists already"):
        export_precomputed(volume, tmp_path / "out")


def test_precomputed_refuses_what_it_cannot_hold(tmp_path: Path) -> None:
    write_labels(tmp_path / "a.zarr", objects(dtype="i4"), voxel_size_nm=SIZE)
    with pytest.raises(DataError, match=r"holds the label -\d+; Precomputed has none below 0"):
        export_precomputed(open_labels(tmp_path / "a.zarr"), tmp_path / "out")
    write_labels(tmp_path / "b.zarr", objects((9, 9)), voxel_size_nm=(4, 4))
    with pytest.raises(DataError, match="needs the axes zyx and a voxel size, got the axes yx"):
        export_precomputed(open_labels(tmp_path / "b.zarr"), tmp_path / "out")
    assert not (tmp_path / "out").exists()


# ---- real data ------------------------------------------------------------------------------


@pytest.mark.slow
def test_a_real_segmentation_is_as_small_as_promised(labels_dir: Path, tmp_path: Path) -> None:
    import lzma

    compresso = require("compresso", extra="codecs", purpose="open pinky40")
    packed = (labels_dir / "pinky40/connectomics.npy.cpso.lzma").read_bytes()
    labels = np.ascontiguousarray(compresso.decompress(lzma.decompress(packed)).T[:128])
    for preset, most in (("default", 725_000), ("archive", labels.nbytes / 215)):
        path = tmp_path / f"{preset}.zarr"
        write_labels(path, labels, voxel_size_nm=SIZE, preset=preset, levels=1)
        size = sum(file.stat().st_size for file in path.rglob("*") if file.is_file())
        assert size <= most
        np.testing.assert_array_equal(open_labels(path)[...], labels)


def test_what_was_left_before_the_first_whole_file_is_begun_anew(tmp_path: Path) -> None:
    path = tmp_path / "a"
    (path / "0").mkdir(parents=True)
    (path / "0" / "zarr.json.0a1b.partial").write_bytes(b"{")  # of a run that found no room
    LabelWriter(path, (2, 3, 4), "u4", voxel_size_nm=(40, 8, 8))
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "thesis.tex").touch()
    with pytest.raises(DataError, match="is not empty, and is no interrupted label image"):
        LabelWriter(tmp_path / "b", (2, 3, 4), "u4", voxel_size_nm=(40, 8, 8))
