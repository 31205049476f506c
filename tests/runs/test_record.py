import csv
import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from emqs import files
from emqs.errors import ConfigError, DataError
from emqs.runs import record as records
from emqs.runs import secrets, tables, wandb
from emqs.runs.settings import LoggerConfig

NO_LOGGER = LoggerConfig(csv=False)
ROWS: list[dict[str, Any]] = [
    {"model": "a|b_c", "component AP": 0.12345, "n": 12, "95 % interval": None},
    {"model": "vae\nline", "component AP": None, "n": 3, "95 % interval": "0.1-0.2"},
]


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


# files


def test_json_holds_numpy(tmp_path: Path) -> None:
    value = {
        "a": np.float32(0.5),
        "b": np.arange(3),
        "c": np.int64(2),
        "d": np.bool_(True),
        "e": (1, None),
    }
    path = files.write_json(tmp_path / "x.json", value)
    assert json.loads(path.read_text()) == {
        "a": 0.5, "b": [0, 1, 2], "c": 2, "d": True, "e": [1, None],
    }  # fmt: skip
    assert path.read_text().endswith("}\n")
    assert names(tmp_path) == ["x.json"]


@pytest.mark.parametrize(
    "value", [float("nan"), np.float32("inf"), np.array([1, np.nan]), {"a": [-float("inf")]}]
)
def test_json_refuses_what_is_no_number(value: object, tmp_path: Path) -> None:
    files.write_json(tmp_path / "x.json", {"old": 1})
    with pytest.raises(DataError, match=r"x\.json is not written: Out of range float values"):
        files.write_json(tmp_path / "x.json", {"new": value})
    assert json.loads((tmp_path / "x.json").read_text()) == {"old": 1}
    assert names(tmp_path) == ["x.json"]


def test_json_refuses_objects(tmp_path: Path) -> None:
    with pytest.raises(TypeError, match="Path cannot be written as JSON"):
        files.write_json(tmp_path / "x.json", tmp_path)
    assert names(tmp_path) == []


def test_a_failed_write_leaves_the_old_file_and_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files.write_text(tmp_path / "x", "old")

    def fail(self: Path, target: Path) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(Path, "replace", fail)
    with pytest.raises(OSError, match="disk full"):
        files.write_text(tmp_path / "x", "new")
    assert (tmp_path / "x").read_text() == "old"
    assert names(tmp_path) == ["x"]


def test_csv_keeps_all_digits_and_quotes(tmp_path: Path) -> None:
    values = np.array([0.1, 1e-300, -1 / 3])
    words = ["plain", 'quo"te, comma', "line\nbreak"]
    path = tables.write_csv(tmp_path / "x.csv", {"value": values, "a, b": words})
    with path.open(newline="") as stream:
        rows = list(csv.reader(stream))
    assert rows[0] == ["value", "a, b"]
    assert [float(row[0]) for row in rows[1:]] == values.tolist()
    assert [row[1] for row in rows[1:]] == words


def test_csv_columns_are_equally_long(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"columns of x\.csv differ in length: {'a': 2, 'b': 3}"):
        tables.write_csv(tmp_path / "x.csv", {"a": [1, 2], "b": np.zeros(3)})
    assert names(tmp_path) == []


# tables


def test_markdown() -> None:
    assert tables.markdown_table(ROWS) == (
        "| model | component AP | n | 95 % interval |\n"
        "| --- | ---: | ---: | --- |\n"
        "| a\\|b_c | 0.123 | 12 |  |\n"
        "| vae line |  | 3 | 0.1-0.2 |\n"
    )


def test_latex() -> None:
    rows = [
        {"model": "a_b & 50 %", "AP": 0.5, "n": None},
        {"model": r"{x}$#~^\ ", "AP": None, "n": 7},
    ]
    assert tables.latex_table(rows, caption="100 % of a_b") == (
        "\\begin{table}\n"
        "  \\centering\n"
        "  \\caption{100 \\% of a\\_b}\n"
        "  \\begin{tabular}{lrr}\n"
        "  \\toprule\n"
        "  model & AP & n \\\\\n"
        "  \\midrule\n"
        "  a\\_b \\& 50 \\% & 0.500 &  \\\\\n"
        "  \\{x\\}\\$\\#\\textasciitilde{}\\textasciicircum{}\\textbackslash{}  &  & 7 \\\\\n"
        "  \\bottomrule\n"
        "  \\end{tabular}\n"
        "\\end{table}\n"
    )


def test_plain_table_is_aligned() -> None:
    rows = [{"model": "pca", "AP": 0.5}, {"model": "random ranking", "AP": None}]
    assert tables.plain_table(rows).splitlines() == [
        "model              AP",
        "---------------------",
        "pca             0.500",
        "random ranking",
    ]


# runs


def start(folder: Path, **settings: object) -> records.Run:
    return records.Run(folder, command="test", settings=settings, logger=NO_LOGGER)


