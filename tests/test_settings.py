import re
from dataclasses import fields, is_dataclass
from typing import Any

import pytest
from omegaconf import OmegaConf

from emqs import settings as reading
from emqs.datasets.settings import DatasetConfig, MemberConfig, ToyConfig
from emqs.errors import ConfigError
from emqs.models.settings import ModelConfig, PreprocessingConfig
from emqs.patches.settings import PatchConfig
from emqs.retrieval.settings import IndexConfig, QueryConfig
from emqs.runs.settings import LoggerConfig, PathsConfig
from emqs.web.settings import NeuprintConfig, OidcConfig, ServeConfig

NAN, INF = float("nan"), float("inf")


def test_values_arrive_and_the_rest_is_default() -> None:
    query = reading.read(QueryConfig, {"min_overlap": 0.3, "structure": "2"}, "query")
    assert query == QueryConfig(structure=2, min_overlap=0.3)
    assert type(query.structure) is int


def test_parts_of_parts_arrive() -> None:
    """The inner dataclasses are frozen, which must not stop their settings."""
    node = {
        "name": "toy",
        "kind": "toy",
        "toy": {"n_slices": 3, "height": 128},
        "members": [{"name": "A", "share": 2}, {"name": "B", "pixel_size_nm": 5}],
        "classes": {1: "mitochondria"},
        "slices": [0, 2],
    }
    dataset = reading.read(DatasetConfig, OmegaConf.create(node), "dataset")
    assert dataset.toy == ToyConfig(n_slices=3, height=128)
    assert dataset.members == [MemberConfig("A", share=2.0), MemberConfig("B", pixel_size_nm=5.0)]
    assert dataset.classes == {1: "mitochondria"}
    assert dataset.slices == [0, 2]
    model = reading.read(
        ModelConfig,
        {"name": "vae", "network": {"latent_size": 8}, "preprocessing": {"contrast": "slice"}},
        "model",
    )
    assert model.preprocessing == PreprocessingConfig(contrast="slice")
    assert model.network == {"latent_size": 8}


def test_entries_by_name_arrive() -> None:
    lab = {"issuer": "https://lab.org", "client_id": "emqs", "create_users": True}
    brain = {"server": "https://neuprint.org", "dataset": "brain:v1"}
    given = {"oidc": {"lab": lab, "other": lab}, "neuprint": {"brain": brain}}
    settings = reading.read(ServeConfig, OmegaConf.create(given), "serve")
    assert settings.oidc["lab"] == OidcConfig("https://lab.org", "emqs", create_users=True)
    assert list(settings.oidc) == ["lab", "other"]
    assert settings.neuprint == {"brain": NeuprintConfig("https://neuprint.org", "brain:v1")}
    with pytest.raises(ConfigError, match=r"serve\.oidc\.lab\.clientid"):
        reading.read(ServeConfig, {"oidc": {"lab": {"clientid": "emqs"}}}, "serve")
    with pytest.raises(ConfigError, match=r"serve\.oidc\.lab\.client_id"):
        reading.read(ServeConfig, {"oidc": {"lab": {"issuer": "https://lab.org"}}}, "serve")


def test_a_value_may_point_to_another_part_of_the_configuration() -> None:
    whole = OmegaConf.create({"seed": 7, "index": {"name": "exact", "seed": "${seed}"}})
    assert reading.read(IndexConfig, whole.index, "index").seed == 7


def test_reading_leaves_the_configuration_as_it_was() -> None:
    whole = OmegaConf.create({"seed": 7, "index": {"seed": "${seed}"}})
    reading.read(IndexConfig, whole.index, "index")
    assert OmegaConf.to_container(whole) == {"seed": 7, "index": {"seed": "${seed}"}}


def test_a_pointer_to_nothing() -> None:
    whole = OmegaConf.create({"index": {"seed": "${sed}"}})
    with pytest.raises(ConfigError, match=r"^index\.seed: Interpolation key 'sed' not found\.$"):
        reading.read(IndexConfig, whole.index, "index")
    alone = OmegaConf.create({"seed": "${sed}"})
    with pytest.raises(ConfigError, match=r"^index\.seed: Interpolation key 'sed' not found\.$"):
        reading.read(IndexConfig, alone, "index")


FOLDER = {"name": "X", "kind": "folder"}

