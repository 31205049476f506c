"""Addresses in buckets: how they are read, without any server."""

from pathlib import Path

import pytest

from emqs.errors import ConfigError
from emqs.volumes import addresses
from emqs.volumes.objects import ABSENT, name_in_cache, number_of


@pytest.fixture(autouse=True)
def alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in (
        "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3", "AWS_REGION", "AWS_DEFAULT_REGION",
        "AWS_ACCESS_KEY_ID", "AWS_PROFILE",
    ):  # fmt: skip
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))


def test_what_an_address_names(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    google = {"driver": "gcs", "bucket": "lab", "path": "a/b.zarr/"}
    assert addresses.kvstore("gs://lab/a/b.zarr/") == google
    plain = {"driver": "s3", "bucket": "lab", "path": ""}
    assert addresses.kvstore("s3://lab") == plain
    (tmp_path / "config").write_text("[default]\nregion = eu-west-1\n")
    assert addresses.kvstore("s3://lab") == {**plain, "aws_region": "eu-west-1"}
    monkeypatch.setenv("AWS_REGION", "us-west-2")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://other:1/")
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "http://server:9000/")  # the more special one counts
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    assert addresses.kvstore("s3://lab") == {
        **plain, "endpoint": "http://server:9000", "aws_region": "us-west-2",
        "aws_credentials": {"type": "environment"},
    }  # fmt: skip


@pytest.mark.parametrize(
    "url", ["s3://", "s3://k:secret@lab/a", "s3://lab/../a", "s3://lab/a?secret=1", "gs://Lab//a"]
)
def test_addresses_that_are_none(url: str) -> None:
    with pytest.raises(ConfigError, match="is not written as it must be") as caught:
        addresses.kvstore(url)
    assert "secret" not in str(caught.value)


def test_a_file_of_settings_that_is_none(tmp_path: Path) -> None:
    (tmp_path / "config").write_text("region = eu\n")
    with pytest.raises(ConfigError, match="is not a file of settings as AWS writes it"):
        addresses.kvstore("s3://lab")


def test_names_in_the_cache_differ_where_addresses_do() -> None:
    one, other = name_in_cache("s3://a/emb.zarr"), name_in_cache("s3://b/emb.zarr")
    assert one.startswith("emb.zarr-")
    assert one != other
    assert one == name_in_cache("s3://a/emb.zarr/")
    assert number_of(ABSENT) != number_of(b"x")
    assert 0 <= number_of(b"x") < 2**63
