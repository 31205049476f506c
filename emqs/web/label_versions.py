"""A new version of a segmentation, in which segments are merged: read, relabelled, written.

    python -m emqs.web.label_versions --url seg.zarr --table merged.json --out seg-2.zarr

The table maps segments to what they become, ``{"17": "3"}``. The new labels are an OME-Zarr image
with emqs's own codec; they appear whole or not at all.
"""

import argparse
import json
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np

from emqs.errors import ConfigError, DataError, EmqsError
from emqs.files import new_folder
from emqs.volumes import Box, Volume
from emqs.volumes.zarr_labels.writer import LabelWriter
from emqs.web.layers import equivalences, relabelled
from emqs.web.sources import Place, open_place

Step = Callable[[float, str], None]


def write(
    labels: Volume,
    table: tuple[np.ndarray, np.ndarray],
    path: Path,
    step: Step = lambda _fraction, _text: None,
) -> None:
    """Write labels with some of them replaced.

    Args:
        labels: What is read, chunk by chunk.
        table: Labels to replace, ascending, and what each becomes; uint64.
        path: Folder to make; its parent exists. What an earlier try left is removed.
        step: Called with the fraction that is done and a few words.

    Raises:
        ConfigError: If there is something at the path.
        DataError: If labels cannot be read or written, or a new one does not fit their type.
    """
    if int(table[1].max()) > np.iinfo(labels.dtype.name).max:
        raise DataError(f"{int(table[1].max())} does not fit labels of {labels.dtype}.")
    with new_folder(path) as temporary:
        writer = LabelWriter(
            temporary,
            labels.shape,
            labels.dtype,
            axes="zyx",
            voxel_size_nm=labels.require_voxel_size(),
            name=path.stem,
        )
        boxes = list(writer.boxes())
        for number, box in enumerate(boxes):
            start, stop = [part.start for part in box], [part.stop for part in box]
            read = labels.read(Box((start[0], start[1], start[2]), (stop[0], stop[1], stop[2])))
            writer.write(box, relabelled(read, *table).astype(labels.dtype))
            step(0.9 * (number + 1) / len(boxes), f"{number + 1} of {len(boxes)} chunks")
        writer.finish()
    step(1.0, "done")


def main(arguments: list[str] | None = None) -> None:
    """Write one version; the server's workers call this in a process of its own."""
    parser = argparse.ArgumentParser(prog="python -m emqs.web.label_versions")
    parser.add_argument("--url", required=True)
    parser.add_argument("--settings", default="{}", help="JSON, of emqs.volumes.open_volume")
    parser.add_argument("--table", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args(arguments)

    def step(fraction: float, text: str) -> None:
        sys.stdout.write(f"{fraction:.4f} {text}\n")
        sys.stdout.flush()

    try:
        table = equivalences({"equivalences": json.loads(options.table.read_text())})
        if table is None:
            raise ConfigError(f"{options.table} merges nothing.")
        place = Place(options.url, "segmentation", json.loads(options.settings))
        write(open_place(place), table, options.out, step)
    except EmqsError as error:
        sys.exit(f"emqs.web.label_versions: {' '.join(str(error).split())}")


if __name__ == "__main__":
    main()
