"""What a person is told and shown: sentences, numbers, curves along Z, cuts, bad slices."""

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np

from emqs.geometry import Box
from emqs.ingestion import affine, work
from emqs.ingestion.check import MISSING
from emqs.ingestion.ingest import EVEN
from emqs.ingestion.judge import Judged
from emqs.ingestion.lay import Laid
from emqs.ingestion.measures import line
from emqs.volumes import open_volume
from emqs.volumes.volume import RANGES

LISTED = 12  # bad slices, and pairs, that are printed
SHEET = 24  # bad slices that are drawn


def summary(judged: Judged, laid: Laid | None) -> dict[str, Any]:
    """Return what was found, in numbers."""
    counts = Counter(one.verdict for one in judged.verdicts if not one.use)
    matched = [pair for pair in judged.pairs if pair.matched]
    nexts = [pair.correlation for pair in matched if pair.second == pair.first + 1]
    numbers: dict[str, Any] = {
        "n_slots": len(judged.verdicts),
        "n_used": len(judged.used),
        **{f"n_{name}": count for name, count in sorted(counts.items())},
        "n_pairs": len(judged.pairs),
        "n_pairs_matched": len(matched),
        "correlation_of_neighbours": float(np.median(nexts)) if nexts else None,
    }
    if laid is not None:
        numbers["n_pairs_thrown_out"] = len(laid.thrown)
        numbers["n_pieces"] = len(laid.pieces)
        residuals = list(laid.residual_px.values())
        numbers["residual_px"] = float(np.median(residuals)) if residuals else None
        numbers["height"], numbers["width"] = laid.transforms.shape
    return numbers


def lines(judged: Judged, laid: Laid | None) -> list[str]:
    """Return sentences on what is bad, what could not be matched, and what was thrown out."""
    told = [
        f"Slot {one.slot} {one.name}: {one.verdict}. {one.why}".replace("  ", " ")
        for one in judged.verdicts
        if not one.use
    ]
    told = _cut(told, "slots")
    unmatched = [
        f"Slots {pair.first} and {pair.second} could not be matched: {pair.why_not}."
        for pair in judged.pairs
        if not pair.matched
    ]
    told += _cut(unmatched, "pairs that could not be matched")
    if laid is not None:
        thrown = [
            f"Slots {a} and {b} contradict the pairs around them by {px:.0f} px; thrown out."
            for (a, b), px in sorted(laid.thrown.items())
        ]
        told += _cut(thrown, "pairs that were thrown out")
        if len(laid.pieces) > 1:
            ends = ", ".join(f"{piece[0]} to {piece[-1]}" for piece in laid.pieces)
            told.append(f"Nothing bridges these pieces, each aligned on its own: slots {ends}.")
    return told


def _cut(told: list[str], what: str) -> list[str]:
    more = len(told) - LISTED
    return told if more <= 0 else [*told[:LISTED], f"... and {more} more {what}."]


def pair_columns(judged: Judged, laid: Laid | None) -> dict[str, list[Any]]:
    """Return the columns of ``pairs.csv``: every pair of used slices that was tried."""
    thrown = {} if laid is None else laid.thrown
    weights = {} if laid is None else laid.weights
    residuals = {} if laid is None else laid.residual_px
    names = [(pair.first, pair.second) for pair in judged.pairs]
    columns: dict[str, list[Any]] = {
        "first": [a for a, _ in names],
        "second": [b for _, b in names],
        "matched": [pair.matched for pair in judged.pairs],
        "why_not": [pair.why_not for pair in judged.pairs],
    }
    for name in ("peak", "correlation", "n_blocks", "n_agree", "displaced", "residual_px"):
        columns[name] = [getattr(pair, name) for pair in judged.pairs]
    for name, known in (
        ("contradiction_px", thrown),
        ("weight", weights),
        ("volume_residual_px", residuals),
    ):
        columns[name] = [known.get(numbers, "") for numbers in names]
    return columns


