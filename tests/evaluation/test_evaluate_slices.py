import io
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from reference import grids, neighbours, ranking
from support import weight_files
from support.toy_stacks import blobs

from emqs import models
from emqs.datasets import Stack, open_stack
from emqs.datasets.settings import DatasetConfig
from emqs.embedding import encode
from emqs.errors import ConfigError, DataError, WeightsError
from emqs.evaluation import evaluate as evaluation
from emqs.models import opening
from emqs.models.compute import Compute
from emqs.models.settings import ModelConfig, PreprocessingConfig
from emqs.models.weights import Model
from emqs.patches import grid as patch_grid
from emqs.patches.settings import PatchConfig
from emqs.retrieval import scorers, stack_search
from emqs.retrieval.scorers.nearest import Nearest
from emqs.retrieval.settings import IndexConfig, QueryConfig

EXACT = IndexConfig(name="exact")
SIZE = 20


def pixels(size: int = 8) -> Model:
    network = models.build("pixels", {"size": size})
    return Model("pixels", network, {"size": size}, PreprocessingConfig(size=size))


def evaluate(**changes: Any) -> evaluation.Evaluation:  # noqa: ANN401
    options: dict[str, Any] = {
        "patch": PatchConfig(size=SIZE),
        "query": QueryConfig(batch_size=4, min_overlap=0.3, num_neighbors=2),
        "index": EXACT,
        "n_bootstrap": 50,
    }
    stack = changes.pop("stack", blobs())
    return evaluation.evaluate(stack, changes.pop("model", pixels()), **(options | changes))


def literal(structure: int, k: int, min_overlap: float, batch_size: int) -> dict[str, Any]:
    """The whole method, a patch at a time, from the description of it."""
    stack = blobs()
    assert stack.labels is not None
    boxes = grids.grid(stack.shapes, SIZE)
    query = set(grids.query_slices(len(stack), batch_size))
    codes = {b: grids.patch(stack.slices[b[0]] / 255, b, 8).ravel() for b in boxes}
    overlap = {b: grids.fraction(stack.labels, b, structure) for b in boxes}
    positives = [b for b in boxes if b[0] in query and overlap[b] > min_overlap]
    negatives = [b for b in boxes if b[0] in query and overlap[b] == 0]
    searched = [b for b in boxes if b[0] not in query]
    examples = [np.array([codes[b] for b in kind]) for kind in (positives, negatives)]
    scores = {b: neighbours.score(*examples, codes[b], k) for b in searched}
    ranked = sorted(searched, key=lambda b: -scores[b])
    precision, recall, ap, paper = ranking.component_curve(stack.labels, ranked, structure)
    found = [scores[b] for b in searched]
    return {
        "ranked": ranked,
        "scores": [scores[b] for b in ranked],
        "overlap": [overlap[b] for b in ranked],
        "precision": precision,
        "recall": recall,
        "component_ap": ap,
        "component_ap_paper": paper,
        "patch_ap_touch": ranking.average_precision(found, [overlap[b] > 0 for b in searched]),
        "patch_ap_overlap": ranking.average_precision(
            found, [overlap[b] > min_overlap for b in searched]
        ),
        "precision_touch": {
            str(n): sum(overlap[b] > 0 for b in ranked[:n]) / n if n <= len(ranked) else None
            for n in (10, 50, 100)
        },
        "precision_overlap": {
            str(n): sum(overlap[b] > min_overlap for b in ranked[:n]) / n
            if n <= len(ranked)
            else None
            for n in (10, 50, 100)
        },
        "n_searched_patches": len(searched),
        "n_positive": len(positives),
        "n_negative": len(negatives),
        "n_query_slices": len(query),
        "n_slices": len(stack),
        "shares": (
            sum(overlap[b] > 0 for b in searched) / len(searched),
            sum(overlap[b] > min_overlap for b in searched) / len(searched),
        ),
    }


