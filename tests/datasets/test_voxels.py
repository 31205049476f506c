"""Datasets whose slices lie in a volume."""

from pathlib import Path

import h5py
import mrcfile
import numpy as np
import pytest
import tifffile
import zarr

from emqs.datasets.opening import open_stack
from emqs.datasets.settings import DatasetConfig
from emqs.errors import DataError

RAW = np.random.default_rng(0).integers(0, 255, (5, 20, 30)).astype(np.uint8)
LABELS = (RAW > 200).astype(np.uint8) * 255


def folder(name: str = "a", **more: object) -> DatasetConfig:
    return DatasetConfig(kind="folder", name=name, **more)  # type: ignore[arg-type]


def test_raw_in_hdf5_and_labels_in_zarr(tmp_path: Path) -> None:
    (tmp_path / "a" / "raw").mkdir(parents=True)
    with h5py.File(tmp_path / "a" / "raw" / "stack.h5", "w") as file:
        array = file.create_dataset("em", data=RAW.T)  # X Y Z
        array.attrs["axes"] = "xyz"
        array.attrs["resolution"], array.attrs["unit"] = [4.0, 4.0, 40.0], "nm"
    zarr.create_array(tmp_path / "a" / "labels", data=LABELS, dimension_names=["z", "y", "x"])
    stack = open_stack(folder(slices=[1, 4]), tmp_path)
    np.testing.assert_array_equal(np.stack(list(stack.slices)), RAW[1:4])
    assert stack.labels is not None
    np.testing.assert_array_equal(np.stack(stack.labels), LABELS[1:4] // 255)  # a mask is class 1
    assert (stack.pixel_size_nm, stack.section_nm) == (4, 40)
    assert stack.slice_names == ["stack_0001", "stack_0002", "stack_0003"] or stack.slice_names == [
        "em_0001", "em_0002", "em_0003",
    ]  # fmt: skip
    chosen = open_stack(folder(pixel_size_nm=5.0), tmp_path)
    assert (chosen.pixel_size_nm, chosen.section_nm) == (5, 40)  # the user's word wins


def test_raw_in_mrc(tmp_path: Path) -> None:
    (tmp_path / "a" / "raw").mkdir(parents=True)
    with mrcfile.new(tmp_path / "a" / "raw" / "tomogram.rec") as file:
        file.set_data(RAW.astype(np.uint16))
        file.voxel_size = (40.0, 40.0, 80.0)  # angstrom, x y z
    stack = open_stack(folder(), tmp_path)
    np.testing.assert_array_equal(np.stack(list(stack.slices)), RAW)
    assert (stack.pixel_size_nm, stack.section_nm) == pytest.approx((4, 8))


def test_a_tiff_that_states_its_size(tmp_path: Path) -> None:
    (tmp_path / "a" / "raw").mkdir(parents=True)
    tifffile.imwrite(
        tmp_path / "a" / "raw" / "stack.tif", RAW, imagej=True, resolution=(1 / 0.004, 1 / 0.004),
        metadata={"axes": "ZYX", "spacing": 0.04, "unit": "um"},
    )  # fmt: skip
    stack = open_stack(folder(), tmp_path)
    assert (stack.pixel_size_nm, stack.section_nm) == pytest.approx((4, 40), rel=1e-3)


def test_axes_that_nobody_names_are_said_to_be_guessed(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "a" / "raw").mkdir(parents=True)
    np.save(tmp_path / "a" / "raw" / "stack.npy", RAW)
    stack = open_stack(folder(), tmp_path)
    np.testing.assert_array_equal(np.stack(list(stack.slices)), RAW)
    assert "does not say which of its axes is which; they are taken to be z,y,x" in caplog.text


def test_labels_must_be_whole_numbers(tmp_path: Path) -> None:
    (tmp_path / "a" / "raw").mkdir(parents=True)
    (tmp_path / "a" / "labels").mkdir()
    np.save(tmp_path / "a" / "raw" / "stack.npy", RAW)
    np.save(tmp_path / "a" / "labels" / "stack.npy", RAW / 2)
    with pytest.raises(DataError, match="holds fractions"):
        open_stack(folder(), tmp_path)
