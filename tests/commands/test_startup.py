"""A command loads what it needs when it needs it: what is in memory after help and a search."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from support.embedded_volumes import filled

HEAVY = {
    "torch", "torchvision", "torchmetrics", "lightning", "safetensors", "timm", "scipy", "sklearn",
    "skimage", "pandas", "matplotlib", "tensorstore", "zarr", "h5py", "numba", "ray", "wandb",
    "pooch", "requests", "annoy",
}  # fmt: skip
WITH_FILES = {"numpy", "PIL", "tifffile", "rich"}
COMMANDS = (
    "train",
    "evaluate",
    "retrieve",
    "tsne",
    "embed",
    "search",
    "predict",
    "ingest",
    "export",
    "download",
    "compress",
)

SCRIPT = """
import json, runpy, sys
for command in sys.argv[1].split(";"):
    name, *sys.argv[1:] = command.split()
    try:
        runpy.run_module(f"emqs.{name}", run_name="__main__", alter_sys=True)
    except SystemExit as end:
        assert not end.code, (command, end.code)
    print("\\nloaded:" + json.dumps([name, sorted({m.partition(".")[0] for m in sys.modules})]))
"""


def loaded(*commands: str) -> dict[str, set[str]]:
    """Return the packages in memory after each of some commands, one after the other."""
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, ";".join(commands)], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    lines = [line for line in done.stdout.splitlines() if line.startswith("loaded:")]
    pairs = [json.loads(line.removeprefix("loaded:")) for line in lines]
    assert len(pairs) == len(commands)
    return {name: set(modules) for name, modules in pairs}


@pytest.mark.slow
def test_help_loads_no_library_of_numbers() -> None:
    for name, modules in loaded(*(f"{name} --help" for name in COMMANDS)).items():
        assert modules & (HEAVY | WITH_FILES) == set(), name
        assert "hydra" in modules  # so the names are those of packages


def test_help_of_labels_loads_no_torch() -> None:
    modules = loaded("compress --help")["compress"]
    assert modules & {"torch", "torchvision", "torchmetrics", "lightning", "sklearn"} == set()


def test_importing_emqs_loads_nothing() -> None:
    script = "import sys, emqs; dir(emqs); print(*{m.partition('.')[0] for m in sys.modules})"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    modules = set(done.stdout.split())
    assert modules & (HEAVY | WITH_FILES | {"hydra", "omegaconf", "yaml"}) == set()


@pytest.mark.parametrize(
    "settings",
    ["", pytest.param("search.exact=true query.scorer=prototype", marks=pytest.mark.slow)],
    ids=["signatures", "codes"],
)
def test_a_search_loads_neither_torch_nor_what_fits_and_draws(
    tmp_path: Path, settings: str
) -> None:
    store = filled(tmp_path / "s.zarr").store.path
    modules = loaded(
        f"search store={store} positive=[[0,48,64]] negative=[[1,20,20]] figures=false "
        f"hydra.run.dir={tmp_path / 'run'} {settings}"
    )["search"]
    assert (tmp_path / "run" / "matches.csv").is_file()
    assert modules & (HEAVY - {"tensorstore", "numba", "annoy", "scipy"}) == set()


@pytest.mark.slow
def test_a_setting_that_is_wrong_is_told_before_anything_is_loaded(tmp_path: Path) -> None:
    script = SCRIPT.replace("not end.code", "'min_overlap must be' in str(end.code)")
    typed = f"evaluate query.min_overlap=7 hydra.run.dir={tmp_path / 'run'}"
    done = subprocess.run([sys.executable, "-c", script, typed], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    modules = set(json.loads(done.stdout.partition("loaded:")[2])[1])
    assert modules & (HEAVY | WITH_FILES) == set()
