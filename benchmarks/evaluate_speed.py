"""How much faster `evaluate` is than the original loop: same slices, weights and machine, one run.

    python benchmarks/evaluate_speed.py --images IMAGES --weights WEIGHTS.pth.tar

IMAGES holds VNC/raw and VNC/labels; WEIGHTS may also be a folder with vae_finetuned.pth.tar. Either
may come from EMQS_IMAGES and EMQS_WEIGHTS instead. All of VNC takes minutes, nearly all of them for
the original loop (``original_loop.py``); ``--slices 12`` is a shorter taste. Each side runs in a
process of its own, so that its peak memory is its own. The clocks run from the loaded network to
the component AP, reading the slices included; on our side chance levels and confidence intervals,
which the original does not have, are included too. Processor time is that of all threads together;
it tells the sides apart on a machine that has other work to do.
"""

import argparse
import json
import multiprocessing
import os
import resource
import sys
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import original_loop
import torch

from emqs.datasets import open_stack
from emqs.datasets.settings import DatasetConfig
from emqs.evaluation.evaluate import evaluate
from emqs.models.compute import Compute
from emqs.models.weights import load
from emqs.patches.settings import PatchConfig
from emqs.retrieval.settings import IndexConfig, QueryConfig

REQUIRED_RATIO = 100
REQUIRED_DIFFERENCE = 0.005


def original(images: Path, weights: Path, n_slices: int | None) -> dict[str, Any]:
    """Return the AP and counts of the original loop."""
    model: Any = load(weights).network
    return _timed(lambda: original_loop.evaluate(images, model, n_slices))


def ours(images: Path, weights: Path, n_slices: int | None) -> dict[str, Any]:
    """Return the AP and counts of emqs.evaluation.evaluate with its default batch size."""
    model = load(weights)

    def work() -> dict[str, Any]:
        slices = None if n_slices is None else [0, n_slices]
        stack = open_stack(DatasetConfig(images.name, "folder", slices=slices), images.parent)
        found = evaluate(
            stack,
            model,
            patch=PatchConfig(size=original_loop.DIMS),
            query=QueryConfig(
                structure=original_loop.STRUCTURE,
                min_overlap=original_loop.MIN_OVERLAP,
                batch_size=original_loop.BATCH_SIZE,
            ),
            index=IndexConfig(n_trees=original_loop.N_TREES),
            compute=Compute(device="cpu"),
        )
        return {
            "component_ap": found.metrics["component_ap_paper"],
            "n_searched_patches": found.metrics["n_searched_patches"],
            "parts": {"evaluate without reading": found.metrics["seconds"]},
        }

    return _timed(work)


def _timed(work: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """Add wall time and processor time (all threads), in seconds, to what a side returns."""
    wall, processor = time.perf_counter(), time.process_time()
    result = work()
    result["seconds"] = time.perf_counter() - wall
    result["processor_seconds"] = time.process_time() - processor
    return result


def _answer(
    side: Callable[..., dict[str, Any]], pipe: Connection, threads: int, *arguments: object
) -> None:
    torch.set_num_threads(threads)
    result = side(*arguments)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    result["peak_gb"] = peak / (1 << 30 if sys.platform == "darwin" else 1 << 20)
    pipe.send(result)


def in_own_process(side: Callable[..., dict[str, Any]], *arguments: object) -> dict[str, Any]:
    """Run one side in a fresh process and return its result, with its peak memory in GiB."""
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe(duplex=False)
    process = context.Process(target=_answer, args=(side, there, *arguments))
    process.start()
    there.close()
    try:
        return dict(here.recv())
    except EOFError:
        sys.exit(f"The side '{side.__name__}' failed; its error stands above.")
    finally:
        process.join()


def show(name: str, run: dict[str, Any]) -> None:
    """Print the times of one side."""
    parts = ", ".join(f"{part} {seconds:.2f} s" for part, seconds in run["parts"].items())
    print(
        f"{name:8s} {run['seconds']:9.2f} s, processor time {run['processor_seconds']:.2f} s "
        f"({parts})",
        flush=True,
    )


def main() -> None:
    """Run both sides and compare them; the exit code is 1 if a requirement is not met."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--images", default=os.environ.get("EMQS_IMAGES"), help="holds VNC/raw")
    parser.add_argument("--weights", default=os.environ.get("EMQS_WEIGHTS"), help="file, or folder")
    parser.add_argument("--slices", type=int, help="only the first N slices of 20, at least 11")
    parser.add_argument("--threads", type=int, default=os.cpu_count(), help="of torch, both sides")
    parser.add_argument("--repeat", type=int, default=3, help="runs of our side; the median counts")
    parser.add_argument("--json", type=Path, help="also write the numbers to this file")
    options = parser.parse_args()
    if options.images is None or options.weights is None:
        parser.error("give --images and --weights, or set EMQS_IMAGES and EMQS_WEIGHTS")
    images, weights = Path(options.images) / "VNC", Path(options.weights)
    if weights.is_dir():
        weights = weights / "vae_finetuned.pth.tar"
    for path in (images / "raw", images / "labels", weights):
        if not path.exists():
            parser.error(f"{path} does not exist")

    arguments = (options.threads, images, weights, options.slices)
    runs = [in_own_process(ours, *arguments) for _ in range(options.repeat)]
    new = sorted(runs, key=lambda run: run["seconds"])[len(runs) // 2]
    show("emqs", new)
    print(
        f"          of {options.repeat} runs: " + ", ".join(f"{r['seconds']:.2f} s" for r in runs)
    )
    old = in_own_process(original, *arguments)
    show("original", old)
    ratio = old["seconds"] / new["seconds"]
    busy = old["processor_seconds"] / new["processor_seconds"]
    difference = abs(old["component_ap"] - new["component_ap"])
    print(f"ratio    {ratio:9.1f} (required: {REQUIRED_RATIO}), of processor time {busy:.1f}")
    print(
        f"component AP: original {old['component_ap']:.4f}, emqs {new['component_ap']:.4f}, "
        f"difference {difference:.4f}, at most {REQUIRED_DIFFERENCE}"
    )
    print(
        f"searched patches: original {old['n_searched_patches']}, emqs {new['n_searched_patches']}"
    )
    print(f"peak memory: original {old['peak_gb']:.2f} GiB, emqs {new['peak_gb']:.2f} GiB")
    if options.json is not None:
        numbers = {"ratio": ratio, "original": old, "emqs": new, "threads": options.threads}
        options.json.write_text(json.dumps(numbers, indent=1))
    same = old["n_searched_patches"] == new["n_searched_patches"]
    if not (same and difference <= REQUIRED_DIFFERENCE and ratio >= REQUIRED_RATIO):
        sys.exit("NOT MET")


if __name__ == "__main__":
    main()
