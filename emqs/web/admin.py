"""What an admin types at the computer of a server: users, groups, datasets.

emqs user add NAME --role admin --home lab
emqs dataset add brain volume=brain.zarr store=brain_emb.zarr labels=seg.zarr home=lab
"""

import argparse
import getpass
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from emqs.annotations.database import Database
from emqs.annotations.schema import ROLES
from emqs.errors import ConfigError, EmqsError
from emqs.web import accounts, catalogue, grants, registry
from emqs.web.home import Home
from emqs.web.server import database_of
from emqs.web.settings import StartConfig

HOME = "EMQS_HOME"  # the home folder where none is named


def main(arguments: list[str]) -> None:
    """Do what a line says.

    Args:
        arguments: ``["user", "add", "ann", ...]`` or ``["dataset", "add", "brain", ...]``.

    Raises:
        SystemExit: With one line if it cannot be done.
    """
    chosen = _parser().parse_args(_with_options(arguments))
    try:
        home = _home(chosen)
        home.make()
        database = Database.open(home.database_url)
        try:
            chosen.work(database, chosen)
        finally:
            database.close()
    except EmqsError as error:
        sys.exit(f"emqs {chosen.noun}: {' '.join(str(error).split())}")


def user(arguments: list[str]) -> int:
    """Do what ``emqs user ...`` says; return the exit code."""
    main(["user", *arguments])
    return 0


def dataset(arguments: list[str]) -> int:
    """Do what ``emqs dataset ...`` says; return the exit code."""
    main(["dataset", *arguments])
    return 0


def _with_options(arguments: Sequence[str]) -> list[str]:
    """Return arguments in which ``home=`` and ``database=`` are options."""
    moved = ("home=", "database=")
    return [f"--{part}" if part.startswith(moved) else part for part in arguments]


def _home(chosen: argparse.Namespace) -> Home:
    folder = chosen.home or os.environ.get(HOME)
    if folder is None:
        raise ConfigError(
            f"home is missing: give it as home=FOLDER, or in the environment, {HOME}."
        )
    start = StartConfig(home=folder, database=chosen.database)
    return Home(Path(folder).expanduser().absolute(), database_of(start))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="emqs", description=__doc__)
    nouns = parser.add_subparsers(dest="noun", required=True)
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--home", help=f"folder of the server; without it {HOME}")
    common.add_argument("--database", help="address of its database, without a password")
    users = nouns.add_parser("user", help="accounts").add_subparsers(dest="verb", required=True)
    add = users.add_parser("add", parents=[common], help="make an account, or change its role")
    add.add_argument("name")
    add.add_argument("--role", default="user", choices=("user", "admin"))
    add.add_argument("--email")
    add.add_argument("--display-name", default="")
    add.add_argument("--password", action="store_true", help="ask for one; else: a one-time link")
    add.set_defaults(work=add_user)
    link = users.add_parser("link", parents=[common], help="a link to sign in once")
    link.add_argument("name")
    link.set_defaults(work=one_time)
    lock = users.add_parser("lock", parents=[common], help="let somebody sign in no more")
    lock.add_argument("name")
    lock.set_defaults(work=lock_user)
    datasets = nouns.add_parser("dataset", help="volumes").add_subparsers(
        dest="verb", required=True
    )
    new = datasets.add_parser("add", parents=[common], help="add a volume, or bring it up to date")
    new.add_argument("name")
    new.add_argument("values", nargs="+", metavar="KEY=VALUE", help="volume=, store=, labels=, ...")
    new.set_defaults(work=add_dataset)
    grant = datasets.add_parser("grant", parents=[common], help="give somebody a role in it")
    grant.add_argument("name")
    grant.add_argument("role", choices=ROLES)
    grant.add_argument("--user")
    grant.add_argument("--group")
    grant.set_defaults(work=grant_role)
    return parser


def _say(text: str) -> None:
    print(text)  # noqa: T201 - what was asked for


def add_user(database: Database, chosen: argparse.Namespace) -> None:
    """Make an account; its owner gets a one-time link unless a password is typed."""
    hashed = accounts.hashed(getpass.getpass("Password: ")) if chosen.password else None
    with database.write() as connection:
        user = accounts.create(
            connection,
            chosen.name,
            display_name=chosen.display_name,
            email=chosen.email,
            password_hash=hashed,
            is_admin=chosen.role == "admin",
        )
        token = None if hashed else accounts.one_time(connection, user.id)
    _say(f"User {user.name}.")
    if token is not None:
        _say(f"They sign in once, within a day, at: ADDRESS OF THE SERVER/#one-time={token}")


def one_time(database: Database, chosen: argparse.Namespace) -> None:
    """Make a one-time link for somebody."""
    with database.write() as connection:
        token = accounts.one_time(connection, accounts.by_name(connection, chosen.name).id)
    _say(f"Once, within a day: ADDRESS OF THE SERVER/#one-time={token}")


def lock_user(database: Database, chosen: argparse.Namespace) -> None:
    """Lock an account, and sign it out everywhere."""
    with database.write() as connection:
        accounts.change(connection, chosen.name, {"is_active": False})
    _say(f"{chosen.name} may sign in no more.")


def add_dataset(database: Database, chosen: argparse.Namespace) -> None:
    """Add a dataset; one that is there is brought up to date, and what was said of it stays."""
    from omegaconf import OmegaConf
    from omegaconf.errors import OmegaConfBaseException

    try:
        given = OmegaConf.to_container(OmegaConf.from_dotlist(chosen.values), resolve=False)
    except (OmegaConfBaseException, ValueError) as error:
        raise ConfigError(f"Give KEY=VALUE, e.g. volume=brain.zarr: {error}") from None
    plain = {str(key): value for key, value in given.items()} if isinstance(given, dict) else {}
    draft = registry.draft(chosen.name, plain, beside=Path.cwd())
    measured = registry.measured(draft)
    with database.write() as connection:
        registry.add(connection, draft, measured, created_by=None, replace=True)
    z, y, x = measured[0]["shape"]
    _say(f"Dataset {draft.name}: {z} x {y} x {x} voxels, {len(measured[1])} layers.")


def grant_role(database: Database, chosen: argparse.Namespace) -> None:
    """Give a user or a group a role in a dataset."""
    with database.write() as connection:
        dataset = catalogue.dataset(connection, chosen.name)
        if dataset is None:
            raise ConfigError(f"There is no dataset {chosen.name}.")
        grants.grant(
            connection, dataset.id, user=chosen.user, group=chosen.group, role=chosen.role, by=None
        )
    _say(f"{chosen.user or chosen.group} is {chosen.role} of {chosen.name}.")


if __name__ == "__main__":
    main(sys.argv[1:])
