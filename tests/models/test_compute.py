"""The value that says how codes are computed."""

from dataclasses import FrozenInstanceError

import pytest

from emqs.errors import ConfigError
from emqs.models.compute import Compute


def test_the_defaults_choose_the_device_and_all_cores() -> None:
    assert Compute() == Compute(device=None, batch_size=512, n_threads=None, progress=False)


@pytest.mark.parametrize("name", ["batch_size", "n_threads"])
def test_a_number_below_one_is_refused(name: str) -> None:
    with pytest.raises(ConfigError, match=f"{name} must be at least 1, got 0"):
        Compute(**{name: 0})


def test_it_does_not_change() -> None:
    with pytest.raises(FrozenInstanceError):
        Compute().batch_size = 3  # type: ignore[misc]