WRONG_KEYS_AND_TYPES = [
    (QueryConfig, {"min_overlp": 1}, "query", "query.min_overlp is no setting."),
    (QueryConfig, {"structure": "a"}, "query", "query.structure must be a whole number, got a."),
    (QueryConfig, {"structure": 1.5}, "query", "query.structure must be a whole number, got 1.5."),
    (
        QueryConfig,
        {"structure": None},
        "query",
        "query.structure must be a whole number, got null.",
    ),
    (
        QueryConfig,
        {"min_overlap": "half"},
        "query",
        "query.min_overlap must be a number, got half.",
    ),
    (DatasetConfig, FOLDER | {"slices": 5}, "dataset", "dataset.slices must be a list in brackets"),
    (QueryConfig, {"structure": 1, "query": {}}, "", "query is no setting."),
    (
        DatasetConfig,
        {"kind": "toy"},
        "dataset",
        "dataset.name is missing: give it as dataset.name=VALUE.",
    ),
    (DatasetConfig, FOLDER | {"name": "???"}, "dataset", "dataset.name is missing: give"),
    (DatasetConfig, FOLDER | {"toy": {"heigt": 3}}, "dataset", "dataset.toy.heigt is no setting"),
    (
        DatasetConfig,
        FOLDER | {"toy": {"height": "q"}},
        "dataset",
        "dataset.toy.height must be a whole number, got q",
    ),
    (
        DatasetConfig,
        FOLDER | {"members": [{"share": 1}]},
        "dataset",
        "dataset.members[0].name is missing",
    ),
    (DatasetConfig, FOLDER | {"classes": {"a": "b"}}, "dataset", "dataset.classes.a: Key a (str)"),
    (DatasetConfig, FOLDER | {"slices": "all"}, "dataset", "dataset.slices must be a list"),
    (PathsConfig, {"images": "a", "weights": "b"}, "paths", "paths.outputs is missing"),
    (
        LoggerConfig,
        {"wandb": "perhaps"},
        "logger",
        "logger.wandb must be true or false, got perhaps.",
    ),
    (ModelConfig, {"nme": "vae"}, "model", "model.nme is no setting."),
    (
        QueryConfig,
        "abc",
        "query",
        "query must hold settings by name, such as structure, got 'abc'.",
    ),
    (QueryConfig, None, "query", "query must hold settings by name, such as structure, got None."),
    (QueryConfig, [1], "query", "query must hold settings by name, such as structure, got [1]."),
]


@pytest.mark.parametrize(("cls", "node", "where", "start"), WRONG_KEYS_AND_TYPES)
def test_wrong_keys_and_types_are_named_in_full(
    cls: type, node: object, where: str, start: str
) -> None:
    with pytest.raises(ConfigError, match=f"^{re.escape(start)}") as caught:
        reading.read(cls, node, where)
    message = str(caught.value)
    assert message.endswith(".")
    assert "\n" not in message
    assert ".." not in message


