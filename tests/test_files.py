"""Files appear whole or not at all."""

import csv
import hashlib
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from emqs import files
from emqs.errors import DataError


def test_a_file_is_replaced_when_the_block_ends(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("old")
    with files.replacing(path) as temporary:
        temporary.write_text("new")
        assert path.read_text() == "old"
        assert temporary.parent == tmp_path
    assert path.read_text() == "new"
    assert [p.name for p in tmp_path.iterdir()] == ["a.txt"]


def test_after_an_error_everything_is_as_before(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("old")

    def stop() -> None:
        with files.replacing(path) as temporary:
            temporary.write_text("half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        stop()
    assert path.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["a.txt"]


def test_sha256_is_that_of_the_content(tmp_path: Path) -> None:
    path = tmp_path / "a.bin"
    path.write_bytes(bytes(range(256)) * 1000)
    assert files.sha256(path) == hashlib.sha256(bytes(range(256)) * 1000).hexdigest()


def test_composed_and_decomposed_names_are_the_same_name(tmp_path: Path) -> None:
    composed, decomposed = "Gr\u00f6\u00dfe", "Gro\u0308\u00dfe"
    assert composed != decomposed
    (tmp_path / composed / "caf\u00e9").mkdir(parents=True)
    for first in (composed, decomposed):
        for second in ("caf\u00e9", "cafe\u0301"):
            assert files.on_disk(tmp_path / first / second) == tmp_path / composed / "caf\u00e9"
    assert files.on_disk(tmp_path / decomposed / "new") == tmp_path / composed / "new"
    assert files.on_disk(tmp_path / "neu\u0308") == tmp_path / "neu\u0308"  # there is none
    (tmp_path / decomposed).mkdir()  # both are there: each is itself
    assert files.on_disk(tmp_path / decomposed) == tmp_path / decomposed


AT_WORK = """
import sys, time
from pathlib import Path
from emqs import files
path = Path(sys.argv[2])
with {"claim": lambda p: files.claimed(p, p), "file": files.replacing, "folder": files.new_folder}[
    sys.argv[1]
](path):
    print("at work", flush=True)
    time.sleep(60)
"""


@contextmanager
def at_work(how: str, path: Path) -> Iterator["subprocess.Popen[str]"]:
    """Let another process make something, until it is killed."""
    command = [sys.executable, "-c", AT_WORK, how, str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "at work\n"
        yield process
        process.kill()


def test_a_claim_ends_with_its_process(tmp_path: Path) -> None:
    folder, called = tmp_path / ".a.partial", tmp_path / "a"
    with at_work("claim", folder) as process:
        with pytest.raises(DataError, match=r"a is being written by another process\."):
            files.claimed(folder, called).__enter__()
        process.kill()
        process.wait()
        (folder / "half").touch()
        with files.claimed(folder, called):
            assert (folder / "half").exists()  # is gone on with
    assert not (folder / files.LOCK).exists()


@pytest.mark.parametrize("how", ["file", "folder"])
def test_leftovers_of_the_dead_are_removed_and_those_of_the_living_stay(
    how: str, tmp_path: Path
) -> None:
    path = tmp_path / "a[1].zarr"
    (tmp_path / ".b.12345678.tmp").touch()
    (tmp_path / ".a[1].zarr.4711.tmp").mkdir()  # of an older emqs
    with at_work(how, path) as process:
        files.clear_leftovers(tmp_path, path.name)
        left = sorted(p.name for p in tmp_path.iterdir())
        assert [name[:10] for name in left] == [".a[1].zarr", ".b.1234567"]
        process.kill()
        process.wait()
        with files.new_folder(path) as temporary:
            assert temporary.parent == tmp_path
    assert sorted(p.name for p in tmp_path.iterdir()) == [".b.12345678.tmp", "a[1].zarr"]


def test_room_is_kept_before_a_map_is_written(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"kept")
    files.allocate(path, 2**20)
    assert path.stat().st_size == 2**20
    assert path.stat().st_blocks * 512 >= 2**20  # not sparse
    assert path.read_bytes()[:5] == b"kept\0"
    files.allocate(path, 10)
    assert path.stat().st_size == 2**20
    with pytest.raises(OSError, match=r"."):
        files.allocate(path, 2**62)
    assert path.stat().st_size == 2**20


@pytest.mark.parametrize(
    "text", ["[" * 200_000, '{"a": NaN}', '{"a": 1', "[1]", '{"a": "\\ud800"}x', "\0"]
)
def test_json_that_is_none_is_told_in_one_line(text: str, tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(text)
    with pytest.raises(DataError, match=r"a\.json is damaged: ") as caught:
        files.read_json(tmp_path / "a.json", "a plan")
    assert "\n" not in str(caught.value)


def test_json_that_is_too_long_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text('{"a": 1}')
    assert files.read_json(tmp_path / "a.json", "a plan", 8) == {"a": 1}
    with pytest.raises(DataError, match=r"a\.json has 8 bytes, above the 7 that a plan may have"):
        files.read_json(tmp_path / "a.json", "a plan", 7)


def test_the_checksum_of_content_is_that_of_what_it_says() -> None:
    one = {"b": [1, 2.5, None], "a": {"x": "\u00e9"}}
    same = '{ "a": {"x": "\\u00e9"},\n "b": [1, 2.5, null] }'
    text = '{"a":{"x":"\u00e9"},"b":[1,2.5,null]}'
    assert files.content_sha256(one) == hashlib.sha256(text.encode()).hexdigest()
    assert files.content_sha256(one) == files.content_sha256(
        files.json_object(same, "it", "anything")
    )


def test_no_cell_is_a_formula_and_numbers_stay_numbers() -> None:
    text = files.csv_text([["=1+1.zarr", -1.5, None, "-x", 3, "a,b"]])
    assert text == "'=1+1.zarr,-1.5,,'-x,3,\"a,b\"\n"
    (row,) = csv.reader([text])
    assert files.plain(row[0]) == "=1+1.zarr"
