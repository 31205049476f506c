"""Raw slices that were disturbed on purpose: how well ingest lays and judges them.

    python benchmarks/ingestion.py            # 5 draws of everything; hours
    python benchmarks/ingestion.py --quick    # one draw of small windows; minutes
    python benchmarks/ingestion.py --results FILE    # goes on where it was stopped

Windows of published stacks get their own rotation (5 degrees), scale (1 %), shift (60 px at most, a
tenth of the window), smooth warp, gamma, gain, shading and noise. Errors are distances from where a
point belongs, in px, after one affine map of the whole stack is taken away: in the published stack
(``error``, and ``step`` from a slice to the next); where ECC lays its slices (``ecc``), since
published stacks are not quite still; and where ingest lays them untouched (``undone``).
``untouched`` is what ingest makes of the published slices as they are.
The baseline is what clio_ingest does: SIFT, ratio 0.92, RANSAC, a chain of products. It and ECC are
of OpenCV, extra ``bench``.
"""

import argparse
import json
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache, partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from ingestion_slices import FAULTS, STACKS, Disturbed, disturb, published, published_points
from scipy import ndimage

from emqs.ingestion import affine
from emqs.ingestion.judge import Judged, judge
from emqs.ingestion.lay import Laid, lay
from emqs.ingestion.render import offsets_at
from emqs.ingestion.settings import AlignConfig, CheckConfig
from emqs.ingestion.sources import Source
from emqs.ingestion.transforms import Transforms

Job = Callable[[], dict[str, Any]]
SMOOTHED = {"EPFL": 1.5, "FLYEM": 1.5, "VNC": 3.0, "ISBI": 3.0}  # pixels, for ECC


def left_over(made: np.ndarray, true: np.ndarray) -> np.ndarray:
    """Return vectors from where places belong, ``(N, P, 2)``, after one affine map of all.

    Args:
        made: Where they lie, ``(N, P, 2)``; NaN where a slice does not show them.
        true: Where they belong, likewise, or ``(P, 2)`` for all slices alike.
    """
    belong = np.broadcast_to(true, made.shape)
    seen = np.isfinite(made).all(axis=2) & np.isfinite(belong).all(axis=2)
    fit = affine.fit(made[seen], belong[seen])
    left = np.full(made.shape, np.nan)
    left[seen] = affine.apply(fit, made[seen]) - belong[seen]
    return left


def lengths(vectors: np.ndarray) -> np.ndarray:
    """Return the lengths of vectors, without those that are NaN."""
    size: np.ndarray = np.linalg.norm(vectors, axis=-1)
    return size[np.isfinite(size)]


def in_volume(raw: np.ndarray, transforms: Transforms) -> np.ndarray:
    """Return where pixels of the raw slices lie in the volume, ``(N, P, 2)``."""
    result = np.full(raw.shape, np.nan)
    for slot in range(transforms.n_slots):
        seen = np.isfinite(raw[slot]).all(axis=1)
        target = affine.apply(transforms.forward[slot], raw[slot][seen])
        place = target.copy()
        if slot in transforms.mesh:
            for _ in range(8):  # the place u is read at u + offset(u)
                offset = offsets_at(place.T, transforms.mesh[slot], transforms.step_px).T
                place = target - offset
        result[slot, seen] = place
    return result


class Held(Source):
    """Slices in memory."""

    def __init__(self, slices: Sequence[np.ndarray]) -> None:
        """Keep them."""
        super().__init__("held", tuple(str(k) for k in range(len(slices))))
        object.__setattr__(self, "slices", slices)

    def read(self, slot: int) -> np.ndarray:
        """Return one."""
        image: np.ndarray = self.slices[slot]  # type: ignore[attr-defined]
        return image


def quiet(_stage: str, _done: int, _total: int) -> None:
    """Say nothing."""


def ours(slices: Sequence[np.ndarray], settings: AlignConfig) -> tuple[Judged, Laid]:
    """Return what ingest thinks of slices, all of them taken to be good, and where they lie."""
    with tempfile.TemporaryDirectory() as folder:
        limits = CheckConfig(swapped=1.0, duplicate=0.0, folded=1.0, texture=0.0, empty=1.0,
                             saturated=1.0, blur_mad=1e9)  # fmt: skip
        judged = judge(
            Held(slices), Path(folder), check_settings=limits, align=settings, step=quiet
        )
        return judged, lay(judged, settings, Path(folder), quiet)


