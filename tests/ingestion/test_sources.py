"""Slices come in natural order, gaps are kept, and what is no stack of slices is refused."""

from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from emqs.errors import ConfigError, DataError
from emqs.ingestion.sources import open_source


def save(folder: Path, names: list[str], dtype: type = np.uint8, edge: int = 12) -> Path:
    folder.mkdir(exist_ok=True)
    for number, name in enumerate(names):
        Image.fromarray(np.full((edge, edge + number % 3), number + 1, dtype)).save(folder / name)
    return folder


def test_numbers_are_read_as_numbers_and_sizes_may_differ(tmp_path: Path) -> None:
    folder = save(tmp_path / "raw", ["a_1.png", "a_2.png", "a_10.png", "a_3.png"])
    source = open_source(str(folder), numbering="order")
    assert source.names == ("a_1", "a_2", "a_3", "a_10")
    assert [int(source.read(slot)[0, 0]) for slot in range(4)] == [1, 2, 4, 3]
    assert [source.read(slot).shape for slot in range(4)] == [
        (12, 12),
        (12, 13),
        (12, 12),
        (12, 14),
    ]


def test_a_missing_number_is_a_gap_of_its_depth(tmp_path: Path) -> None:
    folder = save(tmp_path / "raw", [f"s{n:03d}.png" for n in (4, 5, 8, 9, 10)])
    source = open_source(str(folder))
    assert source.names == ("s004", "s005", None, None, "s008", "s009", "s010")
    assert source.slots == [0, 1, 4, 5, 6]
    assert source.notes == ("No slice has the number 6, 7; a gap of that depth is kept.",)
    assert int(source.read(4)[0, 0]) == 3
    with pytest.raises(DataError, match="has no slice in slot 2"):
        source.read(2)


def test_numbers_may_rise_by_more_than_one_and_stand_among_others(tmp_path: Path) -> None:
    names = [f"2024_exp7_z{n}_x5000.png" for n in (10, 20, 30, 50)]
    source = open_source(str(save(tmp_path / "raw", names)))
    assert [name is None for name in source.names] == [False, False, False, True, False]
    assert source.notes[0] == "Numbers rise by 10; that is taken to be one slice."


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["only_1.png"], "holds a single slice"),
        (["z1_x0.png", "z1_x1.png", "z2_x0.png", "z2_x1.png"], "look like tiles"),
        (["s_1.png", "s_01.png", "s_2.png"], "two slices of the number 1"),
        (["s_1.png", "s_2000.png", "s_3001.png"], "do not look like numbers of slices"),
        (["s_1.png", "s_2.png", "notes.txt"], "notes.txt, which is not a slice"),
        (["s_1.png", "s_2.tif"], "mixes formats"),
    ],
)
def test_what_is_no_stack_is_refused(tmp_path: Path, names: list[str], message: str) -> None:
    folder = tmp_path / "raw"
    folder.mkdir()
    for name in names:
        if name.endswith(".txt"):
            (folder / name).write_text("no slice")
        elif name.endswith(".tif"):
            tifffile.imwrite(folder / name, np.zeros((4, 4), np.uint8))
        else:
            Image.fromarray(np.zeros((4, 4), np.uint8)).save(folder / name)
    with pytest.raises(DataError, match=message):
        open_source(str(folder))


def test_an_empty_folder_and_none_at_all_are_refused(tmp_path: Path) -> None:
    (tmp_path / "raw").mkdir()
    with pytest.raises(DataError, match="is empty"):
        open_source(str(tmp_path / "raw"))
    with pytest.raises(DataError, match="There is no volume at"):
        open_source(str(tmp_path / "none"))


def test_a_stack_in_one_file_is_read_slice_by_slice(tmp_path: Path) -> None:
    stack = np.random.default_rng(0).integers(0, 65536, (5, 7, 5)).astype(np.uint16)
    tifffile.imwrite(tmp_path / "stack.tif", stack)
    source = open_source(str(tmp_path / "stack.tif"), voxel_size_nm=(50.0, 4.0, 4.0))
    assert source.voxel_size_nm == (50.0, 4.0, 4.0)
    assert all((source.read(slot) == stack[slot]).all() for slot in range(5))
    with pytest.raises(ConfigError, match="states no voxel size"):
        open_source(str(tmp_path / "stack.tif")).require_voxel_size()


def test_fractions_are_no_slices(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "stack.tif", np.zeros((5, 7, 5), np.float32))
    with pytest.raises(DataError, match="slices are of 8 or 16 bits"):
        open_source(str(tmp_path / "stack.tif"))


def test_settings_of_a_volume_do_not_fit_a_folder(tmp_path: Path) -> None:
    folder = save(tmp_path / "raw", ["s_1.png", "s_2.png"])
    with pytest.raises(ConfigError, match=r"input\.level does not fit"):
        open_source(str(folder), request={"level": 1})
