"""How codes of an encoder change where what is seen does not: the file beside its weights."""

import hashlib
import re
from pathlib import Path

import numpy as np
import pytest

from emqs.errors import WeightsError
from emqs.models import turned
from emqs.settings import WEIGHTS_DIR

SHIPPED = WEIGHTS_DIR / "contrastive_pretrained.safetensors"


def test_a_file_is_found_by_the_weights_it_belongs_to(tmp_path: Path) -> None:
    first, second = (np.random.default_rng(n).normal(size=(3, 3)) for n in (0, 1))
    turned.save(tmp_path / f"a_{turned.ENDING}", "aa", first)
    turned.save(tmp_path / f"b_{turned.ENDING}", "bb", second)
    for sha256, expected in (("aa", first), ("bb", second)):
        found = turned.of(sha256, tmp_path)
        assert found is not None
        np.testing.assert_array_equal(found, expected.astype(np.float32))
        assert found.dtype == np.float64
    assert turned.of("cc", tmp_path) is None
    assert turned.of(None, tmp_path) is None


@pytest.mark.parametrize("content", [b"", b"no archive", b"PK\x03\x04 cut off"])
def test_a_damaged_file_is_named(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / f"a_{turned.ENDING}"
    path.write_bytes(content)
    with pytest.raises(WeightsError, match=f"^{re.escape(str(path))} is damaged: "):
        turned.of("aa", tmp_path)


def test_the_one_that_ships_is_a_covariance_of_the_encoder_that_ships() -> None:
    found = turned.of(hashlib.sha256(SHIPPED.read_bytes()).hexdigest())
    assert found is not None
    assert found.shape == (256, 256)
    np.testing.assert_array_equal(found, found.T)
    values = np.linalg.eigvalsh(found)
    assert values.min() > -1e-4
    assert values.mean() == pytest.approx(1, abs=1e-5)
