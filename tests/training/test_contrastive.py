"""The pooled encoder and how it is trained: views, neighbours, teachers, the command."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter
from support.training_setup import compose_train, train_config

from emqs import models
from emqs.datasets import Stack
from emqs.errors import ConfigError, WeightsError
from emqs.models import weights
from emqs.models.settings import ModelConfig
from emqs.models.weights import Model
from emqs.runs import command, record
from emqs.runs.settings import LoggerConfig
from emqs.settings import read
from emqs.train import train
from emqs.training import losses
from emqs.training.augment import Batch
from emqs.training.contrastive import JointEmbedding, head
from emqs.training.data_module import PatchData
from emqs.training.fit import make_module, open_teacher
from emqs.training.sampling import validation_draws
from emqs.training.slices import edges, neighbour_reach

SMALL = {"start": "random", "blocks": 2, "frozen": 0, "greys": 0, "size": 64}  # codes of 48 numbers
SMALLER = [f"model.network.{key}={value}" for key, value in SMALL.items()]
TINY = [*SMALLER, "loss.head_hidden=8", "loss.head_size=4"]


def texture(n: int, seed: int = 0) -> torch.Tensor:
    images = np.random.default_rng(seed).random((n, 1, 64, 64), dtype=np.float32)
    images = gaussian_filter(images, (0, 0, 2, 2))
    return torch.from_numpy((images - images.min()) / (images.max() - images.min()))


# the network ------------------------------------------------------------------------------------


def test_codes_are_the_pooled_feature_map() -> None:
    network = models.build("contrastive", SMALL)
    assert isinstance(network, models.Convolutional)
    images = texture(3)
    with torch.no_grad():
        features = network.features(images)
        codes = network.encode(images)
    assert torch.equal(codes, network.pool(features))
    assert codes.shape == (3, network.code_size)
    assert len(features) == 3


def test_a_code_depends_on_its_own_patch_alone_and_not_on_where_things_lie() -> None:
    network = models.build("contrastive", {"start": "random"})
    images = texture(4)
    with torch.no_grad():
        together = network.encode(images)
        alone = torch.cat([network.encode(image[None]) for image in images])
        moved = network.encode(images.roll((16, 32), dims=(2, 3)))
    torch.testing.assert_close(together, alone, rtol=1e-4, atol=1e-5)
    change = (moved - together).norm(dim=1)
    others = torch.cdist(together, together)[~torch.eye(4, dtype=torch.bool)]
    assert change.max() < others.max()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"blocks": 0}, "blocks must be from 1 to 9, got 0"),
        ({"blocks": 10}, "blocks must be from 1 to 9, got 10"),
        ({"frozen": 9}, "frozen must be from 0 to 8, got 9"),
        ({"frozen": -1}, "frozen must be from 0 to 8, got -1"),
        ({"size": 15}, "size must be at least 16 pixels, got 15"),
        ({"start": "chance"}, "start must be one of imagenet, random, got 'chance'"),
    ],
)
def test_settings_that_make_no_network_are_refused(
    settings: dict[str, object], message: str
) -> None:
    with pytest.raises(ConfigError, match=f"'contrastive' cannot be built.*{message}"):
        models.build("contrastive", settings)


# views ------------------------------------------------------------------------------------------


def levels(n: int = 6, *, name: str = "s", **more: object) -> Stack:
    """Slice z is grey 20 + 30 z all over, so that a patch tells its slice."""
    slices = [np.full((100, 90), 20 + 30 * z, dtype=np.uint8) for z in range(n)]
    return Stack(name, slices, [str(z) for z in range(n)], **more)  # type: ignore[arg-type]


def pairs(data: PatchData, epoch: int = 0) -> np.ndarray:
    """Return the slices that both views of each patch come from, shape (2, N)."""
    loader = data.train_dataloader()
    loader.sampler.set_epoch(epoch)
    means = [batch.inputs.mean(dim=(1, 2, 3)).view(2, -1) for batch in loader]
    return np.rint((torch.cat(means, dim=1).numpy() * 255 - 20) / 30).astype(int)


NEIGHBOUR = ["loss=contrastive", "data.val_fraction=0.3", "augment.neighbour=1"]


def test_second_views_come_from_the_next_slices_and_never_from_validation() -> None:
    config = train_config(*NEIGHBOUR)
    seen = pairs(PatchData([levels(6)], [1.0], config))
    assert set(seen[0].tolist()) == {0, 1, 2, 3}  # 4 and 5 are for validation
    assert set(seen[1].tolist()) == {0, 1, 2, 3}
    step = seen[1] - seen[0]
    inner = (seen[0] > 0) & (seen[0] < 3)
    assert set(step[inner].tolist()) == {-1, 1}
    assert set(step[~inner].tolist()) <= {-1, 0, 1}


def test_neighbours_are_as_frequent_as_asked_for() -> None:
    config = train_config(*NEIGHBOUR, "augment.neighbour=0.25", "patch.stride=8")
    seen = pairs(PatchData([levels(6)], [1.0], config))
    inner = (seen[0] > 0) & (seen[0] < 3)
    assert np.mean((seen[1] != seen[0])[inner]) == pytest.approx(0.25, abs=0.06)


@pytest.mark.slow
def test_unrelated_slices_have_no_neighbours() -> None:
    seen = pairs(PatchData([levels(6, consecutive=False)], [1.0], train_config(*NEIGHBOUR)))
    np.testing.assert_array_equal(seen[0], seen[1])
    off = train_config(*NEIGHBOUR, "augment.neighbour=0")
    seen = pairs(PatchData([levels(6)], [1.0], off))
    np.testing.assert_array_equal(seen[0], seen[1])


@pytest.mark.slow
def test_neighbours_stay_in_their_stack_and_among_slices_of_one_size() -> None:
    first, second = levels(3, name="a"), levels(6, name="b")
    second.slices[:3] = [s[:90] for s in second.slices[:3]]  # 0, 1, 2 are lower than 3
    second = replace(second, slices=[*second.slices[:3], *second.slices[3:]])
    seen = pairs(PatchData([second], [1.0], train_config(*NEIGHBOUR)))
    assert ((seen[0] < 3) == (seen[1] < 3)).all()
    both = PatchData([first, levels(6, name="c")], [1.0, 1.0], train_config(*NEIGHBOUR))
    assert np.abs(np.diff(pairs(both), axis=0)).max() == 1


@pytest.mark.parametrize(
    ("section_nm", "reach"), [(None, 1), (10.0, 5), (50.0, 1), (80.0, 1), (24.0, 2)]
)
def test_neighbours_are_no_further_than_asked_for(section_nm: float | None, reach: int) -> None:
    config = train_config("augment.neighbour=1", "augment.neighbour_nm=50")
    assert neighbour_reach(levels(section_nm=section_nm), config) == reach


@pytest.mark.slow
def test_inversion_is_shared_by_views_or_their_own() -> None:
    config = train_config("loss=contrastive", "augment.invert=0.3", "patch.stride=8")
    data = PatchData([levels(3)], [1.0], config)
    means = torch.cat(
        [b.inputs.mean(dim=(1, 2, 3)).view(2, -1) for b in data.train_dataloader()], dim=1
    )
    assert (means > 0.5).float().mean().item() == pytest.approx(0.3, abs=0.07)
    torch.testing.assert_close(means[0], means[1])
    config = train_config("loss=contrastive", "augment.invert_view=0.3", "patch.stride=8")
    data = PatchData([levels(3)], [1.0], config)
    means = torch.cat(
        [b.inputs.mean(dim=(1, 2, 3)).view(2, -1) for b in data.train_dataloader()], dim=1
    )
    differ = ((means[0] > 0.5) != (means[1] > 0.5)).float().mean().item()
    assert differ == pytest.approx(2 * 0.3 * 0.7, abs=0.08)


def checks(edge: int) -> Stack:
    """Squares of one edge, in pixels."""
    y, x = np.mgrid[:120, :120] // edge
    return Stack("c", [((y + x) % 2 * 255).astype(np.uint8)] * 3, list("012"))


def squares(images: torch.Tensor) -> np.ndarray:
    """Return how many times each image changes along its middle row."""
    return (images[:, 0, 32] > 0.5).int().diff(dim=1).abs().sum(dim=1).numpy()


def test_zoom_is_the_same_for_both_views_and_differs_between_patches() -> None:
    config = train_config(
        "loss=contrastive", "patch.size=40", "patch.stride=8", "augment.zoom=[0.5,2]"
    )
    batch = next(iter(PatchData([checks(5)], [1.0], config).train_dataloader()))
    counts = np.stack(np.split(squares(batch.inputs), 2))
    np.testing.assert_array_equal(counts[0], counts[1])
    assert counts.min() >= 40 * 0.5 / 5 - 2
    assert counts.max() <= 40 * 2 / 5 + 1
    assert np.ptp(counts[0]) > 3


def test_each_member_of_a_mixture_may_have_its_own_patch_sizes() -> None:
    config = train_config("loss=contrastive", "patch.size=40")
    assert edges(checks(5), config, None) == (40, 16, (1.0, 1.0))
    size, _, zoom = edges(checks(5), config, [20, 80])
    assert size == 40
    assert (size * zoom[0], size * zoom[1]) == pytest.approx((20, 80))
    data = PatchData([checks(5), checks(5)], [1.0, 1.0], config, drawn=[None, [20, 24]])
    assert [source.size for source in data.training.sources] == [40, 22]


def test_validation_views_are_the_same_in_every_epoch_and_hold_every_patch() -> None:
    draws = validation_draws(43, 8, seed=0)
    assert sorted(np.concatenate([d.positions for d in draws])) == list(range(43))
    assert {len(d.positions) for d in draws} == {8, 9}
    assert len(validation_draws(5, 8, seed=0)) == 1
    training = {
        d.seed for d in PatchData([levels()], [1.0], train_config()).train_dataloader().sampler
    }
    assert not training & {d.seed for d in draws}
    config = train_config("loss=contrastive", "augment=contrastive")
    data = PatchData([levels()], [1.0], config)
    once, again = ([b.inputs for b in data.val_dataloader()] for _ in range(2))
    assert all(torch.equal(a, b) for a, b in zip(once, again, strict=True))
    assert not torch.equal(*once[0].chunk(2))  # two views


@pytest.mark.slow
def test_a_teacher_sees_first_views_without_changes_of_intensity() -> None:
    flat = ["augment.brightness=0.3", "augment.noise=0.1", "loss=distill"]
    config = train_config(*flat, "augment.shift=4", "patch.size=64")
    rng = np.random.default_rng(0)
    image = (gaussian_filter(rng.random((100, 100)), 2) * 255).astype(np.uint8)
    stack = Stack("s", [image] * 3, list("012"))
    changed = next(iter(PatchData([stack], [1.0], config, teacher_size=64).train_dataloader()))
    assert changed.targets.shape == (8, 1, 64, 64)
    bare = train_config("loss=contrastive", "augment.shift=4", "patch.size=64")
    plain = next(iter(PatchData([stack], [1.0], bare).train_dataloader()))
    torch.testing.assert_close(changed.targets, plain.inputs[:8])
    assert (changed.inputs[:8] - changed.targets).abs().max() > 0.05
    larger = next(iter(PatchData([stack], [1.0], config, teacher_size=128).train_dataloader()))
    assert larger.targets.shape == (8, 1, 128, 128)
    small = torch.nn.functional.avg_pool2d(larger.targets, 2)
    assert (small - changed.targets).abs().mean() < 0.01


# the step ---------------------------------------------------------------------------------------


def module(*overrides: str, teacher: torch.nn.Module | None = None) -> JointEmbedding:
    torch.manual_seed(0)
    config = train_config("model=contrastive", "loss=contrastive", *TINY, *overrides)
    network = models.build("contrastive", dict(config.model.network))
    return JointEmbedding(network, config, teacher=teacher)


def batch(n: int = 6) -> Batch:
    views = torch.cat([texture(n), texture(n, seed=1)])
    return Batch(views, texture(n))


def test_the_loss_is_the_weighted_sum_of_its_terms() -> None:
    given = ["nt_xent=2", "invariance=3", "variance=0.5", "covariance=0.25"]
    given += ["teacher_relations=4", "teacher_regression=0.125"]
    teacher = models.build("ae", {"latent_size": 7})
    trained = module(*[f"loss.{one}" for one in given], teacher=teacher)
    found = trained.terms(batch())
    weights_ = {name: float(value) for name, value in (one.split("=") for one in given)}
    assert set(found) == {"loss", "spread", *weights_}
    total = sum(weight * found[name].item() for name, weight in weights_.items())
    assert found["loss"].item() == pytest.approx(total, rel=1e-5)


def test_terms_see_projections_and_the_teacher_sees_targets() -> None:
    teacher = models.build("ae", {"latent_size": 7})
    trained = module("loss.teacher_relations=1", "loss.temperature=0.5", teacher=teacher).eval()
    given = batch()
    found = trained.terms(given)
    first, second = trained.head(trained.network.encode(given.inputs)).chunk(2)
    wanted = losses.nt_xent(first, second, 0.5)
    assert found["nt_xent"].item() == pytest.approx(wanted.item(), rel=1e-4)
    its = teacher.encode(given.targets)
    views = trained.network.encode(given.inputs).chunk(2)
    wanted = (losses.relations(views[0], its) + losses.relations(views[1], its)) / 2
    assert found["teacher_relations"].item() == pytest.approx(wanted.item(), rel=1e-3)


def test_only_network_and_heads_learn_and_a_teacher_is_not_kept() -> None:
    teacher = models.build("ae", {"latent_size": 7})
    trained = module("loss.teacher_regression=1", teacher=teacher)
    trained.terms(batch())["loss"].backward()
    assert all(p.grad is not None for p in trained.parameters())
    assert all(p.grad is None for p in teacher.parameters())
    assert not [name for name in trained.state_dict() if "teacher" in name or "conv1" in name]


def test_a_head_is_as_long_as_asked_for() -> None:
    codes = torch.rand(5, 12)
    assert torch.equal(head(12, 8, 0)(codes), codes)
    assert head(12, 0, 4)(codes).shape == (5, 4)
    assert isinstance(head(12, 0, 4), torch.nn.Linear)
    assert head(12, 8, 4)(codes).shape == (5, 4)


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["loss=bce"], r"loss.bce is not for model=contrastive, .* Use loss=contrastive"),
        (["loss=none"], r"model=contrastive does not reconstruct; .* Use loss=contrastive"),
        (
            ["loss.teacher_relations=1"],
            r"loss.teacher_relations needs a teacher: use stage=distill",
        ),
    ],
)
def test_losses_that_do_not_fit_are_refused(overrides: list[str], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        module(*overrides)


def test_a_teacher_without_a_loss_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"stage=distill needs loss\.teacher_relations or"):
        module(teacher=models.build("ae", {}))


def test_not_a_number_stops_with_an_error() -> None:
    trained = module()
    with torch.no_grad():
        next(trained.network.parameters())[0] = np.nan
    with pytest.raises(ConfigError, match=r"diverged .* the loss is nan"):
        trained.terms(batch())


def test_a_network_is_trained_by_what_it_can_do() -> None:
    config = train_config("model=ae")
    assert type(make_module(models.build("ae", {}), config, {}, None)).__name__ == "Reconstruction"
    with pytest.raises(ConfigError, match=r"such as model=contrastive; model=ae is not one"):
        make_module(models.build("ae", {}), config, {}, Model("pixels", models.build("pixels", {})))


def test_adamw_shrinks_no_bias_and_no_factor_of_a_norm() -> None:
    trained = module("optimizer.name=adamw", "optimizer.weight_decay=0.3")
    groups = trained._optimizer().param_groups
    assert [group["weight_decay"] for group in groups] == [0.3, 0.0]
    assert {p.ndim for p in groups[0]["params"]} == {2, 4}
    assert {p.ndim for p in groups[1]["params"]} == {1}
    assert sum(len(g["params"]) for g in groups) == len(list(trained.parameters()))


@pytest.mark.slow
def test_a_teacher_must_see_slices_prepared_alike() -> None:
    given = ["model=contrastive", "stage=distill", "model@teacher=pixels"]
    given += ["teacher.preprocessing.contrast=slice"]
    same = train_config(*given)  # unless it is told otherwise, a model sees what its teacher does
    assert same.model.preprocessing.contrast == "slice"
    teacher = read(ModelConfig, compose_train(*given).teacher, "teacher")
    assert open_teacher(teacher, same).name == "pixels"
    assert train_config(*given[:3]).model.preprocessing.contrast == "none"
    other = train_config(*given, "model.preprocessing.contrast=none")
    with pytest.raises(ConfigError, match=r"Set model.preprocessing.contrast=slice"):
        open_teacher(teacher, other)


# the command ------------------------------------------------------------------------------------


def run(folder: Path, *overrides: str) -> Path:
    """Train on a small toy stack into a folder, with everything random switched on."""
    cfg = compose_train(
        "model=contrastive", "stage=pretrain", "dataset=toy", "dataset.toy.n_slices=4",
        "dataset.toy.height=160", "dataset.toy.width=160", "patch.size=48", "patch.stride=24",
        "data.batch_size=16",
        "data.patches_per_epoch=48", "trainer.max_epochs=4", "trainer=cpu",
        "augment.invert_view=0.1", *SMALLER, "loss.head_hidden=16",
        "loss.head_size=8", *overrides,
    )  # fmt: skip
    settings = command.resolved(cfg)
    with record.Run(folder, command="train", settings=settings, logger=LoggerConfig()) as started:
        train(cfg, started)
    return folder


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return run(tmp_path_factory.mktemp("contrastive") / "whole", "trainer.precision=bf16-mixed")


def test_training_writes_weights_that_embed(whole: Path) -> None:
    model = weights.load(whole / "contrastive_pretrained.safetensors")
    assert model.settings == SMALL
    with torch.no_grad():
        assert model.network.encode(texture(2)).shape == (2, 48)
    metrics = json.loads((whole / "metrics.json").read_text())
    history = np.genfromtxt(whole / "history.csv", delimiter=",", names=True)
    assert metrics["losses"]["val/loss"] == history["valloss"].min()
    assert {"trainnt_xent", "valnt_xent", "trainspread", "valspread"} <= set(history.dtype.names)
    assert history["trainloss"][-1] < history["trainloss"][0]
    assert (whole / "figures" / "losses.png").is_file()
    assert not list((whole / "figures").glob("reconstructions*"))


@pytest.mark.slow
def test_a_resumed_run_equals_an_uninterrupted_one(whole: Path, tmp_path: Path) -> None:
    precision = "trainer.precision=bf16-mixed"
    with pytest.MonkeyPatch.context() as patch:
        step = JointEmbedding.training_step

        def until_the_third_epoch(self: JointEmbedding, given: Batch, batch_idx: int) -> object:
            if (self.current_epoch, batch_idx) == (2, 1):
                raise RuntimeError("power cut")
            return step(self, given, batch_idx)

        patch.setattr(JointEmbedding, "training_step", until_the_third_epoch)
        with pytest.raises(RuntimeError, match="power cut"):
            run(tmp_path / "first", precision)
    last = tmp_path / "first" / "checkpoints" / "last.ckpt"
    resumed = run(tmp_path / "second", precision, f"ckpt_path={last}")
    assert (resumed / "history.csv").read_text() == (whole / "history.csv").read_text()
    wanted, found = (
        torch.load(folder / "checkpoints" / "last.ckpt", weights_only=True)["state_dict"]
        for folder in (whole, resumed)
    )
    assert {name.split(".")[0] for name in wanted} == {"network", "head"}
    assert all(torch.equal(wanted[name], found[name]) for name in wanted)
    with pytest.raises(ConfigError, match=r"loss.temperature=0.1, but loss.temperature=0.9"):
        run(tmp_path / "third", precision, f"ckpt_path={last}", "loss.temperature=0.9")


@pytest.mark.slow
def test_finetuning_goes_on_from_a_file(whole: Path, tmp_path: Path) -> None:
    start = whole / "contrastive_pretrained.safetensors"
    still = ["trainer.max_epochs=1", "optimizer.lr=1e-12", "optimizer.weight_decay=0"]
    folder = run(tmp_path / "tuned", "stage=finetune", f"weights={start}", *still)
    before = weights.load(start).network.state_dict()
    after = weights.load(folder / "contrastive_finetuned.safetensors").network.state_dict()
    learned = [name for name in before if "running" not in name and "num_batches" not in name]
    for name in learned:
        torch.testing.assert_close(after[name], before[name], atol=1e-6, rtol=0)
    with pytest.raises(WeightsError, match=r"model.network.blocks=2, but .*=1"):
        run(tmp_path / "no", "stage=finetune", f"weights={start}", "model.network.blocks=1")


@pytest.mark.slow
def test_distillation_learns_from_a_fitted_teacher(tmp_path: Path) -> None:
    folder = run(
        tmp_path / "run", "stage=distill", "model@teacher=pca", "teacher.network.latent_size=4",
        "loss.nt_xent=0.1", "trainer.max_epochs=1",
    )  # fmt: skip
    model = weights.load(folder / "contrastive_distilled.safetensors")
    assert {"val/teacher_relations", "val/nt_xent"} <= set(model.record["losses"])
    assert model.record["settings"]["teacher"]["name"] == "pca"
    assert 0 < model.record["losses"]["val/teacher_relations"] < 2


@pytest.mark.slow
@pytest.mark.parametrize("choice", ["contrastive", "vicreg", "distill"])
def test_training_lowers_the_loss_of_patches_it_has_not_seen(choice: str) -> None:
    slices = [(texture(1, seed=z)[0, 0].numpy() * 255).repeat(2, 0).repeat(2, 1) for z in range(5)]
    stack = Stack("s", [image.astype(np.uint8) for image in slices], list("01234"))
    config = train_config(
        "model=contrastive", f"loss={choice}", "augment=em",
        f"data.batch_size={8 if choice == 'contrastive' else 32}",
        "patch.stride=8", "data.val_fraction=0.4", "loss.head_hidden=32", "loss.head_size=16",
        f"data.crop_size={128 if choice == 'contrastive' else 'null'}", *SMALLER,
    )  # fmt: skip
    torch.manual_seed(0)
    teacher = models.build("histogram", {"bins": 4}) if choice == "distill" else None
    data = PatchData([stack], [1.0], config, teacher_size=None if teacher is None else 64)
    trained = JointEmbedding(models.build("contrastive", SMALL), config, teacher=teacher)
    seen, unseen = data.train_dataloader(), next(iter(data.val_dataloader()))
    before = trained.terms(unseen)["loss"].item()
    optimizer = torch.optim.AdamW(trained.parameters(), lr=5e-3)
    for number, given in enumerate(seen):
        optimizer.zero_grad()
        trained.terms(given)["loss"].backward()
        optimizer.step()
        if number == 29:
            break
    after = trained.terms(unseen)
    assert after["loss"].item() < before
    assert after["spread"].item() > 0.1
