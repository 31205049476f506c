"""Users, groups and datasets put into a database without the server."""

import time

import sqlalchemy as sa

from emqs.annotations.database import Database
from emqs.annotations.ids import new_id
from emqs.annotations.schema import datasets, group_members, groups, layers, users


def add_user(database: Database, name: str, **columns: object) -> str:
    user_id = new_id()
    row = {
        "id": user_id,
        "name": name,
        "display_name": name,
        "is_admin": False,
        "is_active": True,
        "settings": {},
        "created": time.time(),
    }
    with database.write() as connection:
        connection.execute(sa.insert(users).values(row | columns))
    return user_id


def add_group(database: Database, name: str, *members: str) -> str:
    group_id = new_id()
    with database.write() as connection:
        connection.execute(
            sa.insert(groups).values(id=group_id, name=name, description="", created=time.time())
        )
        for user_id in members:
            connection.execute(
                sa.insert(group_members).values(
                    group_id=group_id, user_id=user_id, is_owner=False, created=time.time()
                )
            )
    return group_id


def add_dataset(database: Database, name: str, **settings: object) -> str:
    dataset_id = new_id()
    now = time.time()
    with database.write() as connection:
        connection.execute(
            sa.insert(datasets).values(
                id=dataset_id,
                name=name,
                title=name,
                description="",
                visibility="private",
                settings={"voxel_size_nm": [40.0, 4.0, 4.0]} | settings,
                revision=1,
                changes=0,
                created=now,
                changed=now,
            )
        )
    return dataset_id


def add_layer(database: Database, dataset_id: str, name: str, **columns: object) -> str:
    layer_id = new_id()
    now = time.time()
    row = {
        "id": layer_id,
        "dataset_id": dataset_id,
        "name": name,
        "kind": "segmentation",
        "source": f"{name}.zarr",
        "version": "1",
        "settings": {},
        "created": now,
        "changed": now,
    }
    with database.write() as connection:
        connection.execute(sa.insert(layers).values(row | columns))
    return layer_id
