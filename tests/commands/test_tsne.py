"""The t-SNE command: its eight experiments, its settings, and a run from images to files."""

import csv
import json
import logging
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.colors import to_hex
from matplotlib.patches import ConnectionPatch
from omegaconf import DictConfig, OmegaConf
from PIL import Image
from support.composing import without_hydra

from emqs import tsne
from emqs.datasets import Stack
from emqs.datasets.settings import DatasetConfig
from emqs.errors import ConfigError, DataError
from emqs.evaluation import maps as embedding_maps
from emqs.evaluation import projection
from emqs.evaluation import settings as build_settings
from emqs.figures import projections, style
from emqs.runs import record as records
from emqs.runs.settings import LoggerConfig
from emqs.settings import read


def settings(*overrides: str) -> DictConfig:
    return without_hydra("tsne", *overrides)


DOCUMENTED = {  # the table of the method: model, weights, data, slices, patch and stride
    "exp1": ("ae", "ae_pretrained", "EMBL", [0, 10], 90, 2),
    "exp2": ("vae", "vae_pretrained", "EMBL", [0, 10], 90, 2),
    "exp3": ("ae", "ae_finetuned", "EMBL", [0, 10], 90, 2),
    "exp4": ("vae", "vae_finetuned", "EMBL", [0, 10], 90, 2),
    "exp5": ("ae", "ae_finetuned", "EMBL", None, 90, 2),
    "exp6": ("vae", "vae_finetuned", "EMBL", None, 90, 2),
    "exp7": ("ae", "ae_finetuned", "VIB", [210, 215], None, 4),
    "exp8": ("vae", "vae_finetuned", "VIB", [210, 215], None, 4),
}


@pytest.mark.parametrize("name", DOCUMENTED)
def test_experiments_hold_the_documented_parameters(name: str) -> None:
    model, weights, dataset, slices, size, stride = DOCUMENTED[name]
    cfg = settings(f"experiment={name}", "paths.weights=W")
    config = read(build_settings.TsneConfig, cfg.tsne, "tsne")
    assert (cfg.model.name, cfg.weights) == (model, f"W/{weights}.safetensors")
    assert (cfg.dataset.name, cfg.dataset.slices, cfg.patch.stride) == (dataset, slices, stride)
    assert (config.method, config.seed, config.perplexity) == ("tsne", 1000, 30)
    assert config.refuse_others
    if size is not None:
        assert (cfg.patch.size, config.sizes) == (size, None)
        assert (config.labels, config.structure, config.min_fraction) == ("binary", 1, 0.5)
    else:
        assert config.sizes == list(range(40, 71, 2))
        assert (config.labels, config.classes, config.min_fraction) == ("multi", None, 0.75)
        assert config.max_points == 7500


@pytest.mark.parametrize("name", ["exp5", "exp6"])
def test_windows_of_the_documented_stack(name: str) -> None:
    config = read(build_settings.TsneConfig, settings(f"experiment={name}").tsne, "tsne")
    maps = embedding_maps.slice_windows(65, config.windows)
    assert list(maps.values()) == [(i, i + 10) for i in range(0, 60, 5)] + [(0, 65)]
    assert list(maps)[::11] == ["0-9", "55-64"]


@pytest.mark.parametrize("name", ["exp1", "exp2", "exp3", "exp4", "exp7", "exp8"])
def test_other_experiments_have_one_map(name: str) -> None:
    config = read(build_settings.TsneConfig, settings(f"experiment={name}").tsne, "tsne")
    assert embedding_maps.slice_windows(10, config.windows) == {"all": (0, 10)}


def test_the_dataset_of_the_command_line_wins() -> None:
    cfg = settings("experiment=exp3", "dataset=EPFL")
    dataset = read(DatasetConfig, cfg.dataset, "dataset")
    assert (dataset.name, dataset.slices, dataset.pixel_size_nm) == ("EPFL", [0, 10], 5)
    assert settings("experiment=exp7", "dataset=EPFL", "dataset.slices=[0,5]").dataset.slices == [
        0,
        5,
    ]
    assert settings("experiment=exp7", "dataset=EPFL", "dataset.slices=null").dataset.slices is None
    assert settings("experiment=exp3", "tsne.max_points=7").tsne.max_points == 7