def along_z(judged: Judged, laid: Laid | None) -> dict[str, np.ndarray]:
    """Return curves along Z, each ``(N, ...)``.

    Returns:
        ``correlation``: rows ``(z, correlation, distance)`` of matched pairs; ``residual``: rows
        ``(z, pixels)``; ``unmatched`` and ``thrown``: middles of pairs; ``drift``: rows ``(z, y,
        x, degrees)`` of slices, against their raw places, NaN between pieces; ``bad``: slots that
        are not used.
    """
    matched = [pair for pair in judged.pairs if pair.matched]
    middle = {(p.first, p.second): (p.first + p.second) / 2 for p in judged.pairs}
    thrown = [] if laid is None else sorted(laid.thrown)
    residual = {} if laid is None else laid.residual_px
    drift: list[tuple[float, ...]] = []
    if laid is not None:
        starts = {piece[0] for piece in laid.pieces[1:]}
        for slot, forward in sorted(laid.transforms.forward.items()):
            if slot in starts:
                drift.append((np.nan,) * 4)
            place = affine.centre(laid.transforms.sizes[slot])
            y, x = affine.apply(forward, place[None])[0] - place
            drift.append((slot, y, x, np.degrees(affine.angle(forward))))
    return {
        "correlation": _rows(
            [(middle[p.first, p.second], p.correlation, p.second - p.first) for p in matched], 3
        ),
        "residual": _rows([(middle[numbers], px) for numbers, px in sorted(residual.items())], 2),
        "unmatched": np.array([middle[p.first, p.second] for p in judged.pairs if not p.matched]),
        "thrown": np.array([middle[numbers] for numbers in thrown]),
        "drift": _rows(drift, 4),
        "bad": np.array([one.slot for one in judged.verdicts if not one.use]),
    }


def _rows(rows: list[tuple[float, ...]], width: int) -> np.ndarray:
    return np.array(rows, dtype=float).reshape(-1, width)


def bad_with_neighbours(judged: Judged) -> list[tuple[str, list[np.ndarray | None]]]:
    """Return bad slices with the used ones before and after: a caption, and three pictures."""
    used = judged.used
    sheet: list[tuple[str, list[np.ndarray | None]]] = []
    for one in judged.verdicts:
        if one.use or one.verdict == MISSING or len(sheet) == SHEET:
            continue
        before = [slot for slot in used if slot < one.slot][-1:]
        after = [slot for slot in used if slot > one.slot][:1]
        slots = [before[0] if before else None, one.slot, after[0] if after else None]
        pictures = [
            None if slot is None else work.thumbnail(judged.slices.source.read(slot))
            for slot in slots
        ]
        sheet.append((f"{one.slot} {one.name}: {one.verdict}", pictures))
    return sheet


def cuts(judged: Judged, path: Path) -> dict[str, np.ndarray]:
    """Return cuts through the middle, before and after: uint8, ``(Z, length)``.

    Returns:
        ``XZ before``, ``XZ after``, ``XZ evened`` where there is an evened image, and the same of
        YZ, all at one scale; slots without a slice are black.
    """
    volume = open_volume(path)
    images = {"after": volume}
    if (path / EVEN).is_dir():
        images["evened"] = open_volume(path, dataset=EVEN)
    depth, height, width = volume.shape
    result: dict[str, np.ndarray] = {}
    for name, measure, axis in (("XZ", "row", 1), ("YZ", "column", 2)):
        start, stop = [0, 0, 0], [depth, height, width]
        start[axis] = stop[axis] // 2
        stop[axis] = start[axis] + 1
        box = Box((start[0], start[1], start[2]), (stop[0], stop[1], stop[2]))
        made = {}
        for word, image in images.items():
            plane = image.read(box).squeeze(axis) / float(RANGES[image.dtype][1])
            made[f"{name} {word}"] = np.array([line(row) for row in plane], dtype=np.uint8)
        length = height if axis == 2 else width
        before = np.zeros_like(made[f"{name} after"])
        for slot, one in enumerate(judged.verdicts):
            if one.measures:
                own = one.measures["height" if axis == 2 else "width"]
                _put(before[slot], np.array(one.measures[measure], dtype=np.uint8), own / length)
        result |= {f"{name} before": before, **made}
    return result


def _put(row: np.ndarray, values: np.ndarray, share: float) -> None:
    """Write values into the middle of a row, of which they are a share as long."""
    count = round(share * len(row))
    places = (np.arange(count) + 0.5) * len(values) / max(1, count)
    scaled = values[places.astype(int)]
    cut = max(0, (count - len(row)) // 2)
    scaled = scaled[cut : cut + len(row)]
    first = (len(row) - len(scaled)) // 2
    row[first : first + len(scaled)] = scaled
