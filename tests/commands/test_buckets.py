"""Commands whose results lie in a bucket of an S3 server on this machine."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from support.buckets import KEYS, Bucket, files_on_disk
from support.embedded_volumes import VOXEL_NM, model, voxels
from support.searches import run_command

from emqs.compress import compress
from emqs.embed import work as embed
from emqs.errors import ConfigError, DataError
from emqs.ingest import work as ingest
from emqs.models import weights
from emqs.search import work as find
from emqs.volumes import chunks, open_volume, write_ome_zarr
from emqs.volumes.objects import cache_folder

PLACE = "s3://bucket/lab/emb.zarr"


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
    with pytest.raises(ConfigError, match=r"toy.zarr is where the toy volume itself is drawn"):
        run_command(embed, "embed", tmp_path, "volume=toy", f"out={tmp_path / 'toy.zarr'}")
    assert not (tmp_path / "toy.zarr").exists()


@pytest.mark.slow
def test_labels_are_put_there_whole(bucket: Bucket, tmp_path: Path) -> None:
    labels = np.kron(np.arange(1, 28).reshape(3, 3, 3), np.ones((4, 12, 12), dtype=int))
    write_ome_zarr(tmp_path / "l.zarr", labels.astype(np.uint16), VOXEL_NM, (4, 16, 16))
    words = ("task=convert", f"source={tmp_path / 'l.zarr'}")
    run_command(compress, "compress", tmp_path, *words, f"target={tmp_path / 'c.zarr'}")
    expected = files_on_disk(tmp_path / "c.zarr")
    address = "s3://bucket/lab/c.zarr"
    bucket.stop_after = 8
    with pytest.raises(DataError, match="after several attempts"):
        run_command(compress, "compress", tmp_path, *words, f"target={address}")
    bucket.stop_after = None
    assert "zarr.json" not in bucket.files("lab/c.zarr/")  # nobody takes it for whole
    run_command(compress, "compress", tmp_path, *words, f"target={address}")
    assert bucket.files("lab/c.zarr/") == expected
    assert not list((cache_folder() / "staged").iterdir())
    with pytest.raises(ConfigError, match="exists already"):
        run_command(compress, "compress", tmp_path, *words, f"target={address}")
    with pytest.raises(ConfigError, match="lies in a bucket, for which"):
        run_command(compress, "compress", tmp_path, *words, "target=s3://bucket/c.h5")
    second = "s3://bucket/lab/c.precomputed"
    run_command(compress, "compress", tmp_path, *words, f"target={second}")
    volume = open_volume(second)
    np.testing.assert_array_equal(volume.read(volume.box), labels)
    with pytest.raises(DataError, match="no such bucket"):
        run_command(compress, "compress", tmp_path, *words, "target=s3://buckett/c.zarr")


@pytest.mark.slow
def test_slices_become_a_volume_there(bucket: Bucket, tmp_path: Path) -> None:
    raw = tmp_path / "raw"
    raw.mkdir()
    for number, image in enumerate(voxels(4)):
        Image.fromarray(image).save(raw / f"s_{number}.png")
    words = (
        f"source={raw}", "voxel_size_nm=[30,5,5]", "align=none", "contrast=none", "figures=false",
    )  # fmt: skip
    run_command(ingest, "ingest", tmp_path, *words, f"out={tmp_path / 'v.zarr'}")
    expected = files_on_disk(tmp_path / "v.zarr")
    address = "s3://bucket/lab/v.zarr"
    bucket.stop_after = 8
    with pytest.raises(DataError, match="after several attempts"):
        run_command(ingest, "ingest", tmp_path, *words, f"out={address}")
    bucket.stop_after = None
    run_command(ingest, "ingest", tmp_path, *words, f"out={address}")
    assert bucket.files("lab/v.zarr/") == expected
    volume = open_volume(address)
    np.testing.assert_array_equal(volume.read(volume.box), voxels(4))
    with pytest.raises(ConfigError, match="exists already"):
        run_command(ingest, "ingest", tmp_path, *words, f"out={address}")
    with pytest.raises(ConfigError, match="home needs out= on disk"):
        run_command(ingest, "ingest", tmp_path, *words, f"out={address}", f"home={tmp_path}")
