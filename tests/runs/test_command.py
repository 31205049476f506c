import errno
import json
import logging
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from hydra.core.global_hydra import GlobalHydra
from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig, OmegaConf
from support.composing import composed

from emqs import evaluate, files, models
from emqs.errors import ConfigError, DataError
from emqs.models.settings import ModelConfig, PreprocessingConfig
from emqs.models.weights import Model
from emqs.runs import command, compose
from emqs.runs import model as run_model
from emqs.runs import record as records
from emqs.runs import sweep as sweeps


@pytest.fixture(autouse=True)
def _leave_hydra_as_it_was() -> Iterator[None]:
    yield
    GlobalHydra.instance().clear()
    HydraConfig.instance().cfg = None


def record(folder: Path) -> dict[str, Any]:
    return json.loads((folder / records.RECORD).read_text())


# names of points


def test_points_are_named_by_their_values() -> None:
    name = sweeps.point_name(["model=ae", "query.batch_size=10", "paths.images=/a b/c"])
    assert name.startswith("ae-10-")
    assert name == sweeps.point_name(["query.batch_size=10", "paths.images=/a b/c", "model=ae"])
    assert set(name) <= set("abcdefghijklmnopqrstuvwxyz0123456789-.")


def test_points_that_differ_have_other_names() -> None:
    points = [[], ["a=1"], ["a=2"], ["b=1"], ["a=/x"], ["a=/y"], ["a=1", "b=1"], ["a='x y'"]]
    points += [["a=" + "v" * 200], ["a=" + "v" * 201], ["a=[1,2]"], ["a=[12]"]]
    names = [sweeps.point_name(point) for point in points]
    assert len(set(names)) == len(names)
    for name in names:
        assert "=" not in name
        assert "/" not in name
        assert 0 < len(name) < 80
        assert name[0] not in ".-"


# settings


def test_a_missing_setting_is_named(tmp_path: Path) -> None:
    cfg = composed(tmp_path, "dataset=folder")
    with pytest.raises(ConfigError, match=r"^dataset\.name is missing: give it as dataset\.name="):
        command.resolved(cfg)


@pytest.mark.parametrize("value", ["nan", "inf", "-inf"])
def test_a_setting_that_is_no_number_is_named(value: str, tmp_path: Path) -> None:
    cfg = composed(tmp_path, f"query.min_overlap={value}")
    with pytest.raises(
        ConfigError, match=rf"^query\.min_overlap must be a finite number, got {value}\.$"
    ):
        command.resolved(cfg)
    with pytest.raises(ConfigError, match=r"^a\.b\[1\] must be a finite number, got nan\.$"):
        command.resolved(OmegaConf.create({"a": {"b": [1, float("nan")]}}))


def test_what_the_user_chose(tmp_path: Path) -> None:
    composed(tmp_path, "model=ae", "query.batch_size=3", "++index.n_trees=5")
    chosen = ("model", "query.batch_size", "index.n_trees")
    assert all(command.is_chosen(name) for name in chosen)
    assert not any(command.is_chosen(name) for name in ("dataset", "query", "mod", "model.network"))


CHOSEN = [
    ((), None),
    (("model=histogram",), None),
    (("model=vae",), "holds model=histogram, but model=vae was asked for. Leave model= out"),
    (("model.preprocessing.contrast=none",), None),
    (
        ("model.preprocessing.contrast=slice",),
        "holds model.preprocessing.contrast=none, but model.preprocessing.contrast=slice was",
    ),
    (("model=histogram", "model.network.bins=16"), None),
    (("model=histogram", "model.network.bins=8"), r"holds model\.network\.bins=16, but .*bins=8"),
]


@pytest.mark.parametrize(("overrides", "message"), CHOSEN)
def test_weights_decide_unless_the_user_asked_for_something_else(
    overrides: tuple[str, ...], message: str | None, tmp_path: Path
) -> None:
    settings = {"size": 64, "bins": 16}
    model = Model("histogram", models.build("histogram", settings), settings)
    node = OmegaConf.to_container(composed(tmp_path, *overrides).model, resolve=True)
    assert isinstance(node, dict)
    config = ModelConfig(
        node["name"], node["network"], PreprocessingConfig(**node["preprocessing"])
    )
    if message is None:
        run_model.check_asked_for(model, config, "w.safetensors")
    else:
        with pytest.raises(ConfigError, match=rf"^weights=w\.safetensors {message}"):
            run_model.check_asked_for(model, config, "w.safetensors")


# one run


def test_a_run_returns_what_the_work_returns(tmp_path: Path) -> None:
    cfg = composed(tmp_path / "run", "query.batch_size=3")

    def work(given: DictConfig, run: records.Run) -> float:
        assert given is cfg
        assert record(run.folder)["status"] == "running"
        return 0.5

    assert command.run("evaluate", cfg, work) == 0.5
    found = record(tmp_path / "run")
    assert (found["command"], found["status"]) == ("evaluate", "finished")
    assert found["settings"]["query"]["batch_size"] == 3


