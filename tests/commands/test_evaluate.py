"""python -m emqs.evaluate as a user runs it, on toy slices."""

import csv
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from reference import ranking
from support.composing import composed
from support.typed import typed

from emqs import evaluate, files
from emqs.datasets import open_stack
from emqs.datasets.settings import DatasetConfig, ToyConfig
from emqs.evaluation import report, tables
from emqs.evaluation.evaluate import evaluate as measured
from emqs.models.opening import load_model
from emqs.models.settings import ModelConfig
from emqs.patches.settings import PatchConfig
from emqs.retrieval.settings import IndexConfig, QueryConfig
from emqs.runs import command
from emqs.runs import record as records
from emqs.runs.record import Run
from emqs.runs.settings import LoggerConfig

TOP = Path(__file__).parents[2]
N_SLICES, HEIGHT, WIDTH = 4, 128, 160
TOY = [
    f"dataset.toy.n_slices={N_SLICES}",
    f"dataset.toy.height={HEIGHT}",
    f"dataset.toy.width={WIDTH}",
    "patch.size=32",
    "query.batch_size=2",
    "query.min_overlap=0.3",
]


def table(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as stream:
        return list(csv.DictReader(stream))


# one run


@pytest.fixture(scope="module")
def outputs(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """The folder of one run, and what it printed."""
    folder = tmp_path_factory.mktemp("evaluate") / "run"
    done = typed("evaluate", TOP, "model=histogram", *TOY, f"hydra.run.dir={folder}")
    assert (done.returncode, done.stderr) == (0, "")
    return folder, done.stdout


def test_all_files_are_there(outputs: tuple[Path, str]) -> None:
    folder, printed = outputs
    names = {path.name for path in folder.iterdir() if path.is_file() and path.suffix != ".log"}
    assert names == {
        "metrics.json", "metrics.csv", "similarities.csv", "pr_curve.csv", "run.json",
        "pr_curve.png", "matches.png", "score_maps.png", "reliability.png",
    }  # fmt: skip
    for path in folder.glob("*.png"):
        with Image.open(path) as image:
            assert min(image.size) > 300
            assert len(np.unique(np.asarray(image.convert("L")))) > 20
    assert f"Results and figures: {folder}\n" in printed
    assert json.loads((folder / "run.json").read_text())["status"] == "finished"


def test_the_metrics_of_the_run(outputs: tuple[Path, str]) -> None:
    folder, printed = outputs
    found = json.loads((folder / "metrics.json").read_text())
    expected = {
        "dataset": "toy",
        "model": "histogram",
        "n_searched_patches": N_SLICES // 2 * 20,  # 4 x 5 patches of 32 in 128 x 160
        "n_slices": N_SLICES,
        "n_query_slices": 2,
        "structure": 1,
        "batch_size": 2,
        "min_overlap": 0.3,
        "num_neighbors": 1,
        "patch_size_px": 32,
        "patch_stride_px": 32,
        "index": "exact",
        "measure": "standard",
        "weights": None,
        "weights_sha256": None,
    }
    assert expected.items() <= found.items()
    assert f"{found['component_ap']:.3f}" in printed
    assert f"{found['chance']['component_ap']:.3f}" in printed
    (row,) = table(folder / "metrics.csv")
    for name in report.APS:
        assert float(row[name]) == found[name]


def test_the_ranking_gives_the_metrics(outputs: tuple[Path, str]) -> None:
    """similarities.csv alone, with the labels, gives component AP and patch APs again."""
    folder, _ = outputs
    rows = table(folder / "similarities.csv")
    assert list(rows[0])[:7] == ["rank", "z", "y", "x", "z_nm", "y_nm", "x_nm"]
    scores = [float(r["score"]) for r in rows]
    assert scores == sorted(scores, reverse=True)
    for row in rows[:20]:  # the centre of a patch of 32 pixels of 5 nm
        assert float(row["x"]) == int(row["box_x"]) + (int(row["box_width"]) - 1) / 2
        assert float(row["x_nm"]) == 5 * float(row["x"])
    columns = ("box_z", "box_y", "box_x", "box_height", "box_width")
    boxes = [tuple(int(r[c]) for c in columns) for r in rows]
    assert max(b[1] for b in boxes) == HEIGHT - 32
    assert max(b[2] for b in boxes) == WIDTH - 32
    assert {b[0] for b in boxes} == {0, 2}  # 1 and 3 are query slices
    toy = DatasetConfig("toy", "toy", toy=ToyConfig(N_SLICES, HEIGHT, WIDTH))
    labels = open_stack(toy, Path("none")).labels
    assert labels is not None
    for (z, y, x, height, width), row in zip(boxes, rows, strict=True):
        share = (labels[z][y : y + height, x : x + width] == 1).mean()
        assert float(row["overlap"]) == pytest.approx(share)
    precision, recall, ap, paper = ranking.component_curve(labels, boxes, 1)
    found = json.loads((folder / "metrics.json").read_text())
    assert found["component_ap"] == pytest.approx(ap, abs=1e-12)
    assert found["component_ap_paper"] == pytest.approx(paper, abs=1e-12)
    overlap = [float(r["overlap"]) for r in rows]
    for name, least in (("patch_ap_touch", 0), ("patch_ap_overlap", 0.3)):
        expected = ranking.average_precision(scores, [o > least for o in overlap])
        assert found[name] == pytest.approx(expected, abs=1e-12)
    curve = table(folder / "pr_curve.csv")
    assert [float(r["recall"]) for r in curve] == pytest.approx(recall)
    assert [float(r["precision"]) for r in curve] == pytest.approx(precision)


def test_with_the_papers_query_the_ranking_has_the_papers_columns(
    outputs: tuple[Path, str], tmp_path: Path
) -> None:
    settings = QueryConfig(batch_size=2, min_overlap=0.3)
    toy = DatasetConfig("toy", "toy", toy=ToyConfig(N_SLICES, HEIGHT, WIDTH))
    stack, model = open_stack(toy, Path("none")), load_model(ModelConfig("histogram"), None)
    patch, index = PatchConfig(size=32), IndexConfig("exact")
    found = measured(stack, model, patch=patch, query=settings, index=index, n_bootstrap=40)
    found.metrics.update(
        report.conditions(stack, model, patch=patch, query=settings, index=index, weights=None)
    )
    with Run(tmp_path, command="evaluate", settings={}, logger=LoggerConfig()) as run_:
        report.write(found, run_)
    rows = table(tmp_path / "similarities.csv")
    assert list(rows[0])[:6] == ["slice", "x", "y", "dim", "similarity", "overlap"]
    boxes = [[int(r[c]) for c in ("slice", "x", "y", "height", "width")] for r in rows]
    assert boxes == found.boxes.tolist()  # x is the row
    assert {r["dim"] for r in rows} == {"32"}


# mistakes of the user


@pytest.mark.slow
def test_a_mistake_is_one_line(tmp_path: Path) -> None:
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "emqs.evaluate",
            "query.min_overlap=50",
            f"hydra.run.dir={tmp_path}",
        ],
        cwd=TOP,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr == (
        "emqs.evaluate: query.min_overlap must be a fraction in (0, 1], got 50. "
        "A percentage such as 50 is written 0.5.\n"
    )


VAE = "weights={weights}/vae_finetuned.pth.tar"
MISTAKES = [
    (["dataset=EPFL", "paths.images=/none", "model=pixels"], "/none"),
    (["dataset=folder", "model=pixels"], "dataset.name is missing: give it as dataset.name=VALUE."),
    (
        ["model=pixels", "query.structure=9"],
        "query.structure=9 asks for label value 9, which no slice",
    ),
    (["weights=no.safetensors"], "There is no weights file no.safetensors. Give weights=PATH"),
    (["weights=5"], "There is no weights file 5. Give weights=PATH"),
    (["model=vae", "weights=null"], "model=vae needs weights=PATH, got none."),
    (["model=pca", "weights=x"], "model=pca takes no weights, got weights=x."),
    (["model=pixels", "batch_size=0"], "batch_size must be at least 1, got 0."),
    (["model=pixels", "batch_size=many"], "batch_size must be a whole number, got many"),
    (["model=pixels", "n_bootstrap=39"], "n_bootstrap must be at least 40, got 39"),
    (["model=pixels", "figures=perhaps"], "figures must be true or false, got perhaps"),
    (["model=pixels", "device=gpu"], "device=gpu cannot be used: "),
    (["model=pca", "model.preprocessing.size=32"], "model.preprocessing.size is 32, but the netw"),
    (["model=pixels", "query.num_neighbors=900"], "query.num_neighbors is 900, but there are on"),
    (["model=pixels", "patch.size=4000"], "patch.size is 4000 pixels, but slice 0 is only 128x160"),
    (["model=pixels", "patch.size=0.5"], "patch.size must be a whole number of pixels, got 0.5."),
    (["model=ae", VAE], "holds model=vae, but model=ae was asked for. Leave model= out"),
    (
        ["model=vae", VAE, "model.network.latent_size=8"],
        "latent_size=32, but model.network.latent_size=8",
    ),
]


@pytest.mark.parametrize(("overrides", "message"), MISTAKES)
def test_mistakes_are_explained(
    overrides: list[str], message: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    if any("{weights}" in item for item in overrides):
        weights = request.getfixturevalue("weights_dir")
        overrides = [item.format(weights=weights) for item in overrides]
    other = any(item.startswith("dataset=") for item in overrides)
    cfg = composed(tmp_path, *(TOY[3:] if other else TOY), *overrides)
    with pytest.raises(SystemExit) as caught:
        command.run("evaluate", cfg, evaluate.work)
    said = str(caught.value.code)
    assert said.startswith("emqs.evaluate: ")
    assert message in said
    assert "\n" not in said
    record = records.read_record(tmp_path)
    assert record is None or record["status"] == "failed"  # None: it failed before it began


# sweeps


@pytest.fixture(scope="module")
def sweep(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """A sweep in which one of three points fails, run twice."""
    folder = tmp_path_factory.mktemp("sweep") / "points"
    options = [*TOY, "figures=false", "model=histogram,pixels", f"hydra.sweep.dir={folder}"]
    first = typed("evaluate", TOP, "-m", *options, "query.structure=1,9")
    times = {p: p.stat().st_mtime_ns for p in folder.rglob("*") if p.is_file()}
    (folder / "evaluation_results.csv").unlink()
    again = typed("evaluate", TOP, "-m", *options, "query.structure=1,9")
    return {"folder": folder, "first": first, "again": again, "times": times}


@pytest.mark.slow
def test_a_failing_point_does_not_stop_the_others(sweep: dict[str, Any]) -> None:
    first, folder = sweep["first"], sweep["folder"]
    assert first.returncode == 1
    assert "2 of 4 points failed:" in first.stdout
    for name in ("histogram", "pixels"):
        (failed,) = folder.glob(f"*{name}*9-*")
        assert f"  {failed.name}: DataError: query.structure=9 asks" in first.stdout
        assert "=" not in failed.name
    assert "Traceback" not in first.stdout + first.stderr


@pytest.mark.slow
def test_a_sweep_ends_in_one_table_and_one_figure(sweep: dict[str, Any]) -> None:
    folder = sweep["folder"]
    rows = table(folder / "evaluation_results.csv")
    assert [r["model"] for r in rows][-1] == "random ranking"
    assert {r["model"] for r in rows} == {"histogram", "pixels", "random ranking"}
    found = {}
    for path in folder.glob("*/metrics.json"):
        result = json.loads(path.read_text())
        found[result["model"]] = result
    assert set(found) == {"histogram", "pixels"}
    for row in rows[:-1]:
        assert float(row["component AP"]) == found[row["model"]]["component_ap"]
    assert float(rows[-1]["component AP"]) == found["pixels"]["chance"]["component_ap"]
    aps = [float(r["component AP"]) for r in rows[:-1]]
    assert aps == sorted(aps, reverse=True)
    assert (folder / "evaluation_results.md").read_text().count("\n") == 2 + len(rows)
    assert (folder / "evaluation_results.tex").read_text().count(r"\\") == 1 + len(rows)
    with Image.open(folder / "evaluation_results.png") as image:
        assert min(image.size) > 300


@pytest.mark.slow
def test_a_sweep_goes_on_where_it_was(sweep: dict[str, Any]) -> None:
    """Finished points are left alone, failed ones are done again, tables are made again."""
    folder, times = sweep["folder"], sweep["times"]
    assert sweep["again"].returncode == 1
    assert sweep["again"].stdout.count("finished before, not done again") == 2
    assert (folder / "evaluation_results.csv").is_file()
    for path in folder.glob("*/run.json"):
        redone = path.stat().st_mtime_ns > times[path]
        assert redone == (json.loads(path.read_text())["status"] == "failed")
    for path in folder.glob("*/metrics.json"):
        assert path.stat().st_mtime_ns == times[path]


@pytest.mark.slow
def test_each_condition_has_its_own_rows_best_first(
    outputs: tuple[Path, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    known = json.loads((outputs[0] / "metrics.json").read_text())
    points = {"a": (0.1, 10), "b": (0.3, 10), "c": (0.2, 5), "d": (0.2, 10)}
    for name, (ap, batch_size) in points.items():
        result = known | {"model": name, "component_ap": ap, "batch_size": batch_size}
        (tmp_path / name).mkdir()
        files.write_json(tmp_path / name / "metrics.json", result)
        curve = (outputs[0] / "pr_curve.csv").read_text()
        files.write_text(tmp_path / name / "pr_curve.csv", curve)
    tables.CombineResults().combine(tmp_path, [tmp_path / name for name in points])
    rows = table(tmp_path / "evaluation_results.csv")
    assert [(r["model"], r["batch size"]) for r in rows] == [
        ("c", "5"), ("random ranking", "5"),
        ("b", "10"), ("d", "10"), ("a", "10"), ("random ranking", "10"),
    ]  # fmt: skip
    printed = capsys.readouterr().out
    assert "toy, structure 1, batch size 5, patch 32/32 px, overlap > 0.3\n" in printed


# labels of curves


def results(*changes: dict[str, Any]) -> list[dict[str, Any]]:
    usual = {"model": "vae", "weights": "w/a.safetensors", "index": "annoy", "num_neighbors": 1}
    return [usual | change for change in changes]


@pytest.mark.parametrize(
    ("changes", "labels"),
    [
        ([{}], ["vae"]),
        ([{}, {"model": "ae", "weights": "b"}], ["vae", "ae"]),
        ([{}, {"weights": "w/b.safetensors"}], ["vae, a", "vae, b"]),
        ([{"weights": None}, {"weights": None, "index": "exact"}], ["vae, annoy", "vae, exact"]),
        (
            [{}, {"num_neighbors": 5}, {"model": "ae"}],
            ["vae, neighbours 1", "vae, neighbours 5", "ae"],
        ),
        ([{}, {}, {"model": "ae"}], ["vae, 1", "vae, 2", "ae"]),
    ],
)
def test_labels_say_what_sets_results_apart(
    changes: list[dict[str, Any]], labels: list[str]
) -> None:
    assert tables.point_labels(results(*changes)) == labels


def test_labels_say_what_was_swept() -> None:
    typed = [
        {"query.scorer": "lda", "patch.stride": "40"},
        {"query.scorer": "knn", "patch.stride": "40", "query.k": "3"},
        {"query.scorer": "knn", "patch.stride": "40"},
    ]
    assert tables.point_labels(results({}, {}, {}), typed) == [
        "vae, scorer lda", "vae, scorer knn, k 3", "vae, scorer knn, k as usual",
    ]  # fmt: skip
    others = [{"query.scorer": "lda"}, {"query.scorer": "knn"}]
    assert tables.point_labels(results({}, {"model": "ae"}), others) == ["vae", "ae"]
