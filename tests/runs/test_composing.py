"""What tests are given as settings is what Hydra composes."""

import pytest
from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf
from support.composing import with_hydra

from emqs.settings import CONFIG_DIR


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("evaluate", ["query.structure=3", "model=ae", "n_bootstrap=50", "++query.more=2"]),
        ("train", ["model=vae", "augment.scale=[0.9,1.1]", "~data.batch_size", "hydra.verbose=1"]),
        ("train", ["stage=distill", "model@teacher=pca", "teacher.network.latent_size=4"]),
        ("retrieve", ["experiment=single_query", "query.min_overlap=0.2"]),
    ],
)
def test_settings_of_tests_are_those_of_hydra(name: str, words: list[str]) -> None:
    for given in (words, words[:1]):
        with initialize_config_dir(str(CONFIG_DIR), version_base="1.3"):
            expected = compose(name, overrides=given, return_hydra_config=True)
        found = with_hydra(name, *given)
        assert OmegaConf.to_container(found) == OmegaConf.to_container(expected)
