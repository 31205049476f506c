"""One stack in the formats of microscopes: embedding and compressing give the same for all."""

from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest
import zarr
from support.command_lines import Run
from support.dm_files import dm
from support.embedded_volumes import VOXEL_NM, filled, model, voxels
from support.mrc_files import mrc
from support.tiff_files import imagej, ome

from emqs.volumes import Volume, from_array, open_volume

STACK = voxels(2, 64, 72).astype(np.uint16) * np.uint16(
    257
)  # the upper half is negative as signed numbers
UM = tuple(edge / 1000 for edge in VOXEL_NM)
XML = """<SpimData version="0.2"><SequenceDescription><ImageLoader format="bdv.hdf5">
<hdf5 type="relative">bdv.h5</hdf5></ImageLoader><ViewSetups><ViewSetup><id>0</id><voxelSize>
<unit>nm</unit><size>5.0 5.0 30.0</size></voxelSize></ViewSetup></ViewSetups></SequenceDescription>
</SpimData>"""


def bdv(folder: Path) -> Path:
    with h5py.File(folder / "bdv.h5", "w") as file:
        file["s00/resolutions"], file["s00/subdivisions"] = [[1.0, 1, 1]], [[64, 64, 1]]
        file["t00000/s00/0/cells"] = STACK.view(np.int16)
    (folder / "bdv.xml").write_text(XML)
    return folder / "bdv.xml"


def cell() -> tuple[float, ...]:
    return tuple(n * edge * 10 for n, edge in zip(STACK.shape, VOXEL_NM, strict=True))[::-1]


FORMATS: dict[str, Callable[[Path], Path]] = {
    "mrc": lambda f: mrc(f / "a.mrc", STACK, cell_angstrom=cell()),
    "dm4": lambda f: dm(f / "a.dm4", STACK, UM, ["\u00b5m"] * 3),
    "imagej": lambda f: imagej(f / "a.tif", STACK, unit="micron", size=UM, one_page=True),
    "ome": lambda f: ome(f / "a.ome.tif", STACK, size=VOXEL_NM, unit="nm", files=True),
    "bdv": bdv,
}


def codes(folder: Path, volume: Volume) -> np.ndarray:
    store = filled(folder, volume, model(name="pixels")).store
    return store.codes(np.arange(store.grid.n_places))


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Run:
    monkeypatch.chdir(tmp_path)
    return Run(tmp_path, monkeypatch, capfd)


@pytest.mark.slow
def test_embedding_gives_the_same_codes(tmp_path: Path) -> None:
    expected = codes(tmp_path / "memory.zarr", from_array(STACK, VOXEL_NM))
    assert len(np.unique(expected, axis=0)) > 20
    for name, make in FORMATS.items():
        (tmp_path / name).mkdir()
        volume = open_volume(make(tmp_path / name))
        assert volume.voxel_size_nm == pytest.approx(VOXEL_NM), name
        np.testing.assert_array_equal(codes(tmp_path / f"{name}.zarr", volume), expected, name)


@pytest.mark.parametrize("name", FORMATS)
def test_compressing_gives_the_same_labels(name: str, run: Run) -> None:
    source = FORMATS[name](run.folder)
    run(f"task=convert source={source} target=labels.zarr")
    image = zarr.open_group("labels.zarr", mode="r")
    np.testing.assert_array_equal(image["0"][:], STACK)
    made = open_volume(run.folder / "labels.zarr")
    assert made.voxel_size_nm == pytest.approx(VOXEL_NM)
