"""Peak memory and speed of embedding a 165 x 768 x 1024 stack at a stride of 20 pixels.

    python benchmarks/memory.py [--slices N] [--stride PIXELS]

The stack is noise, the VAE untrained: neither changes the work. Patches of 80 pixels are cut on the
fly, so the peak is that of the stack, the codes and one batch.
"""

import argparse
import os
import resource
import sys
import time

import numpy as np
import torch

from emqs import models
from emqs.datasets import Stack
from emqs.embedding.encode import embed
from emqs.models.compute import Compute
from emqs.models.weights import Model
from emqs.patches import grid

REQUIRED_GB = 2.0


def peak_gb() -> float:
    """Return the largest memory this process has held so far, in GB (10^9 bytes)."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak * (1 if sys.platform == "darwin" else 1024) / 1e9


def main() -> None:
    """Embed the stack; the exit code is 1 if the peak is too high."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--slices", type=int, default=165)
    parser.add_argument("--stride", type=int, default=20)
    parser.add_argument("--batch-size", type=int, default=512)
    parser.add_argument("--threads", type=int, default=os.cpu_count(), help="of torch")
    options = parser.parse_args()

    torch.set_num_threads(options.threads)
    rng = np.random.default_rng(0)
    slices = [rng.integers(0, 256, (768, 1024), dtype=np.uint8) for _ in range(options.slices)]
    stack = Stack("noise", slices, [f"{z:04d}" for z in range(options.slices)])
    model = Model("vae", models.build("vae", {}))
    boxes = grid.grid(stack.shapes, 80, options.stride)
    before = peak_gb()
    started = time.perf_counter()
    codes = embed(model, stack, boxes, compute=Compute(device="cpu", batch_size=options.batch_size))
    seconds = time.perf_counter() - started
    print(f"{len(codes)} patches in {seconds:.1f} s: {len(codes) / seconds:.0f} patches a second")
    print(f"peak memory {peak_gb():.2f} GB, {before:.2f} GB of it before the first patch")
    print(f"required below {REQUIRED_GB:g} GB")
    if not peak_gb() < REQUIRED_GB:
        sys.exit("NOT MET")


if __name__ == "__main__":
    main()