@pytest.mark.parametrize(
    ("structure", "k", "min_overlap", "batch_size"),
    [(1, 1, 0.5, 4), (2, 3, 0.2, 3), (1, 2, 0.3, 5)],
)
def test_evaluation_equals_the_literal_method(
    structure: int, k: int, min_overlap: float, batch_size: int
) -> None:
    expected = literal(structure, k, min_overlap, batch_size)
    query = QueryConfig(structure, min_overlap, k, batch_size)
    found = evaluate(query=query)
    assert found.boxes.tolist() == [list(box) for box in expected.pop("ranked")]
    np.testing.assert_allclose(found.scores, expected.pop("scores"), atol=1e-6)
    np.testing.assert_allclose(found.overlap, expected.pop("overlap"), atol=1e-12)
    np.testing.assert_allclose(found.curve.precision, expected.pop("precision"), atol=1e-12)
    np.testing.assert_allclose(found.curve.recall, expected.pop("recall"), atol=1e-12)
    touch, overlap = expected.pop("shares")
    chance = found.metrics["chance"]
    assert (chance["precision_touch"], chance["precision_overlap"]) == pytest.approx(
        (touch, overlap)
    )
    for name, value in expected.items():
        assert found.metrics[name] == pytest.approx(value, abs=1e-12), name


def test_the_keys_of_the_metrics() -> None:
    found = evaluate().metrics
    aps = {"component_ap", "component_ap_paper", "patch_ap_touch", "patch_ap_overlap"}
    assert set(found) >= aps | {
        "chance", "n_searched_patches", "n_positive", "n_negative", "seconds",
    }  # fmt: skip
    assert set(found["chance"]) >= aps
    assert set(found["confidence_95"]) == aps
    for name in aps:
        low, high = found["confidence_95"][name]
        assert 0 < low <= found[name] <= high <= 1
        assert 0 < found["chance"][name] < found[name]
    assert found["seconds"] > 0


def test_annoy_ranks_as_exact_does() -> None:
    query = QueryConfig(batch_size=4, min_overlap=0.3)
    exact, annoy = (evaluate(query=query, index=i) for i in (EXACT, IndexConfig(n_trees=100)))
    assert annoy.boxes.tolist() == exact.boxes.tolist()
    assert annoy.metrics["component_ap"] == exact.metrics["component_ap"]


def test_batches_change_nothing() -> None:
    one, many = (evaluate(compute=Compute("cpu", n)) for n in (1, 512))
    assert one.boxes.tolist() == many.boxes.tolist()
    np.testing.assert_allclose(one.scores, many.scores, atol=1e-6)


def test_the_labels_of_searched_slices_do_not_change_the_ranking() -> None:
    """Only query slices are looked at before the ranking is made; PCA learns without labels."""
    stack, query = blobs(), QueryConfig(batch_size=4, min_overlap=0.3)
    assert stack.labels is not None
    known = set(grids.query_slices(len(stack), 4))
    rng = np.random.default_rng(5)
    labels = [
        label if z in known else rng.integers(0, 3, label.shape).astype(np.uint8)
        for z, label in enumerate(stack.labels)
    ]
    results = []
    for shown in (stack, replace(stack, labels=labels)):
        settings = {"latent_size": 4, "size": 8}
        pca = Model("pca", models.build("pca", settings), settings, PreprocessingConfig(size=8))
        results.append(evaluate(stack=shown, model=pca, query=query))
    assert results[0].boxes.tolist() == results[1].boxes.tolist()
    assert results[0].metrics["component_ap"] != results[1].metrics["component_ap"]


def test_a_good_match_that_no_patch_exceeds_has_no_patch_ap() -> None:
    """min_overlap above every searched patch: undefined, not 0."""
    stack = blobs()
    assert stack.labels is not None
    labels = [label.copy() for label in stack.labels]
    labels[2][:SIZE, :SIZE] = 1  # slice 2 is a query slice
    found = evaluate(
        stack=replace(stack, labels=labels), query=QueryConfig(batch_size=4, min_overlap=0.999)
    ).metrics
    assert found["patch_ap_overlap"] is None
    assert found["chance"]["patch_ap_overlap"] is None
    assert found["confidence_95"]["patch_ap_overlap"] is None
    assert found["precision_overlap"]["10"] == 0
    assert found["patch_ap_touch"] > 0


