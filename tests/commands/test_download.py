"""Fetching a dataset, from a server on this machine that can misbehave."""

import hashlib
import io
import json
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pooch
import pytest
import tifffile

from emqs.datasets import open_stack
from emqs.datasets.download import ELSEWHERE, RECORD, _Bar, download
from emqs.datasets.settings import DatasetConfig, DownloadConfig
from emqs.errors import ConfigError, DataError
from emqs.settings import CONFIG_DIR

Z, Y, X = 3, 12, 16
FILES = ("training.tif", "training_groundtruth.tif", "testing.tif", "testing_groundtruth.tif")


def tiff(array: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, array, photometric="minisblack")
    return buffer.getvalue()


def raw(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (Z, Y, X), dtype=np.uint8)


def mask(seed: int) -> np.ndarray:
    return (raw(seed) > 128).astype(np.uint8) * np.uint8(255)


@dataclass
class Server:
    """What is served, how, and what was asked for."""

    files: dict[str, bytes]
    fault: str = ""  # "", cut (hang up half way), short (end early, no length given)
    asked: list[str] = field(default_factory=list)
    url: str = ""


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setenv("NO_PROXY", "*")
    bodies = [tiff(raw(0)), tiff(mask(1)), tiff(raw(2)), tiff(mask(3))]
    state = Server(dict(zip(FILES, bodies, strict=True)))

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            name = self.path.rpartition("/")[2]
            state.asked.append(name)
            if name not in state.files:
                self.send_error(404)
                return
            body = state.files[name]
            self.send_response(200)
            if state.fault != "short":
                self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body[: len(body) // 2] if state.fault else body)

        def log_message(self, *args: object) -> None:
            """Keep quiet."""

    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=http.serve_forever, args=(0.01,))
    thread.start()
    state.url = f"http://127.0.0.1:{http.server_port}/data/%20EM/"
    yield state
    http.shutdown()
    thread.join()
    http.server_close()


@pytest.fixture
def settings(server: Server, tmp_path: Path) -> DownloadConfig:
    return DownloadConfig(base_url=server.url, cache=str(tmp_path / "cache"), timeout_s=5)


def leftovers(images: Path) -> list[str]:
    return sorted(p.name for p in images.iterdir()) if images.exists() else []


