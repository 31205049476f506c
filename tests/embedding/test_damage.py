"""Stores that lost a bit, or come from a stranger: told in one line, or nothing is different."""

import json
import math
import random
import shutil
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.small_stores import grid_of, random_codes, write_store

from emqs.embedding.stores import flat_copy
from emqs.embedding.stores.arrays import file_of
from emqs.embedding.stores.manifest import sealed
from emqs.embedding.stores.opening import unfinished
from emqs.embedding.stores.zarr import open_store
from emqs.errors import DataError, EmqsError
from emqs.retrieval import refining
from emqs.retrieval.settings import QueryConfig, SearchConfig
from emqs.retrieval.volume_search import search

FLIPS = 140


def found(path: Path) -> dict[str, list[Any]]:
    """Return what a search of a store gives."""
    matches = search(
        open_store(path),
        [[1, 20, 20], [2, 90, 100]],
        [[0, 50, 60]],
        query=QueryConfig(),
        settings=SearchConfig(n_results=20, candidates=400, distance_nm=0.0),
    )
    return {name: values.tolist() for name, values in matches.columns.items()}


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store that nobody changes."""
    grid = grid_of()
    place = tmp_path_factory.mktemp("whole") / "a.zarr"
    return write_store(place, random_codes(grid), grid, short=8).path


@pytest.fixture
def path(whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(refining, "FIRST", 64)  # short codes choose which codes are read
    return Path(shutil.copytree(whole, tmp_path / "a.zarr"))


@pytest.mark.slow
def test_no_bit_that_flips_changes_a_result_in_silence(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    expected = found(path)
    files = sorted(file for file in path.rglob("*") if file.is_file())
    kinds = sorted({file.relative_to(path).parts[0] + file.suffix for file in files})
    assert len(kinds) >= 10
    chance, refused = random.Random(0), 0
    for number in range(FLIPS):
        kind = kinds[number % len(kinds)]
        file = chance.choice([f for f in files if f.relative_to(path).parts[0] + f.suffix == kind])
        content = file.read_bytes()
        bit = chance.randrange(8 * len(content))
        flipped = bytearray(content)
        flipped[bit // 8] ^= 1 << bit % 8
        file.write_bytes(flipped)
        try:
            result, said = found(path), ""
        except EmqsError as error:
            result, said = expected, str(error)
        assert result == expected, f"bit {bit} of {file.relative_to(path)}"
        assert "\n" not in said
        assert not (said and ".scan" in file.parts), said  # what can be made again is made again
        refused += bool(said)
        if ".scan" not in file.parts:
            file.write_bytes(content)
    assert refused > FLIPS / 4
    assert "copied again" in caplog.text
    assert "made again" in caplog.text


@pytest.mark.parametrize("name", ["embeddings", "valid", "signatures", "short", "made_of"])
def test_files_of_two_blocks_that_are_swapped_are_noticed(path: Path, name: str) -> None:
    """Each is whole, and in the wrong place."""
    found(path)
    one, other = (file_of(path, name, block) for block in ((0, 0, 0), (2, 1, 1)))
    aside = one.rename(path / "aside")
    other.rename(one)
    aside.rename(other)
    shutil.rmtree(path / flat_copy.COPY)  # which was made while all was right
    assert not open_store(path).is_done((0, 0, 0))
    with pytest.raises(DataError, match=r"python -m emqs\.embed .* makes it again"):
        found(path)


@pytest.mark.parametrize("ending", [".valid", ".signatures", ".short", ".short_checks"])
def test_a_part_of_a_copy_that_was_never_written_is_copied_again(path: Path, ending: str) -> None:
    expected = found(path)
    (file,) = (path / flat_copy.COPY).glob(f"*{ending}")
    content = file.read_bytes()
    file.write_bytes(content[:100] + bytes(len(content) - 100))
    assert found(path) == expected
    assert file.read_bytes() == content


def test_a_store_without_checksums_opens_with_one_note(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    expected = found(path)
    content = json.loads((path / "zarr.json").read_text())
    del content["attributes"]["emqs"]["sha256"]
    (path / "zarr.json").write_text(json.dumps(content))
    caplog.clear()
    assert found(path) == expected
    (said,) = (record.getMessage() for record in caplog.records)
    assert "has no checksum of its manifest" in said


def changed(path: Path, key: str, value: object) -> None:
    """Let a stranger change a manifest, and its checksum."""
    content = json.loads((path / "zarr.json").read_text())
    manifest = content["attributes"]["emqs"]
    del manifest["sha256"]
    group, _, name = key.rpartition(".")
    holder = manifest[group] if group else manifest
    if value is ...:
        del holder[name]
    else:
        holder[name] = value
    content["attributes"]["emqs"] = sealed(manifest)
    (path / "zarr.json").write_text(json.dumps(content))


@pytest.mark.parametrize("key", ["grid", "signer", "volume"])
def test_a_value_that_could_be_is_noticed_by_the_seal(path: Path, key: str) -> None:
    content = json.loads((path / "zarr.json").read_text())
    holder = content["attributes"]["emqs"][key]
    name = {"grid": "origin_nm", "signer": "thresholds", "volume": "shape"}[key]
    holder[name][0] += 1
    (path / "zarr.json").write_text(json.dumps(content))
    with pytest.raises(DataError, match="does not match its checksum"):
        found(path)


HOSTILE: list[tuple[str, object]] = [
    ("volume.shape", "x"),
    ("volume.shape", [4, 200]),
    ("volume", ...),
    ("volume.name", 7),
    ("volume.name", ...),
    ("model", None),
    ("grid.origin_nm", [math.nan, 0, 0]),
    ("grid.origin_nm", [True, 0, 0]),
    ("grid.voxel_size_nm", [0, 5, 5]),
    ("grid.voxel_size_nm", [1e400, 5, 5]),
    ("grid.shape", [8192] * 3),
    ("grid.shape", [4, 24, 32.5]),
    ("grid.stride_px", [1, 8, 10**30]),
    ("grid.block", 2**39),
    ("grid.planes", "diagonal"),
    ("code_size", 10**9),
    ("code_size", -1),
    ("code_size", 17),
    ("signer", {}),
    ("signer.thresholds", [1, "2"]),
    ("short", []),
    ("short.size", 10**12),
    ("intensity", [0]),
    ("contrast", [[1, 2, 3]]),
    ("volume.select", {"c": [1]}),
]


@pytest.mark.parametrize(("key", "value"), HOSTILE)
def test_a_value_that_cannot_be_is_named_before_anything_is_allocated(
    path: Path, key: str, value: object
) -> None:
    changed(path, key, value)
    before = {file for file in path.rglob("*") if file.is_file()}
    started = time.process_time()
    with pytest.raises(DataError, match=r"a\.zarr\S* is damaged: ") as caught:
        found(path)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 500
    assert time.process_time() - started < 1
    assert {file for file in path.rglob("*") if file.is_file()} == before


def test_a_grid_that_nothing_stored_can_explain_leaves_no_huge_file(path: Path) -> None:
    """All that a stranger can write about a store says that it is huge; only its blocks are not."""
    changed(path, "volume.shape", [8192, 8 * 8192 + 16, 8 * 8192 + 16])
    changed(path, "grid.shape", [8192] * 3)
    for name in ("embeddings", "valid", "signatures", "short", "made_of"):
        file = path / name / "zarr.json"
        content = json.loads(file.read_text())
        along = content["dimension_names"].index("z")
        content["shape"][along : along + 3] = [8192, *[512 if name == "made_of" else 8192] * 2]
        file.write_text(json.dumps(content))
    with pytest.raises(DataError, match=r"holds only \d+ blocks of \d+ bytes; the copy .* GB"):
        found(path)
    assert not (path / flat_copy.COPY).exists()


def test_a_copy_is_not_written_through_a_link(path: Path, tmp_path: Path) -> None:
    expected = found(path)
    (file,) = (path / flat_copy.COPY).glob("*.valid")
    outside = tmp_path / "diary"
    outside.write_bytes(bytes(file.stat().st_size))
    file.unlink()
    file.symlink_to(outside)
    assert found(path) == expected
    assert outside.read_bytes() == bytes(np.prod(grid_of().shape))


def test_a_store_without_some_of_its_blocks_is_told(path: Path) -> None:
    assert unfinished(open_store(path)) is None
    file_of(path, "signatures", (0, 1, 0)).unlink()
    n_blocks = math.prod(grid_of().blocks_shape)
    assert f"has {n_blocks - 1} of its {n_blocks} blocks; places in the others" in str(
        unfinished(open_store(path))
    )
