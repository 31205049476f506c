"""Files of examples: what may stand in them, and what is refused."""

from pathlib import Path

import numpy as np
import pytest

from emqs.errors import DataError
from emqs.retrieval.examples_file import Examples, columns, from_points, read_examples
from emqs.runs.tables import write_csv

SIZE, ORIGIN = (30.0, 5.0, 4.0), (300.0, -50.0, 8.0)


def written(folder: Path, text: str) -> Path:
    path = folder / "clicks.csv"
    path.write_text(text, encoding="utf-8")
    return path


def test_places_in_voxels_and_rows_without_a_label(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        "\ufeffnote, z ,y,x,label\nfirst,3,10,20,positive\nasked,4,11,21,\n"
        "second,0,0.4,7.5,negative\n",
    )
    made = read_examples(path)
    assert made.labels == ("positive", "negative")
    np.testing.assert_array_equal(made.voxels, [[3, 10, 20], [0, 0, 8]])
    np.testing.assert_array_equal(made.of("negative"), [[0, 0, 8]])


def test_places_in_nm_are_those_of_the_volume(tmp_path: Path) -> None:
    """(390 - 300) / 30 = 3, (-45 + 50) / 5 = 1, (19 - 8) / 4 = 2.75: the third voxel is nearest."""
    path = written(tmp_path, "z_nm,y_nm,x_nm,label\n390,-45,19,positive\n")
    made = read_examples(path, voxel_size_nm=SIZE, origin_nm=ORIGIN)
    np.testing.assert_array_equal(made.voxels, [[3, 1, 3]])
    with pytest.raises(DataError, match="the voxel size of the volume is not known"):
        read_examples(path)


def test_columns_come_back(tmp_path: Path) -> None:
    made = from_points([[3, 10, 20]], [[1, 2, 3], [4, 5, 6]])
    table = columns(made.voxels, made.labels, voxel_size_nm=SIZE, origin_nm=ORIGIN)
    assert [table["z_nm"][0], table["y_nm"][0], table["x_nm"][0]] == [390.0, 0.0, 88.0]
    back = read_examples(write_csv(tmp_path / "a.csv", table))
    assert isinstance(back, Examples)
    assert back.labels == ("positive", "negative", "negative")
    np.testing.assert_array_equal(back.voxels, made.voxels)


def test_examples_of_another_volume_are_told(tmp_path: Path) -> None:
    made = from_points([[3, 10, 20]], [[1, 2, 3]])
    table = columns(made.voxels, made.labels, voxel_size_nm=(30.0, 8.0, 8.0), origin_nm=ORIGIN)
    path = write_csv(tmp_path / "a.csv", table)
    with pytest.raises(DataError, match=r"line 2: \[3.0, 10.0, 20.0\] in voxels and .* two places"):
        read_examples(path, voxel_size_nm=SIZE, origin_nm=ORIGIN)
    assert len(read_examples(path, voxel_size_nm=(30.0, 8.0, 8.0), origin_nm=ORIGIN).labels) == 2
    assert len(read_examples(path).labels) == 2  # nobody knows
    by_hand = written(
        tmp_path, "z,y,x,z_nm,y_nm,x_nm,label\n3,10,20,390,0,88,positive\n1,2,3,,,,negative\n"
    )
    assert len(read_examples(by_hand, voxel_size_nm=SIZE, origin_nm=ORIGIN).labels) == 2


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "has the columns of an empty file"),
        ("z,y,label\n1,2,positive\n", "has the columns z, y, label; needed are label"),
        ("z,y,x\n1,2,3\n", "needed are label"),
        ("z,y,x,label\n1,2,three,positive\n", r"line 2: the place must be three numbers, got '1,2"),
        ("z,y,x,label\n1,2,nan,positive\n", "line 2: the place must be three numbers"),
        ("z,y,x,label\n1,2,3," + "a" * 101 + "\n", "a label of more than 100 letters, line 2"),
    ],
)
def test_mistakes_are_explained(text: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=message):
        read_examples(written(tmp_path, text))


def test_what_is_no_text_and_what_is_not_there(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(b"z,y,x,label\n\xff\xfe")
    with pytest.raises(DataError, match="is not text in UTF-8"):
        read_examples(tmp_path / "a.csv")
    with pytest.raises(DataError, match=r"There is no file of examples .*b\.csv"):
        read_examples(tmp_path / "b.csv")
