"""Voxels over HTTP: what is served is what is stored, and nothing else."""

import io
import json
import threading
from collections.abc import Iterator
from pathlib import Path

import compressed_segmentation
import numpy as np
import pytest
import tensorstore
import tifffile
import zarr
from PIL import Image
from support import served as server
from support.served import VOXEL_NM, Served, random_voxels, write_tiff, write_zarr

from emqs.errors import ConfigError, DataError
from emqs.volumes import from_array
from emqs.web import chunks, data, job_queue, layers, levels, links, served_files
from emqs.web.caches import Cache
from emqs.web.sources import Place

SHAPE = (70, 150, 200)


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Return volumes on disk by the names of their layers."""
    folder = tmp_path_factory.mktemp("volumes")
    voxels = random_voxels(SHAPE)
    labels = random_voxels(SHAPE, "u8", seed=1) % np.uint64(9) + np.uint64(2**40)
    return {
        "zarr": write_zarr(folder / "a.zarr", voxels, shards=(64, 128, 128)),
        "tiff": write_tiff(folder / "a.tif", voxels),
        "tiled": write_tiff(folder / "b.tif", voxels, tile=(64, 64), compression="zlib"),
        "sixteen": write_tiff(folder / "c.tif", random_voxels(SHAPE, "u2")),
        "labels": write_zarr(folder / "labels.zarr", labels, chunks=(32, 32, 32)),
    }


@pytest.fixture
def server_(tmp_path: Path, stored: dict[str, Path]) -> Iterator[Served]:
    with server.served(tmp_path / "home", data, links) as made:
        dataset = made.dataset("brain")
        for name, path in stored.items():
            kind = "segmentation" if name == "labels" else "image"
            size = {} if path.is_dir() else {"voxel_size_nm": list(VOXEL_NM)}
            made.layer(dataset, name, path, kind, **size)
        made.ann = made.user("ann")
        made.grant(dataset, made.ann["id"], "annotator")
        made.brain = dataset
        yield made


def get(made: Served, path: str, **headers: str) -> object:
    return made.client(made.ann).get(f"/api/v1/data/brain/{path}", headers=headers)


def whole(made: Served, name: str, scale: dict, dtype: str) -> np.ndarray:
    """Put together a scale from all of its chunks."""
    x, y, z = scale["size"]
    result = np.zeros((z, y, x), dtype)
    for z0 in range(0, z, 64):
        for y0 in range(0, y, 64):
            for x0 in range(0, x, 64):
                z1, y1, x1 = min(z0 + 64, z), min(y0 + 64, y), min(x0 + 64, x)
                chunk = f"{x0}-{x1}_{y0}-{y1}_{z0}-{z1}"
                answer = get(made, f"{name}/1/precomputed/raw/{scale['key']}/{chunk}")
                assert answer.status_code == 200, answer.text
                part = np.frombuffer(answer.content, np.dtype(dtype).newbyteorder("<"))
                result[z0:z1, y0:y1, x0:x1] = part.reshape(z1 - z0, y1 - y0, x1 - x0)
    return result


@pytest.mark.slow
@pytest.mark.parametrize("name", ["zarr", "tiff", "tiled", "sixteen", "labels"])
def test_chunks_are_the_voxels_of_the_source(
    server_: Served, stored: dict[str, Path], name: str
) -> None:
    path = stored[name]
    direct = zarr.open(path, mode="r")["0"][...] if path.is_dir() else tifffile.imread(path)
    about = get(server_, f"{name}/1/precomputed/raw/info").json()
    assert about["data_type"] == direct.dtype.name
    assert about["type"] == ("segmentation" if name == "labels" else "image")
    assert about["scales"][0]["size"] == [200, 150, 70]
    assert about["scales"][0]["resolution"] == [8.0, 8.0, 30.0]
    np.testing.assert_array_equal(whole(server_, name, about["scales"][0], direct.dtype), direct)


@pytest.mark.slow
def test_tensorstore_reads_what_is_served(
    server_: Served, stored: dict[str, Path], tmp_path: Path
) -> None:
    """An independent reader of the format takes info and chunks as they are."""
    for encoding, name in (("raw", "tiled"), ("compressed_segmentation", "labels")):
        folder = tmp_path / encoding
        about = get(server_, f"{name}/1/precomputed/{encoding}/info").json()
        folder.mkdir()
        (folder / "info").write_text(json.dumps(about))
        scale = about["scales"][0]
        (folder / scale["key"]).mkdir()
        for z0, z1 in ((0, 64), (64, 70)):
            for y0, y1 in ((0, 64), (64, 128), (128, 150)):
                for x0, x1 in ((0, 64), (64, 128), (128, 192), (192, 200)):
                    chunk = f"{scale['key']}/{x0}-{x1}_{y0}-{y1}_{z0}-{z1}"
                    answer = get(server_, f"{name}/1/precomputed/{encoding}/{chunk}")
                    (folder / chunk).write_bytes(answer.content)
        spec = {
            "driver": "neuroglancer_precomputed",
            "kvstore": {"driver": "file", "path": f"{folder}/"},
        }
        found = tensorstore.open(spec).result()[..., 0].read().result()
        path = stored[name]
        direct = zarr.open(path, mode="r")["0"][...] if path.is_dir() else tifffile.imread(path)
        np.testing.assert_array_equal(found.T, direct)


def test_jpeg_holds_the_slices_below_each_other(server_: Served, stored: dict[str, Path]) -> None:
    answer = get(server_, "tiff/1/precomputed/jpeg/1x1x1/64-128_0-64_0-64")
    picture = np.asarray(Image.open(io.BytesIO(answer.content)))
    assert answer.headers["content-type"] == "image/jpeg"
    direct = tifffile.imread(stored["tiff"])[:64, :64, 64:128].astype(float).reshape(64 * 64, 64)
    assert picture.shape == (64 * 64, 64)
    assert np.corrcoef(picture.ravel(), direct.ravel())[0, 1] > 0.7  # noise is hard for JPEG
    assert get(server_, "sixteen/1/precomputed/jpeg/info").status_code == 400
    assert get(server_, "labels/1/precomputed/jpeg/info").status_code == 400


@pytest.mark.parametrize(
    "chunk",
    [
        "0-64_0-64_0-32", "1-65_0-64_0-64", "0-128_0-64_0-64", "-64-0_0-64_0-64",
        "192-256_0-64_0-64", "256-320_0-64_0-64", "0-64_0-64", "0-64_0-64_0-64_0-1",
        "00-64_0-64_0-64", "0-0_0-64_0-64", "64-0_0-64_0-64", "0-64_0-64_64-128",
        "99999999999999999999-1_0-64_0-64", "256-200_0-64_0-64", "0-٦٤_0-64_0-64",
    ],
)  # fmt: skip
def test_ranges_that_are_no_chunk_are_refused(server_: Served, chunk: str) -> None:
    answer = get(server_, f"tiff/1/precomputed/raw/1x1x1/{chunk}")
    assert answer.status_code == 400
    assert "chunk" in answer.json()["error"]


def test_unknown_scale_encoding_layer_and_version(server_: Served) -> None:
    for path, status in {
        "tiff/1/precomputed/raw/9x9x9/0-64_0-64_0-64": 404,
        "tiff/1/precomputed/zip/info": 400,
        "other/1/precomputed/raw/info": 404,
        "tiff/2/precomputed/raw/info": 404,
    }.items():
        assert get(server_, path).status_code == status, path


def test_chunks_are_kept_for_ever_and_info_is_asked_for_again(server_: Served) -> None:
    path = "tiff/1/precomputed/raw/1x1x1/0-64_0-64_0-64"
    first = get(server_, path)
    assert "immutable" in first.headers["cache-control"]
    assert "private" in first.headers["cache-control"]
    again = get(server_, path, **{"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert get(server_, path, **{"If-None-Match": '"other"'}).status_code == 200
    about = get(server_, "tiff/1/precomputed/raw/info")
    assert "no-cache" in about.headers["cache-control"]
    known = get(server_, "tiff/1/precomputed/raw/info", **{"If-None-Match": about.headers["etag"]})
    assert known.status_code == 304


def test_a_source_that_changes_gives_new_voxels_or_is_refused(
    server_: Served, tmp_path: Path
) -> None:
    path = write_tiff(tmp_path / "x.tif", np.full((2, 64, 64), 1, np.uint8))
    place = Place(str(path), "image", {"voxel_size_nm": list(VOXEL_NM)})
    from emqs.web.sources import stamp

    server_.layer(server_.brain, "x", path, voxel_size_nm=list(VOXEL_NM))
    server_.layer(
        server_.brain,
        "fixed",
        path,
        voxel_size_nm=list(VOXEL_NM),
        stamp=stamp(place),
    )
    chunk = "1/precomputed/raw/1x1x1/0-64_0-64_0-2"
    old = get(server_, f"x/{chunk}")
    assert old.content == b"\1" * 8192
    assert get(server_, f"fixed/{chunk}").status_code == 200
    path.unlink()
    write_tiff(path, np.full((2, 64, 64), 2, np.uint8))
    new = get(server_, f"x/{chunk}", **{"If-None-Match": old.headers["etag"]})
    assert new.content == b"\2" * 8192
    refused = get(server_, f"fixed/{chunk}")
    assert refused.status_code == 409
    assert "changed" in refused.json()["error"]


# --- levels --------------------------------------------------------------------------------------


def mean_by_hand(voxels: np.ndarray, f: tuple[int, int, int]) -> np.ndarray:
    """Average block by block, halves up; slow and literal."""
    shape = [-(-n // k) for n, k in zip(voxels.shape, f, strict=True)]
    result = np.zeros(shape, voxels.dtype)
    for index in np.ndindex(*shape):
        block = voxels[tuple(slice(i * k, i * k + k) for i, k in zip(index, f, strict=True))]
        if voxels.dtype.kind == "f":
            result[index] = block.astype(np.float64).mean()
        else:
            total, n = sum(int(v) for v in block.ravel()), block.size
            result[index] = (2 * total + n) // (2 * n)
    return result


@pytest.mark.parametrize("dtype", ["u1", "i2", "u8", "i8", "f4"])
@pytest.mark.parametrize("factors", [(2, 2, 2), (1, 2, 2), (1, 1, 2)])
def test_mean_pool_is_the_mean(dtype: str, factors: tuple[int, int, int]) -> None:
    rng = np.random.default_rng(0)
    shape = (3, 5, 6)
    if dtype == "f4":
        voxels = rng.normal(size=shape).astype(dtype)
    else:
        limits = np.iinfo(dtype)
        voxels = rng.integers(limits.min, limits.max, shape, dtype=dtype, endpoint=True)
        voxels[0, 0, :2] = limits.max, limits.max
    found = levels.mean_pool(voxels, factors)
    assert found.dtype == voxels.dtype
    np.testing.assert_array_equal(found, mean_by_hand(voxels, factors))


def test_plan_waits_for_long_voxels() -> None:
    assert levels.plan((100, 1000, 1000), (30.0, 8.0, 8.0)) == [
        (1, 2, 2), (2, 4, 4), (4, 8, 8),
    ]  # fmt: skip
    assert levels.plan((100, 1000, 1000), (50.0, 8.0, 8.0))[:2] == [(1, 2, 2), (1, 4, 4)]
    assert levels.plan((64, 64, 64), (8.0, 8.0, 8.0)) == []


def test_levels_of_a_tiff_are_averages_of_the_one_before(
    server_: Served, stored: dict[str, Path]
) -> None:
    about = get(server_, "tiled/1/precomputed/raw/info").json()
    assert [scale["key"] for scale in about["scales"]] == ["1x1x1", "1x2x2"]
    assert about["scales"][1]["resolution"] == [16.0, 16.0, 30.0]
    assert about["scales"][1]["size"] == [100, 75, 70]
    direct = tifffile.imread(stored["tiled"])
    found = whole(server_, "tiled", about["scales"][1], "u1")
    np.testing.assert_array_equal(found[:3], mean_by_hand(direct[:3], (1, 2, 2)))


def test_levels_of_labels_invent_no_label(server_: Served, stored: dict[str, Path]) -> None:
    about = get(server_, "labels/1/precomputed/raw/info").json()
    found = whole(server_, "labels", about["scales"][1], "u8")
    direct = zarr.open(stored["labels"], mode="r")["0"][...]
    for z, y, x in ((0, 0, 0), (3, 20, 33), (69, 74, 99)):
        block = direct[z, 2 * y : 2 * y + 2, 2 * x : 2 * x + 2].ravel().tolist()
        assert block.count(int(found[z, y, x])) == max(block.count(v) for v in block)


def test_levels_are_made_once_and_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_tiff(tmp_path / "x.tif", random_voxels((4, 300, 300)))
    place = Place(str(path), "image", {"voxel_size_nm": [30.0, 8.0, 8.0]})
    finest = from_array(tifffile.imread(path), VOXEL_NM)
    folder = levels.folder_of(tmp_path, place, "1")
    calls = []

    def broken(voxels: np.ndarray, factors: tuple[int, int, int]) -> np.ndarray:
        calls.append(voxels.shape)
        raise DataError("damaged")

    with monkeypatch.context() as patched:
        patched.setattr(levels, "mean_pool", broken)
        with pytest.raises(DataError, match="damaged"):
            levels.make(place, finest, folder)
    assert [p.name for p in folder.iterdir()] == ["lock"]
    assert levels.kept(place, finest, folder) == []
    assert levels.missing(finest, folder) == 2
    steps: list[float] = []
    made = levels.make(place, finest, folder, lambda fraction, _: steps.append(fraction))
    assert [scale.factors for scale in made] == [(1, 2, 2), (2, 4, 4)]
    assert steps == sorted(steps)
    assert steps[-1] == 1.0
    damaged = folder / "2x4x4.zarr" / "zarr.json"
    damaged.write_text(damaged.read_text().replace("uint8", "uint16"))
    assert len(levels.kept(place, finest, folder)) == 1
    assert levels.missing(finest, folder) == 1
    assert len(levels.make(place, finest, folder)) == 2  # what is damaged is made again
    monkeypatch.setattr(levels, "mean_pool", broken)
    levels.make(place, finest, folder)  # nothing is made again
    assert calls == [(4, 300, 300)]
    assert levels.missing(finest, folder) == 0


def test_two_who_ask_at_once_make_levels_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    voxels = random_voxels((4, 300, 300))
    place = Place(str(write_tiff(tmp_path / "x.tif", voxels)), "image", {})
    written, real = [], levels._write

    def counted(*args: object) -> None:
        written.append(args[3])
        real(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(levels, "_write", counted)
    finest = from_array(voxels, VOXEL_NM)
    threads = [
        threading.Thread(target=levels.make, args=(place, finest, tmp_path / "kept"))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(written) == len(set(written)) == 2


def test_a_large_volume_waits_for_its_levels(
    server_: Served, stored: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(levels, "AT_ONCE_VOXELS", 1000)
    about = get(server_, "sixteen/1/precomputed/raw/info").json()
    assert [scale["key"] for scale in about["scales"]] == ["1x1x1"]
    get(server_, "sixteen/1/precomputed/raw/info")
    with server_.context.database.read() as connection:
        (job,) = job_queue.listed(connection)  # one, however often it is looked at
    assert (job.kind, job.settings, job.owner_id) == (
        "levels", {"layer": "sixteen"}, server_.ann["id"]
    )  # fmt: skip
    opened = layers.layers(server_.context)
    with server_.context.database.read() as connection:
        row = data.layer_for(connection, server_.brain, "sixteen", None, None)
    one = opened.get(row)
    assert one.n_missing == 1
    folder = one.levels_folder
    assert folder is not None
    settings = json.dumps({"voxel_size_nm": list(VOXEL_NM)})
    levels.main(["--url", str(stored["sixteen"]), "--kind", "image", "--settings", settings,
                 "--out", str(folder)])  # fmt: skip
    about = get(server_, "sixteen/1/precomputed/raw/info").json()
    assert [scale["key"] for scale in about["scales"]] == ["1x1x1", "1x2x2"]


# --- labels of emqs's own codec ------------------------------------------------------------------


@pytest.mark.slow
def test_label_store_and_equivalences(server_: Served, tmp_path: Path) -> None:
    from emqs.volumes.zarr_labels import writer as store

    labels = np.repeat(np.arange(1, 71, dtype=np.uint64), 70 * 66).reshape(70, 70, 66)
    writer = store.LabelWriter(
        tmp_path / "seg.zarr", labels.shape, labels.dtype, axes="zyx", chunks=(64, 64, 64),
        voxel_size_nm=VOXEL_NM, levels=1,
    )  # fmt: skip
    for box in writer.boxes():
        writer.write(box, labels[box])
    writer.finish()
    server_.layer(server_.brain, "seg", tmp_path / "seg.zarr", "segmentation")
    about = get(server_, "seg/1/precomputed/raw/info").json()
    found = whole(server_, "seg", about["scales"][0], "u8")
    np.testing.assert_array_equal(found, labels)


def test_equivalences_that_do_not_fit_are_refused(server_: Served, tmp_path: Path) -> None:
    path = write_zarr(tmp_path / "s.zarr", random_voxels((4, 64, 64), "u2"))
    for name, becomes, status in (("fits", "65535", 200), ("large", "65536", 400)):
        server_.layer(server_.brain, name, path, "segmentation", equivalences={"7": becomes})
        answer = get(server_, f"{name}/1/precomputed/raw/info")
        assert answer.status_code == status
        assert get(server_, f"{name}/1/files/zarr.json").status_code in (400, 404)


def test_relabelled() -> None:
    olds, news = layers.equivalences({"equivalences": {"7": "3", "900": "5"}})  # type: ignore[misc]
    labels = np.array([[7, 900, 3], [0, 901, 7]], dtype=np.uint16)
    found = layers.relabelled(labels, olds, news)
    assert found.dtype == np.uint16
    np.testing.assert_array_equal(found, [[3, 5, 3], [0, 901, 3]])
    wide = layers.relabelled(labels, olds, np.array([2**40, 5], dtype=np.uint64))
    assert wide[0, 0] == 2**40
    assert layers.equivalences({}) is None


def test_what_the_format_has_no_type_for() -> None:
    assert chunks.served_dtype(np.dtype("i4"), "segmentation", "raw") == np.uint64
    assert chunks.served_dtype(np.dtype("f8"), "image", "raw") == np.float32
    with pytest.raises(ConfigError, match="int64"):
        chunks.served_dtype(np.dtype("i8"), "image", "raw")
    with pytest.raises(DataError, match="negative label, -1"):
        chunks.encoded(np.full((1, 2, 2), -1, np.int32), "segmentation", "raw")
    small = np.arange(64, dtype=np.uint16).reshape(4, 4, 4)
    content, _ = chunks.encoded(small, "segmentation", "compressed_segmentation")
    back = compressed_segmentation.decompress(content, (4, 4, 4), np.uint32, (8, 8, 8), order="F")
    np.testing.assert_array_equal(back.T, small)


# --- files ---------------------------------------------------------------------------------------


def test_files_are_served_by_parts(server_: Served, stored: dict[str, Path]) -> None:
    path = "zarr/1/files/0/c/0/0/0"
    content = (stored["zarr"] / "0/c/0/0/0").read_bytes()
    answer = get(server_, path)
    assert answer.content == content
    assert answer.headers["accept-ranges"] == "bytes"
    size = len(content)
    for asked, part in {
        "bytes=0-9": content[:10],
        "bytes=100-": content[100:],
        "bytes=-20": content[-20:],
        f"bytes=0-{size + 5}": content,
        f"bytes=-{size + 5}": content,
        f"bytes={size - 1}-{size - 1}": content[-1:],
    }.items():
        found = get(server_, path, Range=asked)
        assert found.status_code == 206, asked
        assert found.content == part
        start = size - len(part) if part != content[:10] and asked != f"bytes=0-{size + 5}" else 0
        assert found.headers["content-range"] == f"bytes {start}-{start + len(part) - 1}/{size}"
    for asked in (f"bytes={size}-", f"bytes={size + 1}-{size + 3}", "bytes=-0"):
        refused = get(server_, path, Range=asked)
        assert refused.status_code == 416
        assert refused.headers["content-range"] == f"bytes */{size}"
    for asked in ("bytes=5-1", "bytes=0-1,3-4", "lines=0-1", "bytes=-"):
        assert get(server_, path, Range=asked).status_code == 200, asked


def test_head_tells_the_length(server_: Served, stored: dict[str, Path]) -> None:
    size = (stored["zarr"] / "0/c/0/0/0").stat().st_size
    client = server_.client(server_.ann)
    answer = client.head("/api/v1/data/brain/zarr/1/files/0/c/0/0/0")
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["content-length"] == str(size)


def test_files_that_are_known_are_not_sent_again(server_: Served) -> None:
    path = "zarr/1/files/0/c/0/0/0"
    first = get(server_, path)
    assert "immutable" in first.headers["cache-control"]
    assert "no-cache" in get(server_, "zarr/1/files/zarr.json").headers["cache-control"]
    tag, changed = first.headers["etag"], first.headers["last-modified"]
    assert get(server_, path, **{"If-None-Match": f'"x", {tag}'}).status_code == 304
    assert get(server_, path, **{"If-Modified-Since": changed}).status_code == 304
    old = "Thu, 01 Jan 1970 00:00:10 GMT"
    assert get(server_, path, **{"If-Modified-Since": old}).status_code == 200
    both = {"If-Modified-Since": changed, "If-None-Match": '"x"'}
    assert get(server_, path, **both).status_code == 200  # the tag counts
    assert get(server_, path, **{"If-Modified-Since": "nonsense"}).status_code == 200
    part = get(server_, path, Range="bytes=0-9", **{"If-Range": tag})
    assert part.status_code == 206
    assert get(server_, path, Range="bytes=0-9", **{"If-Range": '"x"'}).status_code == 200


@pytest.mark.parametrize(
    "inside",
    [
        "../a.tif", "%2e%2e/a.tif", "0/../../a.tif", "..%2fa.tif", "0//c/0/0/0", "", "0", ".secret",
        "0/.secret/x", "%00", "0%5c..%5c..%5ca.tif", "link.txt", "folder/hosts", "/etc/passwd",
        "%2fetc%2fpasswd", "a" * 2000, "nothing", "0/zarr.json/x",
    ],
)  # fmt: skip
def test_nothing_else_is_served(server_: Served, stored: dict[str, Path], inside: str) -> None:
    folder = stored["zarr"]
    (folder / ".secret").write_text("secret")
    for name, target in (("link.txt", folder.parent / "a.tif"), ("folder", Path("/etc"))):
        if not (folder / name).is_symlink():
            (folder / name).symlink_to(target)
    assert get(server_, f"zarr/1/files/{inside}").status_code in (400, 404)


def test_links_inside_the_folder_and_gzipped_chunks(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "x").write_bytes(b"1234")
    (tmp_path / "a" / "y").symlink_to("x")
    (tmp_path / "a" / "z.gz").write_bytes(b"gzip")
    assert served_files.find(tmp_path / "a", "y").size == 4
    assert served_files.find(tmp_path / "a", "z").gzipped
    (tmp_path / "b").symlink_to(tmp_path / "a")
    assert served_files.find(tmp_path / "b", "x").size == 4  # the layer itself may be a link


def test_a_tiff_has_no_files_for_viewers(server_: Served) -> None:
    assert get(server_, "tiff/1/files/a.tif").status_code == 404
    client = server_.client(server_.ann)
    about = client.get("/api/v1/datasets/brain/layers/tiff/data").json()
    assert about["files"] is None
    assert about["shape"] == list(SHAPE)
    assert client.get("/api/v1/datasets/brain/layers/zarr/data").json()["files"] == "zarr3"


# --- rights --------------------------------------------------------------------------------------


def test_data_need_the_dataset_to_be_readable(server_: Served) -> None:
    path = "/api/v1/data/brain/tiff/1/precomputed/raw/info"
    assert server_.client().get(path).status_code == 401
    bob = server_.user("bob")
    assert server_.client(bob).get(path).status_code == 404
    server_.grant(server_.brain, bob["id"], "reader")
    assert server_.client(bob).get(path).status_code == 200


def test_own_layers_are_seen_by_their_owner_alone(server_: Served, stored: dict[str, Path]) -> None:
    bob = server_.user("bob")
    server_.grant(server_.brain, bob["id"], "reader")
    server_.layer(
        server_.brain,
        "mine",
        stored["tiff"],
        owner=bob["id"],
        voxel_size_nm=list(VOXEL_NM),
    )
    path = "/api/v1/data/brain/mine/1/precomputed/raw/info"
    assert server_.client(bob).get(path).status_code == 200
    assert server_.client(server_.ann).get(path).status_code == 404


# --- what is kept in memory ----------------------------------------------------------------------


def test_cache_makes_once_and_forgets_the_oldest() -> None:
    cache: Cache[bytes] = Cache(10, len)
    made: list[str] = []
    barrier = threading.Barrier(4)

    def make() -> bytes:
        made.append("a")
        return b"1234"

    def ask() -> None:
        barrier.wait()
        cache.get("a", make)

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert made == ["a"]
    cache.get("b", lambda: b"1234")
    cache.get("a", make)
    cache.get("c", lambda: b"1234")
    assert cache.peek("b") is None  # asked for longest ago
    assert cache.peek("a") is not None
    assert cache.get("large", lambda: b"x" * 11) == b"x" * 11
    assert cache.peek("large") is None
    with pytest.raises(DataError):
        cache.get("bad", lambda: (_ for _ in ()).throw(DataError("no")))
    assert cache.get("bad", lambda: b"ok") == b"ok"
