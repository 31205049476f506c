"""A database with two users, a dataset and a few shortcuts."""

from dataclasses import dataclass

import pytest
from support.accounts_setup import add_dataset, add_user

from emqs.annotations import annotations, batches
from emqs.annotations.database import Database
from emqs.annotations.filters import Filter
from emqs.annotations.listing import Page, count, page
from emqs.annotations.records import Annotation


@dataclass
class World:
    database: Database
    ada: str
    ben: str
    brain: str

    def create(
        self, fields: dict[str, object], user: str | None = None, **options: object
    ) -> Annotation:
        with self.database.write() as connection:
            return annotations.create(connection, self.brain, user or self.ada, fields, **options)

    def update(self, old: Annotation, fields: dict[str, object], **options: object) -> Annotation:
        user = options.pop("user", old.owner_id)
        options.setdefault("revision", old.revision)
        with self.database.write() as connection:
            return annotations.update(connection, self.brain, user, old.id, fields, **options)

    def delete(self, old: Annotation) -> Annotation:
        with self.database.write() as connection:
            return annotations.delete(
                connection, self.brain, old.owner_id, old.id, revision=old.revision
            )

    def undo(self, old: Annotation) -> Annotation:
        with self.database.write() as connection:
            return annotations.undo(
                connection, self.brain, old.owner_id, old.id, revision=old.revision
            )

    def batch(
        self, rows: list[object], user: str | None = None, **options: object
    ) -> batches.BatchReport:
        with self.database.write() as connection:
            return batches.write(connection, self.brain, user or self.ada, rows, **options)

    def page(self, owners: set[str] | None = None, **options: object) -> Page:
        where = {
            name: options.pop(name) for name in list(options) if name in Filter.__dataclass_fields__
        }
        chosen = Filter(owners=frozenset(owners or {self.ada}), **where)
        with self.database.read() as connection:
            return page(connection, self.brain, chosen, **options)

    def count(self, **where: object) -> tuple[int, bool]:
        most = where.pop("most", 10_000)
        with self.database.read() as connection:
            return count(
                connection, self.brain, Filter(owners=frozenset({self.ada}), **where), most
            )

    def titles(self, **options: object) -> list[str]:
        return [row.title for row in self.page(**options).rows]


@pytest.fixture
def world(database: Database) -> World:
    return World(
        database,
        add_user(database, "ada"),
        add_user(database, "ben"),
        add_dataset(database, "brain"),
    )
