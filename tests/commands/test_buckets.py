"""Commands whose results lie in a bucket of an S3 server on this machine."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from support.buckets import KEYS, Bucket, files_on_disk, reached
from support.embedded_volumes import VOXEL_NM, model, voxels
from support.searches import run_command

from emqs.embed import work as embed
from emqs.errors import ConfigError, DataError
from emqs.models import weights
from emqs.search import work as find
from emqs.volumes import chunks, write_ome_zarr

PLACE = "s3://bucket/lab/emb.zarr"


@pytest.fixture(scope="module")
def running() -> Iterator[Bucket]:
    made = Bucket()
    yield made
    made.stop()


@pytest.fixture
def bucket(running: Bucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bucket]:
    yield from reached(running, tmp_path, monkeypatch)


@pytest.mark.slow
def test_embed_and_search_with_one_address(bucket: Bucket, tmp_path: Path) -> None:
    write_ome_zarr(tmp_path / "v.zarr", voxels(2), VOXEL_NM, (1, 64, 64))
    weights.save(tmp_path / "w.safetensors", model())
    settings = (
        f"volume={tmp_path / 'v.zarr'}", f"weights={tmp_path / 'w.safetensors'}", "patch.size=16",
        "patch.stride=8", "embed.block=8", "embed.n_sample=256", "device=cpu",
    )  # fmt: skip
    run_command(embed, "embed", tmp_path, *settings, f"out={tmp_path / 'emb.zarr'}")
    expected = files_on_disk(tmp_path / "emb.zarr")

    bucket.stop_after = 30  # the server goes away in the middle
    with pytest.raises(DataError, match="after several attempts"):
        run_command(embed, "embed", tmp_path, *settings, f"out={PLACE}")
    bucket.stop_after = None
    assert 0 < len(bucket.files("lab/emb.zarr/")) < len(expected)
    chunks._context.cache_clear()
    run_command(embed, "embed", tmp_path, *settings, f"out={PLACE}")
    assert bucket.files("lab/emb.zarr/") == expected
    run_command(embed, "embed", tmp_path, *settings, f"out={PLACE}", "task=verify")

    clicked = ("positive=[[1,48,64]]", "figures=false", "search.n_results=30")
    run_command(find, "search", tmp_path / "a", *clicked, f"store={tmp_path / 'emb.zarr'}")
    run_command(find, "search", tmp_path / "b", *clicked, f"store={PLACE}")
    one, two = (tmp_path / name / "run_search" / "matches.csv" for name in ("a", "b"))
    assert one.read_bytes() == two.read_bytes()
    for file in tmp_path.rglob("*"):
        assert not file.is_file() or KEYS["AWS_SECRET_ACCESS_KEY"].encode() not in file.read_bytes()
    with pytest.raises(ConfigError, match="volume=toy is drawn beside out, on disk"):
        run_command(embed, "embed", tmp_path, "volume=toy", f"out={PLACE}")
