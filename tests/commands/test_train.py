"""The training command from settings to files: what it writes, how it resumes, what it refuses."""

import csv
import json
import math
import pickle
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from PIL import Image
from scipy.ndimage import gaussian_filter
from support.training_setup import compose_train

from emqs.datasets import Stack
from emqs.embedding import encode
from emqs.errors import ConfigError, DataError, WeightsError
from emqs.figures import training
from emqs.models import weights
from emqs.runs import command, record
from emqs.runs.compose import composed
from emqs.runs.settings import LoggerConfig
from emqs.train import read_config, train
from emqs.training import fit, losses
from emqs.training.checkpoints import read_checkpoint
from emqs.training.reconstruction import Reconstruction
from emqs.training.train import origin

EPOCHS = 4


@dataclass
class Place:
    """Where a test module's images and runs are."""

    root: Path

    def settings(self, *overrides: str) -> list[str]:
        """Return the overrides of a small run with everything random switched on."""
        return [
            "model=vae", "dataset=folder", "dataset.name=TINY", f"paths.images={self.root}",
            "patch.size=32", "patch.stride=16", "data.batch_size=8", "data.patches_per_epoch=24",
            "augment.blur=0.5", "augment.scale=[0.9,1.1]", "loss.consistency=0.1",
            "loss.kl_warmup_epochs=2", "optimizer.lr=1e-3", "optimizer.schedule=cosine",
            "optimizer.warmup_epochs=1", "optimizer.gradient_clip=1", "optimizer.weight_decay=1e-5",
            f"trainer.max_epochs={EPOCHS}", "trainer=cpu", "trainer.log_every_n_steps=1",
            "callbacks.reconstructions_every=3", "callbacks.n_reconstructions=4", *overrides,
        ]  # fmt: skip

    def run(self, name: str, *overrides: str) -> Path:
        """Train into a folder and return it."""
        cfg = compose_train(*self.settings(*overrides))
        folder = self.root / name
        settings = command.resolved(cfg)
        with record.Run(folder, command="train", settings=settings, logger=LoggerConfig()) as run:
            train(cfg, run)
        return folder


def steps(folder: Path) -> dict[int, dict[str, str]]:
    """Return everything that was logged, by step, as it was written."""
    found: dict[int, dict[str, str]] = {}
    with (folder / "steps" / "version_0" / "metrics.csv").open() as file:
        for row in csv.DictReader(file):
            here = found.setdefault(int(row["step"]), {})
            here.update({key: value for key, value in row.items() if value})
    return found


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Place:
    root = tmp_path_factory.mktemp("train")
    raw = root / "TINY" / "raw"
    raw.mkdir(parents=True)
    rng = np.random.default_rng(0)
    for z in range(4):
        image = gaussian_filter(rng.random((80, 80)), 2)
        image = (image - image.min()) / (image.max() - image.min())
        Image.fromarray((image * 255).astype(np.uint8)).save(raw / f"{z}.png")
    return Place(root)


@pytest.fixture(scope="module")
def whole(place: Place) -> Path:
    return place.run("whole")


