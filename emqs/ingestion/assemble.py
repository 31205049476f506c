"""Writes the volume: slices into slabs, slabs into shards, shards into smaller copies."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from emqs.geometry import Lengths, Shape
from emqs.ingestion.contrast import Curve
from emqs.ingestion.journal import Journal
from emqs.ingestion.pyramid import Image, levels_of
from emqs.ingestion.settings import OutputConfig
from emqs.ingestion.slabs import Evening, Plan, Resampling, even_slab, raw_slab, shrink
from emqs.runs.executors import Executor
from emqs.runs.progress import Step


@dataclass(frozen=True, eq=False)
class Assembly:
    """What a volume is put together from.

    Attributes:
        plan: What each slice of the volume consists of.
        journal: What is done so far.
        executor: Does the work.
        step: Told the stage, the parts done, and the parts in all.
    """

    plan: Plan
    journal: Journal
    executor: Executor
    step: Step

    def raw(self, image: Image) -> dict[int, dict[str, Any]]:
        """Write the aligned slices as the finest level; return what was measured of their greys."""
        names = {f"raw {slots.start}": slots for slots in slabs(image)}
        self._do("resample", raw_slab, Resampling(self.plan, image), names)
        measured: dict[int, dict[str, Any]] = {}
        for name in names:
            measured.update({int(slot): one for slot, one in self.journal[name].items()})
        return measured

    def smaller(self, image: Image, stage: str) -> None:
        """Write the smaller copies of an image."""
        total = sum(1 for level in image.levels[1:] for _ in image.shards(level.number))
        count = 0
        for level in image.levels[1:]:
            image.array(level.number)  # made once, before several processes write into it
            names = {
                f"{stage} {level.number} {number}": (level.number, box)
                for number, box in enumerate(image.shards(level.number))
            }
            self._do(stage, shrink, image, names, before=count, total=total)
            count += len(names)

    def even(self, image: Image, raw: Image, curves: Mapping[int, Curve]) -> None:
        """Write the evened slices as the finest level of a second image."""
        names = {f"even {slots.start}": slots for slots in slabs(image)}
        self._do("contrast", even_slab, Evening(self.plan, image, raw, curves), names)

    def _do(
        self,
        stage: str,
        work: Any,  # noqa: ANN401 - a function of a context and a part
        context: Any,  # noqa: ANN401
        names: Mapping[str, Any],
        *,
        before: int = 0,
        total: int | None = None,
    ) -> None:
        """Do the parts that are not done yet, by name, and keep their results."""
        image = context if isinstance(context, Image) else context.image
        image.array(0)
        missing = [name for name in names if name not in self.journal]
        done = before + len(names) - len(missing)
        total = len(names) if total is None else total
        parts = [names[name] for name in missing]
        if missing and done:
            self.step(stage, done, total)
        for number, result in self.executor.run(work, context, parts):
            self.journal.add(missing[number], result)
            done += 1
            self.step(stage, done, total)


def slabs(image: Image) -> list[range]:
    """Return the slots of each slab, as deep as a shard."""
    depth, step = image.levels[0].shape[0], image.shard[0]
    return [range(first, min(first + step, depth)) for first in range(0, depth, step)]


def new_image(
    folder: Path, shape: Shape, dtype: np.dtype[Any], size_nm: Lengths, output: OutputConfig
) -> Image:
    """Return an image of a shape, with all its levels, of which nothing is written yet.

    Shards are no larger than the image needs.
    """
    folder.mkdir(parents=True, exist_ok=True)
    chunk = (output.chunk[0], output.chunk[1], output.chunk[2])
    shard = tuple(
        min(s, -(-n // c) * c) for s, n, c in zip(output.shard, shape, chunk, strict=True)
    )
    return Image(folder, levels_of(shape, size_nm), dtype, chunk, (shard[0], shard[1], shard[2]))


def window_of(measured: Mapping[int, Mapping[str, Any]], top: float) -> tuple[float, float]:
    """Return the greys that viewers show as black and white: medians over the slices."""
    rows = [one["quantiles"] for one in measured.values() if one["quantiles"] is not None]
    if not rows:
        return 0.0, top
    middle = np.median(np.array(rows), axis=0)
    low, high = float(middle[1]), float(middle[-2])
    return (low, high) if high > low else (0.0, top)