def clio(slices: Sequence[np.ndarray], raw: np.ndarray) -> np.ndarray:
    """Return where pixels of the raw slices lie by clio_ingest's rule, ``(N, P, 2)``.

    SIFT in each slice, matches with a ratio of distances up to 0.92, an affine map by RANSAC (25
    px, at least 7 inliers), or none at all; maps are multiplied along the stack.
    """
    import cv2

    sift = cv2.SIFT_create(nfeatures=4000)  # type: ignore[attr-defined] # not in its stubs
    seen = [sift.detectAndCompute(image, None) for image in slices]
    matcher = cv2.BFMatcher(cv2.NORM_L2)
    total = affine.IDENTITY
    result = [raw[0]]
    for (before, known), (keys, described) in pairwise(seen):
        step = affine.IDENTITY
        if known is not None and described is not None and min(len(known), len(described)) > 2:
            pairs = [p for p in matcher.knnMatch(described, known, k=2) if len(p) == 2]
            good = [a for a, b in pairs if a.distance < 0.92 * b.distance]
            if len(good) >= 7:
                source = np.array([keys[m.queryIdx].pt for m in good])
                target = np.array([before[m.trainIdx].pt for m in good])
                found, inside = cv2.estimateAffine2D(
                    source, target, method=cv2.RANSAC, ransacReprojThreshold=25.0, maxIters=2000
                )
                if found is not None and int(inside.sum()) >= 7:
                    step = found[::-1][:, [1, 0, 2]]  # OpenCV counts x before y
        total = affine.compose(total, step)
        result.append(affine.apply(total, raw[len(result)]))
    return np.array(result)


def accuracy(
    name: str, edge: int, count: int, seed: int, *, warp_px: float, shift_px: float,
    settings: AlignConfig,
) -> dict[str, Any]:  # fmt: skip
    """Return the errors of one draw: ours, the baseline's, and of slices left alone."""
    first, most = STACKS[name]
    given = disturb(
        published(name, first, min(count, most)), edge, seed, warp_px=warp_px, shift_px=shift_px
    )
    begun = time.process_time()
    judged, laid = ours(given.slices, settings)
    seconds = time.process_time() - begun
    made = in_volume(given.raw, laid.transforms)
    row = {
        "stack": name,
        "model": settings.model,
        "warp_px": warp_px,
        "trend": settings.trend,
        "seed": seed,
        "n_slices": len(given.slices),
        "seconds_per_megapixel": seconds / (len(given.slices) * edge**2 / 1e6),
        "pairs": len(judged.pairs),
        "pairs_matched": sum(p.matched for p in judged.pairs),
        "pairs_thrown_out": len(laid.thrown),
        **pair_errors(judged, laid, given, name),
    }
    begun = time.process_time()
    theirs = clio(given.slices, given.raw)
    row["clio_seconds_per_megapixel"] = (time.process_time() - begun) / (
        len(given.slices) * edge**2 / 1e6
    )
    untouched = untouched_places(name, edge, count, settings)
    for who, places in (
        ("", made), ("clio_", theirs), ("nothing_", given.raw), ("untouched_", untouched)
    ):  # fmt: skip
        row |= {f"{who}{key}": value for key, value in compared(places, given.points).items()}
    shift = np.nanmean(made - given.points, axis=1)
    row["drift_mean"] = float(np.linalg.norm(shift - shift.mean(axis=0), axis=1).mean())
    row |= {f"undone_{key}": value for key, value in compared(made, untouched).items()}
    true = reference_places(name, len(given.slices), given.points)
    for who, places in (("", made), ("clio_", theirs), ("untouched_", untouched)):
        row |= {f"{who}ecc_{key}": value for key, value in compared(places, true).items()}
    return row


def compared(made: np.ndarray, true: np.ndarray) -> dict[str, float]:
    """Return mean and 95 % of errors, median and 95 % of those from a slice to the next, px."""
    left = left_over(made, true)
    apart, steps = lengths(left), lengths(np.diff(left, axis=0))
    return {
        "error_mean": float(apart.mean()),
        "error_95": float(np.quantile(apart, 0.95)),
        "step_median": float(np.median(steps)),
        "step_95": float(np.quantile(steps, 0.95)),
    }


@lru_cache(maxsize=4)
def untouched_places(name: str, edge: int, count: int, settings: AlignConfig) -> np.ndarray:
    """Return where places lie if the published slices are ingested as they are, ``(N, P, 2)``.

    A published stack is not quite still itself. What ingest makes of it untouched is what it can
    best make of it disturbed; the rest of its error is of the disturbance.
    """
    first, most = STACKS[name]
    planes = published(name, first, min(count, most))
    points = published_points(planes[0], edge)
    corner = np.floor(points[0]).astype(int)
    windows = [p[corner[0] : corner[0] + edge, corner[1] : corner[1] + edge] for p in planes]
    _, laid = ours(windows, settings)
    raw = points - corner
    inside = (raw <= edge - 1).all(axis=1)
    raw = np.where(inside[:, None], raw, np.nan)
    return in_volume(np.repeat(raw[None], len(windows), axis=0), laid.transforms)


