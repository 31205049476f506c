"""Volumes in buckets of S3 and Google Cloud Storage, played by a server on this machine."""

import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urlsplit

import numpy as np
import pytest
import tensorstore
from support import volumes_on_disk as disk
from support.volumes_on_disk import SIZE, VOXELS

from emqs.errors import DataError
from emqs.volumes import Box, chunks, open_volume
from emqs.volumes.axes import Request
from emqs.volumes.chunks import Location
from emqs.volumes.formats.ome_zarr import open_zarr3

Make = Callable[[Path], Path]


@pytest.fixture
def bucket(tmp_path: Path) -> Iterator[str]:
    """Address of a server that knows objects as both services name them."""

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *arguments: object) -> None: ...

        def do_GET(self) -> None:
            path = urlsplit(self.path).path
            before = "/storage/v1/b/bucket/o/" if path.startswith("/storage") else "/bucket/"
            file = tmp_path / unquote(path.removeprefix(before))
            found = path.startswith(before) and file.is_file()
            content = file.read_bytes() if found else b""
            if path == "/storage/v1/b/bucket/o":  # a list of names: none
                found, content = True, b'{"kind": "storage#objects"}'
            self.send_response(200 if found else 404)
            self.send_header("Content-Length", str(len(content)))
            self.send_header("ETag", '"1"')
            self.send_header("x-goog-generation", "1")
            self.end_headers()
            self.wfile.write(content)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.fixture
def google(bucket: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TENSORSTORE_GCS_HTTP_URL", bucket)
    monkeypatch.setenv("GOOGLE_AUTH_TOKEN_FOR_TESTING", "none")
    monkeypatch.setattr(chunks, "RETRIES", {"max_retries": 1, "initial_delay": "1ms"})
    chunks._context.cache_clear()
    yield
    chunks._context.cache_clear()


@pytest.mark.parametrize("make", [disk.ome_zarr_04, disk.ome_zarr_05, disk.n5_viewer])
def test_google_cloud_storage(make: Make, google: None, tmp_path: Path) -> None:
    make(tmp_path / "lab" / "v")
    volume = open_volume("gs://bucket/lab/v")
    assert volume.voxel_size_nm == SIZE
    np.testing.assert_array_equal(volume.read(volume.box), VOXELS)
    box = Box((2, 3, 4), (4, 6, 7))
    np.testing.assert_array_equal(volume.read(box), VOXELS[box.slices])
    with pytest.raises(DataError, match="There is no volume at gs://bucket/lab/w"):
        open_volume("gs://bucket/lab/w")


def test_s3(bucket: str, tmp_path: Path) -> None:
    disk.ome_zarr_05(tmp_path / "lab" / "v")
    spec = {
        "driver": "s3", "bucket": "bucket", "path": "lab/v/", "endpoint": bucket,
        "aws_region": "eu-central-1", "aws_credentials": {"type": "anonymous"},
    }  # fmt: skip
    store = tensorstore.KvStore.open(spec).result()
    volume = open_zarr3(Location("s3://bucket/lab/v", store), Request())
    assert volume.voxel_size_nm == SIZE
    np.testing.assert_array_equal(volume.read(volume.box), VOXELS)