def record(folder: Path) -> dict[str, Any]:
    found = records.read_record(folder)
    assert found is not None
    return found


def test_the_record_of_a_run_that_ends_well(tmp_path: Path) -> None:
    folder = tmp_path / "a" / "b"
    run = start(folder, seed=0)
    assert record(folder)["status"] == "running"
    with run:
        assert record(folder)["status"] == "running"
        time.sleep(0.01)
    found = record(folder)
    assert (found["command"], found["status"], found["error"]) == ("test", "finished", None)
    assert found["settings"] == {"seed": 0}
    assert 0.01 <= found["seconds"] < 60
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d{4}", found["started"])
    assert found["versions"]["numpy"] == np.__version__
    assert found["argv"] == sys.argv[1:]


@pytest.mark.parametrize("error", [DataError("no slices"), KeyboardInterrupt()])
def test_the_record_of_a_run_that_fails(error: BaseException, tmp_path: Path) -> None:
    run = start(tmp_path)
    run.log_metrics({"a": 1.0})
    with pytest.raises(type(error)), run:
        raise error
    found = record(tmp_path)
    status = "interrupted" if isinstance(error, KeyboardInterrupt) else "failed"
    assert (found["status"], found["error"]) == (status, f"{type(error).__name__}: {error}")
    assert names(tmp_path) == ["run.json"]


def test_metrics_reach_a_table_where_it_is_asked_for(tmp_path: Path) -> None:
    for logger, expected in ((LoggerConfig(csv=True), True), (NO_LOGGER, False)):
        folder = tmp_path / str(expected)
        with records.Run(folder, command="t", settings={}, logger=logger) as run:
            run.log_metrics({"a": 1.0})
            run.log_metrics({"b": 2.5, "a": 3.0})
        assert (folder / "metrics.csv").exists() is expected
    assert (tmp_path / "True" / "metrics.csv").read_text() == "a,b\n3.0,2.5\n"


def test_what_is_finished(tmp_path: Path) -> None:
    settings = {"classes": {1: "a"}, "slices": (0, 5), "seed": 0, "share": 1.0}
    assert not records.is_finished(tmp_path, settings)
    run = start(tmp_path, **settings)
    assert not records.is_finished(tmp_path, settings)
    with pytest.raises(ValueError, match="x"), run:
        raise ValueError("x")
    assert not records.is_finished(tmp_path, settings)
    with start(tmp_path, **settings):
        pass
    assert records.is_finished(tmp_path, settings)
    for change in ({"seed": None}, {"seed": 1}, {"more": 1}, {"slices": (0, 6)}):
        assert not records.is_finished(tmp_path, settings | change)


@pytest.mark.parametrize("text", ["", "{", "[]", "5", '{"status": 1}', "{}", "\xff"])
def test_a_damaged_record_is_not_a_finished_one(text: str, tmp_path: Path) -> None:
    (tmp_path / records.RECORD).write_bytes(text.encode("latin-1"))
    assert not records.is_finished(tmp_path, {})


# Weights and Biases


@pytest.fixture
def no_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home folder without any W&B key."""
    for name in list(os.environ):
        if name.startswith("WANDB"):
            monkeypatch.delenv(name)
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.delenv("NETRC", raising=False)
    return home


def write_netrc(path: Path, host: str) -> None:
    path.write_text(f"machine {host}\n login user\n password {'0' * 40}\n")
    path.chmod(0o600)


def test_wandb_is_offline_without_a_key(no_key: Path) -> None:
    assert wandb.wandb_mode() == "offline"
    write_netrc(no_key / ".netrc", "example.org")
    assert wandb.wandb_mode() == "offline"


def test_wandb_is_online_with_a_key(no_key: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_netrc(no_key / ".netrc", "api.wandb.ai")
    assert wandb.wandb_mode() == "online"
    monkeypatch.setenv("WANDB_BASE_URL", "https://wandb.lab.org/path")
    assert wandb.wandb_mode() == "offline"
    write_netrc(no_key / "other", "wandb.lab.org")
    monkeypatch.setenv("NETRC", str(no_key / "other"))
    assert wandb.wandb_mode() == "online"
    monkeypatch.delenv("NETRC")
    monkeypatch.setenv("WANDB_API_KEY", "0" * 40)
    assert wandb.wandb_mode() == "online"


def test_the_user_decides_how_wandb_works(no_key: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for mode in ("offline", "disabled"):
        monkeypatch.setenv("WANDB_MODE", mode)
        assert wandb.wandb_mode() == mode
    monkeypatch.setenv("WANDB_MODE", "on")
    with pytest.raises(ConfigError, match=r"^WANDB_MODE must be one of online, .*, got 'on'\.$"):
        wandb.wandb_mode()
    monkeypatch.setenv("WANDB_MODE", "online")
    with pytest.raises(ConfigError, match=r"^WANDB_MODE=online needs a key, and there is none"):
        wandb.wandb_mode()
    monkeypatch.setenv("WANDB_API_KEY", "0" * 40)
    assert wandb.wandb_mode() == "online"


def test_a_run_that_cannot_start_wandb_has_failed(
    no_key: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WANDB_MODE", "online")
    run = records.Run(tmp_path, command="t", settings={}, logger=LoggerConfig(wandb=True))
    with pytest.raises(ConfigError, match="needs a key"), run:
        pass
    assert record(tmp_path)["status"] == "failed"


WANDB_SCRIPT = """
import sys
from pathlib import Path
from matplotlib.figure import Figure
from emqs.runs import record
from emqs.runs.settings import LoggerConfig

