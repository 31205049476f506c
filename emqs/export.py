"""Copy an embedded volume to where many machines search it: Parquet files, or ClickHouse.

python -m emqs.export store=NAME.zarr to=parquet out=DIR
"""

from dataclasses import asdict
from pathlib import Path

import hydra
from omegaconf import DictConfig

from emqs.errors import ConfigError
from emqs.runs import command, record
from emqs.runs.progress import advancing
from emqs.settings import CONFIG_DIR, read

TARGETS = ("parquet", "clickhouse")


def work(cfg: DictConfig, run: record.Run) -> float | None:
    """Do what ``python -m emqs.export`` was asked to.

    Args:
        cfg: The composed configuration of ``configs/export.yaml``.
        run: Where the record goes; rows go to ``out``.
    """
    from emqs.embedding.stores.connections import ClickhouseConfig

    settings = read(ClickhouseConfig, cfg.clickhouse, "clickhouse")
    for name in ("store", "out"):
        if cfg[name] is None:
            raise ConfigError(f"{name} is missing: give it as {name}=PATH.")
    if cfg.to not in TARGETS:
        raise ConfigError(f"to must be one of {', '.join(TARGETS)}, got {cfg.to}.")
    out = str(cfg.out)
    if cfg.to == "parquet" and "://" in out:
        raise ConfigError(f"With to=parquet, out is a folder, got {out}.")

    from emqs.embedding.stores.clickhouse_export import write_tables
    from emqs.embedding.stores.opening import open_target
    from emqs.embedding.stores.parquet_export import write_parquet
    from emqs.embedding.stores.zarr import open_store

    store = open_store(str(cfg.store))
    with advancing("export", store.grid.n_places, "{task.completed:,.0f} places") as advance:
        if cfg.to == "parquet":
            exported = write_parquet(store, Path(out), advance)
        else:
            connection, database, table = open_target(out, settings)
            exported = write_tables(store, connection, database, table, advance)
    measured = asdict(exported)
    run.save_json("metrics.json", measured)
    run.log_metrics(measured)
    print(  # noqa: T201
        f"{exported.n_places:,} places were written in {exported.seconds:.0f} s; "
        f"{exported.n_found:,} were there before."
    )
    search = f"chdb://{out}" if cfg.to == "parquet" else out
    print(f"\nSearch it with: python -m emqs.search store={search}")  # noqa: T201
    return None


@hydra.main(version_base="1.3", config_path=str(CONFIG_DIR), config_name="export")
def main(cfg: DictConfig) -> float | None:
    """Run ``python -m emqs.export``."""
    return command.run("export", cfg, work)


if __name__ == "__main__":
    command.start("export", main)
