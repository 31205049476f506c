"""python -m emqs.compress as a user runs it: what it prints, writes and refuses."""

import csv
import gzip
import json
import re
from pathlib import Path
from typing import Any

import compresso
import numpy as np
import pytest
import zarr
from PIL import Image
from support.command_lines import Run
from support.label_volumes import blocky, opened

from emqs.codecs import get_codec
from emqs.datasets.synthetic.segmentation import segmentation


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Run:
    monkeypatch.chdir(tmp_path)
    np.save("v.npy", blocky())
    return Run(tmp_path, monkeypatch, capfd)


SMALL = "bench.sample.depth=4 bench.sample.height=48 bench.sample.width=64 bench.runs=2"


def read_json(path: Path) -> Any:  # noqa: ANN401 (what is in a file)
    return json.loads(path.read_text())


def names(folder: str) -> list[str]:
    return [path.name for path in Path(folder).iterdir()]


# bench


def test_bench_needs_no_data(run: Run) -> None:
    said = run(f"task=bench {SMALL}")
    volume = segmentation(4, 48, 64)
    size = len(get_codec("crackle+zstd").encode(volume))
    assert f"{size:,}" in said
    assert f"{volume.nbytes / size:.1f}" in said
    assert "4 x 48 x 64 voxels (Z Y X) of uint32" in said
    found = read_json(run.folder / "run" / "results.json")
    sizes = {one["encoding"]: one["comp_bytes"] for one in found["results"]}
    assert list(sizes) == ["none", "compresso-miccai", "crackle"]
    assert sizes["crackle"] == size
    assert {"results.csv", "results.md", "results.tex", "ratios.png"} <= set(names("run"))


def test_several_encodings_stand_in_brackets(run: Run) -> None:
    run("task=bench source=v.npy encoding=[none,crackle] compressor=[zlib,zstd] bench.runs=1")
    found = [
        (r["encoding"], r["compression"]) for r in read_json(Path("run/results.json"))["results"]
    ]
    assert found == [(e, c) for e in ("none", "crackle") for c in ("zlib", "zstd")]


@pytest.mark.slow
def test_the_grid_measures_all_pairs(run: Run) -> None:
    few = "bench.runs=1 bench.sample.depth=1 bench.slow_bytes=0"  # without the slow four
    said = run(f"task=bench grid=all {SMALL} {few}")
    found = read_json(run.folder / "run" / "results.json")["results"]
    assert len({(one["encoding"], one["compression"]) for one in found}) == len(found) == 8 * 8
    assert said.count("left out: ") == 8 * 4
    with (run.folder / "run" / "results.csv").open() as stream:
        assert len(list(csv.DictReader(stream))) == 8 * 8


@pytest.mark.slow
def test_a_sweep_ends_in_one_table_and_chart(run: Run) -> None:
    np.save("w.npy", blocky("int64"))
    said = run("-m task=bench source=w.npy bench.runs=1 encoding=none,crackle compressor=lzma,zstd")
    table = (run.folder / "sweep" / "results.md").read_text().splitlines()
    assert len(table) == 2 + 4
    assert (run.folder / "sweep" / "ratios.png").is_file()
    assert said.rstrip().endswith(f"Combined tables and chart: {run.folder / 'sweep'}")


# convert


def test_convert_makes_what_zarr_opens(run: Run) -> None:
    size = "input.voxel_size_nm=[40,8,8]"
    said = run(f"task=convert source=v.npy target=v.zarr {size} codec.chunks=[2,32,32]")
    assert "equal to the source" in said
    assert "5 x 70 x 66 voxels (Z Y X) of uint32" in said
    array = zarr.open("v.zarr", mode="r")["0"]
    assert np.array_equal(array[1:3], blocky()[1:3])
    assert array.chunks == (2, 32, 32)
    assert read_json(run.folder / "run" / "convert.json")["verified"] is True
    assert "exists already" in run.fails("task=convert source=v.npy target=v.zarr")


def test_convert_says_what_it_does_not_know(run: Run) -> None:
    said = run("task=convert source=v.npy target=v.zarr codec=archive output.levels=2")
    assert "the voxel size is unknown" in said
    with opened(Path("v.zarr"), level="1") as reader:
        assert reader.shape[2] == 33


@pytest.mark.parametrize(
    ("target", "more"),
    [
        ("w.h5", ""), ("w.tif", ""), ("w.cpso", ""), ("w.zarr", "codec=zstd"),
        ("w", "output.format=precomputed input.voxel_size_nm=[40,8,8]"),
        *(
            pytest.param(*case, marks=pytest.mark.slow)
            for case in [
                ("w.npy", ""), ("w.ckl", ""), ("w.n5", ""), ("w.nrrd", ""), ("w.nii", ""),
                ("w.compresso-miccai", ""), ("w.compresso-v2", ""),
                ("w", "output.format=png output.dtype=uint8"),
            ]
        ),
    ],
)  # fmt: skip
def test_there_and_back(target: str, more: str, run: Run) -> None:
    run(f"task=convert source=v.npy target={target} {more}")
    run(f"task=convert source={target} target=back.npy output.dtype=uint32")
    assert np.array_equal(np.load("back.npy"), blocky())


def test_a_part_of_a_stack_of_slices(run: Run) -> None:
    Path("slices").mkdir()
    for z, image in enumerate(blocky("uint8")):
        Image.fromarray(image).save(f"slices/s_{z}.png")
    run("task=convert source=slices target=part.zarr input.region=[[1,3],[5,50],[6,60]]")
    assert np.array_equal(
        zarr.open("part.zarr", mode="r")["0"][:], blocky("uint8")[1:3, 5:50, 6:60]
    )


# verify, labels, recommend