def test_windows_left_out_are_named(caplog: pytest.LogCaptureFixture) -> None:
    windows = build_settings.WindowsConfig(length=10, starts=list(range(0, 60, 5)))
    with caplog.at_level(logging.WARNING):
        maps = embedding_maps.slice_windows(22, windows)
    assert list(maps) == ["0-9", "5-14", "10-19", "all"]
    assert "9 of 12 windows of 10 slices do not fit into 22 slices" in caplog.text
    assert "2 slices are on the map of all slices only" in caplog.text


def test_a_stack_shorter_than_every_window_has_one_map(caplog: pytest.LogCaptureFixture) -> None:
    windows = build_settings.WindowsConfig(length=10, starts=[0, 5])
    with caplog.at_level(logging.WARNING):
        assert embedding_maps.slice_windows(4, windows) == {"all": (0, 4)}
    assert "2 of 2 windows of 10 slices do not fit into 4 slices" in caplog.text


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("tsne.method=umap", r"tsne\.method must be tsne or pca, got 'umap'"),
        ("tsne.labels=all", r"tsne\.labels must be binary or multi, got 'all'"),
        ("tsne.min_fraction=50", r"tsne\.min_fraction must be a fraction in \[0, 1\), got 50"),
        ("tsne.min_fraction=1", r"tsne\.min_fraction .*got 1;"),
        ("tsne.max_points=0", r"tsne\.max_points must be at least 1, got 0"),
        ("tsne.seed=-1", r"tsne\.seed must be at least 0, got -1"),
        ("tsne.structure=0", r"tsne\.structure must be at least 1, got 0"),
        ("tsne.perplexity=0.5", r"tsne\.perplexity must be at least 1, got 0\.5"),
        ("tsne.classes=[0,1]", r"tsne\.classes must hold .*got \[0, 1\]"),
        ("tsne.sizes=[]", r"tsne\.sizes is empty"),
        ("tsne.windows.length=5", r"both tsne\.windows\.length and tsne\.windows\.starts"),
        ("tsne.windows={length: 5, starts: []}", r"tsne\.windows\.starts must hold one or more"),
        ("tsne.windows={length: 0, starts: [0]}", r"tsne\.windows\.length must be at least 1"),
    ],
)
def test_settings_out_of_range(override: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        read(build_settings.TsneConfig, settings(override).tsne, "tsne")


def test_other_classes_are_ignored_only_above_one_half() -> None:
    overrides = ("tsne.refuse_others=false", "tsne.min_fraction=0.4")
    with pytest.raises(ConfigError, match=r"tsne\.min_fraction .*\[0\.5, 1\), got 0\.4"):
        read(build_settings.TsneConfig, settings(*overrides).tsne, "tsne")


def put_stack(folder: Path, n_slices: int = 4, *, labelled: bool = True) -> None:
    """Noise, with a bright class 1 and a dark class 2 in blocks of 32 pixels."""
    rng = np.random.default_rng(5)
    for kind in ("raw", "labels") if labelled else ("raw",):
        (folder / kind).mkdir(parents=True)
    for z in range(n_slices):
        blocks = np.array([[0, 1, 0], [2, 0, 1], [0, 0, 2]])
        labels = np.kron(np.roll(blocks, z, axis=1), np.ones((32, 32), dtype=int))
        grey = np.array([120, 200, 40])[labels] + rng.normal(scale=15, size=labels.shape)
        Image.fromarray(grey.clip(0, 255).astype(np.uint8)).save(folder / f"raw/s{z}.png")
        if labelled:
            Image.fromarray(labels.astype(np.uint8)).save(folder / f"labels/s{z}.png")


SMALL = (
    "dataset=folder", "dataset.name=tiny", "+dataset.classes={1: bright, 2: dark}",
    "model=random_conv", "patch.size=16", "patch.stride=4", "tsne.max_points=40",
    "tsne.perplexity=8", "tsne.neighbors=5", "device=cpu",
)  # fmt: skip


def run(tmp_path: Path, *overrides: str) -> tuple[list[dict[str, str]], dict[str, Any], Path]:
    """Run the command's work; return the rows of points.csv, the metrics and the folder."""
    cfg = settings(*SMALL, f"paths.images={tmp_path / 'images'}", *overrides)
    folder = tmp_path / "out"
    plain = OmegaConf.to_container(cfg, resolve=True)
    assert isinstance(plain, dict)
    logger = LoggerConfig(csv=True, wandb=False)
    with records.Run(folder, command="tsne", settings=plain, logger=logger) as record:
        tsne.work(cfg, record)
    with (folder / "points.csv").open(newline="", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    return rows, json.loads((folder / "metrics.json").read_text(encoding="utf-8")), folder


def picture(path: Path) -> np.ndarray:
    return np.asarray(Image.open(path).convert("RGB"))


def check_rows(rows: list[dict[str, str]], images: Path, names: dict[int, str]) -> None:
    """Every row's label is that of its pixels, and no map holds a patch twice."""
    boxes = [tuple(row[k] for k in ("map", "slice", "y", "x", "height", "width")) for row in rows]
    assert len(set(boxes)) == len(boxes)
    for row in rows:
        labels = np.asarray(Image.open(images / f"tiny/labels/{row['slice_name']}.png"))
        assert row["slice_name"] == f"s{row['slice']}"
        y, x, h, w = (int(row[k]) for k in ("y", "x", "height", "width"))
        patch = labels[y : y + h, x : x + w]
        value = int(row["label"])
        assert patch.shape == (h, w)
        assert row["class"] == names[value]
        assert set(np.unique(patch)) <= {0, value}
        assert (patch == value).mean() > 0.5
        assert np.isfinite([float(row["map_x"]), float(row["map_y"])]).all()


NAMES = {0: "background", 1: "bright", 2: "dark"}


@pytest.mark.slow
@pytest.mark.usefixtures("capsys")
def test_a_run_from_images_to_files(tmp_path: Path) -> None:
    put_stack(tmp_path / "images/tiny")
    rows, metrics, folder = run(tmp_path, "tsne.labels=multi", "tsne.sizes=[12,16]")
    check_rows(rows, tmp_path / "images", NAMES)
    assert {row["height"] for row in rows} == {"12", "16"}
    assert metrics["n_points_per_class"] == {"background": 40, "bright": 40, "dark": 40}
    assert metrics["n_points"] == len(rows) == 120
    assert metrics["n_patches"] == 4 * (22**2 + 21**2)
    assert metrics["kl_divergence"] > 0
    assert metrics["knn_chance"] == pytest.approx(1 / 3)
    assert metrics["knn_agreement_codes"] > 0.9
    points = np.array([[float(row["map_x"]), float(row["map_y"])] for row in rows])
    labels = np.array([int(row["label"]) for row in rows])
    agreement = projection.knn_agreement(points, labels, k=5)
    assert metrics["knn_agreement_map"] == pytest.approx(agreement, abs=0.02)
    image = picture(folder / "map.png")
    for value in (0, 1, 2):  # each class has pixels of its colour
        rgb = np.array([int(style.class_colour(value)[i : i + 2], 16) for i in (1, 3, 5)])
        assert (np.abs(image.astype(int) - rgb).max(axis=2) < 3).sum() > 50


@pytest.mark.slow
@pytest.mark.usefixtures("capsys")
def test_windows_have_maps_of_their_own_slices(tmp_path: Path) -> None:
    put_stack(tmp_path / "images/tiny")
    rows, metrics, folder = run(
        tmp_path, "tsne.method=pca", "tsne.windows={length: 2, starts: [0, 1, 2, 3]}"
    )
    check_rows(rows, tmp_path / "images", NAMES)
    slices = {
        name: {int(row["slice"]) for row in rows if row["map"] == name}
        for name in dict.fromkeys(row["map"] for row in rows)
    }
    assert slices == {"0-1": {0, 1}, "1-2": {1, 2}, "2-3": {2, 3}, "all": {0, 1, 2, 3}}
    assert list(metrics["windows"]) == ["0-1", "1-2", "2-3"]
    assert metrics["windows"]["1-2"]["n_points"] == sum(row["map"] == "1-2" for row in rows)
    assert 0 < metrics["explained_variance"] <= 1
    assert picture(folder / "windows.png").std() > 1


@pytest.mark.usefixtures("capsys")
@pytest.mark.slow
def test_a_run_repeats_and_the_seed_changes_the_draw(tmp_path: Path) -> None:
    put_stack(tmp_path / "images/tiny", 2)
    first = run(tmp_path, "tsne.method=pca", "tsne.seed=0")[0]
    again = run(tmp_path, "tsne.method=pca", "tsne.seed=0")[0]
    other = run(tmp_path, "tsne.method=pca", "tsne.seed=1")[0]
    assert first == again
    assert [row["x"] for row in first] != [row["x"] for row in other]


@pytest.mark.slow
@pytest.mark.usefixtures("capsys")
def test_one_class_alone_is_warned_of(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    put_stack(tmp_path / "images/tiny", 2)
    label = tmp_path / "images/tiny/labels"
    for path in sorted(label.iterdir()):
        pixels = np.array(Image.open(path))
        pixels[0, 0] = 3  # too little for a patch to show it
        Image.fromarray(pixels).save(path)
    with caplog.at_level(logging.WARNING):
        metrics = run(tmp_path, "tsne.method=pca", "tsne.structure=3")[1]
    assert "patches show class 0" in caplog.text
    assert metrics["knn_chance"] == 1.0


@pytest.mark.parametrize(
    ("settings", "name"),
    [
        (["tsne.structure=7"], "tsne.structure=7"),
        (["tsne.labels=multi", "tsne.classes=[1,7]"], "tsne.classes=7"),
    ],
)
def test_a_class_that_is_nowhere(tmp_path: Path, settings: list[str], name: str) -> None:
    put_stack(tmp_path / "images/tiny", 2)
    with pytest.raises(DataError, match=f"^{name} asks for label value 7, which no"):
        run(tmp_path, "tsne.method=pca", *settings)


def test_slices_that_the_stack_does_not_have(tmp_path: Path) -> None:
    put_stack(tmp_path / "images/tiny")
    with pytest.raises(ConfigError, match=r"dataset\.slices=\[210,215\].* 4 slices.*\[0,4\]"):
        run(tmp_path, "experiment=exp7", "weights=null")


def test_a_stack_without_labels(tmp_path: Path) -> None:
    put_stack(tmp_path / "images/tiny", labelled=False)
    with pytest.raises(DataError, match=r"no labels.*images/tiny/labels"):
        run(tmp_path)


def test_too_few_patches(tmp_path: Path) -> None:
    put_stack(tmp_path / "images/tiny", 1)
    with pytest.raises(DataError, match=r"at least 51 patches.*Lower tsne\.perplexity"):
        run(tmp_path, "tsne.perplexity=50", "tsne.max_points=20")


def stack_of(labels: np.ndarray) -> Stack:
    image = np.zeros(labels.shape, dtype=np.uint8)
    return Stack("made", [image], ["0"], [labels.astype(np.uint16)])


def config_of(*overrides: str) -> build_settings.TsneConfig:
    return read(build_settings.TsneConfig, settings(*overrides).tsne, "tsne")


def test_no_patch_shows_one_class() -> None:
    stack = stack_of(np.indices((64, 64)).sum(axis=0) % 3)
    with pytest.raises(
        DataError, match=r"None of the 49 patches of 'made' .*\(background, class 1"
    ):
        embedding_maps.labelled_patches(stack, tsne.PatchConfig(size=40, stride=4), config_of())


def test_labels_of_single_objects_are_refused_by_number() -> None:
    stack = stack_of(np.arange(100).reshape(10, 10))
    with pytest.raises(ConfigError, match=r"hold 99 classes, more than the 8.*tsne\.classes"):
        embedding_maps.wanted_classes(stack, config_of("tsne.labels=multi"))
    some = config_of("tsne.labels=multi", "tsne.classes=[5,3,5]")
    assert embedding_maps.wanted_classes(stack, some) == [3, 5]


def labelled_map(n: int = 300, seed: int = 0) -> projections.LabelledMap:
    rng = np.random.default_rng(seed)
    boxes = np.stack(
        [rng.integers(2, size=n), rng.integers(170, size=n), rng.integers(270, size=n),
         np.full(n, 30), np.full(n, 30)], axis=1,
    )  # fmt: skip
    classes = rng.integers(3, size=n)
    return projections.LabelledMap(rng.normal(size=(n, 2)), classes, boxes, NAMES)


def cross(a: np.ndarray, b: np.ndarray, c: np.ndarray, d: np.ndarray) -> bool:
    """Whether the segments ab and cd cross, by solving for the point where their lines meet."""
    steps = np.linalg.solve(np.stack([b - a, c - d], axis=1), c - a)
    return bool(((steps > 0) & (steps < 1)).all())


def test_crossings_equal_the_intersections() -> None:
    rng = np.random.default_rng(0)
    starts, ends = rng.random((12, 2)), rng.random((12, 2))
    found = projections._crossings(starts, ends)
    for i in range(12):
        for j in range(12):
            expected = i != j and cross(starts[i], ends[i], starts[j], ends[j])
            assert found[i, j] == expected, (i, j)


@pytest.mark.parametrize("seed", range(3))
def test_examples_are_of_one_slice_and_never_overlap(seed: int) -> None:
    map_ = labelled_map(seed=seed)
    z, chosen = projections.choose_examples(map_, [(200, 300)] * 2, 3)
    classes, counts = np.unique(map_.classes[chosen], return_counts=True)
    assert classes.tolist() == [0, 1, 2]
    assert counts.max() <= 3
    assert (map_.boxes[chosen, 0] == z).all()
    covered = np.zeros((200, 300), dtype=int)
    for _, y, x, h, w in map_.boxes[chosen].tolist():
        covered[y : y + h, x : x + w] += 1
    assert covered.max() == 1


def test_no_examples_are_wanted() -> None:
    assert len(projections.choose_examples(labelled_map(), [(200, 300)] * 2, 0)[1]) == 0


def test_the_figure_links_examples_and_names_classes_with_counts() -> None:
    map_ = labelled_map()
    chosen = projections.choose_examples(map_, [(200, 300)] * 2, 2)[1]
    figure = projections.linked_map(map_, np.full((200, 300), 0.5), chosen, title="a title")
    links = [a for a in figure.artists if isinstance(a, ConnectionPatch)]
    assert [tuple(link.xy1) for link in links] == [tuple(p) for p in map_.points[chosen].tolist()]
    ends = [(x - 0.5, y + 15 - 0.5) for _, y, x, _, _ in map_.boxes[chosen].tolist()]
    assert [tuple(link.xy2) for link in links] == ends
    counts = np.bincount(map_.classes)
    texts = [text.get_text() for text in figure.legends[0].get_texts()]
    assert texts == [f"{NAMES[i]} ({counts[i]:,} patches)" for i in range(3)]
    shown = sum(len(c.get_offsets()) for c in figure.axes[0].collections)
    assert shown == len(map_.points) + len(chosen)
    assert not figure.axes[1].collections


def test_the_slice_has_outlines_of_the_classes_on_the_map() -> None:
    map_ = labelled_map()
    labels = np.zeros((200, 300), np.uint8)
    labels[40:60, 100:130], labels[100:120, 10:30], labels[150:160, 200:220] = 1, 2, 7
    figure = projections.linked_map(
        map_, np.full((200, 300), 0.5), np.empty(0, np.int64), labels=labels
    )
    drawn = {}
    for lines in figure.axes[1].collections:
        rows = lines.get_paths()[0].vertices
        drawn[to_hex(np.asarray(lines.get_edgecolor())[0]).upper()] = rows.min(0), rows.max(0)
    assert set(drawn) == {style.class_colour(1), style.class_colour(2)}  # 7 is not on the map
    low, high = drawn[style.class_colour(1)]
    np.testing.assert_allclose([*low, *high], [99.5, 39.5, 129.5, 59.5])


def test_small_maps_beside_the_full_one() -> None:
    maps = [labelled_map(seed=s) for s in range(6)]
    figure = projections.window_maps(maps, [f"w{i}" for i in range(5)] + ["all"])
    titles = [axes.get_title() for part in figure.subfigs for axes in part.axes if axes.axison]
    assert titles == ["w0", "w1", "w2", "w3", "w4", "all"]


def test_a_map_needs_as_many_boxes_as_points() -> None:
    with pytest.raises(DataError, match=r"points \(N, 2\).*\(3, 2\), \(3,\) and \(2, 5\)"):
        projections.LabelledMap(np.zeros((3, 2)), np.zeros(3), np.zeros((2, 5)))


def test_each_map_is_made_of_the_codes_of_its_own_patches() -> None:
    rng = np.random.default_rng(0)
    n = 40
    boxes = np.stack([np.arange(n) // 20, *rng.integers(9, size=(4, n))], axis=1)
    labelled = projection.Labelled(boxes, rng.integers(2, size=n), n)
    all_codes = rng.normal(size=(n, 5)).astype(np.float32)
    chosen = {"1-1": np.arange(22, 38), "all": np.arange(3, 39, 2)}
    embedded = np.unique(np.concatenate(list(chosen.values())))
    config = config_of("tsne.method=pca", "tsne.neighbors=3")
    maps = embedding_maps.make_maps(all_codes[embedded], embedded, chosen, labelled, config)
    for map_ in maps:
        expected = projection.pca(all_codes[chosen[map_.name]], seed=config.seed)[0]
        np.testing.assert_allclose(np.abs(map_.points), np.abs(expected))
    assert [map_.name for map_ in maps] == ["1-1", "all"]


def test_a_window_with_too_few_patches_is_left_out(caplog: pytest.LogCaptureFixture) -> None:
    rng = np.random.default_rng(0)
    boxes = np.stack([np.arange(30) // 15, *rng.integers(9, size=(4, 30))], axis=1)
    labelled = projection.Labelled(boxes, rng.integers(2, size=30), 30)
    codes = rng.normal(size=(30, 5)).astype(np.float32)
    config = config_of("tsne.method=pca", "tsne.neighbors=10")
    chosen = {"0-0": np.arange(4), "all": np.arange(30)}
    with caplog.at_level(logging.WARNING):
        maps = embedding_maps.make_maps(codes, np.arange(30), chosen, labelled, config)
    assert [map_.name for map_ in maps] == ["all"]
    assert "The map of slices 0-0 is left out: 10 neighbours are to vote" in caplog.text
    with pytest.raises(DataError, match=r"only 3 others"):
        embedding_maps.make_maps(codes, np.arange(30), {"all": np.arange(4)}, labelled, config)


def test_each_size_of_patch_is_seen_at_its_own_scale() -> None:
    import torch

    from emqs import models
    from emqs.embedding import encode
    from emqs.models.compute import Compute
    from emqs.models.settings import PreprocessingConfig
    from emqs.models.weights import Model

    torch.manual_seed(0)
    settings = {"start": "random", "blocks": 1, "frozen": 0, "size": 16}
    network = models.build("contrastive", settings)
    model = Model("contrastive", network, settings, PreprocessingConfig(size=16))
    image = np.random.default_rng(0).integers(0, 255, (70, 60)).astype(np.uint8)
    stack = Stack("s", [image] * 2, ["0", "1"])
    boxes = np.array(
        [[0, 5, 5, 16, 16], [0, 5, 5, 32, 32], [1, 54, 3, 16, 16], [1, 50, 50, 20, 10]]
    )
    found = embedding_maps.embed(model, stack, boxes, [16, 32], Compute(device="cpu"))
    for size, here in ((16, [0, 2]), (32, [1, 3])):
        expected = encode.embed(model, stack, boxes[here], patch_size=size)
        np.testing.assert_allclose(found[here], expected, atol=1e-6)
