"""What is said of an interrupted run, and what a training takes over from the run before it."""

import json
from pathlib import Path

import pytest
from hydra import compose, initialize_config_dir

from emqs.runs import resuming
from emqs.settings import CONFIG_DIR


def test_an_interrupted_run_says_what_to_type(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    run = tmp_path / "run (1)"
    typed = ["volume=a b.zarr", "out=c.zarr"]
    assert (
        resuming.how("embed", typed, run, sweep=False)
        == "; go on with: emqs embed 'volume=a b.zarr' out=c.zarr"
    )
    assert (
        resuming.how("embed", ["-m", "seed=0,1", "hydra.sweep.dir=old"], run / "x", sweep=True)
        == "; go on with: emqs embed -m seed=0,1 'hydra.sweep.dir=run (1)'"
    )
    assert resuming.how("search", typed, run, sweep=False) == ""
    assert resuming.how("train", typed, run, sweep=False) == ""
    (run / "checkpoints").mkdir(parents=True)
    (run / "checkpoints" / "last.ckpt").touch()
    assert (
        resuming.how("train", typed, run, sweep=False)
        == "; go on with: emqs train ckpt_path='run (1)/checkpoints/last.ckpt'"
    )


def test_a_training_goes_on_with_what_was_typed_and_what_is_typed_now_wins(tmp_path: Path) -> None:
    before = ["model=ae", "dataset=toy", "trainer.max_epochs=2", "hydra.run.dir=x", "+a=1"]
    (tmp_path / "run.json").write_text(json.dumps({"argv": before}))
    path = f"ckpt_path={tmp_path}/checkpoints/last.ckpt"
    assert resuming.with_earlier([path]) == [*before[:3], "+a=1", path]
    more = ["trainer.max_epochs=5", path]
    assert resuming.with_earlier(more) == ["model=ae", "dataset=toy", "+a=1", *more]
    assert resuming.with_earlier(["model=vae"]) == ["model=vae"]
    lost = ["ckpt_path=none/checkpoints/last.ckpt"]
    assert resuming.with_earlier(lost) == lost


def test_folders_of_runs_are_told_apart_by_microseconds() -> None:
    with initialize_config_dir(version_base="1.3", config_dir=str(CONFIG_DIR)):
        folders = [compose("search", return_hydra_config=True).hydra.run.dir for _ in range(2)]
    assert all(
        len(folder.rpartition("/")[2]) == len("2026-01-31_12-00-00-123456") for folder in folders
    )
