"""What reaches Weights & Biases and TensorBoard, and what a start that failed leaves there."""

import json
import sys
from hashlib import sha256
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from emqs.datasets import Stack, described
from emqs.errors import DataError, MissingDependencyError
from emqs.evaluation import report as measured
from emqs.retrieval import report
from emqs.runs import record as records
from emqs.runs.settings import LoggerConfig

PICTURE = np.linspace(0, 1, 12).reshape(3, 4)


class Wandb(SimpleNamespace):
    """Stands for the package and its run; keeps what it is told."""

    def __init__(self) -> None:
        super().__init__(started=[], logged=[], artifacts=[], ended=[], Settings=dict)
        self.Artifact, self.Image = self._artifact, np.asarray
        self.Table = lambda columns, data: (columns, data)

    def init(self, **settings: object) -> "Wandb":
        self.started.append(settings)
        return self

    def log(self, values: dict[str, Any]) -> None:
        self.logged.append(values)

    def log_artifact(self, artifact: SimpleNamespace) -> None:
        self.artifacts.append((artifact.type, artifact.name, artifact.files))

    def finish(self, exit_code: int) -> None:
        self.ended.append(exit_code)

    def _artifact(self, name: str, type: str) -> SimpleNamespace:
        files: list[str] = []
        return SimpleNamespace(name=name, type=type, files=files, add_file=files.append)


@pytest.fixture
def wandb(monkeypatch: pytest.MonkeyPatch) -> Wandb:
    fake = Wandb()
    monkeypatch.setitem(sys.modules, "wandb", fake)
    monkeypatch.setenv("WANDB_MODE", "offline")
    return fake


def started(folder: Path, **loggers: bool | str) -> records.Run:
    settings = LoggerConfig(**loggers)  # type: ignore[arg-type]
    return records.Run(folder, command="evaluate", settings={"seed": 3}, logger=settings)


def stack() -> Stack:
    slices = [np.full((8, 9), z, np.uint16) for z in range(2)]
    return Stack("MY (1)", slices, ["a", "b"], intensity=(0.0, 1.0), pixel_size_nm=4.0)


def test_a_start_that_failed_leaves_no_run(wandb: Wandb, tmp_path: Path) -> None:
    with pytest.raises(DataError), started(tmp_path, wandb=True):
        raise DataError("There is no dataset 'NOPE'.")
    assert (wandb.started, wandb.ended) == ([], [])
    assert json.loads((tmp_path / records.RECORD).read_text())["status"] == "failed"


def test_a_run_that_failed_later_ends_as_failed(wandb: Wandb, tmp_path: Path) -> None:
    run = started(tmp_path, wandb=True)
    run.__enter__()
    run.log_metrics({"ap": 0.5})
    run.__exit__(DataError, DataError("Training diverged."), None)
    assert (len(wandb.started), wandb.ended) == (1, [1])


def test_a_run_has_its_group_settings_matches_data_and_weights(
    wandb: Wandb, tmp_path: Path
) -> None:
    weights = tmp_path / "net.safetensors"
    weights.write_bytes(b"weights")
    boxes = np.array([[1, 2, 3, 4, 5], [0, 0, 0, 8, 8]])
    with started(tmp_path / "run", wandb=True, group="sweep") as run:
        report.log(run, stack(), boxes, str(weights), score=np.array([0.5, 0.25]), overlap=None)
    (start,) = wandb.started
    assert (start["group"], start["config"], start["mode"]) == ("sweep", {"seed": 3}, "offline")
    ((columns, rows),) = [values["matches"] for values in wandb.logged]
    assert columns[:5] == ["picture", "rank", "z", "y", "x"]
    assert columns[-1] == "score"
    assert [row[1:5] for row in rows] == [[1, 1, 3.5, 5.0], [2, 0, 3.5, 3.5]]
    assert [row[-1] for row in rows] == [0.5, 0.25]
    np.testing.assert_array_equal(rows[0][0], np.full((4, 5), 255))  # slice 1 is white
    np.testing.assert_array_equal(rows[1][0], np.zeros((8, 8)))
    assert wandb.artifacts == [
        ("dataset", "MY-1-", [str(tmp_path / "run" / "data.json")]),
        ("model", "net", [str(weights)]),
        ("config", "evaluate-run", [str(tmp_path / "run" / "run.json")]),
    ]
    assert wandb.ended == [0]


def test_data_are_known_by_digests_of_their_voxels() -> None:
    told = described(stack())
    assert (told["name"], told["pixel_size_nm"], told["labelled"]) == ("MY (1)", 4.0, False)
    first, second = told["slices"]
    assert first == {
        "name": "a", "shape": [8, 9], "dtype": "uint16", "sha256": sha256(b"\0" * 144).hexdigest(),
    }  # fmt: skip
    assert second["sha256"] == sha256(b"\1\0" * 72).hexdigest()  # little-endian


def test_chance_and_intervals_are_logged() -> None:
    names = measured.APS
    metrics: dict[str, Any] = {name: 0.1 * n for n, name in enumerate(names, start=1)}
    metrics |= {"patch_ap_overlap": None, "seconds": 2.0}
    metrics["chance"] = dict.fromkeys(names, 0.05)
    metrics["confidence_95"] = {name: [0.0, 0.9] for name in names}
    logged = measured.numbers(metrics)
    assert len(logged) == 3 * 4 + 1
    assert logged["component_ap"] == 0.1
    assert logged["chance/component_ap"] == 0.05
    assert logged["confidence_95_low/patch_ap_touch"] == 0.0
    assert logged["confidence_95_high/patch_ap_touch"] == 0.9


@pytest.mark.slow
def test_tensorboard_reads_numbers_pictures_and_settings(tmp_path: Path) -> None:
    accumulator = pytest.importorskip(
        "tensorboard.backend.event_processing.event_accumulator", reason="needs emqs[tensorboard]"
    )
    with started(tmp_path, tensorboard=True) as run:
        run.log_metrics({"ap": 0.5, "chance/ap": 0.25})
        run.log_table("matches", [{"rank": 1, "score": 0.75}], [PICTURE])
    events = accumulator.EventAccumulator(str(tmp_path / records.EVENTS))
    events.Reload()
    tags = events.Tags()
    assert [event.value for event in events.Scalars("chance/ap")] == [0.25]
    (picture,) = events.Images("matches/01")
    assert (picture.height, picture.width) == (3, 4)
    assert {"settings/text_summary", "matches/text_summary"} <= set(tags["tensors"])


def test_without_the_package_the_command_that_installs_it_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "tensorboardX", None)
    with (
        pytest.raises(MissingDependencyError, match=r"pip install 'emqs\[tensorboard\]'"),
        started(tmp_path, tensorboard=True),
    ):
        pass
    assert json.loads((tmp_path / records.RECORD).read_text())["status"] == "failed"
