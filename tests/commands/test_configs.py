"""Every YAML file of configs/ composes, with every command that can use it."""

import tomllib
from contextlib import suppress
from dataclasses import fields
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from omegaconf import DictConfig, OmegaConf
from support.composing import with_hydra, without_hydra

from emqs import models, settings
from emqs.datasets import settings as datasets_settings
from emqs.errors import ConfigError
from emqs.ingestion import settings as ingestion_settings
from emqs.labels import settings as labels_settings
from emqs.models import settings as models_settings
from emqs.patches import settings as patches_settings
from emqs.retrieval import settings as retrieval_settings
from emqs.runs import settings as runs_settings
from emqs.settings import CONFIG_DIR, read
from emqs.training import settings as training_settings

COMMANDS = sorted(path.stem for path in CONFIG_DIR.glob("*.yaml"))
GROUPS = sorted(path.name for path in CONFIG_DIR.iterdir() if path.is_dir())
FILES = sorted(path.relative_to(CONFIG_DIR).as_posix() for path in CONFIG_DIR.rglob("*.yaml"))
CLASSES: dict[str, type] = {
    "align": ingestion_settings.AlignConfig,
    "augment": training_settings.AugmentConfig,
    "codec": labels_settings.CodecConfig,
    "contrast": ingestion_settings.ContrastConfig,
    "dataset": datasets_settings.DatasetConfig,
    "index": retrieval_settings.IndexConfig,
    "logger": runs_settings.LoggerConfig,
    "loss": training_settings.LossConfig,
    "model": models_settings.ModelConfig,
    "patch": patches_settings.PatchConfig,
    "paths": runs_settings.PathsConfig,
    "query": retrieval_settings.QueryConfig,
    "stage": training_settings.StageConfig,
    "trainer": training_settings.TrainerConfig,
}
GIVEN = {"folder": ["dataset.name=MINE"]}  # what an option cannot be used without


def options(group: str) -> list[str]:
    return sorted(path.stem for path in (CONFIG_DIR / group).glob("*.yaml"))


@cache  # asked for a thousand times while tests are collected
def defaults(file: Path) -> list[Any]:
    entries = yaml.safe_load(file.read_text()).get("defaults", [])
    assert isinstance(entries, list)
    return entries


def groups_of(command: str) -> set[str]:
    """The config groups that a command's defaults list names; a recipe stands for what it names."""
    entries = [e for e in defaults(CONFIG_DIR / f"{command}.yaml") if isinstance(e, dict)]
    found = {str(next(iter(e))).removeprefix("optional ") for e in entries}
    found = {group for group in found if not group.startswith("override ")}
    return found - {"recipe"} | {"augment", "loss"} if "recipe" in found else found


@pytest.fixture(autouse=True, scope="module")
def _resolvers() -> None:
    import emqs.runs.command  # registers the resolvers of hydra.sweep.subdir

    assert emqs.runs.command


def composed(command: str, *overrides: str) -> DictConfig:
    if command == "download" and not any(o.startswith("dataset=") for o in overrides):
        overrides = ("dataset=EPFL", *overrides)
    return without_hydra(command, *overrides)


def users_of(group: str) -> list[str]:
    """The commands that have a config group."""
    return [command for command in COMMANDS if group in groups_of(command)]


OPTIONS = [  # each with one of the commands that have its group, in turn
    (users_of(group)[number % len(users_of(group))], group, option)
    for group in sorted(set(GROUPS) - {"experiment", "recipe"})
    for number, option in enumerate(options(group))
]


def fits(group: str, chosen: dict[str, str]) -> bool:
    """Whether an option of a group can be given with others; a model's recipe brings its own."""
    groups = {group, *chosen}
    return group not in chosen and not ("model" in groups and groups & {"augment", "loss"})


def together() -> list[tuple[str, dict[str, str]]]:
    """Options of different groups of one command, composed at once: command, option by group."""
    lines: list[tuple[str, dict[str, str]]] = []
    for command, group, option in OPTIONS:
        taken = next((o for name, o in lines if name == command and fits(group, o)), None)
        if taken is None:
            lines.append((command, taken := {}))
        taken[group] = option
    return lines


@pytest.mark.parametrize(("command", "chosen"), together())
def test_every_option_composes_and_is_read(command: str, chosen: dict[str, str]) -> None:
    given = [setting for option in chosen.values() for setting in GIVEN.get(option, [])]
    cfg = composed(command, *(f"{group}={option}" for group, option in chosen.items()), *given)
    assert OmegaConf.to_container(cfg, resolve=True, throw_on_missing=True)
    for group in chosen:
        settings = read(CLASSES[group], cfg[group], group)
        assert isinstance(settings, CLASSES[group])
        if isinstance(settings, models_settings.ModelConfig):
            assert settings.name == chosen[group]
            network = models.build(settings.name, settings.network)
            assert isinstance(network, models.Encoder)
            assert network.input_size == settings.preprocessing.size


