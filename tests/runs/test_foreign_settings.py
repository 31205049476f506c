"""Settings from a stranger: files by ``--config-dir``, and lines that are pasted, run no code."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hydra._internal.config_loader_impl import ConfigLoaderImpl
from support import composing

import emqs
from emqs import compress
from emqs.errors import ConfigError
from emqs.runs import command
from emqs.runs.compose import with_hydra
from emqs.runs.foreign import check_composed

TOUCH = "emqs_foreign_settings_ran"  # a file that hostile settings make
CALLBACK = "hydra: {callbacks: {x: {_target_: os.mkdir, path: PATH}}}"
LAUNCHER = "hydra: {launcher: {_target_: os.getcwd}}"
SWEEPER = "hydra: {sweeper: {_target_: os.getcwd}}"
FORMATTER = "hydra: {job_logging: {formatters: {simple: {(): os.mkdir, path: PATH}}}}"
HANDLER = (
    "hydra: {job_logging: {handlers: {console: {class: subprocess.Popen, args: [mkdir, PATH]}}}}"
)
HYDRA_LOGGING = "hydra: {hydra_logging: {handlers: {console: {(): os.mkdir, path: PATH}}}}"
STREAM = "hydra: {job_logging: {handlers: {console: {stream: 'ext://antigravity.fly'}}}}"
REFERENCE = "hydra: {job_logging: {handlers: {file: {filename: '${hydra.job.name}'}}}}"
ENVIRONMENT = "hydra: {job: {env_set: {LD_PRELOAD: PATH}}}"
ELSEWHERE = "query: {_target_: os.mkdir, path: PATH}"
LISTED = "hydra: {callbacks: {x: {_target_: emqs.runs.sweep.SweepEnd, y: [{_target_: os.mkdir}]}}}"
HIDDEN = "{a: os.mkdir, hydra: {callbacks: {x: {_target_: '${a}', path: PATH}}}}"
HOSTILE = [
    CALLBACK, LAUNCHER, SWEEPER, FORMATTER, HANDLER, HYDRA_LOGGING, STREAM, REFERENCE, ENVIRONMENT,
    ELSEWHERE, LISTED, HIDDEN,
]  # fmt: skip


@pytest.fixture
def loading() -> Iterator[None]:
    before = ConfigLoaderImpl.load_configuration
    yield
    assert ConfigLoaderImpl.load_configuration is before


def refused(words: list[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> str:
    """Type a command line; return the one line that it ends with."""
    monkeypatch.delenv("HYDRA_FULL_ERROR", raising=False)
    typed = [*words, f"hydra.run.dir={tmp_path / 'run'}", f"hydra.sweep.dir={tmp_path / 'sweep'}"]
    monkeypatch.setattr(sys, "argv", ["compress.py", *typed])
    with pytest.raises(SystemExit) as end:
        command.start("compress", compress.main)
    assert isinstance(end.value.code, str)
    assert "\n" not in end.value.code
    return end.value.code


@pytest.mark.usefixtures("loading")
@pytest.mark.parametrize(
    ("text", "more"),
    [(text, []) for text in HOSTILE]
    + [(text, ["-m"]) for text in (CALLBACK, LAUNCHER, SWEEPER, HYDRA_LOGGING, ENVIRONMENT)],
)
def test_a_shared_file_of_settings_runs_no_code(
    text: str, more: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = tmp_path / TOUCH
    folder = tmp_path / "shared" / "recipe"
    folder.mkdir(parents=True)
    content = f"# @package _global_\n{text.replace('PATH', str(made))}\n"
    (folder / "theirs.yaml").write_text(content)
    words = [*more, "--config-dir", str(folder.parent), "+recipe=theirs", "label=x.npy"]
    said = refused(words, monkeypatch, tmp_path)
    assert "would choose which code runs" in said
    assert not made.exists()


@pytest.mark.usefixtures("loading")
@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["+hydra.callbacks.x._target_=os.mkdir"], "would choose which code runs"),
        (["+hydra.callbacks.x={_target_:os.mkdir,path:PATH}"], "would choose which code runs"),
        (["hydra.launcher._target_=os.getcwd", "-m"], "would choose which code runs"),
        (["+hydra.job.env_set.LD_PRELOAD=PATH"], "would choose which code runs"),
        (["hydra.searchpath=[pkg://antigravity]"], "would run the code of a package"),
        (["--config-dir", "pkg://antigravity"], "would run the code of a package"),
        (["--config-name", "theirs"], "There is no option --config-name"),
        (["--config-path", "theirs"], "There is no option --config-path"),
        (["--experimental-rerun", "config.pickle"], "There is no option --experimental-rerun"),
    ],
)
def test_a_pasted_line_runs_no_code(
    words: list[str], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = tmp_path / TOUCH
    typed = [word.replace("PATH", str(made)) for word in words]
    said = refused([*typed, "label=x.npy"], monkeypatch, tmp_path)
    assert message in said
    assert not made.exists()
    assert "antigravity" not in sys.modules


@pytest.mark.parametrize(
    "name",
    ["compress", "embed", "evaluate", "export", "ingest", "predict", "retrieve", "search", "train",
     "tsne", "serve", "download"],
)  # fmt: skip
def test_our_own_settings_are_let_through(name: str) -> None:
    check_composed(composing.with_hydra(name))


def test_a_class_of_nobody_is_named() -> None:
    cfg = with_hydra("search", [])
    cfg.hydra.launcher._target_ = "emqs.runs.sweep.SweepEnd.os.system"
    with pytest.raises(ConfigError, match=r"hydra.launcher._target_=emqs.runs.sweep"):
        check_composed(cfg)


def calls() -> Iterator[tuple[str, str, dict[str, object]]]:
    """Yield file, name and constant arguments of all calls in the package."""
    for path in sorted(Path(emqs.__file__).parent.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call):
                named = {
                    str(word.arg): word.value.value
                    for word in node.keywords
                    if isinstance(word.value, ast.Constant)
                }
                yield path.name, ast.unparse(node.func), named


@pytest.mark.slow
def test_nothing_in_the_package_runs_what_a_file_says() -> None:
    forbidden = {
        "eval", "exec", "hydra.utils.instantiate", "instantiate", "hydra.utils.get_class",
        "hydra.utils.get_object", "hydra.utils.call", "pickle.load", "yaml.load",
        "yaml.unsafe_load", "yaml.full_load", "joblib.load", "dill.load", "dill.loads",
        "cloudpickle.load", "cloudpickle.loads", "marshal.load", "marshal.loads", "shelve.open",
    }  # fmt: skip
    seen = 0
    for file, name, named in calls():
        assert name not in forbidden, (file, name)
        if name == "torch.load":
            assert named.get("weights_only") is True, file
            seen += 1
        if name == "np.load":
            assert named.get("allow_pickle", False) is False, file
            seen += 1
    assert seen >= 8