def test_what_cannot_be_evaluated() -> None:
    stack = blobs()
    everywhere = replace(stack, labels=[np.ones(shape, np.uint8) for shape in stack.shapes])
    for changes, message in [
        ({"stack": replace(stack, labels=None)}, "has no labels, and they are needed here"),
        (
            {"query": QueryConfig(structure=7)},
            "^query.structure=7 asks .* hold 0, 1",
        ),
        ({"query": QueryConfig(batch_size=1)}, "^All 8 slices are query slices"),
        ({"stack": everywhere}, "^Every patch in the query slices .* shows some of"),
    ]:
        query = QueryConfig(batch_size=4, min_overlap=0.05)
        with pytest.raises(DataError, match=message):
            evaluate(**({"query": query, "stack": stack} | changes))


def test_searched_slices_without_the_structure() -> None:
    stack = blobs()
    assert stack.labels is not None
    labels = [x if z in (2, 6) else np.zeros_like(x) for z, x in enumerate(stack.labels)]
    with pytest.raises(DataError, match="patches shows the structure, so average precision is un"):
        evaluate(stack=replace(stack, labels=labels))


def test_search_gives_the_score_of_each_box_in_any_order(terminal: io.StringIO) -> None:
    stack, made_by = blobs(), pixels()
    boxes = patch_grid.grid(stack.shapes, SIZE, SIZE)
    codes = encode.embed(made_by, stack, boxes)
    scorer = Nearest(codes[:5], codes[5:9], num_neighbors=1, index=EXACT)
    order = np.random.default_rng(0).permutation(len(boxes))
    found = stack_search.search(
        made_by, stack, boxes[order], scorer, compute=Compute(batch_size=7, progress=True)
    )
    assert "search" in terminal.getvalue()
    assert found.dtype == np.float64
    for position, score in zip(order[:40].tolist(), found[:40].tolist(), strict=True):
        expected = neighbours.score(codes[:5], codes[5:9], codes[position], 1)
        assert score == pytest.approx(expected, abs=1e-6)