@lru_cache(maxsize=4)
def reference_steps(name: str, count: int) -> list[np.ndarray]:
    """Return the map from each published slice to the next, by a program that is not ours.

    OpenCV's ECC maximises the correlation of the greys, beginning at what is published.
    """
    import cv2

    first, most = STACKS[name]
    planes = [
        ndimage.gaussian_filter(plane.astype(np.float32), SMOOTHED[name])
        for plane in published(name, first, min(count, most))
    ]
    steps = []
    for before, after in pairwise(planes):
        start = np.eye(2, 3, dtype=np.float32)
        until = (cv2.TERM_CRITERIA_COUNT | cv2.TERM_CRITERIA_EPS, 200, 1e-6)
        _, back = cv2.findTransformECC(after, before, start, cv2.MOTION_AFFINE, until)
        steps.append(affine.invert(back[::-1][:, [1, 0, 2]].astype(float)))
    return steps


def reference_places(name: str, count: int, points: np.ndarray) -> np.ndarray:
    """Return where published places belong if the slices lie as ECC says, ``(N, P, 2)``."""
    total, places = affine.IDENTITY, [points]
    for step in reference_steps(name, count):
        total = affine.compose(total, affine.invert(step))
        places.append(affine.apply(total, points))
    return np.array(places)


def pair_errors(judged: Judged, laid: Laid, given: Disturbed, name: str) -> dict[str, Any]:
    """Return how many neighbours are matched within 10 px, and wrong pairs in the solution.

    By what is published, and by what ECC makes of that.
    """
    steps = reference_steps(name, len(given.slices))
    result: dict[str, Any] = {"neighbours": len(steps)}
    used = {(p.first, p.second) for p in laid.accepted}
    for of, straight in (("published", True), ("ecc", False)):
        near = wrong = 0
        for pair in judged.pairs:
            apart = np.inf
            if pair.matched:
                step = affine.IDENTITY
                for one in [] if straight else steps[pair.first : pair.second]:
                    step = affine.compose(one, step)
                seen = np.isfinite(given.raw[pair.second]).all(axis=1)
                fit = affine.fit(given.points[seen], given.raw[pair.second][seen])
                true = affine.apply(affine.compose(fit, step), given.points)
                moved = affine.apply(pair.matrix, given.raw[pair.first])
                apart = float(lengths(moved - true).mean())
            near += pair.second == pair.first + 1 and apart <= 10
            wrong += (pair.first, pair.second) in used and apart > 10
        result |= {f"neighbours_within_10_px_of_{of}": near, f"wrong_pairs_used_by_{of}": wrong}
    return result


def faults(name: str, edge: int, count: int, seed: int) -> dict[str, Any]:
    """Return which injected faults were found, and false alarms among good slices."""
    first, most = STACKS[name]
    given = disturb(
        published(name, first, min(count, most)), edge, seed, warp_px=0, shift_px=edge / 20
    )
    rng = np.random.default_rng(seed)
    slices, injected = list(given.slices), {}
    kinds = [*FAULTS, "duplicate", "swapped"]
    for number, slot in enumerate(range(3, len(slices) - 4, 5)):
        kind = kinds[(number + seed) % len(kinds)]
        injected[slot] = kind
        if kind == "duplicate":
            slices[slot] = slices[slot - 1]
        elif kind == "swapped":
            slices[slot], slices[slot + 1] = slices[slot + 1], slices[slot]
            injected[slot + 1] = kind
        else:
            slices[slot] = FAULTS[kind](slices[slot], rng).astype(np.uint8)
    settings = AlignConfig("affine", breaks="split")
    with tempfile.TemporaryDirectory() as folder:
        judged = judge(
            Held(slices), Path(folder), check_settings=CheckConfig(), align=settings, step=quiet
        )
    bad = {one.slot: one.verdict for one in judged.verdicts if not one.use}
    result: dict[str, Any] = {"stack": name, "seed": seed}
    for kind in kinds:
        of_kind = [slot for slot, one in injected.items() if one == kind]
        result[f"{kind}_found"] = sum(slot in bad for slot in of_kind)
        result[f"{kind}_all"] = len(of_kind)
    good = [slot for slot in range(len(slices)) if slot not in injected]
    result["good"] = len(good)
    result["false_alarms"] = sum(slot in bad for slot in good)
    result["false"] = {slot: bad[slot] for slot in good if slot in bad}
    return result