@pytest.mark.slow
def test_verify_ends_with_an_error_that_lists_bad_chunks(run: Run) -> None:
    run("task=convert source=v.npy target=v.zarr codec.chunks=[2,32,32]")
    assert "checked against its CRC-32C" in run("task=verify source=v.zarr")
    chunk = Path("v.zarr/0/c/2/2/1")
    chunk.write_bytes(chunk.read_bytes()[:-3])
    assert "1 of 27 chunks of v.zarr are damaged" in run.fails("task=verify source=v.zarr")
    assert list(read_json(run.folder / "run" / "verify.json")["bad"]) == [str(chunk)]
    assert "has no checksum here" in run("task=verify source=v.npy")


@pytest.mark.slow
def test_labels(run: Run) -> None:
    volume = blocky()
    label = int(volume[4, 60, 60])
    run("task=convert source=v.npy target=v.zarr codec.chunks=[2,32,32]")
    said = run("task=labels source=v.zarr").split("\n")
    assert said[: len(np.unique(volume))] == [str(n) for n in np.unique(volume)]
    assert "0 of 27 chunks were decoded." in said[-2]
    asked = f"task=labels source=v.zarr label={label}"
    assert f"Label {label}: yes, in" in run(f"{asked} action=contains")
    assert "Label 999: no; 0 of 27" in run("task=labels source=v.zarr action=contains label=999")
    n_voxels = np.count_nonzero(volume == label)
    assert f"Label {label}: {n_voxels:,} voxels; 0 of" in run(f"{asked} action=count")
    run(f"{asked} action=extract target=one.npy")
    places = np.argwhere(volume == label)
    box = tuple(slice(a, b + 1) for a, b in zip(places.min(0), places.max(0), strict=True))
    assert np.array_equal(np.load("one.npy"), volume[box] == label)
    answer = read_json(run.folder / "run" / "labels.json")
    assert answer["box"] == [[part.start, part.stop] for part in box]


@pytest.mark.slow
def test_recommended_command_lines_work(run: Run) -> None:
    few = "recommend.runs=1 recommend.n_chunks=1"
    said = run(f"task=recommend source=v.npy {few}")
    viewer = "output.format=precomputed input.voxel_size_nm=[Z,Y,X]\n"  # to be filled in
    assert said.count("input.voxel_size_nm") == said.count(viewer) == 1
    said = run(f"task=recommend source=v.npy {few} input.voxel_size_nm=[40,8,8]")
    lines = [line.split(": ", 1) for line in said.splitlines() if "python -m" in line]
    assert [wish for wish, _ in lines] == [
        "smallest Zarr", "fastest Zarr to read", "for viewers (Neuroglancer)",
    ]  # fmt: skip
    for number, (_, line) in enumerate(lines):
        words = line.removeprefix("python -m emqs.compress ")
        run(words.replace("target=v", f"target=v{number}"))
    run("task=convert source=v.npy target=v.zarr")
    said = run(f"task=recommend source=v.zarr {few}")
    assert "target=v.zarr" not in said  # it is there
    assert re.search(r"target=v_(\w+)\.zarr codec=\1\n", said)


# mistakes


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("task=nonsense", "task must be one of bench, convert, verify, labels, recommend"),
        ("task=convert target=a.zarr", "needs a label volume: give source=PATH"),
        ("task=convert source=v.npy", "give target=PATH"),
        ("task=convert source=no.npy target=a.zarr", "There is no volume at no.npy"),
        ("task=convert source=v.npy target=a.what", "its ending does not say what to write"),
        ("task=convert source=v.npy target=a.zarr codec=rar", "There is no codec=rar"),
        ("task=convert source=v.npy target=a.zarr codec.level=99", "level must be 1 to 22"),
        ("task=convert source=v.npy target=a.zarr codec.chunks=[1,2]", "three lengths"),
        ("task=convert source=v.npy target=a.zarr input.axes=zyq", "there must be one x, one y"),
        ("task=convert source=v.npy target=a.zarr input.region=[1]", r"\[\[z0,z1\],"),
        ("task=convert source=v.npy target=a.npy codec=archive", "are for Zarr"),
        ("task=convert source=f.npy target=a.zarr", "holds fractions"),
        ("task=labels source=v.npy action=count", "give label=NUMBER"),
        ("task=labels source=v.npy action=extract label=999 target=a.npy", "does not hold label"),
        ("task=bench encoding=rar", "There is no encoding=rar"),
        ("task=bench encoding=[none,rar]", "There is no encoding=rar"),
        ("task=bench grid=some", "grid must be all or null"),
        ("task=recommend", "needs a label volume"),
    ],
)
def test_mistakes_are_told_in_one_line(line: str, said: str, run: Run) -> None:
    np.save("f.npy", np.zeros((2, 2, 2)))
    text = run.fails(line)
    assert text.startswith("emqs.compress: ")
    assert re.search(said, text), text
    assert set(names(".")) <= {"v.npy", "f.npy", "run"}


@pytest.mark.slow
def test_the_precomputed_folder_of_pinky40(labels_dir: Path, run: Run) -> None:
    """Every original chunk is in the converted volume."""
    source = labels_dir / "pinky40" / "precomputed-compresso"
    run(
        f"task=convert source={source} target=p.zarr input.scale=8_8_40",
        "input.region=[[0,128],[512,1024],[0,256]]",
    )
    array = zarr.open("p.zarr", mode="r")["0"]
    for y, z in ((512, 0), (512, 64), (768, 0), (768, 64)):
        file = source / "8_8_40" / f"0-256_{y}-{y + 256}_{z}-{z + 64}.gz"
        chunk = compresso.decompress(gzip.decompress(file.read_bytes())).T
        assert np.array_equal(array[z : z + 64, y - 512 : y - 256], chunk)