def test_epfl_becomes_two_datasets_with_class_ids(
    server: Server, settings: DownloadConfig, tmp_path: Path
) -> None:
    images = tmp_path / "new/images"
    made = download("EPFL", images, settings)
    assert made == [images / "EPFL", images / "EPFL_testing"]
    assert leftovers(images) == ["EPFL", "EPFL_testing"]
    for name, seed in (("EPFL", 0), ("EPFL_testing", 2)):
        stack = open_stack(DatasetConfig(name=name, kind="folder"), images)
        np.testing.assert_array_equal(stack.slices, raw(seed))
        np.testing.assert_array_equal(stack.require_labels(), mask(seed + 1) // 255)
        assert stack.slice_names == ["0000", "0001", "0002"]
    assert server.asked == list(FILES)


def test_the_checksum_is_recorded_at_first_use(
    server: Server, settings: DownloadConfig, tmp_path: Path
) -> None:
    download("EPFL", tmp_path / "images", settings)
    record = json.loads((tmp_path / "cache/EPFL" / RECORD).read_text())
    source = json.loads((tmp_path / "images/EPFL/source.json").read_text())
    for file in FILES:
        assert record[file]["sha256"] == hashlib.sha256(server.files[file]).hexdigest()
        assert record[file]["url"] == server.url + file
    assert source["files"]["training.tif"] == record["training.tif"]
    assert "Lucchi" in source["citation"]


def test_fetched_files_are_used_again_and_missing_parts_made(
    server: Server, settings: DownloadConfig, tmp_path: Path
) -> None:
    download("EPFL", tmp_path / "images", settings)
    (tmp_path / "images/EPFL").rename(tmp_path / "images/kept")
    server.files.clear()
    assert download("EPFL", tmp_path / "images", settings) == [tmp_path / "images/EPFL"]
    assert len(server.asked) == 4


def test_files_brought_by_hand_are_used(
    server: Server, settings: DownloadConfig, tmp_path: Path
) -> None:
    (tmp_path / "cache/EPFL").mkdir(parents=True)
    for file, body in server.files.items():
        (tmp_path / "cache/EPFL" / file).write_bytes(body)
    download("EPFL", tmp_path / "images", settings)
    assert server.asked == []
    assert len(json.loads((tmp_path / "cache/EPFL" / RECORD).read_text())) == 4


def test_an_existing_dataset_is_never_overwritten(
    server: Server, settings: DownloadConfig, tmp_path: Path
) -> None:
    for name in ("EPFL", "EPFL_testing"):
        (tmp_path / "images" / name).mkdir(parents=True)
    with pytest.raises(DataError, match=r"EPFL and .*EPFL_testing exist already.*rename or delete"):
        download("EPFL", tmp_path / "images", settings)
    assert server.asked == []
    assert leftovers(tmp_path / "images/EPFL") == []


def changed() -> bytes:
    return tiff(raw(9))


def test_a_file_that_changed_on_the_server_is_refused(
    server: Server, settings: DownloadConfig, tmp_path: Path
) -> None:
    download("EPFL", tmp_path / "images", settings)
    before = hashlib.sha256(server.files["training.tif"]).hexdigest()
    server.files["training.tif"] = changed()
    (tmp_path / "cache/EPFL/training.tif").unlink()
    (tmp_path / "images/EPFL").rename(tmp_path / "old")
    got = hashlib.sha256(changed()).hexdigest()
    with pytest.raises(DataError, match=rf"training.tif has changed .*{before}, got {got}"):
        download("EPFL", tmp_path / "images", settings)
    assert not (tmp_path / "cache/EPFL/training.tif").exists()
    assert leftovers(tmp_path / "images") == ["EPFL_testing"]


def test_a_file_that_changed_on_disk_is_refused(settings: DownloadConfig, tmp_path: Path) -> None:
    download("EPFL", tmp_path / "images", settings)
    (tmp_path / "cache/EPFL/training.tif").write_bytes(changed())
    (tmp_path / "images/EPFL").rename(tmp_path / "old")
    with pytest.raises(DataError, match=r"training.tif has changed.*delete it to fetch it anew"):
        download("EPFL", tmp_path / "images", settings)


def test_a_damaged_record_is_an_error(settings: DownloadConfig, tmp_path: Path) -> None:
    (tmp_path / "cache/EPFL").mkdir(parents=True)
    (tmp_path / "cache/EPFL" / RECORD).write_text('{"training.tif": {}}')
    with pytest.raises(DataError, match=r"checksums\.json is damaged.*Delete the folder"):
        download("EPFL", tmp_path / "images", settings)


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        ("404", r"127\.0\.0\.1:\d+ answered 404 Not Found for http.*download\.base_url"),
        ("html", r"training\.tif is not a TIFF file; it starts with b'<htm'.*login"),
        ("cut", r"connection to 127\.0\.0\.1:\d+ broke while|incomplete: \d+ of \d+ bytes"),
        ("short", r"damaged or cut off.*Delete the faulty one of training\.tif and"),
        ("unequal", r"The label of slice .* has 12x15 pixels"),
        ("fewer", r"holds 3 slices and .*holds 2"),
        ("float", r"training\.tif has pixels of type float32, which PNG cannot hold"),
    ],
)
def test_a_bad_answer_is_one_clear_error_and_makes_nothing(
    server: Server, settings: DownloadConfig, tmp_path: Path, fault: str, message: str
) -> None:
    if fault == "404":
        server.files.clear()
    elif fault == "html":
        server.files["training.tif"] = b"<html>please log in</html>"
    elif fault == "unequal":
        server.files["training_groundtruth.tif"] = tiff(mask(1)[:, :, 1:])
    elif fault == "fewer":
        server.files["training_groundtruth.tif"] = tiff(mask(1)[1:])
    elif fault == "float":
        server.files["training.tif"] = tiff(raw(0).astype(np.float32))
    else:
        server.fault = fault
    with pytest.raises(DataError, match=message):
        download("EPFL", tmp_path / "images", settings)
    assert leftovers(tmp_path / "images") == []
    assert not (tmp_path / "cache/EPFL" / RECORD).exists()
    if fault == "cut":
        assert leftovers(tmp_path / "cache/EPFL") == []