def test_the_list_of_options_is_complete() -> None:
    """Every group is used by a command, and is read by a dataclass."""
    assert len(OPTIONS) > 40
    assert sum(len(chosen) for _, chosen in together()) == len(OPTIONS)
    used = {group for command in COMMANDS for group in groups_of(command)}
    assert used == set(GROUPS) - {"recipe"}
    assert set(CLASSES) == set(GROUPS) - {"experiment", "recipe"}


@pytest.mark.slow
def test_a_model_has_a_recipe_if_it_can_be_trained() -> None:
    from emqs.training.module import check_trainable

    trained = set()
    for option in options("model"):
        settings = read(
            models_settings.ModelConfig, composed("evaluate", f"model={option}").model, "model"
        )
        with suppress(ConfigError):
            check_trainable(option, models.build(option, settings.network))
            trained.add(option)
    assert trained == set(options("recipe"))


@pytest.mark.parametrize("command", COMMANDS)
def test_the_defaults_are_read(command: str) -> None:
    cfg = composed(command)
    for group in groups_of(command) - {"experiment"}:
        read(CLASSES[group], cfg[group], group)
    names = [f.name for f in fields(runs_settings.ComputeConfig) if f.name in cfg]
    read(runs_settings.ComputeConfig, {name: cfg[name] for name in names}, "")


def experiment_command(option: str) -> str:
    """The command that an experiment is for, from the command line in its comments."""
    text = (CONFIG_DIR / "experiment" / f"{option}.yaml").read_text()
    found = {c for c in COMMANDS if f"emqs {c} experiment={option}" in text}
    assert len(found) == 1, f"experiment/{option}.yaml must show its command line"
    return found.pop()


@pytest.mark.parametrize("option", options("experiment"))
def test_every_experiment_composes(option: str) -> None:
    command = experiment_command(option)
    cfg = composed(command, f"experiment={option}")
    assert OmegaConf.to_container(cfg, resolve=True, throw_on_missing=True)
    for group in groups_of(command) - {"experiment"}:
        read(CLASSES[group], cfg[group], group)


@pytest.mark.parametrize("option", options("experiment"))
@pytest.mark.slow
def test_the_points_of_every_experiment_compose(option: str) -> None:
    file = yaml.safe_load((CONFIG_DIR / "experiment" / f"{option}.yaml").read_text())
    params = file.get("hydra", {}).get("sweeper", {}).get("params", {})
    points = [(name, v.strip()) for name, values in params.items() for v in str(values).split(",")]
    for name, value in points:
        if name in GROUPS:  # each option of a group composes, see above
            assert value in options(name)
    last = {name: value for name, value in points}
    cfg = composed(experiment_command(option), *(f"{n}={v}" for n, v in last.items()))
    assert OmegaConf.to_container(cfg, resolve=True, throw_on_missing=True)


def test_every_network_has_a_file() -> None:
    assert options("model") == sorted(models.NETWORKS)


def test_a_dataset_is_called_as_its_file() -> None:
    for option in options("dataset"):
        if option != "folder":
            assert (
                yaml.safe_load((CONFIG_DIR / "dataset" / f"{option}.yaml").read_text())["name"]
                == option
            )


@pytest.mark.parametrize("file", FILES)
def test_files_say_what_they_are_for(file: str) -> None:
    """The first line is a comment; names can be given on a command line."""
    first = next(
        line for line in (CONFIG_DIR / file).read_text().splitlines() if "@package" not in line
    )
    assert first.startswith("# ")
    assert "=" not in file
    assert " " not in file


@pytest.mark.parametrize("command", [c for c in COMMANDS if c not in ("download", "serve")])
def test_output_folders_can_be_given_on_a_command_line(command: str) -> None:
    """Hydra refuses a value with "=" in it, so no folder is named after overrides."""
    cfg = with_hydra(command, "+given=1")
    for folder in (cfg.hydra.run.dir, cfg.hydra.sweep.dir, cfg.hydra.sweep.subdir):
        assert folder
        assert "=" not in folder
        assert " " not in folder
    assert cfg.hydra.job.chdir is False


def test_the_wheel_holds_configs_and_weights() -> None:
    """As config.py looks for them: CONFIG_DIR and WEIGHTS_DIR inside the package."""
    top = Path(__file__).parents[2]
    project = tomllib.loads((top / "pyproject.toml").read_text())
    wheel = project["tool"]["hatch"]["build"]["targets"]["wheel"]
    assert wheel["packages"] == ["emqs"]
    assert wheel["force-include"] == {"configs": "emqs/configs", "weights": "emqs/shipped_weights"}
    assert (top / "configs").samefile(CONFIG_DIR)
    assert (top / "weights").is_dir()


def test_an_installed_package_prefers_what_is_inside(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "site" / "emqs"
    package.mkdir(parents=True)
    monkeypatch.setattr(settings, "PACKAGE_DIR", package)
    assert settings._beside_or_inside("weights", "shipped_weights") == tmp_path / "site" / "weights"
    (package / "shipped_weights").mkdir()
    assert settings._beside_or_inside("weights", "shipped_weights") == package / "shipped_weights"