LIMITS: list[tuple[type, dict[str, Any], str]] = [
    (QueryConfig, {"structure": 0}, "query.structure must not be 0: that is the background."),
    (QueryConfig, {"structure": -1}, "query.structure must be at least 1, got -1."),
    (
        QueryConfig,
        {"min_overlap": 50},
        "query.min_overlap must be a fraction in (0, 1], got 50. "
        "A percentage such as 50 is written 0.5.",
    ),
    (QueryConfig, {"min_overlap": 0}, "query.min_overlap must be a fraction in (0, 1], got 0."),
    (QueryConfig, {"min_overlap": -1}, "query.min_overlap must be a fraction in (0, 1], got -1."),
    (QueryConfig, {"min_overlap": NAN}, "query.min_overlap must be a fraction in (0, 1], got nan."),
    (QueryConfig, {"num_neighbors": 0}, "query.num_neighbors must be at least 1, got 0."),
    (QueryConfig, {"batch_size": 0}, "query.batch_size must be at least 1, got 0."),
    (PatchConfig, {"size": 0}, "patch.size must be a finite number greater than 0, got 0."),
    (PatchConfig, {"size": NAN}, "patch.size must be a finite number greater than 0, got nan."),
    (PatchConfig, {"size": INF}, "patch.size must be a finite number greater than 0, got inf."),
    (PatchConfig, {"stride": -2}, "patch.stride must be a finite number greater than 0, got -2."),
    (PatchConfig, {"unit": "um"}, "patch.unit must be one of px, nm, got 'um'."),
    (IndexConfig, {"name": "faiss"}, "index.name must be one of annoy, exact, got 'faiss'."),
    (IndexConfig, {"n_trees": 0}, "index.n_trees must be at least 1, got 0."),
    (
        IndexConfig,
        {"search_k": 0},
        "index.search_k (unless it is -1, automatic) must be at least 1, got 0.",
    ),
    (
        IndexConfig,
        {"seed": 2**31},
        "index.seed must be from -2147483648 to 2147483647, which is what Annoy takes, "
        "got 2147483648.",
    ),
    (
        DatasetConfig,
        FOLDER | {"kind": "web"},
        "dataset.kind must be one of folder, toy, packaged, mixture, got 'web'.",
    ),
    (
        DatasetConfig,
        FOLDER | {"intensity": "auto"},
        "dataset.intensity must be one of dtype, stretch, got 'auto'.",
    ),
    (
        DatasetConfig,
        FOLDER | {"pixel_size_nm": 0},
        "dataset.pixel_size_nm must be a finite number greater than 0, got 0.",
    ),
    (
        DatasetConfig,
        FOLDER | {"section_nm": -5},
        "dataset.section_nm must be a finite number greater than 0, got -5.",
    ),
    *[
        (
            DatasetConfig,
            FOLDER | {"slices": slices},
            f"dataset.slices must be [first, one past last] with 0 <= first < last, got {slices}.",
        )
        for slices in ([], [3], [3, 3], [4, 2], [-1, 2], [0, 1, 2])
    ],
    (
        DatasetConfig,
        {"name": "M", "kind": "mixture"},
        "dataset.members is empty; a mixture needs at least one folder.",
    ),
    (
        DatasetConfig,
        {"name": "M", "kind": "mixture", "members": [{"name": "A", "share": 0}]},
        "dataset.members.share must be a finite number greater than 0, got 0.",
    ),
    (
        DatasetConfig,
        {"name": "M", "kind": "mixture", "members": [{"name": "A", "pixel_size_nm": -1}]},
        "dataset.members.pixel_size_nm must be a finite number greater than 0, got -1.",
    ),
    *[
        (
            DatasetConfig,
            FOLDER | {"toy": {key: least - 1}},
            f"dataset.toy.{key} must be at least {least}, got {least - 1}.",
        )
        for key, least in (("n_slices", 1), ("height", 64), ("width", 64))
    ],
    (
        ModelConfig,
        {"name": "ae", "preprocessing": {"size": 7}},
        "model.preprocessing.size must be at least 8, got 7.",
    ),
    (
        ModelConfig,
        {"name": "ae", "preprocessing": {"contrast": "clahe"}},
        "model.preprocessing.contrast must be one of none, slice, got 'clahe'.",
    ),
]


@pytest.mark.parametrize(("cls", "node", "message"), LIMITS)
def test_limits(cls: type, node: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=f"^{re.escape(message)}$"):
        reading.read(cls, node, message.split(".")[0])


@pytest.mark.parametrize(
    ("cls", "node"),
    [
        (QueryConfig, {"min_overlap": 1}),
        (QueryConfig, {"min_overlap": 1e-6, "structure": 1, "num_neighbors": 1, "batch_size": 1}),
        (PatchConfig, {"size": 0.1, "stride": 1, "unit": "nm"}),
        (PatchConfig, {"stride": None}),
        (IndexConfig, {"search_k": -1, "seed": 0, "n_trees": 1}),
        (IndexConfig, {"search_k": 1, "seed": -(2**31), "name": "exact"}),
        (DatasetConfig, FOLDER | {"slices": [0, 1], "pixel_size_nm": None}),
        (DatasetConfig, FOLDER | {"toy": {"n_slices": 1, "height": 64, "width": 64}}),
        (ModelConfig, {"name": "ae", "preprocessing": {"size": 8}, "weights": None}),
    ],
)
def test_the_last_allowed_values(cls: type, node: dict[str, Any]) -> None:
    settings = reading.read(cls, node, "x")
    for key, value in node.items():
        kept = getattr(settings, key)
        if is_dataclass(kept):
            kept = {f.name: getattr(kept, f.name) for f in fields(kept) if f.name in value}
        assert kept == value


def test_the_folders_of_settings_and_weights_exist() -> None:
    assert reading.CONFIG_DIR.is_dir()
    assert reading.WEIGHTS_DIR.is_dir()
    resolved = OmegaConf.create({"weights": "${emqs_weights:}"}).weights
    assert resolved == str(reading.WEIGHTS_DIR)
