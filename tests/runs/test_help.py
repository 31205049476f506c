"""Help, slips of the command line and completion: what is said of settings is what they are."""

import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from omegaconf import OmegaConf
from support.composing import without_hydra
from support.embedded_volumes import filled

from emqs import __main__ as console
from emqs.errors import ConfigError
from emqs.retrieval import volume_search
from emqs.retrieval.settings import QueryConfig, SearchConfig
from emqs.runs import arguments, completion, described
from emqs.runs.help import WIDTH, help_text
from emqs.settings import CONFIG_DIR

COMMANDS = sorted(path.stem for path in CONFIG_DIR.glob("*.yaml"))


def leaves(values: dict[Any, Any], prefix: str = "") -> dict[str, Any]:
    made: dict[str, Any] = {}
    for key, value in values.items():
        deeper = isinstance(value, dict) and value
        made |= leaves(value, f"{prefix}{key}.") if deeper else {f"{prefix}{key}": value}
    return made


@pytest.mark.parametrize("name", COMMANDS)
def test_help_shows_every_setting_that_acts_and_no_other(name: str) -> None:
    typed = ["dataset=EPFL"] if name == "download" else []
    lines = help_text(name, typed).splitlines()
    settings = lines[next(i for i, row in enumerate(lines) if row.startswith("Settings")) :]
    shown, part = [], ""
    for row in settings[1:]:
        if row.startswith("["):
            part = row[1 : row.index("]")] + "."
        elif row.startswith("  ") and row[2] != " " and "=" in row.split()[0]:
            shown.append(part + row.split()[0].partition("=")[0])
    cfg = OmegaConf.to_container(without_hydra(name, *typed), resolve=False)
    assert isinstance(cfg, dict)
    expected = [full for full in leaves(cfg) if described.acts(name, full)]
    assert sorted(shown) == sorted(expected)
    wide = [row for row in lines if len(row) > WIDTH and " " in row.strip()[:60]]
    assert len(wide) <= 6, wide  # examples and addresses are not broken


def test_help_says_what_choices_and_settings_mean() -> None:
    text = " ".join(help_text("evaluate", ["model=vae", "query.structure=7"]).split())
    assert "model=vae ae The autoencoder of patch-based querying" in text
    assert "structure=7 label value in images/NAME/labels" in text
    assert "experiment=NAME, or none baselines" in text
    assert "single_query" not in text  # of retrieve


def test_a_comment_goes_on_in_the_lines_below(tmp_path: Path) -> None:
    file = tmp_path / "a.yaml"
    file.write_text(
        "# What it is: one. And more.\n#   emqs a b=c\na: 1            # first,\n"
        "                # and on\n# no comment of a setting\nb:\n  # stands above\n  c: 2\n"
        "  # heads\n  d: 3          # own\n"
    )
    made = described.described(file)
    assert made.summary == "What it is: one"
    assert made.meanings == {"a": "first, and on", "b": "", "b.c": "stands above", "b.d": "own"}
    assert made.headings == {"b.d": "heads"}


OTHER: dict[str, Any] = {
    "structure": 3, "min_overlap": 0.9, "batch_size": 2, "dense": True,
    "window": 0.5, "step": 0.5, "smooth": 2.0, "smooth_z": 3.0, "question": "mostly",
}  # fmt: skip


def test_what_help_of_search_leaves_out_does_nothing_there(tmp_path: Path) -> None:
    silent = {name.removeprefix("query.") for name in described.SILENT["search"]}
    assert silent - {"sizes"} <= set(OTHER)
    store = filled(tmp_path / "s.zarr").store
    query, settings = QueryConfig(metric="cosine", whiten="standard"), SearchConfig(n_results=9)
    plain, changed = (
        volume_search.search(store, [(0, 48, 64)], [(1, 20, 20)], query=one, settings=settings)
        for one in (query, replace(query, **{name: OTHER[name] for name in silent - {"sizes"}}))
    )
    np.testing.assert_array_equal(plain.places, changed.places)
    np.testing.assert_array_equal(plain.scores, changed.scores)
    for other, message in (
        ({"sizes": [0.5, 1.0]}, r"query\.sizes is of slices"),
        ({"scorer": None}, r"query\.scorer=null is for slices"),
    ):
        with pytest.raises(ConfigError, match=message):
            volume_search.search(
                store, [(0, 48, 64)], query=replace(query, **other), settings=settings
            )


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        (["--store", "a.zarr"], "There is no option --store: .* Did you mean store=a.zarr?"),
        (["--fast"], "There is no option --fast: .* --help lists all settings."),
        (["store", "a.zarr"], "'store' has no value. Did you mean store=a.zarr?"),
        (["store", "=", "a.zarr"], "'store' has no value. Did you mean store=a.zarr?"),
        (["clickhouse.usr"], "'clickhouse.usr' has no value. Did you mean clickhouse.user=VALUE?"),
        (["a.zarr"], "'a.zarr' is no setting: .*"),
        (["=a.zarr"], "'=a.zarr' stands without a name. .*"),
        (["query.structure=2"], "query.structure does nothing in search. .*"),
        (
            ["query=paper"],
            "query=paper does nothing in search, .* query.scorer=VALUE; --help lists all settings.",
        ),
    ],
)
def test_a_slip_is_told_in_one_sentence(typed: list[str], said: str) -> None:
    told = arguments.slip("search", ["figures=false", *typed])
    assert told is not None
    start, _, end = said.partition(".*")
    assert told.startswith(start)
    assert told.endswith(end)


def test_options_that_change_something_are_no_slips() -> None:
    assert arguments.slip("search", ["query=default"]) is None
    assert arguments.slip("search", ["logger=wandb"]) is None
    assert arguments.slip("evaluate", ["query=paper", "dataset=VNC"]) is None
    assert arguments.slip("search", [f"query={'a' * 400}"]) is None  # no name of a file is as long


def test_a_setting_of_another_command_is_told_by_its_last_part() -> None:
    assert arguments.setting("embed", "input.axes") == "embed.axes"
    assert arguments.setting("compress", "embed.voxel_size_nm") == "input.voxel_size_nm"
    assert arguments.setting("embed", "input.nothing_of_it") is None


def test_what_hydra_knows_is_no_slip() -> None:
    typed = ["-m", "+a=b", "~query", "--cfg", "job", "-cd=x", "--help", "store='a b'", "++x.y=1"]
    assert arguments.slip("search", typed) is None


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("emqs se", ["search ", "serve "]),
        ("emqs evaluate model=v", ["model=vae "]),
        ("emqs search query.sc", ["query.scorer="]),
        ("emqs search query.str", []),
        ("emqs xyz ", []),
    ],
)
def test_completion(line: str, words: list[str]) -> None:
    assert completion.completions(line, console.VERBS) == words


def test_completion_in_a_shell(tmp_path: Path) -> None:
    bash = shutil.which("bash")
    if bash is None:
        pytest.skip("needs bash")
    program = tmp_path / "emqs"
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m emqs "$@"\n')
    program.chmod(0o755)
    script = (
        f'PATH={tmp_path}:$PATH; eval "$(emqs --completion bash)"; '
        'COMP_LINE="emqs evaluate model=v"; COMP_POINT=${#COMP_LINE}; _emqs; '
        'printf "%s|" "${COMPREPLY[@]}"'
    )
    done = subprocess.run([bash, "-c", script], capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("vae |", "")
