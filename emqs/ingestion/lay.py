"""From pairs to places: which pairs contradict the others, and where each slice lies."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from emqs.errors import DataError
from emqs.ingestion import affine, elastic, pairs, solve, transforms, work
from emqs.ingestion.elastic import Seams
from emqs.ingestion.journal import Journal
from emqs.ingestion.judge import Judged
from emqs.ingestion.matching.pair import Pair
from emqs.ingestion.settings import AlignConfig
from emqs.ingestion.transforms import Transforms
from emqs.runs.executors import Executor, InProcess

Step = Callable[[str, int, int], None]
FINER = (1.0, 0.67, 0.67)  # rounds of elastic matching: edges of blocks, of ``align.block_px``
_LISTED = 4


@dataclass(frozen=True, eq=False)
class Laid:
    """Where slices lie, and what is known of the pairs.

    Attributes:
        transforms: Of the used slices.
        accepted: Pairs that the solution is made of.
        thrown: Pairs that contradict others, by how many pixels.
        weights: What each accepted pair counts in the end, from 0 to 1.
        residual_px: Mean distance of the blocks of each accepted pair in the volume.
        pieces: Slots of each piece that hangs together, in order.
    """

    transforms: Transforms
    accepted: list[Pair] = field(default_factory=list)
    thrown: dict[tuple[int, int], float] = field(default_factory=dict)
    weights: dict[tuple[int, int], float] = field(default_factory=dict)
    residual_px: dict[tuple[int, int], float] = field(default_factory=dict)
    pieces: list[list[int]] = field(default_factory=list)


def lay(
    judged: Judged,
    settings: AlignConfig,
    folder: Path,
    step: Step,
    executor: Executor | None = None,
) -> Laid:
    """Return where each slice lies in the volume.

    Args:
        judged: Slices and pairs.
        settings: Model, trend, what to do at a break.
        folder: Where blocks of ``align=elastic`` are kept from run to run.
        step: Told the stage, the parts done, and the parts in all.
        executor: Matches blocks of ``align=elastic``; None: this process.

    Raises:
        DataError: If nothing bridges two pieces and ``align.breaks`` is ``"error"``, or the slices
            drift apart.
    """
    used, sizes = judged.used, judged.sizes
    n_slots = len(judged.verdicts)
    if settings.transforms is not None:
        path = Path(settings.transforms).expanduser()
        known = transforms.read(path, sizes, n_slots)
        lacking = [slot for slot in used if slot not in known.forward]
        if lacking:
            raise DataError(
                f"align.transforms={path} has no map for slot {lacking[0]}, which is used. Leave "
                "it out in check.table, or make the transforms with it."
            )
        return Laid(known, pieces=[used])
    if settings.model == "none":
        largest = max(size[0] for size in sizes.values()), max(size[1] for size in sizes.values())
        plain = {slot: affine.IDENTITY for slot in used}
        return Laid(Transforms(largest, plain, sizes, n_slots), pieces=[used])
    matched = [pair for pair in judged.pairs if pair.matched]
    largest = max(size[0] for size in sizes.values()), max(size[1] for size in sizes.values())
    thrown = pairs.contradicting(matched, largest, settings.cycle_px)
    accepted = [pair for pair in matched if (pair.first, pair.second) not in thrown]
    pieces = pairs.pieces(used, [(pair.first, pair.second) for pair in accepted])
    if len(pieces) > 1 and settings.breaks == "error":
        raise DataError(_break(judged, pieces, thrown))
    forward: dict[int, np.ndarray] = {}
    laid = Laid(Transforms(largest, {}, sizes, n_slots), accepted, thrown, pieces=pieces)
    model = "affine" if settings.model == "elastic" else settings.model
    for piece in pieces:
        own = [pair for pair in accepted if pair.first in piece]
        placed = solve.place(piece, own, sizes, model)
        maps = placed.forward
        if settings.trend is not None:
            maps = solve.without_trend(maps, sizes, settings.trend)
        forward.update(maps)
        laid.weights.update(placed.weights)
        laid.residual_px.update(placed.residual_px)
    total = transforms.placed(forward, sizes, n_slots, settings.canvas)
    if settings.model == "elastic":
        finds = _Seams(folder, InProcess() if executor is None else executor, step)
        total = _bent(judged, total, accepted, settings, finds)
    return replace(laid, transforms=total)


def _break(
    judged: Judged, pieces: Sequence[Sequence[int]], thrown: dict[tuple[int, int], float]
) -> str:
    """Return a sentence about slices that nothing holds together."""
    names = judged.slices.source.names
    groups = [
        f"{names[piece[0]]} to {names[piece[-1]]}" if len(piece) > 1 else str(names[piece[0]])
        for piece in pieces
    ]
    last = pieces[0][-1]
    tried = [
        f"{names[p.first]} and {names[p.second]}: {p.why_not or 'contradicts other pairs'}"
        for p in judged.pairs
        if (not p.matched or (p.first, p.second) in thrown)
        and (p.first <= last < p.second or p.second <= last < p.first)
    ]
    shown = "; ".join(groups[:_LISTED]) + (" ..." if len(groups) > _LISTED else "")
    reasons = "; ".join(tried[:2]) or "no pair reaches across"
    return (
        f"{judged.slices.source.name} breaks into {len(pieces)} pieces that no pair of slices "
        f"holds together: {shown}. At the first break, {reasons}. Search wider with "
        "align.rotation_deg and align.shift, leave bad slices out with check.table, or give "
        "align.breaks=split to align each piece on its own."
    )


def _bent(
    judged: Judged,
    flat: Transforms,
    accepted: Sequence[Pair],
    settings: AlignConfig,
    finds: "_Seams",
) -> Transforms:
    """Return transforms with a mesh for each slice."""
    partners: dict[int, list[int]] = {}
    for pair in accepted:
        partners.setdefault(pair.first, []).append(pair.second)
    now = flat
    step_px = settings.block_px // 2
    for number, finer in enumerate(FINER):
        known = work.Bending(judged.slices, now, finer * settings.block_px)
        seams = finds(number, known, partners)
        mesh = elastic.meshes(flat, seams, step_px)
        mesh = {slot: offsets.round(4) for slot, offsets in mesh.items()}
        now = replace(flat, step_px=step_px, mesh=mesh)
    return now


@dataclass(frozen=True, eq=False)
class _Seams:
    """Finds blocks of neighbours that lie on each other; keeps them from run to run."""

    folder: Path
    executor: Executor
    step: Step

    def __call__(
        self, number: int, known: work.Bending, partners: dict[int, list[int]]
    ) -> list[Seams]:
        """Return the seams of a round."""
        journal = Journal(self.folder / f"seams{number}.jsonl")
        missing = {first: rest for first, rest in partners.items() if str(first) not in journal}
        groups = work.groups(missing, single=self.executor.single)
        for count, (_, rows) in enumerate(self.executor.run(work.bend, known, groups)):
            for first, seen in rows:
                journal.add(str(first), seen)
            self.step(f"bend {number + 1}", count + 1, len(groups))
        return [
            Seams(
                one["first"],
                one["second"],
                np.array(one["centres"]).reshape(-1, 2),
                np.array(one["offsets"]).reshape(-1, 2),
            )
            for first in sorted(partners)
            for one in journal[str(first)]
        ]
