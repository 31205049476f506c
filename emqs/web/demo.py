"""A toy volume, its segments and its codes, for those who only want to look.

    python -m emqs.web.demo FOLDER

It runs in a process of its own, since the server's has no use for what draws and embeds.
"""

import subprocess
import sys
from pathlib import Path

from emqs.web.home import Home

NAME = "toy"
PATCH, STEP = 80, 40  # pixels of 5 nm
SETTINGS = """\
# A stack that is drawn on the spot.
title: Toy neuropil
description: Neurites, mitochondria, vesicles and synapses, drawn by a formula.
visibility: public
volume: ../files/toy.zarr
store: ../files/toy_emb.zarr
labels: ../files/toy_segments.zarr
"""


def is_made(home: Home) -> bool:
    """Return whether the toy lies in a home folder."""
    return (home.datasets / f"{NAME}.yaml").is_file()


def make(home: Home, *, quiet: bool = False) -> None:
    """Make the toy in a home folder: draw, segment and embed it, in other processes.

    Raises:
        subprocess.CalledProcessError: If that fails.
    """
    home.make()
    command = [sys.executable, "-m", "emqs.web.demo", str(home.folder)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL if quiet else None)


def draw(folder: Path) -> None:
    """Write ``toy.zarr`` and ``toy_segments.zarr`` into a folder, unless they are there."""
    import numpy as np
    from scipy import ndimage

    from emqs.datasets.synthetic import PIXEL_SIZE_NM, SECTION_NM, em_stack
    from emqs.datasets.toy_volume import CHUNKS, EDGE, N_SLICES, write_toy_volume
    from emqs.volumes.copying import write_ome_zarr

    size = (float(SECTION_NM), float(PIXEL_SIZE_NM), float(PIXEL_SIZE_NM))
    _, classes = em_stack(n_slices=N_SLICES, height=EDGE, width=EDGE, seed=0)
    write_toy_volume(folder / "toy.zarr")
    if not (folder / "toy_segments.zarr").exists():
        segments = np.zeros(classes.shape, dtype=np.uint64)
        for value in np.unique(classes[classes > 0]):
            parts, _ = ndimage.label(classes == value)
            segments[parts > 0] = parts[parts > 0] + segments.max()
        write_ome_zarr(folder / "toy_segments.zarr", segments, size, CHUNKS)


def main(arguments: list[str]) -> None:
    """Make the toy in the home folder that is named."""
    home = Home(Path(arguments[0]))
    home.make()
    files = home.files
    files.mkdir(exist_ok=True)
    draw(files)
    embed = [
        sys.executable,
        "-m",
        "emqs.embed",
        f"volume={files / 'toy.zarr'}",
        f"out={files / 'toy_emb.zarr'}",
        f"patch.size={PATCH}",
        f"patch.stride={STEP}",
        f"paths.outputs={home.cache}",
    ]
    subprocess.run(embed, check=True)
    (home.datasets / f"{NAME}.yaml").write_text(SETTINGS, encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
