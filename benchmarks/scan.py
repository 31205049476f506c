"""Speed of the exact Hamming scan over signatures in memory, beside what it is compared with.

    python benchmarks/scan.py [--signatures N] [--nearest K] [--threads T]

Times are the least of the repeats, on the clock and of the processor; ratios are of the former, so
run it where little else runs. Baselines: NumPy summing the same bytes on the same threads, and
faiss IndexBinaryFlat and DuckDB where they are installed. The exit code is 1 if the scan is slower
than 0.4 of the sum, or ten positives and ten negatives cost over 6 times one positive.
"""

import argparse
import importlib
import os
import resource
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from emqs.embedding.stores import hamming

SUM_RATIO = 0.4
MANY_RATIO = 6.0


def seconds(work: Callable[[], object], repeats: int) -> tuple[float, float]:
    """Return the least time of several runs after the first, on the clock and of the processor."""
    work()
    taken = []
    for _ in range(repeats):
        started, processor = time.perf_counter(), time.process_time()
        work()
        taken.append((time.perf_counter() - started, time.process_time() - processor))
    clock, processor = np.min(taken, axis=0).tolist()
    return clock, processor


def made(count: int) -> np.ndarray:
    """Return random signatures, filled part by part so that nothing else needs the memory."""
    signatures = np.empty(count, dtype=np.uint64)
    rng = np.random.default_rng(0)
    for start in range(0, count, 2**22):
        part = signatures[start : start + 2**22]
        part[:] = rng.integers(0, 2**64, size=len(part), dtype=np.uint64)
    return signatures


def faiss_search(signatures: np.ndarray, one: np.ndarray, k: int) -> Callable[[], object] | None:
    """Return the same search by faiss, or None where it is not installed."""
    try:
        faiss = importlib.import_module("faiss")
    except ModuleNotFoundError:
        return None
    index = faiss.IndexBinaryFlat(64)
    for start in range(0, len(signatures), 2**24):
        index.add(signatures[start : start + 2**24].view(np.uint8).reshape(-1, 8))
    return lambda: index.search(one.view(np.uint8).reshape(1, 8), k)


def duckdb_search(signatures: np.ndarray, one: np.ndarray, k: int) -> Callable[[], object] | None:
    """Return the same search by DuckDB on a table in memory, or None where it is not installed."""
    try:
        duckdb = importlib.import_module("duckdb")
    except ModuleNotFoundError:
        return None
    connection = duckdb.connect()
    connection.register("given", {"s": signatures})
    connection.execute("create table t as select s from given")
    query = f"select rowid from t order by bit_count(xor(s, {int(one[0])}::ubigint)) limit {k}"
    return lambda: connection.execute(query).fetchall()


def main() -> None:
    """Measure everything; the exit code is 1 if a ratio is not met."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--signatures", type=int, default=100_000_000)
    parser.add_argument("--nearest", type=int, default=2000)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--no-others", action="store_true", help="leave out faiss and DuckDB")
    options = parser.parse_args()
    signatures, k = made(options.signatures), options.nearest
    examples = signatures[:: max(1, len(signatures) // 20)][:20].copy()
    one = examples[:1]
    parts = np.array_split(signatures, 16 * options.threads)

    def summed() -> None:
        with ThreadPoolExecutor(options.threads) as threads:
            list(threads.map(np.sum, parts))

    def scan(positives: np.ndarray) -> None:
        hamming.nearest(signatures, positives, k, n_threads=options.threads)

    def many() -> None:  # negatives are measured on the candidates only
        scan(examples[:10])

    times = {
        "sum of the same bytes": seconds(summed, options.repeats),
        f"scan, 1 positive, {k} nearest": seconds(lambda: scan(one), options.repeats),
        f"scan, 10 positives, {k} nearest": seconds(many, options.repeats),
    }
    if not options.no_others:
        for name, make in (("faiss IndexBinaryFlat", faiss_search), ("DuckDB", duckdb_search)):
            search = make(signatures, one, k)
            if search is None:
                print(f"{name} is not installed")
            else:
                times[name] = seconds(search, options.repeats)
    for name, (clock, processor) in times.items():
        print(f"{name:34s} {clock:7.3f} s ({processor:.3f} s of the processor), "
              f"{len(signatures) / clock / 1e9:6.2f} billion a second")  # fmt: skip
    total, single, ten = [clock for clock, _ in times.values()][:3]
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(f"peak memory {peak * (1 if sys.platform == 'darwin' else 1024) / 1e9:.2f} GB, "
          f"{signatures.nbytes / 1e9:.2f} GB of it signatures")  # fmt: skip
    print(f"scan at {total / single:.2f} of the speed of the sum; required {SUM_RATIO}")
    print(f"10 positives take {ten / single:.1f} times 1; required at most {MANY_RATIO:g}")
    if total / single < SUM_RATIO or ten / single > MANY_RATIO:
        sys.exit("NOT MET")


if __name__ == "__main__":
    main()
