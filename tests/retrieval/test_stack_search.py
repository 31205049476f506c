"""Search with windows, smoothing and examples of many windows; against plain searches and loops."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from support.toy_stacks import blobs

from emqs import models
from emqs.embedding import encode
from emqs.evaluation import evaluate
from emqs.models.settings import PreprocessingConfig
from emqs.models.weights import Model
from emqs.patches import grid, windows
from emqs.patches import overlap as overlaps
from emqs.patches.settings import PatchConfig
from emqs.retrieval import leave_one_out, stack_search
from emqs.retrieval.scorers import space as spaces
from emqs.retrieval.scorers.nearest import Nearest
from emqs.retrieval.settings import QUESTIONS, IndexConfig, QueryConfig

EXACT = IndexConfig(name="exact")
SIZE = 20
DENSE = QueryConfig(batch_size=4, min_overlap=0.3, dense=True)
PLAIN_WINDOWS = replace(DENSE, window=1.0, step=1.0, smooth=0.0, smooth_z=0.0)


def pixels() -> Model:
    network = models.build("pixels", {"size": 8})
    return Model("pixels", network, {"size": 8}, PreprocessingConfig(size=8))


def convolutional() -> Model:
    torch.manual_seed(0)
    settings = {"start": "random", "blocks": 2, "frozen": 0, "size": 16}
    network = models.build("contrastive", settings)
    return Model("contrastive", network, settings, PreprocessingConfig(size=16))


def search(
    query: QueryConfig,
    model: Model | None = None,
    **changes: Any,  # noqa: ANN401
) -> stack_search.StackSearch:
    stack = replace(blobs(), **changes)
    return stack_search.StackSearch(model or pixels(), stack, SIZE, query, EXACT)


class Brightness:
    """A scorer that remembers how many codes it saw."""

    def __init__(self) -> None:
        self.n_seen = 0

    def score(self, codes: np.ndarray) -> np.ndarray:
        self.n_seen += len(codes)
        return codes.astype(np.float64).mean(axis=1)


def prepared(scorer: Any) -> stack_search.FittedExamples:  # noqa: ANN401
    nothing = stack_search.Examples(np.empty((0, 1), np.float32), np.empty(0, np.int64), 0)
    return stack_search.FittedExamples((stack_search.Part(scorer, nothing, None, None),))


@pytest.mark.parametrize("made", [pixels, convolutional])
@pytest.mark.parametrize("question", QUESTIONS)
def test_windows_as_large_as_patches_are_the_plain_search(made: Any, question: str) -> None:  # noqa: ANN401
    stack = blobs()
    boxes = grid.grid(stack.shapes, SIZE, SIZE, border=False)
    rest = boxes[boxes[:, 0] != 2]
    here = boxes[boxes[:, 0] == 2]
    found = []
    for query in (replace(DENSE, dense=False), replace(PLAIN_WINDOWS, question=question)):
        looking = search(query, made())
        ready = looking.prepare(here[:4], here[4:], rest)
        found.append(looking.score(rest, ready))
    np.testing.assert_allclose(found[1].ranking, found[0].ranking, atol=1e-5)
    np.testing.assert_allclose(found[1].single, found[0].single, atol=1e-5)
    assert np.ptp(found[0].ranking) > 0.01


def test_windows_are_halves_and_wholes_for_networks_that_encode_slices() -> None:
    assert search(DENSE).edges == (SIZE,)
    assert search(DENSE, convolutional()).edges == (SIZE // 2, SIZE)
    assert search(replace(DENSE, window=0.7), convolutional()).edges == (14,)
    assert search(replace(DENSE, window=[0.3, 0.7]), convolutional()).edges == (6, 14)
    assert search(replace(DENSE, dense=False, window=0.5)).edges == (SIZE,)
    assert search(replace(DENSE, step=0.01)).step == 1


def test_the_scorer_fits_the_network_unless_one_is_named() -> None:
    open_ = replace(DENSE, scorer=None)
    assert search(open_).query.scorer == "nearest"
    assert search(open_, convolutional()).query.scorer == "ensemble"
    assert search(replace(DENSE, scorer="svm"), convolutional()).query.scorer == "svm"


def test_examples_are_the_windows_in_them() -> None:
    looking = search(replace(DENSE, window=0.5, step=0.25), convolutional())
    boxes = np.array([[1, 3, 4, 20, 20], [0, 50, 70, 20, 20], [5, 60, 2, 10, 20]])
    found = looking.examples(boxes, 10)
    assert (found.n, len(found.codes)) == (3, 9 + 9 + 3)
    for number, (z, y, x, height, width) in enumerate(boxes.tolist()):
        inside = [
            (z, y + i, x + j, 10, 10)
            for i in range(0, height - 9, 5)
            for j in range(0, width - 9, 5)
        ]
        expected = encode.embed(looking.model, looking.stack, np.array(inside), patch_size=SIZE)
        np.testing.assert_allclose(found.of(number), expected, atol=1e-5)
    both = np.concatenate([found.of(0), found.of(2)])
    np.testing.assert_array_equal(found.of(np.array([0, 2])), both)


def literal(
    query: QueryConfig, looking: stack_search.StackSearch, boxes: np.ndarray
) -> list[float]:
    """Brightness of windows, smoothed over slices of one size, the best in each patch."""
    stack, (window,), step = looking.stack, looking.edges, looking.step
    maps: dict[int, dict[tuple[int, int], float]] = {}
    for z, (height, width) in enumerate(stack.shapes):
        ys = sorted({*range(0, height - window + 1, step), height - window})
        xs = sorted({*range(0, width - window + 1, step), width - window})
        places = np.array([(z, y, x, window, window) for y in ys for x in xs])
        codes = encode.embed(looking.model, stack, places, patch_size=SIZE).mean(axis=1)
        maps[z] = {(b[1], b[2]): c for b, c in zip(places.tolist(), codes.tolist(), strict=True)}
    scores = []
    for z, y, x, height, width in boxes.tolist():
        inside = [
            (i, j)
            for i, j in maps[z]
            if y <= i and i + window <= y + height and x <= j and j + window <= x + width
        ]
        values = []
        for place in inside:
            total = weights = 0.0
            for other, scored in maps.items():
                related = other == z or stack.consecutive
                if related and stack.shapes[other] == stack.shapes[z] and abs(other - z) <= 3:
                    weight = np.exp(-((other - z) ** 2) / (2 * query.smooth_z**2))
                    total, weights = total + weight * scored[place], weights + weight
            values.append(total / weights)
        highest, mean = max(values), float(np.mean(values))
        answers = {"touches": highest, "mostly": mean, "graded": (highest + mean) / 2}
        scores.append(answers[query.question])
    return scores


@pytest.mark.parametrize("consecutive", [True, False])
@pytest.mark.parametrize("question", QUESTIONS)
def test_scores_equal_the_literal_method(consecutive: bool, question: str) -> None:
    """Slice 3 is narrower than the others; slices that are unrelated are never mixed."""
    query = replace(DENSE, window=0.5, step=0.5, smooth=0.0, smooth_z=1.0, question=question)
    looking = search(query, consecutive=consecutive)
    boxes = grid.grid(looking.stack.shapes, SIZE, SIZE)
    boxes = boxes[(boxes[:, 3:] >= 10).all(axis=1) & np.isin(boxes[:, 0], [3, 4])]
    found = looking.score(boxes, prepared(Brightness()))
    np.testing.assert_allclose(found.ranking, literal(query, looking, boxes), atol=1e-6)
    alone = literal(query, replace(looking, stack=replace(looking.stack, consecutive=False)), boxes)
    np.testing.assert_allclose(found.single, alone, atol=1e-6)


def test_a_scorer_sees_every_window_of_the_slices_that_count_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(stack_search, "SCORED", 7)
    looking = search(replace(DENSE, window=0.5, step=0.25, smooth_z=0.5))
    boxes = grid.grid(looking.stack.shapes, SIZE, SIZE)
    boxes = boxes[boxes[:, 0] == 0]
    scorer = Brightness()
    found = looking.score(boxes, prepared(scorer))
    per_slice = [len(windows.grid(shape, 10, 5).boxes(0)) for shape in looking.stack.shapes]
    assert scorer.n_seen == sum(per_slice[:3])  # 0, 1 and 2
    assert len(found.ranking) == len(boxes)
    assert np.isfinite(found.ranking).all()


def test_smoothing_is_measured_in_patches() -> None:
    """Half the step is twice as many steps; a Gaussian of one width takes off as much."""
    spreads = []
    for step in (0.2, 0.1):
        query = replace(DENSE, window=0.2, step=step, smooth=0.4, smooth_z=0.0, question="mostly")
        looking = search(query)
        boxes = grid.grid(looking.stack.shapes, SIZE, SIZE, border=False)
        found = looking.score(boxes, prepared(Brightness()))
        spreads.append(found.ranking.std())
        assert found.ranking.std() < found.single.std()
    assert spreads[0] == pytest.approx(spreads[1], rel=0.1)


def test_what_scorers_learn_from_is_drawn_among_the_windows(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(stack_search, "BACKGROUND", 40)
    monkeypatch.setattr(stack_search, "BACKGROUND_SLICES", 2)
    looking = search(replace(DENSE, window=0.5, step=0.5, scorer="logistic"))
    boxes = grid.grid(looking.stack.shapes, SIZE, SIZE)
    searched = boxes[boxes[:, 0] != 2]
    ready, again = (looking.prepare(boxes[:5], boxes[5:9], searched) for _ in range(2))
    assert ready.known is None
    background = ready.parts[0].background
    assert background is not None
    np.testing.assert_array_equal(background, again.parts[0].background)
    assert len(background) == 40
    ends = [windows.grid(looking.stack.shapes[z], 10, 10).boxes(z) for z in (0, 7)]
    codes = looking.embed(np.concatenate(ends))
    away = np.linalg.norm(codes[None] - background[:, None], axis=2).min(axis=1)
    np.testing.assert_allclose(away, 0, atol=1e-5)
    assert len(np.unique(background, axis=0)) == 40


@pytest.mark.parametrize("consecutive", [True, False])
def test_steps_go_to_the_same_place_of_the_next_slice_of_that_shape(consecutive: bool) -> None:
    query = replace(DENSE, dense=False, metric="cosine", whiten="within")
    looking = search(query, consecutive=consecutive)
    boxes = grid.grid(looking.stack.shapes, SIZE, SIZE, border=False)
    ready = looking.prepare(boxes[:5], boxes[5:9], boxes)
    steps = []
    for z in (0, 1, 4, 5, 6) if consecutive else ():  # 3 is narrower, and 7 the last
        upper, lower = boxes[boxes[:, 0] == z], boxes[boxes[:, 0] == z + 1]
        np.testing.assert_array_equal(upper[:, 1:], lower[:, 1:])
        steps.append(looking.embed(lower) - looking.embed(upper))
    every = np.concatenate(steps) if steps else None
    expected = spaces.fit_space(query, ready.parts[0].background, every)
    scorer = ready.parts[0].scorer
    assert isinstance(scorer, Nearest)
    codes = looking.embed(boxes)
    np.testing.assert_allclose(scorer.space(codes), expected(codes), atol=1e-5)
    standard = spaces.fit_space(replace(query, whiten="standard"), ready.parts[0].background)
    assert np.allclose(expected(codes), standard(codes), atol=1e-5) is not consecutive


@pytest.mark.parametrize(
    ("made", "question"),
    [
        (convolutional, "touches"),
        (pixels, "mostly"),
        pytest.param(convolutional, "mostly", marks=pytest.mark.slow),
    ],
)
def test_the_score_of_several_windows_is_the_mean_of_those_of_each(
    made: Any,  # noqa: ANN401
    question: str,
) -> None:
    query = replace(DENSE, metric="cosine", whiten="standard", question=question)
    boxes = grid.grid(blobs().shapes, SIZE, SIZE)
    rest, here = boxes[boxes[:, 0] != 2], boxes[boxes[:, 0] == 2]
    found = []
    for window in ([0.3, 0.6, 1.0], 0.3, 0.6, 1):
        looking = search(replace(query, window=window), made())
        ready = looking.prepare(here[:6], here[6:12], rest)
        found.append(looking.score(rest, ready))
    edges = np.array([6, 12, 20])
    shortest = rest[:, 3:].min(axis=1)
    fits = edges[:, None] <= shortest  # a window that is larger tells of what lies beside the box
    fits[0] |= shortest < 6
    assert {int(n) for n in fits.sum(axis=0)} == {1, 2, 3}
    for name in ("ranking", "single"):
        together, *apart = (getattr(scores, name) for scores in found)
        expected = [np.mean(np.array(apart)[fits[:, n], n]) for n in range(len(rest))]
        np.testing.assert_allclose(together, expected, atol=1e-6)
        assert np.ptp(together) > 0.01


@pytest.mark.parametrize("made", [pixels, convolutional])
def test_probabilities_follow_the_smoothed_scores(made: Any) -> None:  # noqa: ANN401
    found = evaluate.evaluate(
        blobs(), made(), patch=PatchConfig(size=SIZE, stride=10), query=DENSE, index=EXACT,
        n_bootstrap=50,
    )  # fmt: skip
    assert found.metrics["calibration"] is not None
    assert found.probabilities is not None
    assert found.probabilities.shape == found.scores.shape
    assert (np.diff(found.scores) <= 0).all()
    assert (np.diff(found.probabilities) <= 1e-12).all()
    assert 0 <= found.probabilities.min() < found.probabilities.max() <= 1
    assert found.metrics["component_ap"] > found.metrics["chance"]["component_ap"]


def test_an_example_that_is_left_out_is_scored_as_a_patch_would_be() -> None:
    looking = search(replace(DENSE, window=0.5, step=0.25))
    codes = looking.examples(np.array([[1, 3, 4, 20, 20]]), 10).codes
    values = codes.astype(np.float64).mean(axis=1)
    found = leave_one_out._example_score(Brightness(), codes, looking)
    assert found == pytest.approx(values.max())
    for question, expected in (
        ("mostly", values.mean()),
        ("graded", (values.max() + values.mean()) / 2),
    ):
        other = replace(looking, query=replace(looking.query, question=question))
        found = leave_one_out._example_score(Brightness(), codes, other)
        assert found == pytest.approx(expected)


def test_places_of_held_out_examples_hold_for_the_smoothed_ranking() -> None:
    looking = search(replace(DENSE, num_neighbors=1))
    stack = looking.stack
    boxes = grid.grid(stack.shapes, SIZE, SIZE, border=False)
    overlap = overlaps.structure_fraction(stack.require_labels(), boxes, 1)
    examples = boxes[overlap > 0.3][:6], boxes[overlap == 0][:6]
    ready = looking.prepare(*examples, boxes)
    scores = looking.score(boxes, ready)
    fitted = leave_one_out.calibrate(looking, ready, scores)
    assert fitted is not None
    assert not np.array_equal(np.sort(scores.ranking), np.sort(scores.single))
    np.testing.assert_array_equal(fitted.ranked, np.sort(scores.ranking))


def test_patches_of_several_sizes_are_each_seen_at_their_own_scale() -> None:
    looking = search(replace(DENSE, dense=False, sizes=[0.5, 1.0]), convolutional())
    boxes = np.array([[0, 20, 20, SIZE, SIZE]])
    half = np.array([[0, 25, 25, SIZE // 2, SIZE // 2]])
    expected = [
        encode.embed(looking.model, looking.stack, box, patch_size=edge)
        for box, edge in ((half, SIZE // 2), (boxes, SIZE))
    ]
    np.testing.assert_allclose(looking.embed(boxes), np.concatenate(expected, axis=1), rtol=1e-5)
