"""The record of a run on disk and in W&B: CSV, JSON, Markdown and LaTeX tables."""

import csv
import io
import json
import logging
import netrc
import os
import platform
import sys
import time
from collections.abc import Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Literal, Self, cast, get_args

import numpy as np

import emqs
from emqs.config import LoggerConfig
from emqs.errors import ConfigError, DataError
from emqs.files import replacing

logger = logging.getLogger(__name__)

RECORD = "run.json"  # written when a run starts and again when it ends
PACKAGES = ("torch", "lightning", "numpy", "annoy", "scikit-image", "scikit-learn")


def write_text(path: Path, text: str) -> Path:
    """Write a text file, first under a temporary name; an existing file is replaced."""
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")
    return path


def write_json(path: Path, value: Any) -> Path:  # noqa: ANN401 - whatever JSON can hold
    """Write JSON; NumPy numbers and arrays become plain ones.

    Raises:
        DataError: If a number is NaN or infinite, which JSON cannot hold.
    """

    def plain(item: object) -> object:
        if isinstance(item, np.ndarray | np.generic):
            return item.tolist()
        raise TypeError(f"{type(item).__name__} cannot be written as JSON")

    try:
        text = json.dumps(value, indent=2, default=plain, allow_nan=False)
    except ValueError as error:
        raise DataError(f"{path} is not written: {error}.") from None
    return write_text(path, text + "\n")


def write_csv(path: Path, columns: Mapping[str, Sequence[Any] | np.ndarray]) -> Path:
    """Write a CSV file with one header row.

    Args:
        path: Where to.
        columns: Name to values, all of one length. Floats keep all their digits.

    Raises:
        DataError: If the columns differ in length.
    """
    lengths = {name: len(values) for name, values in columns.items()}
    if len(set(lengths.values())) > 1:
        raise DataError(f"The columns of {path.name} differ in length: {lengths}.")
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    plain = [v.tolist() if isinstance(v, np.ndarray) else v for v in columns.values()]
    writer.writerows(zip(*plain, strict=True))
    return write_text(path, text.getvalue())


