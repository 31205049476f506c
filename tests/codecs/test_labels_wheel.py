"""The small distribution emqs-labels: built of the same files, it opens stores without the rest."""

import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import numpy as np
import pytest

from emqs.datasets.synthetic.segmentation import segmentation
from emqs.volumes.zarr_labels import write_labels

TOP = Path(__file__).parents[2]
READ = """
import sys
from pathlib import Path

class Only:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in REFUSED:
            raise ImportError(name)

REFUSED = {"torch", "hydra", "omegaconf", "scipy", "skimage", "sklearn", "matplotlib"}
sys.meta_path.insert(0, Only())
import emqs, numpy as np, zarr
assert Path(emqs.__file__).parent.parent == Path(sys.argv[1]), emqs.__file__
labels = zarr.open_group(sys.argv[2], mode="r")["0"][:]
np.testing.assert_array_equal(labels, np.load(sys.argv[3]))
"""


def test_it_names_what_the_codec_needs_as_emqs_does() -> None:
    small = tomllib.loads((TOP / "emqs" / "codecs" / "pyproject.toml").read_text())["project"]
    whole = tomllib.loads((TOP / "pyproject.toml").read_text())["project"]
    known = {*whole["dependencies"], *whole["optional-dependencies"]["labels"]}
    assert set(small["dependencies"]) <= known
    points = small["entry-points"]["zarr.codecs"]
    assert points == whole["entry-points"]["zarr.codecs"]


@pytest.mark.slow
def test_plain_zarr_opens_a_store_with_it(tmp_path: Path) -> None:
    pytest.importorskip("hatchling", reason="needs hatchling, to build a wheel")
    build = [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "--no-build-isolation"]
    done = subprocess.run(
        [*build, "-w", str(tmp_path), "emqs/codecs"], cwd=TOP, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    (wheel,) = tmp_path.glob("*.whl")
    unpacked = tmp_path / "alone"
    with zipfile.ZipFile(wheel) as content:
        content.extractall(unpacked)
    labels = segmentation(8, 64, 64)
    np.save(tmp_path / "v.npy", labels)
    write_labels(tmp_path / "v.zarr", labels, voxel_size_nm=(30, 4, 4))
    words = [str(unpacked), str(tmp_path / "v.zarr"), str(tmp_path / "v.npy")]
    read = subprocess.run(
        [sys.executable, "-c", READ, *words],
        cwd=tmp_path, capture_output=True, text=True, env={"PYTHONPATH": str(unpacked)},
    )  # fmt: skip
    assert read.returncode == 0, read.stderr
