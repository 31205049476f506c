"""Embedding on Ray: the store is that of one process, whatever becomes of the workers."""

import importlib.util
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from functools import partial
from pathlib import Path

import pytest
from support.embedded_volumes import PATCH, VOXEL_NM, contents, model, voxels
from support.processes import of_ray

from emqs.embedding.build import Built, EmbedConfig, build
from emqs.embedding.build.remote import on_ray
from emqs.errors import ConfigError, DataError, MissingDependencyError
from emqs.models.compute import Compute
from emqs.runs.settings import RayConfig
from emqs.volumes import open_volume, write_ome_zarr

needs_ray = pytest.mark.skipif(  # not imported here: it must be told first where to listen
    importlib.util.find_spec("ray") is None, reason="Ray is not installed: pip install 'emqs[ray]'"
)
SETTINGS = EmbedConfig(block=8, n_sample=64, short=12)


def made(folder: Path, name: str, ray: RayConfig | None, **changes: object) -> Built:
    """Return an embedding volume of the volume in a folder."""
    reopen = partial(open_volume, folder / "v.zarr")
    return build(
        reopen(),
        model(),
        folder / name / "emb.zarr",
        patch=PATCH,
        settings=SETTINGS,
        compute=Compute(device="cpu"),
        executor=None if ray is None else on_ray(ray, reopen),
        **changes,  # type: ignore[arg-type]
    )


def listening() -> set[tuple[str, int]]:
    """Return addresses and ports on which this computer listens."""
    open_ports = set()
    for name in ("tcp", "tcp6"):
        for line in Path(f"/proc/net/{name}").read_text().splitlines()[1:]:
            fields = line.split()
            address, port = fields[1].split(":")
            if fields[3] == "0A":
                words = [bytes.fromhex(address[i : i + 8])[::-1] for i in range(0, len(address), 8)]
                family = socket.AF_INET if name == "tcp" else socket.AF_INET6
                text = socket.inet_ntop(family, b"".join(words))
                open_ports.add((text.removeprefix("::ffff:"), int(port, 16)))
    return open_ports


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("ray")
    write_ome_zarr(folder / "v.zarr", voxels(24), VOXEL_NM, (2, 32, 32))
    for name in ("local", "killed", "lost"):
        (folder / name).mkdir()
    return folder


@pytest.mark.slow
@needs_ray
@pytest.mark.skipif(not Path("/proc/net/tcp").is_file(), reason="looks into /proc, as Linux has it")
def test_a_run_whose_worker_is_killed_ends_like_a_local_one(folder: Path) -> None:
    killed: list[int] = []
    seen: set[tuple[str, int]] = set()
    before = listening()
    chunks = folder / "killed" / "emb.zarr" / "signatures" / "c"
    finished = threading.Event()  # a busy computer takes its time
    words = [sys.executable, "-c", "input()", "emqs.embed"]  # what other tests have beside them
    bystander = subprocess.Popen(words, stdin=subprocess.PIPE)

    def kill() -> None:
        while not (killed or finished.is_set()):
            if len(list(chunks.glob("*/*/*"))) >= 3:
                seen.update(listening())
                for pid in of_ray(os.getpid(), "emqs.embed")[:1]:
                    os.kill(pid, signal.SIGKILL)
                    killed.append(pid)
            time.sleep(0.01)

    killer = threading.Thread(target=kill)
    killer.start()
    try:
        filled = made(folder, "killed", RayConfig(workers=2))
    finally:
        finished.set()
        killer.join()
    assert len(killed) == 1
    bystander.communicate(b"\n")
    assert bystander.returncode == 0
    assert filled.n_blocks + filled.n_found >= 24 * 4 - 2  # parts have two blocks
    local = made(folder, "local", None)
    assert contents(folder / "killed" / "emb.zarr") == contents(local.store.path)
    assert {address for address, _ in seen - before} == {"127.0.0.1"}
    deadline = time.monotonic() + 20
    while of_ray(os.getpid()):
        assert time.monotonic() < deadline, "Ray still runs"
        time.sleep(0.1)


@pytest.mark.slow
@needs_ray
def test_an_error_in_a_worker_is_that_of_a_local_run(folder: Path) -> None:
    reopen = partial(open_volume, folder / "v.zarr")
    lost = partial(open_volume, folder / "nothing.zarr")
    with pytest.raises(DataError, match=r"^There is no volume at \S+nothing\.zarr"):
        build(
            reopen(), model(), folder / "lost" / "emb.zarr", patch=PATCH, settings=SETTINGS,
            compute=Compute(device="cpu"), executor=on_ray(RayConfig(workers=1), lost),
        )  # fmt: skip
    assert list((folder / "lost").iterdir()) == []


@needs_ray
def test_a_cluster_that_is_not_there_is_told() -> None:
    engine = on_ray(RayConfig(address="127.0.0.1:1"), partial(open_volume, "v.zarr"))
    with pytest.raises(ConfigError, match=r"Ray cannot be used at 127\.0\.0\.1:1.*ray\.address"):
        engine._start()


def test_ray_that_is_not_installed_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(MissingDependencyError, match=r"emqs\[ray\]"):
        on_ray(RayConfig(), partial(open_volume, "v.zarr"))


@pytest.mark.parametrize(
    ("settings", "message"),
    [({"workers": 0}, "ray.workers"), ({"cpus": 0}, "ray.cpus"), ({"gpus": -1}, "ray.gpus"),
     ({"retries": -1}, "ray.retries")],
)  # fmt: skip
def test_settings_of_ray_that_do_not_fit(settings: dict[str, int], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        RayConfig(**settings)  # type: ignore[arg-type]


@needs_ray
def test_ray_that_was_imported_before_is_not_started(monkeypatch: pytest.MonkeyPatch) -> None:
    engine = on_ray(RayConfig(), partial(open_volume, "v.zarr"))
    monkeypatch.delenv("RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER", raising=False)
    with pytest.raises(ConfigError, match="imported before"):
        engine._start()


def test_a_volume_in_memory_is_refused() -> None:
    with pytest.raises(ConfigError, match="reopen"):
        on_ray(RayConfig(), None)
