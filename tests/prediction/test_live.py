"""Predictions while somebody waits: those of the command, kept, at any threshold."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from support.embedded_volumes import filled, model, volume, voxels

from emqs.errors import ConfigError, DataError, WeightsError
from emqs.geometry import Box
from emqs.models.compute import Compute
from emqs.prediction import features, live, shown, sources
from emqs.prediction.features import Features
from emqs.prediction.found import measured_in
from emqs.prediction.live import Live
from emqs.prediction.predict import Embedded, fitted_heads, predict
from emqs.prediction.settings import PredictConfig
from emqs.prediction.shown import Asked, Shown
from emqs.prediction.tiles import probabilities
from emqs.retrieval.examples_file import NEGATIVE, POSITIVE, Examples
from emqs.volumes import open_volume

SETTINGS = PredictConfig(components=8, n_unlabelled=400, tile=128)
POSITIVES = ((1, 30, 40), (0, 50, 60))
NEGATIVES = ((1, 20, 60),)
REGION = Box((1, 20, 16), (2, 62, 76))
ASKED = Asked(POSITIVES, NEGATIVES, REGION)
EXAMPLES = Examples(np.array([*POSITIVES, *NEGATIVES]), (POSITIVE, POSITIVE, NEGATIVE))


@pytest.fixture(scope="module")
def embedded(tmp_path_factory: pytest.TempPathFactory) -> Embedded:
    source = volume(voxels(3, 64, 80))
    encoder = model(name="pixels", contrast="none")
    store = filled(tmp_path_factory.mktemp("live") / "a.zarr", source, encoder).store
    return Embedded(store, source, encoder, Compute(device="cpu"))


@pytest.fixture(autouse=True)
def few_samples(monkeypatch: pytest.MonkeyPatch) -> None:
    """Learn from two tiles of the volume instead of sixteen."""
    monkeypatch.setattr(features, "SAMPLE_TILES", 2)


@pytest.fixture
def kept(embedded: Embedded) -> Live:
    return Live(embedded, SETTINGS)


@pytest.fixture
def no_disk(monkeypatch: pytest.MonkeyPatch) -> list[Box]:
    """Which features are made."""
    made: list[Box] = []
    before = Features._made

    def told(self: Features, box: Box, *given: object) -> np.ndarray:
        made.append(box)
        return before(self, box, *given)

    monkeypatch.setattr(Features, "_made", told)
    return made


@pytest.mark.slow
def test_it_is_what_the_command_predicts(kept: Live, embedded: Embedded, tmp_path: Path) -> None:
    got = kept.predict(ASKED)
    made = predict(embedded, EXAMPLES, tmp_path / "p.zarr", settings=SETTINGS, region=REGION)
    with open_volume(made.path) as image:
        whole = image.read(image.box)
    assert got.values.std() > 5
    assert np.abs(got.values.astype(int) - whole).max() <= 2  # of 255
    assert (got.size, got.voxel_size_nm) == (16, (30.0, 5.0, 5.0))
    assert made.objects is not None
    own = measured_in(whole, got, REGION, SETTINGS).columns
    assert {key: values.tolist() for key, values in own.items()} == {
        key: values.tolist() for key, values in made.objects[POSITIVE].columns.items()
    }


def test_a_click_more_costs_no_features_of_the_region(kept: Live, no_disk: list[Box]) -> None:
    first = kept.predict(ASKED)
    no_disk.clear()
    more = kept.predict(replace(ASKED, negatives=(*NEGATIVES, (1, 40, 20))))
    assert no_disk == []  # that click lies in the region, whose features are there
    assert np.abs(more.values.astype(int) - first.values).max() > 2
    fresh = Live(kept.embedded, SETTINGS)._learnt()[0].at([(1, 40, 20)])[0]
    np.testing.assert_allclose(kept._clicks[1, 40, 20], fresh, atol=0.02)
    no_disk.clear()
    kept.predict(replace(ASKED, negatives=(*NEGATIVES, (2, 50, 60))))
    assert no_disk == [Box((2, 50, 60), (3, 51, 61))]
    again = fitted_heads(
        kept._learnt()[0], Examples(EXAMPLES.voxels, EXAMPLES.labels), SETTINGS
    )  # learns anew
    reach = SETTINGS.smoothing * 16
    plain = probabilities(kept._learnt()[0], again, REGION, reach)[POSITIVE]
    assert np.abs(plain * 255 - first.values).max() <= 2


def test_suggestions_are_no_clicks_made_before(kept: Live) -> None:
    unsure = np.full((1, 150, 150), 128, dtype=np.uint8)
    region = Box((1, 0, 0), (2, 150, 150))
    asked = replace(ASKED, region=region)
    before = kept._suggested(unsure, asked)
    place = tuple(before[0].tolist())
    assert len(before) == 5
    after = kept._suggested(unsure, replace(asked, negatives=(*NEGATIVES, place)))
    assert after.tolist()[:4] == before[1:].tolist()
    elsewhere = replace(asked, negatives=(*NEGATIVES, (0, *place[1:])))  # another slice
    assert kept._suggested(unsure, elsewhere).tolist() == before.tolist()


def test_kept_is_the_same_and_the_newest_stay(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    values = np.arange(24, dtype=np.uint8).reshape(1, 4, 6)
    one = Shown(values, Box((3, 2, 1), (4, 6, 7)), 16, (30.0, 5.0, 4.0), (7.0, 8.0, 9.0),
                np.array([[3, 4, 5]]))  # fmt: skip
    monkeypatch.setattr(shown, "MOST_KEPT", 2)
    for key in ("a", "b", "c"):
        shown.keep(tmp_path, key, one)
    assert shown.kept(tmp_path, "a") is None
    got = shown.kept(tmp_path, "c")
    assert got is not None
    assert (got.region, got.size, got.voxel_size_nm, got.origin_nm) == (
        one.region, 16, (30.0, 5.0, 4.0), (7.0, 8.0, 9.0),
    )  # fmt: skip
    np.testing.assert_array_equal(got.values, values)
    np.testing.assert_array_equal(got.suggested, [[3, 4, 5]])
    whole = (tmp_path / "b.npz").read_bytes()
    (tmp_path / "b.npz").write_bytes(whole[:-30])
    with pytest.raises(DataError, match="is damaged"):
        shown.kept(tmp_path, "b")


def test_objects_at_any_threshold_by_hand() -> None:
    values = np.zeros((1, 60, 80), dtype=np.uint8)
    values[0, 10:20, 10:30] = 230
    values[0, 40:60, 50:70] = 120  # reaches the border
    values[0, 50, 60] = 210  # sure enough for an object, too small for one of its own
    values[0, 40:60, 5:15] = 120  # never sure enough
    one = Shown(values, Box((5, 100, 200), (6, 160, 280)), 16, (30.0, 5.0, 5.0), (0.0, 2.5, 0.0),
                np.empty((0, 3)))  # fmt: skip
    own = one.rows()
    assert [(row["n_voxels"], row["touches_border"]) for row in own] == [(200, 0)]
    assert (own[0]["z"], own[0]["y"], own[0]["x"]) == (5, 114.5, 219.5)
    assert own[0]["y_nm"] == 114.5 * 5 + 2.5
    assert own[0]["volume_nm3"] == 200 * 750
    assert own[0]["probability"] == pytest.approx(230 / 255, abs=1e-4)
    both = one.rows(0.45)
    assert [(row["n_voxels"], row["touches_border"]) for row in both] == [(200, 0), (400, 1)]
    assert one.rows(0.95) == []
    with pytest.raises(ConfigError, match="between 0 and 1"):
        one.rows(1.0)


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"region": Box((0, 0, 0), (1, 1025, 1024))}, "at most 1048576"),
        ({"region": Box((0, 5, 5), (1, 5, 9))}, "ends after it begins"),
        ({"region": Box((-1, 5, 5), (1, 9, 9))}, "ends after it begins"),
        ({"positives": ()}, "at least one of them positive"),
        ({"negatives": ((0, 0, 0),) * 1000}, "1 to 1000 examples"),
    ],
)
def test_what_cannot_be_asked_is_told(given: dict, says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        replace(ASKED, **given)


def test_what_lies_outside_is_told(kept: Live) -> None:
    with pytest.raises(ConfigError, match="inside the volume"):
        kept.predict(replace(ASKED, region=Box((2, 0, 0), (4, 9, 9))))
    with pytest.raises(ConfigError, match=r"\[9, 9, 9\] lies outside"):
        kept.predict(replace(ASKED, negatives=((9, 9, 9),)))


def test_keys_are_of_what_is_asked() -> None:
    keys = {
        ASKED.key("a"), ASKED.key("b"), replace(ASKED, positives=POSITIVES[:1]).key("a"),
        replace(ASKED, region=Box((1, 8, 16), (2, 100, 131))).key("a"),
    }  # fmt: skip
    assert len(keys) == 4
    assert ASKED.key("a") == Asked(POSITIVES, NEGATIVES, REGION).key("a")


def test_volume_and_weights_are_those_it_was_made_with(
    embedded: Embedded, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = embedded.store
    name = store.manifest["volume"]["name"]
    assert sources.volume_of(store, ["/elsewhere", name]) == name
    assert sources.volume_of(store, ["/moved", "/other"]) == "/moved"
    assert sources.volume_of(store, []) is None
    (tmp_path / "a.safetensors").write_bytes(b"a")
    (tmp_path / "b.safetensors").write_bytes(b"b")
    digest = sources.sha256(tmp_path / "b.safetensors")
    made_with = {**store.manifest["model"], "weights_sha256": digest}
    monkeypatch.setitem(store.manifest, "model", made_with)
    folders = [tmp_path / "none", tmp_path]
    assert sources.weights_of(store, folders) == tmp_path / "b.safetensors"
    with pytest.raises(WeightsError, match="lie in none of"):
        sources.weights_of(store, [tmp_path / "none"])


def test_an_open_volume_stays_open(
    embedded: Embedded, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[str] = []

    def once(store: object, *_: object) -> Embedded:
        opened.append(str(store))
        return embedded

    monkeypatch.setattr(live, "open_store", str)
    monkeypatch.setattr(live, "open_embedded", once)
    monkeypatch.setattr(live, "_open", type(live._open)())
    source = sources.Source("/a", "1", (), ())
    live.learn(source)
    one = live.answer(source, ASKED)
    live.answer(source, replace(ASKED, positives=POSITIVES[:1]))
    live.learn(replace(source, mark="2"))
    assert opened == ["/a", "/a"]
    assert one.values.shape == REGION.shape