def failing(error: BaseException) -> command.Work:
    def work(_: DictConfig, run: records.Run) -> float:
        raise error

    return work


def test_a_mistake_of_the_user_is_one_line(tmp_path: Path) -> None:
    cfg = composed(tmp_path)
    with pytest.raises(SystemExit) as caught:
        command.run("evaluate", cfg, failing(DataError("No slices\n  in  there.")))
    assert caught.value.code == "emqs.evaluate: No slices in there."  # printed, exit code 1
    assert record(tmp_path)["status"] == "failed"


def test_a_mistake_in_the_settings_is_one_line(tmp_path: Path) -> None:
    for override, message in [
        ("logger.wandb=perhaps", "emqs.evaluate: logger.wandb must be true or false, got per"),
        ("dataset=folder", "emqs.evaluate: dataset.name is missing: give it as dataset.name=V"),
    ]:
        cfg = composed(tmp_path, override)
        with pytest.raises(SystemExit) as caught:
            command.run("evaluate", cfg, failing(AssertionError("not reached")))
        assert str(caught.value.code).startswith(message)


def test_a_fault_of_ours_keeps_its_traceback(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError):
        command.run("evaluate", composed(tmp_path), failing(ZeroDivisionError("x")))
    assert record(tmp_path)["error"] == "ZeroDivisionError: x"


def test_interrupting_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for sweep, rest in ((False, "\n"), (True, "; go on with: emqs evaluate ")):
        folder = tmp_path / str(sweep) / "point"
        with pytest.raises(SystemExit) as caught:
            command.run("evaluate", composed(folder, sweep=sweep), failing(KeyboardInterrupt()))
        assert caught.value.code == 130
        assert capsys.readouterr().err.startswith(f"emqs.evaluate: interrupted{rest}")
        assert record(folder)["status"] == "interrupted"


# sweeps


@pytest.mark.parametrize("error", [DataError("no slices"), ZeroDivisionError("x")])
def test_a_failed_point_does_not_stop_the_others(
    error: Exception, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.ERROR):
        value = command.run("evaluate", composed(tmp_path, sweep=True), failing(error))
    assert value != value  # NaN
    assert "emqs.evaluate: " in caplog.text
    assert record(tmp_path)["status"] == "failed"


