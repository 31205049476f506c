"""Ingestion on Ray: the volume is that of one process, byte for byte."""

import importlib.util
import pickle
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from support.raw_slices import disturbed, tissue, written

from emqs.errors import ConfigError, DataError
from emqs.ingestion.ingest import Settings, ingest
from emqs.ingestion.remote import on_ray
from emqs.ingestion.settings import (
    AlignConfig,
    CheckConfig,
    ContrastConfig,
    IngestConfig,
    OutputConfig,
)
from emqs.ingestion.sources import Source, open_source
from emqs.runs.settings import RayConfig

SETTINGS = Settings(
    IngestConfig(fill="nearest"),
    CheckConfig(),
    AlignConfig("elastic", rotation_deg=3, block_px=64),
    ContrastConfig("match"),
    OutputConfig(chunk=[2, 64, 64], shard=[2, 128, 128]),
)


@pytest.mark.slow
@pytest.mark.skipif(
    importlib.util.find_spec("ray") is None, reason="Ray is not installed: pip install 'emqs[ray]'"
)
def test_ray_makes_the_volume_of_one_process(tmp_path: Path) -> None:
    windows, _ = disturbed(tissue(5, 260, depth=4.0), 180, seed=3)
    windows[2] = np.full_like(windows[2], 100)
    written(tmp_path / "raw", windows)
    source = open_source(str(tmp_path / "raw"), voxel_size_nm=(20.0, 5.0, 5.0))
    volumes = []
    for name, engine in (("local", None), ("ray", on_ray(RayConfig(workers=2, gpus=0)))):
        (tmp_path / name).mkdir()
        out = ingest(source, tmp_path / name / "v.zarr", SETTINGS, executor=engine).path
        volumes.append(
            {str(p.relative_to(out)): p.read_bytes() for p in out.rglob("*") if p.is_file()}
        )
    assert len(volumes[0]) > 20
    assert volumes[1] == volumes[0]


def test_a_source_goes_to_another_process_as_what_opens_it(tmp_path: Path) -> None:
    folder = written(tmp_path / "raw", list(tissue(3, 60)))
    source = open_source(str(folder), voxel_size_nm=(20.0, 5.0, 5.0))
    packed = pickle.dumps(source)
    again = pickle.loads(packed)
    assert again.names == source.names
    assert again.voxel_size_nm == source.voxel_size_nm
    assert (again.read(1) == source.read(1)).all()
    (folder / "slice_1.png").rename(folder / "slice_3.png")
    with pytest.raises(DataError, match="has other slices than when the run began"):
        pickle.loads(packed)


def test_slices_in_memory_alone_are_refused() -> None:
    source = replace(Source("held", ("0", "1")))
    with pytest.raises(ConfigError, match="cannot be opened by other processes"):
        pickle.dumps(source)