def markdown_table(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return rows as a Markdown table; the first row's keys are its columns.

    Columns of numbers are aligned to the right.
    """
    columns = list(rows[0])
    cells = [columns, *([_cell(row.get(column)) for column in columns] for row in rows)]
    lines = [[" ".join(text.replace("|", "\\|").split()) for text in line] for line in cells]
    lines.insert(1, ["---:" if numeric else "---" for numeric in _numeric(rows)])
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def latex_table(rows: Sequence[Mapping[str, Any]], *, caption: str) -> str:
    """Return rows as a LaTeX table (packages: booktabs); the first row's keys are its columns."""
    columns = list(rows[0])
    sides = "".join("r" if numeric else "l" for numeric in _numeric(rows))
    lines = [[_latex(_cell(row.get(column))) for column in columns] for row in rows]
    body = "".join(f"  {' & '.join(line)} \\\\\n" for line in lines)
    return (
        "\\begin{table}\n  \\centering\n"
        f"  \\caption{{{_latex(caption)}}}\n"
        f"  \\begin{{tabular}}{{{sides}}}\n  \\toprule\n"
        f"  {' & '.join(_latex(c) for c in columns)} \\\\\n  \\midrule\n{body}"
        "  \\bottomrule\n  \\end{tabular}\n\\end{table}\n"
    )


def _numeric(rows: Sequence[Mapping[str, Any]]) -> list[bool]:
    """Return for each column of the first row whether it holds a number in any row."""
    return [any(isinstance(row.get(c), int | float) for row in rows) for c in rows[0]]


def _cell(value: object) -> str:
    """Return one value as text: three decimals for fractions, empty for None."""
    if value is None:
        return ""
    return f"{value:.3f}" if isinstance(value, float) else str(value)


def _latex(text: str) -> str:
    """Return text with LaTeX's special characters escaped."""
    special = {"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"}
    special |= {character: f"\\{character}" for character in "&%$#_{}"}
    return "".join(special.get(character, character) for character in text)


def plain_table(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return rows as aligned columns for a terminal; the first row's keys are its columns."""
    columns = list(rows[0])
    cells = [columns, *([_cell(row.get(c)) for c in columns] for row in rows)]
    widths = [max(len(line[i]) for line in cells) for i in range(len(columns))]
    lines = [
        "  ".join(
            text.ljust(width) if i == 0 else text.rjust(width)
            for i, (text, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in cells
    ]
    lines.insert(1, "-" * (sum(widths) + 2 * (len(widths) - 1)))
    return "\n".join(lines)


def versions() -> dict[str, str]:
    """Return the versions that a result depends on."""
    found = {"emqs": emqs.__version__, "python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "not installed"
    return found


WandbMode = Literal["online", "offline", "disabled", "shared"]


def wandb_mode() -> WandbMode:
    """Return ``WANDB_MODE`` if it is set, else ``"online"`` where there is a key, else offline.

    A key is ``WANDB_API_KEY`` or an entry of the W&B server in the user's netrc file. W&B is never
    left to ask for one.

    Raises:
        ConfigError: If ``WANDB_MODE`` is unknown, or needs a key and there is none.
    """
    allowed = get_args(WandbMode)
    mode = os.environ.get("WANDB_MODE") or ("online" if _has_wandb_key() else "offline")
    if mode not in allowed:
        raise ConfigError(f"WANDB_MODE must be one of {', '.join(allowed)}, got '{mode}'.")
    if mode in ("online", "shared") and not _has_wandb_key():
        raise ConfigError(
            f"WANDB_MODE={mode} needs a key, and there is none. Set WANDB_API_KEY, run "
            "`wandb login`, or use WANDB_MODE=offline."
        )
    return cast(WandbMode, mode)


def _has_wandb_key() -> bool:
    """Return whether W&B will find a key without asking."""
    if os.environ.get("WANDB_API_KEY"):
        return True
    host = os.environ.get("WANDB_BASE_URL", "https://api.wandb.ai").split("://")[-1].split("/")[0]
    try:
        known = netrc.netrc(os.environ.get("NETRC")).authenticators(host)
    except (OSError, netrc.NetrcParseError):
        known = None
    return known is not None


class Run:
    """One run of a command: its folder, its record, and where its numbers and figures go.

    Everything lies in the folder, whatever the loggers. Use it as a context manager: the record
    says ``"finished"`` only if the block ended without an error.
    """

    def __init__(
        self, folder: Path, *, command: str, settings: dict[str, Any], logger: LoggerConfig
    ) -> None:
        """Make the folder and start the record.

        Args:
            folder: Where everything goes; made if it is missing.
            command: E.g. ``"evaluate"``.
            settings: All settings, resolved.
            logger: Which loggers.
        """
        self.folder = folder
        self.command = command
        self.settings = settings
        self.logger = logger
        self.metrics: dict[str, float] = {}
        self.started = time.time()
        self.wandb: Any = None  # the W&B run, if there is one
        self.leads = os.environ.get("LOCAL_RANK", "0") == "0"  # one of several processes records
        folder.mkdir(parents=True, exist_ok=True)
        self._write_record("running")

    def __enter__(self) -> Self:
        """Start W&B if it is asked for."""
        if self.logger.wandb and self.leads:
            try:
                self.wandb = self._start_wandb()
            except BaseException as error:  # __exit__ is not called after this
                self._write_record("failed", error)
                raise
        return self

    def _start_wandb(self) -> Any:  # noqa: ANN401 - W&B's run, whose package is slow to import
        mode = wandb_mode()
        import wandb

        return wandb.init(
            project=self.logger.project,
            group=self.logger.group,
            job_type=self.command,
            name=self.folder.name,
            dir=str(self.folder),
            config=self.settings,
            mode=mode,
            reinit="finish_previous",
            settings=wandb.Settings(console="off", silent=True),
        )

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        """Finish the record and W&B."""
        try:
            if kind is None and self.logger.csv and self.metrics and self.leads:
                self.save_csv("metrics.csv", {k: [v] for k, v in self.metrics.items()})
            self._write_record("finished" if kind is None else "failed", error)
        finally:
            if self.wandb is not None:
                self.wandb.finish(exit_code=0 if kind is None else 1)

    def _write_record(self, status: str, error: object = None) -> None:
        if not self.leads:
            return
        record = {
            "command": self.command,
            "status": status,
            "argv": sys.argv[1:],
            "started": time.strftime("%Y-%m-%dT%H:%M:%S%z", time.localtime(self.started)),
            "seconds": round(time.time() - self.started, 3),
            "error": None if error is None else f"{type(error).__name__}: {error}",
            "versions": versions(),
            "settings": self.settings,
        }
        write_json(self.folder / RECORD, record)

    def log_metrics(self, metrics: Mapping[str, float]) -> None:
        """Log numbers by name; they reach ``metrics.csv`` and W&B."""
        self.metrics.update(metrics)
        if self.wandb is not None:
            self.wandb.log(dict(metrics))

    def log_figure(self, path: Path) -> None:
        """Log a picture that lies in the folder already."""
        logger.debug("figure %s", path)
        if self.wandb is not None:
            import wandb

            self.wandb.log({path.stem: wandb.Image(str(path))})

    def log_artifact(self, path: Path, *, kind: str) -> None:
        """Log a file, e.g. ``kind="model"``, as a W&B artifact named after it."""
        if self.wandb is not None:
            import wandb

            artifact = wandb.Artifact(path.stem, type=kind)
            artifact.add_file(str(path))
            self.wandb.log_artifact(artifact)

    def save_json(self, name: str, value: Any) -> Path:  # noqa: ANN401 - whatever JSON can hold
        """Write JSON into the folder."""
        return write_json(self.folder / name, value)

    def save_csv(self, name: str, columns: Mapping[str, Sequence[Any] | np.ndarray]) -> Path:
        """Write a CSV file into the folder."""
        return write_csv(self.folder / name, columns)


def read_record(folder: Path) -> dict[str, Any] | None:
    """Return the record of a run's folder, or None if there is none that can be read."""
    try:
        record = json.loads((folder / RECORD).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return record if isinstance(record, dict) else None


def is_finished(folder: Path, settings: dict[str, Any]) -> bool:
    """Return whether a run with these very settings has finished in this folder."""
    record = read_record(folder)
    if record is None or record.get("status") != "finished":
        return False
    return bool(record.get("settings") == json.loads(json.dumps(settings)))