def test_a_point_that_finds_the_disk_full_says_so_in_one_line(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    error = OSError(errno.ENOSPC, "No space left on device", "a.png")
    with caplog.at_level(logging.ERROR):
        command.run("evaluate", composed(tmp_path, sweep=True), failing(error))
    line = "a.png cannot be written: No space left on device. Make room there"
    assert f"emqs.evaluate: {line}" in caplog.text
    assert "Traceback" not in caplog.text


def test_a_point_that_fails_before_it_starts_is_recorded(tmp_path: Path) -> None:
    cfg = composed(tmp_path, "dataset=folder", sweep=True)
    assert command.run("evaluate", cfg, failing(AssertionError())) != 0.5
    found = record(tmp_path)
    assert found["status"] == "failed"
    assert found["error"].startswith("dataset.name is missing")


@pytest.mark.slow
def test_a_finished_point_is_not_done_again(tmp_path: Path) -> None:
    done = []

    def work(_: DictConfig, run: records.Run) -> float:
        done.append(run.logger.group)
        return 0.5

    folder = tmp_path / "sweep" / "point"
    for override, sweep in [
        ("seed=0", True),
        ("seed=0", True),  # finished before
        ("seed=1", True),  # other settings
        ("seed=1", True),  # finished before
        ("seed=1", False),  # a single run is always done
    ]:
        command.run("train", composed(folder, override, sweep=sweep, name="train"), work)
    assert done == ["sweep", "sweep", None]
    with (
        pytest.raises(KeyboardInterrupt),
        records.Run(
            folder,
            command="train",
            settings=record(folder)["settings"],
            logger=records.LoggerConfig(),
        ),
    ):
        raise KeyboardInterrupt
    command.run("train", composed(folder, "seed=1", sweep=True, name="train"), work)
    assert len(done) == 4  # cut off, so done again


@pytest.mark.slow
def test_a_finished_point_is_done_again_if_its_weights_file_changed(tmp_path: Path) -> None:
    done = []

    def work(cfg: DictConfig, run: records.Run) -> float:
        content = Path(cfg.weights).read_bytes()
        run.save_json("metrics.json", {"weights_sha256": sha256(content).hexdigest()})
        done.append(content)
        return 0.5

    file, folder = tmp_path / "w.safetensors", tmp_path / "sweep" / "point"
    for content in (b"first", b"first", b"second", b"second"):
        file.write_bytes(content)
        command.run("evaluate", composed(folder, f"weights={file}", sweep=True), work)
    assert done == [b"first", b"second"]
    file.unlink()  # what was measured stays true
    command.run("evaluate", composed(folder, f"weights={file}", sweep=True), work)
    assert len(done) == 2


class Sweep(sweeps.SweepEnd):
    def __init__(self, error: Exception | None = None) -> None:
        super().__init__()
        self.error = error
        self.seen: list[str] = []

    def combine(self, sweep: Path, folders: list[Path]) -> None:
        self.seen = [folder.name for folder in folders]
        if self.error is not None:
            raise self.error


def points(folder: Path, **statuses: str | None) -> DictConfig:
    for name, status in statuses.items():
        (folder / name).mkdir(parents=True)
        content = "{" if status is None else json.dumps({"status": status, "error": f"of {name}"})
        (folder / name / records.RECORD).write_text(content)
    return OmegaConf.create({"hydra": {"sweep": {"dir": str(folder)}}})


def test_the_end_of_a_good_sweep(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sweep = Sweep()
    sweep.on_multirun_end(points(tmp_path, b="finished", a="finished"))
    assert sweep.seen == ["a", "b"]
    assert capsys.readouterr().out == ""


def test_the_end_of_a_sweep_names_failed_points(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sweep, config = Sweep(), points(tmp_path, a="finished", b="failed", c="running", d=None)
    with pytest.raises(SystemExit, match="1"):
        sweep.on_multirun_end(config)
    assert sweep.seen == ["a"]
    lines = capsys.readouterr().out.splitlines()
    assert lines[:4] == ["3 of 4 points failed:", "  b: of b", "  c: of c", "  d: cut off"]
    assert "hydra.sweep.dir=" in lines[4]


def test_a_sweep_that_cannot_be_combined_has_failed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    """Hydra would turn the error into a warning, and the exit code would be 0."""
    with pytest.raises(SystemExit, match="1"):
        Sweep(KeyError("ap")).on_multirun_end(points(tmp_path, a="finished", b="failed"))
    assert "could not be combined" in caplog.text
    assert "1 of 2 points failed:" in capsys.readouterr().out
    with pytest.raises(SystemExit, match="1"):
        Sweep(KeyError("ap")).on_multirun_end(points(tmp_path / "other", a="finished"))


# the command line


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("dataset=epfl", r"There is no dataset=epfl\. Choose one of EMBL, EPFL, .*, toy\."),
        ("query.batchsize=3", r"There is no setting query\.batchsize here\. Did you mean query\.b"),
        ("loss=bce", r"There is no setting loss here\."),
        ("dataset", r"'dataset' has no value\. Did you mean dataset=VALUE\?"),
        ("--structure=3", r"There is no option --structure: .* Did you mean query\.structure=3\?"),
        ("query.structure=[1", r".*; lists need quotes"),
        ("query.k=1,2", r"query\.k=1,2 has several values\. Add -m to run with one after the o"),
    ],
)
def test_a_mistyped_command_line_is_told_in_one_line(
    typed: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("HYDRA_FULL_ERROR", raising=False)
    monkeypatch.setattr("sys.argv", ["evaluate.py", typed, f"hydra.run.dir={tmp_path / 'out'}"])
    with pytest.raises(SystemExit, match=rf"^emqs\.evaluate: {said}") as caught:
        command.start("evaluate", evaluate.main)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "out").exists()


def test_a_setting_of_another_option_is_told_so() -> None:
    said = r"^dataset\.toy\.n_slices is a setting of dataset=toy alone, and another dataset is"
    with pytest.raises(ConfigError, match=said):
        compose.composed("evaluate", ["dataset=VNC", "dataset.toy.n_slices=6"])


def test_an_output_folder_that_cannot_be_written_is_told_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("HYDRA_FULL_ERROR", raising=False)
    (tmp_path / "file").write_text("")
    monkeypatch.setattr("sys.argv", ["evaluate.py", f"hydra.run.dir={tmp_path / 'file' / 'out'}"])
    said = r"^emqs\.evaluate: .*out cannot be written: Not a directory\. Choose another folder with"
    with pytest.raises(SystemExit, match=said):
        command.start("evaluate", evaluate.main)


def test_errors_of_the_program_are_not_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HYDRA_FULL_ERROR", raising=False)

    monkeypatch.setattr("sys.argv", ["evaluate.py"])

    def missing() -> None:
        raise FileNotFoundError(2, "No such file or directory", "x")

    with pytest.raises(FileNotFoundError):
        command.start("evaluate", missing)


def test_the_end_of_a_sweep_looks_at_its_own_points_only(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A sweep may go on in the folder of an older one, which had other points."""
    for name, status in (("old", "failed"), ("before", "finished"), ("new", "finished")):
        (tmp_path / name).mkdir()
        files.write_json(tmp_path / name / records.RECORD, {"status": status, "error": "wrong"})
    end = Sweep()
    for name in ("before", "new"):
        point = {"hydra": {"runtime": {"output_dir": str(tmp_path / name)}}}
        end.on_job_start(OmegaConf.create(point))
    end.on_multirun_end(OmegaConf.create({"hydra": {"sweep": {"dir": str(tmp_path)}}}))
    assert end.seen == ["before", "new"]
    assert "failed" not in capsys.readouterr().out
