"""Which patches make up an epoch."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from torch.utils.data import Sampler


def within(positions: np.ndarray, counts: Sequence[int]) -> tuple[np.ndarray, np.ndarray]:
    """Return the stack that each patch is of, and which of its patches it is, ``(n,)`` each, int64.

    Args:
        positions: Among the patches of all stacks, one stack after the other, shape ``(n,)``.
        counts: Patches of each stack.
    """
    ends = np.cumsum(counts)
    stack_of = np.searchsorted(ends, positions, side="right")
    return stack_of, positions - (ends - counts)[stack_of]


class Draw(NamedTuple):
    """Which patches a batch holds, and the seed of its augmentations."""

    positions: np.ndarray  # (N,), int64, into all training patches
    seed: tuple[int, ...]  # of the run, epoch, batch


def quotas(total: int, shares: Sequence[float]) -> list[int]:
    """Return how many patches of an epoch come from each stack.

    Args:
        total: Patches in an epoch.
        shares: How often each stack's patches are drawn, relative to the others.

    Returns:
        Whole numbers in proportion to the shares; they sum to ``total``.
    """
    reached = np.cumsum(np.array(shares, dtype=np.float64))
    edges = np.rint(reached / reached[-1] * total).astype(np.int64)
    return np.diff(edges, prepend=0).tolist()


class EpochBatches(Sampler[Draw]):
    """The batches of one epoch after the other.

    Each stack's patches come in random order, each once before any comes again, across epochs too.
    The last patches of an epoch that do not fill a batch (on every device) are left out.
    """

    def __init__(
        self,
        counts: Sequence[int],
        per_epoch: Sequence[int],
        *,
        batch_size: int,
        seed: int,
        rank: int = 0,
        world_size: int = 1,
    ) -> None:
        """Set the sizes.

        Args:
            counts: Patches that each stack has.
            per_epoch: Patches of each stack in one epoch.
            batch_size: Patches in a batch.
            seed: Any integer from 0.
            rank: Number of this device.
            world_size: Devices that share the epoch.
        """
        self.counts, self.per_epoch = list(counts), list(per_epoch)
        self.batch_size, self.seed, self.epoch = batch_size, seed, 0
        self.rank, self.world_size = rank, world_size

    def set_epoch(self, epoch: int) -> None:
        """Choose the epoch that is served next; Lightning calls this."""
        self.epoch = epoch

    def __len__(self) -> int:
        """Return the number of batches of this device in an epoch."""
        return sum(self.per_epoch) // (self.batch_size * self.world_size)

    def __iter__(self) -> Iterator[Draw]:
        """Yield the batches of the chosen epoch."""
        epoch = self.epoch
        order = np.concatenate(
            [self._drawn(number, epoch) for number in range(len(self.counts))]
        )  # (N,)
        order = np.random.default_rng([self.seed, 1, epoch]).permutation(order)
        for step in range(len(self)):
            batch = step * self.world_size + self.rank
            positions = slice(batch * self.batch_size, (batch + 1) * self.batch_size)
            yield Draw(order[positions], (self.seed, epoch, batch))

    def _drawn(self, number: int, epoch: int) -> np.ndarray:
        """Return the positions that one stack gives to an epoch."""
        count, quota = self.counts[number], self.per_epoch[number]
        if quota == 0:
            return np.empty(0, dtype=np.int64)
        first, last = epoch * quota, (epoch + 1) * quota
        rounds = range(first // count, -(-last // count))
        drawn = np.concatenate(
            [np.random.default_rng([self.seed, 0, number, r]).permutation(count) for r in rounds]
        )
        skip = first - rounds.start * count
        return drawn[skip : skip + quota] + sum(self.counts[:number])


def validation_draws(count: int, batch_size: int, seed: int) -> list[Draw]:
    """Return batches of all validation patches, mixed, for losses that compare patches.

    Such losses depend on the size of a batch, so all are equally large (or one larger), none is
    a rest: from ``batch_size`` to below twice that, or all patches if they are fewer.

    Args:
        count: Validation patches.
        batch_size: Smallest batch.
        seed: Of the run.
    """
    order = np.random.default_rng([seed, 2]).permutation(count)
    batches = np.array_split(order, max(1, count // batch_size))
    return [Draw(batch, (seed, 0, number, 1)) for number, batch in enumerate(batches)]
