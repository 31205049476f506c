"""Columns that many tables have, and the one collection of all tables."""

from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Double,
    ForeignKey,
    Integer,
    MetaData,
    String,
    Text,
    text,
)

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

Number = BigInteger().with_variant(Integer, "sqlite")  # SQLite counts up only what it calls INTEGER


def id_column(name: str = "id") -> Column[Any]:
    """Return the column of an opaque id."""
    return Column(name, String(32), primary_key=True)


def counted(name: str = "number") -> Column[Any]:
    """Return a primary key that counts up and never comes back."""
    return Column(name, Number, primary_key=True, autoincrement=True)


def to(target: str, name: str | None = None, **options: Any) -> Column[Any]:  # noqa: ANN401
    """Return a column that names a row of another table; ``cascade`` deletes with that row."""
    cascade = options.pop("cascade", False)
    key = ForeignKey(f"{target}.id", ondelete="CASCADE" if cascade else None)
    options.setdefault("nullable", False)
    return Column(name or f"{target[:-1]}_id", String(32), key, **options)


def text_column(name: str, length: int | None = None, **options: Any) -> Column[Any]:  # noqa: ANN401
    """Return a column of text that must be given; ``length`` None: of any length."""
    options.setdefault("nullable", False)
    return Column(name, Text() if length is None else String(length), **options)


def time_column(name: str, *, nullable: bool = False) -> Column[Any]:
    """Return a column of seconds since 1970 in UTC."""
    return Column(name, Double, nullable=nullable)


def flag(name: str) -> Column[Any]:
    """Return a column of yes or no."""
    return Column(name, Boolean(create_constraint=False), nullable=False)


def json_column(name: str, *, nullable: bool = False) -> Column[Any]:
    """Return a column of JSON; None is stored as NULL."""
    return Column(name, JSON(none_as_null=True), nullable=nullable)


def coordinates(*names: str, nullable: bool = False) -> list[Column[Any]]:
    """Return columns of coordinates, in voxels."""
    return [Column(name, Double, nullable=nullable) for name in names]


def one_of(column: str, allowed: tuple[str, ...]) -> CheckConstraint:
    """Return a rule that a column holds one of some words."""
    listed = ", ".join(f"'{value}'" for value in allowed)
    return CheckConstraint(f"{column} IN ({listed})", name=column)


def only(condition: str) -> dict[str, Any]:
    """Return options of an index over the rows for which a condition holds."""
    return {"sqlite_where": text(condition), "postgresql_where": text(condition)}


def sorted_text(length: int) -> String:
    """Return a type of text that every database sorts alike: by the numbers of its characters."""
    return String(length).with_variant(String(length, collation="C"), "postgresql")