def pyramid(megabytes: int) -> dict[str, Any]:
    """Return how fast smaller copies are made, and the memory beyond the start.

    Args:
        megabytes: Of the finest level, of real slices beside and above each other.
    """
    import resource

    from emqs.ingestion.assemble import new_image
    from emqs.ingestion.settings import OutputConfig

    planes = published("FLYEM", 0, 16)
    edge = int((megabytes * 1e6 / 16) ** 0.5) // 250 + 1
    tiled = np.stack([np.tile(plane, (edge, edge)) for plane in planes])
    output = OutputConfig(chunk=[16, 128, 128], shard=[16, 1024, 1024])
    with tempfile.TemporaryDirectory() as folder:
        shape = (16, tiled.shape[1], tiled.shape[2])
        image = new_image(Path(folder), shape, tiled.dtype, (50.0, 4.0, 4.0), output)
        for box in image.shards(0):
            image.write(0, box, tiled[box.slices])
        n_bytes = tiled.nbytes
        del tiled
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        begun = time.process_time()
        for level in image.levels[1:]:
            for box in image.shards(level.number):
                image.shrink(level.number, box)
        seconds = time.process_time() - begun
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return {
        "megabytes": n_bytes / 1e6,
        "megabytes_per_processor_second": n_bytes / 1e6 / seconds,
        "megabytes_of_memory_more": (after - before) / 1e3,
    }


def plan(quick: bool) -> list[dict[str, Any]]:
    """Return what is measured of accuracy, one entry for each draw."""
    draws = 1 if quick else 5
    small = {"EPFL": 512, "FLYEM": 180, "VNC": 512, "ISBI": 400}
    large = {"EPFL": 640, "FLYEM": 180, "VNC": 832, "ISBI": 400}
    edges = small if quick else large
    counts = {"EPFL": 19, "FLYEM": 60 if quick else 250, "VNC": 12 if quick else 20, "ISBI": 30}
    jobs = []
    for name, warp_px, model, trend in (
        ("EPFL", 0.0, "affine", None),
        ("EPFL", 8.0, "affine", None),
        ("EPFL", 8.0, "elastic", None),
        ("ISBI", 0.0, "affine", None),
        ("VNC", 0.0, "affine", None),
        ("VNC", 8.0, "affine", None),
        ("FLYEM", 0.0, "affine", 50.0),
        ("FLYEM", 0.0, "affine", None),
    ):
        for seed in range(draws):
            jobs.append({
                "name": name, "edge": edges[name], "count": counts[name], "seed": seed,
                "warp_px": warp_px, "shift_px": min(60.0, edges[name] / 10),
                "settings": AlignConfig(model, trend=trend, breaks="split", block_px=72),
            })  # fmt: skip
    return jobs


def jobs(quick: bool, only: str | None) -> Iterator[tuple[tuple[Any, ...], Job]]:
    """Yield what tells a row from all others, and what makes it, the quick ones first."""
    if only in (None, "pyramid"):
        yield ("pyramid",), partial(pyramid, 100 if quick else 1000)
    if only in (None, "faults"):
        for name, edge, count in (
            ("EPFL", 400, 19), ("VNC", 400, 20), ("ISBI", 400, 30), ("FLYEM", 180, 60)
        ):  # fmt: skip
            for seed in range(1 if quick else 6):
                yield ("faults", name, seed), partial(faults, name, edge, count, seed)
    if only in (None, "accuracy"):
        for job in plan(quick):
            align = job["settings"]
            key = (job["name"], align.model, job["warp_px"], align.trend, job["seed"])
            yield ("accuracy", *key), partial(accuracy, **job)


def key_of(row: dict[str, Any]) -> tuple[Any, ...]:
    """Return what tells a row from all others."""
    names = {"pyramid": (), "faults": ("stack", "seed")}.get(
        row["part"], ("stack", "model", "warp_px", "trend", "seed")
    )
    return row["part"], *(row[name] for name in names)


def main() -> None:
    """Run everything and print JSON, one line for each draw."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="one draw of small windows")
    parser.add_argument("--only", choices=("accuracy", "faults", "pyramid"), help="one part")
    parser.add_argument(
        "--results", type=Path, help="JSON lines to add to; draws that are in it are left out"
    )
    options = parser.parse_args()
    results: Path | None = options.results
    known: set[tuple[Any, ...]] = set()
    if results is not None and results.is_file():
        known = {key_of(json.loads(line)) for line in results.read_text().splitlines()}
    for key, make in jobs(options.quick, options.only):
        if key in known:
            continue
        row = json.dumps({"part": key[0], **make()})
        print(row, flush=True)
        if results is not None:
            with results.open("a") as file:
                file.write(row + "\n")


if __name__ == "__main__":
    main()