folder = Path(sys.argv[1])
for name in ("point1", "point2"):
    logger = LoggerConfig(wandb=True, group="sweep")
    with record.Run(folder / name, command="t", settings={"seed": 0}, logger=logger) as run:
        run.log_metrics({"ap": 0.5})
        Figure(figsize=(1, 1)).savefig(folder / name / "plot.png")
        run.log_figure(folder / name / "plot.png")
        run.log_artifact(folder / name / "plot.png", kind="model")
import wandb
assert wandb.run is None
"""


@pytest.mark.slow
def test_wandb_without_a_key_asks_nothing_and_ends(no_key: Path, tmp_path: Path) -> None:
    """Two points of a sweep in one process, as the user runs them."""
    done = subprocess.run(
        [sys.executable, "-c", WANDB_SCRIPT, str(tmp_path)],
        cwd=Path(__file__).parents[2],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    for name in ("point1", "point2"):
        assert record(tmp_path / name)["status"] == "finished"
        (offline,) = (tmp_path / name / "wandb").glob("offline-run-*")
        content = next(offline.glob("*.wandb")).read_bytes()
        for word in (b"sweep", b"plot", name.encode()):
            assert word in content


def test_no_secret_reaches_the_record(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WANDB_API_KEY", "secret1234")
    with start(tmp_path, logger={"wandb": True, "project": "emqs"}):
        pass
    assert "secret1234" not in (tmp_path / records.RECORD).read_text()


SECRETS = [
    "volume=https://anna:s3cret@data.example.org/v.zarr",
    "store=[a.zarr,s3://key:s3cret@bucket/b]",
    "url=https://example.org/v?user=anna&X-Amz-Signature=s3cret&x=1",
    "source=https://example.org/v?access_token=s3cret",
]


@pytest.mark.parametrize("argument", SECRETS)
def test_a_secret_that_is_typed_is_refused_and_not_repeated(argument: str) -> None:
    with pytest.raises(ConfigError, match=r"holds a password or a token.*oc\.env:VARIABLE") as end:
        secrets.check_typed(["query=paper", argument])
    assert "s3cret" not in str(end.value)
    assert str(end.value).startswith(argument.split("=")[0])


@pytest.mark.parametrize(
    ("argument", "variable"),
    [
        ("database=postgresql://emqs:s3cret@localhost/emqs", "EMQS_DATABASE_PASSWORD"),
        ("store=clickhouse://emqs:s3cret@localhost/default/brain", "EMQS_CLICKHOUSE_PASSWORD"),
    ],
)
def test_a_password_that_the_environment_gives_is_asked_for_there(
    argument: str, variable: str
) -> None:
    with pytest.raises(ConfigError, match=f"in the environment, {variable}") as end:
        secrets.check_typed([argument])
    assert "s3cret" not in str(end.value)


@pytest.mark.parametrize(
    "argument",
    ["volume=https://data.example.org:8080/v.zarr?part=1", "positive=[[1,2,3]]", "a=C:/x@y", "-m"],
)
def test_what_is_no_secret_is_let_through(argument: str) -> None:
    secrets.check_typed([argument])
    assert secrets.redacted(argument) == argument


def test_a_setting_does_not_choose_code() -> None:
    with pytest.raises(ConfigError, match="would choose which code runs"):
        secrets.check_typed(["+hydra.callbacks.x._target_=os.system"])


def test_a_secret_from_the_environment_is_in_no_file(tmp_path: Path) -> None:
    address = "https://anna:s3cret@data.example.org/v.zarr"
    settings = {"volume": address, "query": {"names": [address, 3]}}
    logger = LoggerConfig()
    with (
        pytest.raises(RuntimeError),
        records.Run(tmp_path, command="embed", settings=settings, logger=logger),
    ):
        raise RuntimeError(f"{address} does not answer")
    text = (tmp_path / records.RECORD).read_text()
    assert "s3cret" not in text
    assert text.count("https://anna:***@data.example.org/v.zarr") == 3
    with records.Run(tmp_path, command="embed", settings=settings, logger=logger):
        pass
    assert records.is_finished(tmp_path, settings)


def test_no_cell_of_a_table_is_a_formula(tmp_path: Path) -> None:
    path = tables.write_csv(tmp_path / "a.csv", {"store": ["=1+1.zarr"], "score": [-0.5]})
    assert path.read_text() == "store,score\n'=1+1.zarr,-0.5\n"
