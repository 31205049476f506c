"""Files appear whole or not at all."""

import hashlib
from pathlib import Path

import pytest

from emqs import files


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