def test_fewer_bytes_than_announced_are_refused(
    settings: DownloadConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Older HTTP libraries end quietly when the connection closes early."""

    class Quiet:
        def __init__(self, progressbar: _Bar, **settings: object) -> None:
            self.bar = progressbar

        def __call__(self, url: str, output: str, owner: object) -> None:
            self.bar.total = 1000
            Path(output).write_bytes(tiff(raw(0))[:900])

    monkeypatch.setattr(pooch, "HTTPDownloader", Quiet)
    with pytest.raises(DataError, match=r"training\.tif is incomplete: 900 of 1000 bytes came"):
        download("EPFL", tmp_path / "images", settings)
    assert leftovers(tmp_path / "cache/EPFL") == []


def test_no_answer_names_the_files_and_where_to_put_them(tmp_path: Path) -> None:
    settings = DownloadConfig("http://127.0.0.1:9/data", str(tmp_path / "cache"), 2)
    with pytest.raises(
        DataError,
        match=r"127\.0\.0\.1:9 cannot be reached: no connection\. Are you offline\?.*"
        r"training\.tif, training_groundtruth\.tif, .*from http://127\.0\.0\.1:9/data .*cache.EPFL",
    ):
        download("EPFL", tmp_path / "images", settings)


def test_a_silent_server_ends_at_the_time_limit(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("NO_PROXY", "*")
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        url = f"http://127.0.0.1:{deaf.getsockname()[1]}/"
        settings = DownloadConfig(url, str(tmp_path / "cache"), 0.2)
        with pytest.raises(DataError, match=r"no answer within 0\.2 s \(download\.timeout_s\)"):
            download("EPFL", tmp_path / "images", settings)


def test_a_folder_that_cannot_be_written_is_named(settings: DownloadConfig, tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file in the way")
    with pytest.raises(DataError, match=r"Cannot write .*cache.*download\.cache"):
        download("EPFL", tmp_path / "images", settings)


@pytest.mark.parametrize("name", sorted(ELSEWHERE))
def test_sets_that_cannot_be_fetched_say_how_to_bring_them(
    settings: DownloadConfig, tmp_path: Path, name: str
) -> None:
    with pytest.raises(DataError, match=rf"^{name} is not .*{name}.raw") as error:
        download(name, tmp_path, settings)
    if name.startswith("VNC"):
        assert "Gerhard et al. 2013" in str(error.value)
    assert (CONFIG_DIR / "dataset" / f"{name}.yaml").exists()


def test_an_unknown_set_names_what_can_be_fetched(settings: DownloadConfig, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"nothing to fetch for dataset=toy.*knows: EPFL"):
        download("toy", tmp_path, settings)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"base_url": "ftp://x"}, r"download\.base_url must start with https://.*'ftp://x'"),
        ({"timeout_s": 0}, r"download\.timeout_s must be a finite number greater than 0"),
    ],
)
def test_settings_are_checked(change: dict[str, object], message: str) -> None:
    good = {"base_url": "https://x/", "cache": "c", "timeout_s": 1}
    with pytest.raises(ConfigError, match=message):
        DownloadConfig(**(good | change))


def run_command(*overrides: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "emqs.download", *overrides],
        cwd=cwd,
        env={"PYTHONPATH": str(CONFIG_DIR.parent), "NO_PROXY": "*", "PATH": ""},
        capture_output=True,
        text=True,
        timeout=120,
    )


@pytest.mark.slow
def test_the_command_fetches_and_then_refuses(server: Server, tmp_path: Path) -> None:
    arguments = ("dataset=EPFL", f"download.base_url={server.url}")
    first = run_command(*arguments, cwd=tmp_path)
    assert first.returncode == 0, first.stderr
    assert "images/EPFL: 3 slices" in first.stdout
    assert (tmp_path / "images/EPFL_testing/labels/0002.png").exists()
    assert (tmp_path / "images/.downloads/EPFL/training.tif").exists()
    second = run_command(*arguments, cwd=tmp_path)
    assert second.returncode != 0
    assert second.stderr.startswith("emqs.download: images/EPFL and images/EPFL_testing exist")
    assert second.stderr.count("\n") == 1


@pytest.mark.slow
def test_help_needs_no_dataset_but_fetching_does(tmp_path: Path) -> None:
    shown = run_command("--help", cwd=tmp_path)
    assert shown.returncode == 0, shown.stderr
    assert "EPFL" in shown.stdout
    asked = run_command(cwd=tmp_path)
    assert asked.returncode == 1
    said = "emqs.download: Which dataset? Give dataset=NAME; it is one of EPFL.\n"
    assert asked.stderr == said
