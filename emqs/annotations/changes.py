"""The right to change the annotations of a dataset, for the rest of a transaction.

Writers of one dataset stand in a row: each holds the dataset's counter until its transaction ends.
So changes become visible in the order of their numbers, and who asks for "all since number n"
misses none; nor does who asks for a time, while all servers have the same clock.
"""

import time
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy import Connection

from emqs.annotations.records import Frame
from emqs.annotations.schema import datasets
from emqs.errors import NotFoundError


@dataclass(frozen=True)
class Change:
    """What is written at one moment by one transaction.

    Attributes:
        dataset_id: The dataset that is changed.
        number: Larger than of every change before.
        at: Seconds since 1970, UTC.
        frame: Voxel size and shape of the dataset.
    """

    dataset_id: str
    number: int
    at: float
    frame: Frame


def begin_change(connection: Connection, dataset_id: str) -> Change:
    """Return the next change of a dataset; other writers of it wait until this transaction ends.

    Raises:
        NotFoundError: If there is no such dataset.
    """
    row = connection.execute(
        sa.update(datasets)
        .where(datasets.c.id == dataset_id)
        .values(changes=datasets.c.changes + 1)
        .returning(datasets.c.changes, datasets.c.settings)
    ).one_or_none()
    if row is None:
        raise NotFoundError(f"There is no dataset {dataset_id}.")
    return Change(dataset_id, row.changes, time.time(), Frame.of(row.settings))


def last_change(connection: Connection, dataset_id: str) -> int:
    """Return the number of the newest change of a dataset, e.g. as a version in a URL.

    Raises:
        NotFoundError: If there is no such dataset.
    """
    number = connection.scalar(sa.select(datasets.c.changes).where(datasets.c.id == dataset_id))
    if number is None:
        raise NotFoundError(f"There is no dataset {dataset_id}.")
    return int(number)


def frame_of(connection: Connection, dataset_id: str) -> Frame:
    """Return voxel size and shape of a dataset.

    Raises:
        NotFoundError: If there is no such dataset.
    """
    settings = connection.scalar(sa.select(datasets.c.settings).where(datasets.c.id == dataset_id))
    if settings is None:
        raise NotFoundError(f"There is no dataset {dataset_id}.")
    return Frame.of(settings)
