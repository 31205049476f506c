"""Every test, and every fixture of any scope, starts from the same seed."""

import random

import numpy as np
import pytest
import torch

EXPECTED = (
    random.Random(0).random(),
    float(np.random.RandomState(0).random()),
    float(torch.rand(1, generator=torch.Generator().manual_seed(0))),
)


def drawn() -> tuple[float, float, float]:
    return random.random(), float(np.random.random()), float(torch.rand(1))  # noqa: NPY002


@pytest.fixture(scope="module")
def of_the_module() -> tuple[float, float, float]:
    return drawn()


def test_a_fixture_of_a_module_is_seeded(of_the_module: tuple[float, float, float]) -> None:
    assert of_the_module == EXPECTED


@pytest.mark.parametrize("again", range(2))
def test_a_test_is_seeded(again: int) -> None:
    assert drawn() == EXPECTED