def test_what_a_scorer_learns_from_is_not_embedded_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each patch is embedded once; scores are those of codes that are all embedded together."""
    stack, made_by = blobs(), pixels()
    boxes = patch_grid.grid(stack.shapes, SIZE, SIZE)
    query = QueryConfig(scorer="prototype", whiten="standard", metric="cosine")
    monkeypatch.setattr(stack_search, "BACKGROUND", 30)
    search = stack_search.StackSearch(made_by, stack, SIZE, query, EXACT)
    ready = search.prepare(boxes[:3], boxes[3:9], boxes[9:])
    assert ready.known is not None
    assert len(ready.known.positions) == 30
    codes = encode.embed(made_by, stack, boxes)
    background = codes[9:][ready.known.positions]
    np.testing.assert_allclose(ready.known.codes, background, atol=1e-6)
    expected = scorers.build(query, EXACT, codes[:3], codes[3:9], background).score(codes[9:])
    n_embedded = []
    original = encode.embed_batches

    def counted(model: Model, stack: Stack, boxes: np.ndarray, **options: Any) -> Any:  # noqa: ANN401
        n_embedded.append(len(boxes))
        return original(model, stack, boxes, **options)

    monkeypatch.setattr(encode, "embed_batches", counted)
    found = search.score(boxes[9:], ready)
    assert found.ranking == pytest.approx(expected, abs=1e-5)
    np.testing.assert_array_equal(found.ranking, found.single)
    assert n_embedded == [len(boxes) - 9 - 30]


def test_the_scorer_that_is_asked_for_ranks() -> None:
    query = QueryConfig(batch_size=4, min_overlap=0.3)
    results = {
        scorer: evaluate(query=replace(query, scorer=scorer, whiten="pca"))
        for scorer in ("nearest", "prototype", "knn", "logistic", "lda")
    }
    for scorer, result in results.items():
        assert result.metrics["component_ap"] > result.metrics["chance"]["component_ap"], scorer
    assert len({tuple(r.scores.tolist()) for r in results.values()}) == len(results)


# patches


def test_one_setting_means_the_same_on_two_microscopes() -> None:
    """400 nm are 80 pixels of 5 nm and 50 pixels of 8 nm."""
    fine, coarse = (
        blobs(shape=(200, 240), pixel_size_nm=5),
        blobs(shape=(125, 150), pixel_size_nm=8),
    )
    in_nm = PatchConfig(size=400, stride=200, unit="nm")
    for stack, size in ((fine, 80), (coarse, 50)):
        assert patch_grid.patch_pixels(stack, in_nm) == (size, size // 2)
        in_px = PatchConfig(size=size, stride=size // 2)
        np.testing.assert_array_equal(
            patch_grid.make_grid(stack, in_nm), patch_grid.make_grid(stack, in_px)
        )
    corners = [patch_grid.make_grid(s, in_nm)[:, 1:3] * s.pixel_size_nm for s in (fine, coarse)]
    first = [g[: len(g) // 8] for g in corners]
    np.testing.assert_array_equal(first[0], first[1])


def test_nm_need_a_pixel_size() -> None:
    with pytest.raises(ConfigError, match=r"patch\.size is given in nm, .*dataset\.pixel_size_nm"):
        patch_grid.make_grid(blobs(), PatchConfig(size=400, unit="nm"))


def test_the_grid_keeps_or_drops_cut_patches() -> None:
    stack = blobs()
    whole = patch_grid.make_grid(stack, PatchConfig(size=SIZE, border=False))
    assert set(map(tuple, whole[:, 3:].tolist())) == {(SIZE, SIZE)}
    all_ = [list(b) for b in grids.grid(stack.shapes, SIZE)]
    assert patch_grid.make_grid(stack, PatchConfig(size=SIZE)).tolist() == all_
    assert whole.tolist() == [b for b in all_ if b[3:] == [SIZE, SIZE]]


# models


def test_a_model_without_weights() -> None:
    config = ModelConfig("histogram", {"bins": 4, "size": 12}, PreprocessingConfig(size=12))
    found = opening.load_model(config, None)
    assert (found.name, found.settings) == ("histogram", {"bins": 4, "size": 12})
    assert found.preprocessing == config.preprocessing
    assert found.sha256 is None


def test_a_weights_file_decides_everything() -> None:
    config = ModelConfig("vae", {"latent_size": 3}, weights="default")
    golden = Path(weight_files.__file__).parents[1] / "golden" / "histogram.safetensors"
    found = opening.load_model(config, str(golden))
    assert (found.name, found.settings) == ("histogram", {"size": 8, "bins": 4})
    assert found.preprocessing == PreprocessingConfig(size=8, contrast="slice")


@pytest.mark.parametrize(
    ("config", "weights", "kind", "message"),
    [
        (ModelConfig("pca"), "x", ConfigError, "^model=pca takes no weights, got weights=x"),
        (ModelConfig("vae", weights="d"), None, ConfigError, "^model=vae needs weights=PATH, got"),
        (ModelConfig("vae", weights="d"), "no", WeightsError, "^There is no weights file no"),
        (ModelConfig("resnet"), None, ConfigError, "^model.name must be one of .* got 'resnet'"),
        (ModelConfig("pca", {"depth": 1}), None, ConfigError, "^model 'pca' cannot be built from"),
        (ModelConfig("pca", {"size": 32}), None, ConfigError, "takes patches of 32 pixels"),
    ],
)
def test_models_that_cannot_be_had(
    config: ModelConfig, weights: str | None, kind: type[Exception], message: str
) -> None:
    with pytest.raises(kind, match=message):
        opening.load_model(config, weights)


# the published models on real slices


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "component_ap"), [("ae_finetuned", 0.5586), ("vae_finetuned", 0.6062)]
)
def test_the_values_of_the_original_program(
    name: str, component_ap: float, images_dir: Path, weights_dir: Path
) -> None:
    """Structure 1, patches of 80, batch size 10; values in the README of the published weights."""
    stack = open_stack(DatasetConfig("VNC", "folder"), images_dir)
    config = ModelConfig(name.split("_")[0], weights="default")
    found = evaluation.evaluate(
        stack,
        opening.load_model(config, str(weights_dir / f"{name}.pth.tar")),
        patch=PatchConfig(),
        query=QueryConfig(),
        index=EXACT,
        n_bootstrap=50,
    )
    assert found.metrics["n_searched_patches"] == 3042
    assert found.metrics["component_ap_paper"] == pytest.approx(component_ap, abs=0.005)
