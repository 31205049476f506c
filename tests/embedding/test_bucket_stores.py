"""Embedding volumes in a bucket of a real S3 server on this machine, which fails at times."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from support.buckets import Bucket, files_on_disk
from support.small_stores import add_blocks, grid_of, random_codes, write_store

from emqs.embedding.stores import creation
from emqs.embedding.stores.connections import ClickhouseConfig
from emqs.embedding.stores.opening import open_searchable
from emqs.embedding.stores.zarr import open_store
from emqs.errors import ConfigError, DataError
from emqs.retrieval.settings import QueryConfig, SearchConfig
from emqs.retrieval.volume_search import search
from emqs.volumes import chunks
from emqs.volumes.objects import Objects, cache_folder

pytestmark = pytest.mark.slow  # every request takes some 10 ms

GRID = grid_of((2, 16, 32))
CODES = random_codes(GRID)
PLACE = "s3://bucket/lab/emb.zarr"


def uploaded(bucket: Bucket, folder: Path, place: str = PLACE) -> None:
    for name, content in files_on_disk(folder).items():
        bucket.ask("PUT", f"/{place.removeprefix('s3://')}/{name}", content)


def found(place: str | Path, size_nm: float | None = None) -> tuple[list[list[int]], list[float]]:
    store = open_searchable(str(place), ClickhouseConfig())
    matches = search(
        store,
        [[1, 40, 60]],
        query=QueryConfig(),
        settings=SearchConfig(n_results=20, size_nm=size_nm),
    )
    return matches.voxels.tolist(), matches.scores.tolist()


def test_what_is_written_there_is_what_is_written_files_on_disk(
    bucket: Bucket, tmp_path: Path
) -> None:
    write_store(tmp_path / "emb.zarr", CODES, GRID, short=4)
    write_store(PLACE, CODES, GRID, short=4)
    assert bucket.files("lab/emb.zarr/") == files_on_disk(tmp_path / "emb.zarr")


def test_a_store_that_was_copied_there_is_searched_as_files_on_disk(
    bucket: Bucket, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    write_store(tmp_path / "emb.zarr", CODES, GRID, short=4)
    uploaded(bucket, tmp_path / "emb.zarr")
    expected = found(tmp_path / "emb.zarr")
    assert found(PLACE) == expected
    copies = list((cache_folder() / "stores").rglob("*.signatures"))
    assert len(copies) == 1
    bucket.requests.clear()
    assert found(PLACE) == expected
    whole = [path for _, path in bucket.requests if "/valid/c/" in path]
    assert whole == []  # the copy is used
    content = bytearray(copies[0].read_bytes())
    content[3] ^= 1
    copies[0].write_bytes(content)
    assert found(PLACE) == expected
    assert "is damaged in 1 blocks" in caplog.text


def test_a_copy_is_of_one_address_and_one_seal(bucket: Bucket, tmp_path: Path) -> None:
    other = random_codes(GRID, seed=5)
    write_store(tmp_path / "a.zarr", CODES, GRID)
    write_store(tmp_path / "b.zarr", other, GRID)
    uploaded(bucket, tmp_path / "a.zarr")
    assert found(PLACE) == found(tmp_path / "a.zarr")
    (first,) = (cache_folder() / "stores").rglob("*.signatures")
    uploaded(bucket, tmp_path / "b.zarr")
    assert found(PLACE) == found(tmp_path / "b.zarr")
    assert found(PLACE) != found(tmp_path / "a.zarr")
    (second,) = (cache_folder() / "stores").rglob("*.signatures")  # the old one is gone
    assert second != first


def test_windows_of_another_size(bucket: Bucket, tmp_path: Path) -> None:
    write_store(tmp_path / "emb.zarr", CODES, GRID, name="contrastive")
    uploaded(bucket, tmp_path / "emb.zarr")
    assert found(PLACE, 160.0) == found(tmp_path / "emb.zarr", 160.0)
    assert found(PLACE, 160.0) != found(PLACE)


def test_blocks_that_are_written_later_are_searched(bucket: Bucket, tmp_path: Path) -> None:
    store = write_store(PLACE, CODES, GRID, blocks=3)
    local = write_store(tmp_path / "a.zarr", CODES, GRID, blocks=3)
    assert len(store.done()) == 3
    assert found(PLACE) == found(tmp_path / "a.zarr")
    add_blocks(store, CODES, 3, None)
    add_blocks(local, CODES, 3, None)
    assert store.done() == local.done()
    assert found(PLACE) == found(tmp_path / "a.zarr")
    assert not store.has((9, 0, 0))
    assert store.is_done((1, 0, 0))


def test_a_block_that_is_there_is_not_written_again(bucket: Bucket) -> None:
    store = write_store(PLACE, CODES, GRID)
    before = bucket.files("")
    add_blocks(store, CODES, 0, 2)
    assert bucket.files("") == before


def test_a_damaged_block_is_noticed_and_made_again(bucket: Bucket) -> None:
    store = write_store(PLACE, CODES, GRID)
    before = bucket.files("lab/emb.zarr/")
    for name in ("signatures/c/0/0/0", "embeddings/c/0/0/0/0", "valid/c/0/0/0"):
        damaged = bytearray(before[name])
        damaged[-9] ^= 4
        bucket.ask("PUT", f"/bucket/lab/emb.zarr/{name}", bytes(damaged))
        again = open_store(PLACE)
        assert not again.is_done((0, 0, 0)), name
        if not name.startswith("embeddings"):
            with pytest.raises(DataError, match="is damaged"):
                again.flat()
        add_blocks(store, CODES, 0, 1)
        assert bucket.files("lab/emb.zarr/") == before
        chunks._context.cache_clear()
        assert open_store(PLACE).is_done((0, 0, 0))


def test_two_that_write_different_bits_never_mix_unnoticed(bucket: Bucket) -> None:
    store = write_store(PLACE, CODES, GRID, blocks=1)
    first = bucket.files("lab/emb.zarr/")
    add_blocks(store, random_codes(GRID, seed=3), 0, 1)  # another machine, which rounds otherwise
    second = bucket.files("lab/emb.zarr/")
    assert second != first
    assert open_store(PLACE).is_done((0, 0, 0))
    chunks._context.cache_clear()
    name = "signatures/c/0/0/0"
    bucket.ask("PUT", f"/bucket/lab/emb.zarr/{name}", first[name])
    assert not open_store(PLACE).is_done((0, 0, 0))


def test_of_two_that_begin_at_once_one_is_first(bucket: Bucket, tmp_path: Path) -> None:
    one = write_store(PLACE, CODES, GRID, blocks=0)
    two = write_store(PLACE, CODES, GRID, blocks=0, name="other")
    assert two.manifest["model"]["name"] == one.manifest["model"]["name"] == "none"
    objects = Objects(chunks.locate("s3://bucket/lab"))
    assert objects.write("once", b"first")
    assert not objects.write("once", b"second")
    assert objects.read("once")[0] == b"first"
    state = objects.read("once")[1]
    assert objects.write("once", b"third", state)
    assert not objects.write("once", b"fourth", state)  # it is not what it was
    with pytest.raises(ConfigError, match="holds something that is no embedding volume"):
        write_store("s3://bucket/lab", CODES, GRID)


def test_answers_that_fail_are_slow_or_cut_change_nothing(bucket: Bucket, tmp_path: Path) -> None:
    write_store(tmp_path / "emb.zarr", CODES, GRID, short=4)
    for how in ("500", "slow", "cut"):
        bucket.failures += [how, "503"]
        bucket.lost = 2  # of these the server keeps what it answers nothing to
        store = write_store(PLACE, CODES, GRID, short=4, blocks=2)
        bucket.failures += [how, how]
        add_blocks(store, CODES, 2, None)
        assert bucket.files("lab/emb.zarr/") == files_on_disk(tmp_path / "emb.zarr"), how
        chunks._context.cache_clear()
        shutil.rmtree(cache_folder(), ignore_errors=True)
        bucket.failures += [how] * 3
        assert found(PLACE) == found(tmp_path / "emb.zarr"), how
        for key in bucket.files(""):
            bucket.ask("DELETE", f"/bucket/{key}")


def test_a_store_that_grows_keeps_what_is_there(bucket: Bucket, tmp_path: Path) -> None:
    longer = grid_of((3, 16, 32))
    for place in (PLACE, tmp_path / "emb.zarr"):
        store = write_store(place, CODES, GRID)
        volume = {**store.manifest["volume"], "shape": [3, 136, 264]}
        manifest = {**store.manifest, "grid": longer.to_dict(), "volume": volume}
        grown = store.grow(manifest)
        add_blocks(grown, random_codes(longer), 4, None)
        assert len(grown.done()) == 6
    assert bucket.files("lab/emb.zarr/") == files_on_disk(tmp_path / "emb.zarr")
    assert found(PLACE) == found(tmp_path / "emb.zarr")


@pytest.mark.parametrize(
    ("answer", "said"),
    [("403", "give no right to it"), ("500", "after several attempts")],
)
def test_what_the_server_refuses_is_one_sentence(bucket: Bucket, answer: str, said: str) -> None:
    write_store(PLACE, CODES, GRID, blocks=1)
    bucket.always = answer
    with pytest.raises(DataError, match=said) as caught:
        open_store(PLACE)
    assert "\n" not in str(caught.value)


def test_addresses_that_lead_nowhere(bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(DataError, match="There is no embedding volume s3://bucket/none"):
        open_store("s3://bucket/none.zarr")
    with pytest.raises(DataError, match="there is no such bucket on that server"):
        open_store("s3://buckett/none.zarr")
    with pytest.raises(DataError, match="there is no such bucket on that server"):
        creation.check_new("s3://buckett/none.zarr")
    with pytest.raises(ConfigError, match="without credentials") as caught:
        open_store("s3://me:secret@bucket/none.zarr")
    assert "secret" not in str(caught.value)
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    with pytest.raises(DataError, match="the server cannot be reached"):
        open_store(PLACE)
    monkeypatch.setenv("AWS_ENDPOINT_URL", "me:secret@host")
    with pytest.raises(ConfigError, match="AWS_ENDPOINT_URL must be like") as caught:
        open_store(PLACE)
    assert "secret" not in str(caught.value)


def test_a_manifest_that_was_changed_there_is_refused(bucket: Bucket) -> None:
    write_store(PLACE, CODES, GRID, blocks=1)
    group = json.loads(bucket.files("lab/emb.zarr/")["zarr.json"])
    group["attributes"]["emqs"]["code_size"] = 8
    bucket.ask("PUT", "/bucket/lab/emb.zarr/zarr.json", json.dumps(group).encode())
    with pytest.raises(DataError, match="does not match its checksum"):
        open_store(PLACE)


def test_a_cache_that_cannot_be_written(
    bucket: Bucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_store(PLACE, CODES, GRID, blocks=1)
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("EMQS_CACHE", str(tmp_path / "file"))
    with pytest.raises(DataError, match="Set EMQS_CACHE to a folder"):
        open_store(PLACE).flat()


def test_the_settings_of_other_programs_are_used(
    bucket: Bucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_store(PLACE, CODES, GRID, blocks=1)
    monkeypatch.delenv("AWS_ENDPOINT_URL")
    config = tmp_path / "config"
    config.write_text(f"[profile lab]\nregion = eu-west-1\nendpoint_url = {bucket.url}\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    monkeypatch.setenv("AWS_PROFILE", "lab")
    assert np.array_equal(open_store(PLACE).done(), [(0, 0, 0)])
