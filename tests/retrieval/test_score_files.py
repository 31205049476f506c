"""Maps of scores as files, read back by libraries that share nothing with ours."""

from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
import tifffile
import zarr

from emqs.datasets import Stack
from emqs.errors import ConfigError, DataError
from emqs.retrieval import score_files

BOXES = np.array([[0, 0, 0, 10, 10], [0, 0, 5, 10, 10], [2, 5, 10, 10, 10]])
SCORES = np.array([0.25, 0.75, -0.5])


def stack(*heights: int, section_nm: float | None = 40.0) -> Stack:
    slices = [np.zeros((height, 20), np.uint8) for height in heights]
    names = [str(z) for z in range(len(slices))]
    return Stack("TINY", slices, names, pixel_size_nm=4.0, section_nm=section_nm)


def expected() -> np.ndarray:
    """The map, by hand: two patches of the first slice overlap in columns 5 to 9."""
    made = np.full((3, 15, 20), np.nan, np.float32)
    made[0, :10, :5], made[0, :10, 5:10], made[0, :10, 10:15] = 0.25, 0.5, 0.75
    made[2, 5:15, 10:20] = -0.5
    return made


def test_tifffile_reads_the_scores_and_the_voxel_size(tmp_path: Path) -> None:
    (path,) = score_files.write(
        stack(15, 15, 15), BOXES, SCORES, None, folder=tmp_path, formats=["tiff"]
    )
    with tifffile.TiffFile(path) as file:
        voxels = file.asarray()
        pixels = ElementTree.fromstring(file.ome_metadata or "").find(".//{*}Pixels")
    assert path.name == "score_maps.ome.tiff"
    assert voxels.dtype == np.float32
    np.testing.assert_array_equal(voxels, expected())
    assert pixels is not None
    sizes = {axis: float(pixels.attrib[f"PhysicalSize{axis}"]) for axis in "ZYX"}
    units = {pixels.attrib[f"PhysicalSize{axis}Unit"] for axis in "ZYX"}
    assert (sizes, units) == ({"Z": 40.0, "Y": 4.0, "X": 4.0}, {"nm"})


def test_zarr_reads_the_scores_and_the_voxel_size(tmp_path: Path) -> None:
    (path,) = score_files.write(
        stack(15, 15, 15), BOXES, SCORES, None, folder=tmp_path, formats=["zarr"]
    )
    group = zarr.open_group(path, mode="r")
    image = group.attrs["ome"]["multiscales"][0]  # type: ignore[index, call-overload]
    array = group[image["datasets"][0]["path"]]
    assert array.dtype == np.float32
    np.testing.assert_array_equal(array[:], expected())
    assert [(axis["name"], axis["unit"]) for axis in image["axes"]] == [
        ("z", "nanometer"), ("y", "nanometer"), ("x", "nanometer"),
    ]  # fmt: skip
    (scale,) = image["datasets"][0]["coordinateTransformations"][:1]
    assert scale == {"type": "scale", "scale": [40.0, 4.0, 4.0]}


def test_a_map_of_an_earlier_run_is_written_again_and_nothing_else_is(tmp_path: Path) -> None:
    for scores in (SCORES + 1, SCORES):
        (path,) = score_files.write(
            stack(15, 15, 15), BOXES, scores, None, folder=tmp_path, formats=["zarr"]
        )
    group = zarr.open_group(path, mode="r")
    np.testing.assert_array_equal(group["0"][:], expected())  # type: ignore[index]
    assert [p.name for p in tmp_path.iterdir()] == [path.name]
    (path / "zarr.json").unlink()
    with pytest.raises(ConfigError, match="exists already"):
        score_files.write(stack(15, 15, 15), BOXES, SCORES, None, folder=tmp_path, formats=["zarr"])


def test_finer_scores_are_asked_for_slice_by_slice(tmp_path: Path) -> None:
    """Windows of half a patch every fifth of it: the score of a patch is its column here."""

    def again(boxes: np.ndarray, *, question: str) -> np.ndarray:
        assert question == "mostly"
        assert len(np.unique(boxes[:, 0])) == 1
        return boxes[:, 2].astype(float)

    (path,) = score_files.write(
        stack(15, 15, 15), BOXES, SCORES, again, folder=tmp_path, formats=["tiff"]
    )
    voxels = tifffile.imread(path)
    assert np.isnan(voxels[1]).all()  # nothing was searched there
    starts = np.arange(0, 11, 2)  # of patches of 10 pixels, every 2
    means = [starts[(starts <= x) & (x < starts + 10)].mean() for x in range(20)]
    np.testing.assert_allclose(voxels[2, 7], means, rtol=1e-6)


def test_slices_of_several_sizes_are_told_before_the_search() -> None:
    score_files.check(stack(15, 16), [])
    with pytest.raises(
        DataError, match=r"needs slices of one size, and TINY has some of \(15, 20\)"
    ):
        score_files.check(stack(15, 16), ["tiff"])


def test_without_a_voxel_size_none_is_written(tmp_path: Path) -> None:
    one = stack(15, 15, 15, section_nm=None)
    (path,) = score_files.write(one, BOXES, SCORES, None, folder=tmp_path, formats=["tiff"])
    with tifffile.TiffFile(path) as file:
        assert "PhysicalSize" not in (file.ome_metadata or "")
