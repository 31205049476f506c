"""What happens when a sweep of codecs ends."""

from pathlib import Path

from emqs.files import read_json
from emqs.labels.settings import RESULTS
from emqs.runs import sweep as sweeps
from emqs.runs import tables


class CombineResults(sweeps.SweepEnd):
    """At the end of a sweep of bench: one table and one chart of all points."""

    def combine(self, sweep: Path, folders: list[Path]) -> None:
        """Write ``results.csv``, ``.md``, ``.tex`` and ``ratios.png`` into the sweep."""
        from emqs.labels import benchmark, benchmark_tables  # draws, so it brings matplotlib

        measured = [
            read_json(folder / RESULTS, "the results of a benchmark")
            for folder in folders
            if (folder / RESULTS).is_file()
        ]
        if not measured:
            return
        benchmark_tables.write(measured, sweep)
        rows = [benchmark.row(entry) for one in measured for entry in one["results"]]
        print("\n" + tables.plain_table(rows))  # noqa: T201
        print(f"\nCombined tables and chart: {sweep}")  # noqa: T201
