"""Files for napari and Fiji: read back by another library, or by hand."""

import io
import zipfile
from pathlib import Path

import numpy as np
import pytest

from emqs.annotations import viewer_files


def test_points_of_napari_by_hand(tmp_path: Path) -> None:
    path = viewer_files.write_napari(tmp_path / "a.csv", np.array([[3, 12, 21.5], [0, 0.5, 7]]))
    assert path.read_text().splitlines() == [
        "index,axis-0,axis-1,axis-2", "0,3.0,12.0,21.5", "1,0.0,0.5,7.0",
    ]  # fmt: skip


def test_rectangles_are_those_that_roifile_reads(tmp_path: Path) -> None:
    roifile = pytest.importorskip("roifile")
    first = np.array([[3, 10, 20], [0, 33_000, 59_000]])
    edges = np.array([[1, 5, 4], [8, 80, 80]])
    path = viewer_files.write_fiji(tmp_path / "a.zip", first, edges, ["1", "2"])
    assert path is not None
    with zipfile.ZipFile(path) as archive:
        rois = [roifile.ImagejRoi.frombytes(archive.read(name)) for name in archive.namelist()]
    assert [roi.roitype for roi in rois] == [roifile.ROI_TYPE.RECT] * 2
    boxes = [(roi.position, roi.top, roi.left, roi.bottom, roi.right) for roi in rois]
    assert boxes[0] == (4, 10, 20, 15, 24)
    assert boxes[1][0] == 5  # the middle of eight slices, from 1
    read = [value % 2**16 for value in boxes[1][1:]]  # ImageJ takes them as unsigned
    assert read == [33_000, 59_000, 33_080, 59_080]
    again = viewer_files.write_fiji(tmp_path / "b.zip", first, edges, ["1", "2"])
    assert again is not None
    assert io.BytesIO(again.read_bytes()).getvalue() == path.read_bytes()


def test_what_lies_too_far_for_a_roi_is_not_written(tmp_path: Path) -> None:
    far = np.array([[0, 0, 60_000]])
    assert viewer_files.write_fiji(tmp_path / "a.zip", far, np.array([[1, 1, 1]]), ["1"]) is None
    assert list(tmp_path.iterdir()) == []
