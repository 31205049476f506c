"""What ``import emqs`` offers to a notebook."""

import inspect
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from support.embedded_volumes import filled, volume, voxels

import emqs
from emqs import notebook
from emqs.errors import ConfigError
from emqs.patches.settings import PatchConfig
from emqs.retrieval import volume_search
from emqs.retrieval.settings import IndexConfig, QueryConfig, SearchConfig

COMMANDS = ("embed", "evaluate", "retrieve", "search")
TOY = ["dataset.toy.n_slices=3", "dataset.toy.height=256", "dataset.toy.width=256"]


@pytest.mark.parametrize("name", sorted(set(emqs.__all__) - {"__version__"}))
def test_every_name_is_there_and_says_what_it_does(name: str) -> None:
    value = getattr(emqs, name)
    assert name in dir(emqs)
    if hasattr(notebook, name):
        assert value.__doc__ == getattr(notebook, name).__doc__
        missing = [word for word in ("Args:", "Returns:", "Raises:") if word not in value.__doc__]
        assert missing == []
    elif inspect.isfunction(value):
        assert value.__doc__ is not None
        assert "Raises:" in value.__doc__
    assert getattr(emqs, name) is getattr(emqs, name)


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="module 'emqs' has no attribute 'serach'"):
        _ = emqs.serach


ORDERS = [
    "import emqs.{0}; import emqs",
    "from emqs import {0}",
    "import emqs; emqs.{0}; import emqs.{0}; from emqs import {0}",
]


@pytest.mark.parametrize(
    ("name", "first"),
    [*((name, "import emqs") for name in COMMANDS), *(("search", order) for order in ORDERS)],
)
def test_a_command_can_be_called_whatever_was_imported_before(name: str, first: str) -> None:
    script = (
        f"{first.format(name)}; import emqs, inspect, types; "
        f"assert isinstance(emqs.{name}, types.ModuleType) and callable(emqs.{name}.main); "
        f"from emqs import notebook; "
        f"assert inspect.signature(emqs.{name}) == inspect.signature(notebook.{name}); "
        f"notebook.{name} = lambda *a, **k: (a, k); "
        f"assert emqs.{name}(1, b=2) == ((1,), {{'b': 2}})"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.slow
def test_a_search_is_that_of_the_command(tmp_path: Path) -> None:
    store = filled(tmp_path / "s.zarr", volume(voxels(3, 200, 264)), block=16).store
    points = np.array([[0, 48, 64], [1, 96, 120]])
    expected = volume_search.search(
        store,
        points.tolist(),
        [[1, 20, 20]],
        query=QueryConfig(scorer="logistic", metric="cosine", whiten="turned"),  # search.yaml
        settings=SearchConfig(n_results=7, expand=True, smooth=0.25),
    )
    for given in (store, emqs.open_store(store.path), store.path, str(store.path)):
        result = emqs.search(given, points, [[1, 20, 20]], settings=["search.n_results=7"])
        assert result.voxels.tolist() == expected.voxels.tolist()
        assert result.scores.tolist() == expected.scores.tolist()
    assert len(expected.ranks) == 7


@pytest.mark.slow
def test_a_volume_is_embedded_as_the_command_does(tmp_path: Path) -> None:
    source = volume(voxels(2))
    settings = ["patch.size=16", "patch.stride=8", "embed.n_sample=256"]
    model = emqs.load_model("contrastive")
    store = emqs.embed(
        source, model, tmp_path / "e.zarr", settings=settings, compute=emqs.Compute(device="cpu")
    )
    assert store.grid.n_places == 2 * 12 * 16  # (104 - 16) / 8 + 1 and (136 - 16) / 8 + 1
    assert emqs.search(store, [[0, 48, 64]]).voxels.shape[1] == 3


def test_slices_codes_examples_and_measures() -> None:
    stack = emqs.open_stack("toy", settings=TOY)
    assert stack.shapes == [(256, 256)] * 3
    model = emqs.load_model("pixels")
    boxes = emqs.make_grid(stack, settings=["patch.size=64", "patch.stride=64"])
    assert boxes[:, 3:].tolist() == [[64, 64]] * (3 * 4 * 4)
    codes = emqs.encode(model, stack, boxes[:5], compute=emqs.Compute(device="cpu", batch_size=2))
    assert codes.shape == (5, model.network.code_size)

    from emqs.evaluation.evaluate import evaluate

    settings = ["query.batch_size=3", "query.min_overlap=0.2", "query.calibrate=false"]
    result = emqs.evaluate(stack, model, settings=[*settings, "query.dense=false", "index=annoy"])
    expected = evaluate(
        stack,
        model,
        patch=PatchConfig(**vars(default_patch())),
        query=QueryConfig(
            **(vars(default_query()) | {
                "batch_size": 3, "min_overlap": 0.2, "calibrate": False, "dense": False
            })
        ),
        index=IndexConfig("annoy"),
    )  # fmt: skip
    assert result.metrics["component_ap"] == expected.metrics["component_ap"]
    retrieved = emqs.retrieve(
        stack, model, [[1, 100, 100]], [[0, 30, 30]],
        settings=["retrieve.n_results=4", "retrieve.suggestions=0", "query.dense=false"],
    )  # fmt: skip
    assert retrieved.ranks.shape == (4,)
    assert retrieved.examples.positives[0, 0] == 1
    assert retrieved.examples.negatives[0, 0] == 0


def default_patch() -> PatchConfig:
    from emqs.runs.compose import composed
    from emqs.settings import read

    return read(PatchConfig, composed("evaluate").patch, "patch")


def default_query() -> QueryConfig:
    from emqs.runs.compose import composed
    from emqs.settings import read

    return read(QueryConfig, composed("evaluate").query, "query")


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: emqs.open_stack("eplf"), "There is no dataset=eplf. Choose one of"),
        (lambda: emqs.load_model("aee"), "There is no model=aee. Choose one of"),
        (lambda: emqs.make_grid(None, settings=["patch.sice=3"]), "no setting patch.sice here"),
        (lambda: emqs.make_grid(None, settings=["patch.size=-3"]), "patch.size must be"),
    ],
)
def test_mistakes_are_errors_of_settings(call: object, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        call()  # type: ignore[operator]