@pytest.fixture
def interrupted(place: Place, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A run stopped by Ctrl-C in the middle of its third epoch."""
    step = Reconstruction.training_step

    def until_the_third_epoch(self: Reconstruction, batch: object, batch_idx: int) -> object:
        if (self.current_epoch, batch_idx) == (2, 1):
            raise KeyboardInterrupt
        return step(self, batch, batch_idx)

    handler = signal.getsignal(signal.SIGINT)
    with monkeypatch.context() as patch:
        patch.setattr(Reconstruction, "training_step", until_the_third_epoch)
        with pytest.raises(KeyboardInterrupt):
            place.run("interrupted")
    signal.signal(signal.SIGINT, handler)
    written = json.loads((place.root / "interrupted" / "run.json").read_text())
    assert written["status"] == "interrupted"
    return place.root / "interrupted"


def test_everything_is_written(whole: Path) -> None:
    files = {str(path.relative_to(whole)) for path in whole.rglob("*") if path.is_file()}
    assert {
        "vae_pretrained.safetensors", "metrics.json", "history.csv", "metrics.csv", "run.json",
        "checkpoints/last.ckpt", "figures/losses.png", "figures/reconstructions_epoch_003.png",
        "figures/reconstructions_epoch_004.png",
    } <= files  # fmt: skip
    assert not [name for name in files if "=" in name]
    best = [path.name for path in (whole / "checkpoints").glob("epoch_*-val_*.ckpt")]
    assert len(best) == 1
    metrics = json.loads((whole / "metrics.json").read_text())
    history = np.genfromtxt(whole / "history.csv", delimiter=",", names=True)
    losses_ = history["valloss"]
    assert metrics["best_epoch"] == 1 + int(np.argmin(losses_))
    assert metrics["losses"]["val/loss"] == losses_.min()
    assert best[0] == f"epoch_{metrics['best_epoch'] - 1:03d}-val_{losses_.min():.4f}.ckpt"
    last = torch.load(whole / "checkpoints" / "last.ckpt", weights_only=True)
    assert last["epoch"] == EPOCHS - 1  # whether or not it is the best
    assert metrics["steps"] == EPOCHS * 3
    assert metrics["n_training_patches"] == 3 * 16
    assert losses_[-1] < losses_[0]


def test_the_weights_give_the_loss_that_was_reported(place: Place, whole: Path) -> None:
    model = weights.load(whole / "vae_pretrained.safetensors")
    pixels = np.array(Image.open(place.root / "TINY" / "raw" / "3.png"))
    last = Stack("last", [pixels], ["3"])
    boxes = np.array([[0, y, x, 32, 32] for y in (0, 32, 48) for x in (0, 32, 48)])
    images = encode.images(model, last, boxes)
    with torch.no_grad():
        mean, log_variance = model.network.distribution(images)
        loss = losses.bce(model.network.decode(mean), images)
        loss += 0.001 * losses.kl_divergence(mean, log_variance) / 4096
    assert loss.item() == pytest.approx(model.record["losses"]["val/loss"], rel=1e-5)
    assert model.record["data"] == ["TINY"]
    assert model.record["settings"]["seed"] == 0
    assert model.record["versions"]["torch"]
    assert str(place.root) not in json.dumps(model.record)  # others will read it


@pytest.mark.slow
def test_a_resumed_run_equals_an_uninterrupted_one(
    place: Place, whole: Path, interrupted: Path
) -> None:
    last = interrupted / "checkpoints" / "last.ckpt"
    assert torch.load(last, weights_only=True)["epoch"] == 1
    resumed = place.run("resumed", f"ckpt_path={last}")
    wanted, first, second = steps(whole), steps(interrupted), steps(resumed)
    assert sorted(second) == list(range(6, 12))  # the third and the fourth epoch
    assert {step: wanted[step] for step in range(6, 12)} == second
    assert {step: wanted[step] for step in range(6)} == {step: first[step] for step in range(6)}
    assert (whole / "history.csv").read_text() == (resumed / "history.csv").read_text()
    name = "vae_pretrained.safetensors"
    one, other = weights.load(whole / name).network, weights.load(resumed / name).network
    for key, tensor in one.state_dict().items():
        assert torch.equal(tensor, other.state_dict()[key]), key
    best = [sorted(p.name for p in (f / "checkpoints").iterdir()) for f in (whole, resumed)]
    assert best[0] == best[1]


@pytest.mark.slow
def test_a_cosine_that_is_made_longer_is_that_of_the_longer_run(
    place: Place, whole: Path, caplog: pytest.LogCaptureFixture
) -> None:
    last = whole / "checkpoints" / "last.ckpt"  # at the end of its cosine, where the rate is 0
    longer = place.run("longer", f"ckpt_path={last}", f"trainer.max_epochs={EPOCHS + 2}")
    assert "now has 6: from epoch 5 on, the learning rate follows the cosine" in caplog.text
    rates = [float(row["lr-Adam"]) for row in steps(longer).values() if "lr-Adam" in row]
    # 3 steps an epoch, the first epoch warms up: steps 12 to 17 of 18
    expected = [1e-3 * (1 + math.cos(math.pi * (step - 3) / 15)) / 2 for step in range(12, 18)]
    assert rates == pytest.approx(expected, rel=1e-6)
    assert len((longer / "history.csv").read_text().splitlines()) == 1 + EPOCHS + 2


@pytest.mark.slow
def test_the_best_epoch_may_lie_before_the_resumption(place: Place, interrupted: Path) -> None:
    last = interrupted / "checkpoints" / "last.ckpt"
    content = torch.load(last, weights_only=True)
    (state,) = [state for name, state in content["callbacks"].items() if "BestAndLast" in name]
    state["best_model_score"] = state["kth_value"] = torch.tensor(0.0)  # nothing will be better
    torch.save(content, last)
    best = Path(state["best_model_path"])
    resumed = place.run("worse", f"ckpt_path={last}")
    kept = [path.name for path in (resumed / "checkpoints").glob("epoch_*.ckpt")]
    assert kept == [best.name]
    wanted = torch.load(best, weights_only=True)["state_dict"]
    found = weights.load(resumed / "vae_pretrained.safetensors").network.state_dict()
    assert all(torch.equal(wanted[f"network.{key}"], found[key]) for key in found)
    metrics = json.loads((resumed / "metrics.json").read_text())
    assert (metrics["best_epoch"], metrics["epochs"]) == (int(best.name[6:9]) + 1, EPOCHS)


def test_resuming_needs_the_best_checkpoint_too(place: Place, whole: Path) -> None:
    alone = place.root / "alone" / "last.ckpt"
    alone.parent.mkdir()
    content = torch.load(whole / "checkpoints" / "last.ckpt", weights_only=True)
    content["emqs"]["settings"]["trainer.max_epochs"] = 9
    torch.save(content, alone)
    with pytest.raises(DataError, match=r"best checkpoint so far, epoch_.*, does not lie beside"):
        place.run("alone", f"ckpt_path={alone}", "trainer.max_epochs=9")


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["data.batch_size=4"], r"of a run with data.batch_size=8, but data.batch_size=4 is asked"),
        (["seed=7"], r"seed=0, but seed=7 is asked for"),
        (["trainer.max_epochs=3"], r"trainer.max_epochs=4, but trainer.max_epochs=3 is asked"),
        ([], r"has done 4 epochs, and trainer.max_epochs is 4. Raise trainer.max_epochs"),
    ],
)
def test_a_run_goes_on_with_its_own_settings_only(
    place: Place, whole: Path, overrides: list[str], message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        place.run("other", f"ckpt_path={whole / 'checkpoints' / 'last.ckpt'}", *overrides)


class Trap:
    """What a checkpoint must never run."""

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return (print, ("code ran",))


def test_checkpoints_that_are_none_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(WeightsError, match=r"ckpt_path=.*none.ckpt does not exist"):
        read_checkpoint(tmp_path / "none.ckpt")
    trap, other, cut = tmp_path / "trap.ckpt", tmp_path / "other.ckpt", tmp_path / "cut.ckpt"
    torch.save({"emqs": Trap()}, trap)
    torch.save({"state_dict": {}}, other)
    cut.write_bytes(other.read_bytes()[:100])
    plain = tmp_path / "plain.ckpt"
    plain.write_bytes(pickle.dumps(Trap()))
    text = tmp_path / "text.ckpt"
    text.write_text("hello\n")  # torch fails on it with a KeyError
    for path in (trap, cut, plain, text):
        with pytest.raises(WeightsError, match="is damaged, or holds more than numbers"):
            read_checkpoint(path)
    assert "code ran" not in capsys.readouterr().out
    with pytest.raises(WeightsError, match=r"is no checkpoint of python -m emqs\.train"):
        read_checkpoint(other)


@pytest.mark.slow
def test_finetuning_starts_from_the_pretrained_weights(place: Place, whole: Path) -> None:
    start = whole / "vae_pretrained.safetensors"
    folder = place.run(
        "finetuned", "stage=finetune", f"weights={start}", "trainer.max_epochs=1",
        "optimizer.lr=1e-12", "optimizer.schedule=constant", "optimizer.weight_decay=0",
        "callbacks.reconstructions_every=0",
    )  # fmt: skip
    tuned = weights.load(folder / "vae_finetuned.safetensors")
    before = weights.load(start)
    for key, tensor in before.network.state_dict().items():
        torch.testing.assert_close(tuned.network.state_dict()[key], tensor, atol=1e-6, rtol=0)
    assert tuned.record["stage"] == "finetune"
    assert tuned.record["losses"]["val/loss"] == pytest.approx(before.record["losses"]["val/loss"])


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["model=ae"], r"is for model=vae, but model=ae is asked for. Use model=vae"),
        (["model.network.latent_size=8"], r"latent_size=32, but model.network.latent_size=8"),
        (["model.preprocessing.contrast=slice"], r"contrast=none, but .*contrast=slice is asked"),
    ],
)
def test_weights_that_do_not_fit_are_refused(
    place: Place, whole: Path, overrides: list[str], message: str
) -> None:
    with pytest.raises(WeightsError, match=message):
        place.run("misfit", f"weights={whole / 'vae_pretrained.safetensors'}", *overrides)


@pytest.mark.parametrize(
    ("overrides", "error", "message"),
    [
        (["weights=none.safetensors"], WeightsError, "There is no weights file none.safetensors"),
        (["ckpt_path=none.ckpt"], WeightsError, "ckpt_path=none.ckpt does not exist"),
        (["trainer.accelerator=abacus"], ConfigError, "cannot train with the settings of trainer"),
        (["optimizer.lr=1e6", "optimizer.warmup_epochs=0"], ConfigError, "Training has diverged"),
        (["loss.bce=0"], ConfigError, "loss reconstructs nothing"),
        (["loss.nt_xent=1"], ConfigError, "loss.nt_xent is not for model=vae, which learns by rec"),
        (["stage=distill"], ConfigError, "such as model=contrastive; model=vae is not one"),
        (["seed=-1"], ConfigError, "seed must be a whole number"),
        (["augment.scale=[2,1]"], ConfigError, r"augment.scale must be \[low, high\]"),
        (["augment.target=sharp"], ConfigError, "augment.target must be one of augmented, denoise"),
        (["data.val_fraction=10"], ConfigError, "A percentage such as 10 is written 0.1"),
        (["+trainer.epochs=3"], ConfigError, r"trainer.epochs is no setting"),
    ],
)
def test_mistakes_give_one_clear_error(
    place: Place, overrides: list[str], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        place.run("mistake", *overrides)


def test_a_baseline_is_not_trained(tmp_path: Path) -> None:
    cfg = compose_train("model=pca", "stage=finetune")
    with pytest.raises(ConfigError, match="model=pca is a baseline without training"):
        train(cfg, record.Run(tmp_path, command="train", settings={}, logger=LoggerConfig()))


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU here")
def test_a_gpu_that_is_not_there_is_a_clear_error(place: Place) -> None:
    with pytest.raises(ConfigError, match=r"settings of trainer: No supported gpu"):
        place.run("gpu", "trainer=gpu")


@pytest.mark.slow
def test_early_stopping_ends_a_run(place: Place) -> None:
    folder = place.run(
        "early", "model=ae", "callbacks.patience=1", "callbacks.min_delta=100",
        "callbacks.reconstructions_every=0", "data.patches_per_epoch=8", "loss.consistency=0",
    )  # fmt: skip
    assert json.loads((folder / "metrics.json").read_text())["epochs"] == 2


@pytest.mark.parametrize(
    ("group", "loss", "model", "epochs"),
    [
        ("trainer=ddp", "bce", "ae", 400),
        ("trainer=gpu", "mse", "vae", 200),
        ("augment=none", "ssim", "vae", 200),
        ("augment=em", "ms_ssim", "ae", 400),
    ],
)
def test_every_choice_composes(group: str, loss: str, model: str, epochs: int) -> None:
    config = read_config(compose_train(group, f"loss={loss}", f"model={model}"))
    weight = {name: getattr(config.loss, name) for name in losses.RECONSTRUCTION}
    assert {name for name, value in weight.items() if value > 0} == {loss}
    assert config.trainer.max_epochs == epochs


@pytest.mark.slow
def test_the_stage_chooses_the_dataset_and_the_command_line_wins() -> None:
    assert compose_train("stage=pretrain").dataset.name == "packaged"
    assert compose_train("stage=distill").dataset.name == "toy"
    tuning = compose_train("stage=finetune", "model=ae")
    assert (tuning.dataset.name, tuning.trainer.max_epochs) == ("toy", 20)
    assert tuning.optimizer.lr == 1e-5
    assert tuning.weights.endswith("/ae_pretrained.safetensors")
    assert compose_train("stage=finetune", "dataset=VNC").dataset.name == "VNC"
    assert compose_train("dataset=toy").dataset.name == "toy"
    assert compose_train("trainer.max_epochs=2").trainer.max_epochs == 2


def test_training_starts_from_the_encoder_that_a_search_takes() -> None:
    default, searched = compose_train(), composed("evaluate")
    assert default.model.name == searched.model.name
    assert default.weights == searched.weights
    assert Path(default.weights).is_file()
    assert (default.stage.name, default.dataset.name) == ("finetune", "toy")
    network = fit.start(read_config(default).model, default.weights)
    held = weights.load(Path(searched.weights)).network
    torch.testing.assert_close(network.state_dict(), held.state_dict(), rtol=0, atol=0)


@pytest.mark.parametrize(("model", "epochs"), [("vae", 200), ("ae", 400)])
def test_the_papers_autoencoders_start_from_scratch(model: str, epochs: int) -> None:
    cfg = compose_train(f"model={model}")
    assert (cfg.weights, cfg.stage.name, cfg.dataset.name) == (None, "pretrain", "packaged")
    assert (cfg.trainer.max_epochs, cfg.optimizer.lr) == (epochs, 1e-4)


@pytest.mark.slow
def test_a_sweep_over_models_gives_each_its_own_start(tmp_path: Path) -> None:
    words = ["model=vae,contrastive", "trainer.max_epochs=0", f"hydra.sweep.dir={tmp_path}", "-m"]
    typed = [sys.executable, "-m", "emqs.train", *words]
    subprocess.run(typed, capture_output=True, check=False)  # no epoch is no training
    made = [yaml.safe_load(p.read_text()) for p in tmp_path.glob("*/.hydra/config.yaml")]
    chosen = {tuple(cfg[part]["name"] for part in ("model", "stage", "dataset")) for cfg in made}
    assert chosen == {("vae", "pretrain", "packaged"), ("contrastive", "finetune", "toy")}


def test_a_run_says_what_it_starts_from() -> None:
    assert origin(None, None) == "a new network (weights=null)"
    assert origin("a.safetensors", None) == "a.safetensors"
    assert origin("a.safetensors", Path("last.ckpt")) == "last.ckpt, where that run was"


def test_loss_curves_show_every_term_and_the_best_epoch() -> None:
    history = {
        "epoch": [0.0, 1.0, 2.0], "train/loss": [3.0, 2.0, 1.0], "val/loss": [3.0, 1.5, 1.8],
        "train/bce": [2.0, 1.5, 1.0], "val/bce": [2.0, 1.0, 1.0], "train/kl": [9.0, 9.0, 9.0],
    }  # fmt: skip
    panels = [a for a in training.loss_curves(history, title="t").axes if a.axison]
    assert [a.get_ylabel() for a in panels] == [training.NAMES[n] for n in ("loss", "bce", "kl")]
    assert panels[0].lines[-1].get_xdata()[0] == 2
    assert all(axes.get_legend() is None for axes in panels)  # it stands outside
    (legend,) = panels[0].figure.legends
    assert [text.get_text()[:10] for text in legend.get_texts()] == [
        "training, ", "validation", "best epoch",
    ]  # fmt: skip
    np.testing.assert_array_equal(panels[0].lines[0].get_ydata(), history["train/loss"])
    with pytest.raises(DataError, match="at least one epoch"):
        training.loss_curves({"epoch": []}, title="t")
