"""Links for other programs open what they name, to the end that they have, and nothing else."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.served import VOXEL_NM, Served, random_voxels, served, write_tiff, write_zarr

from emqs.annotations.database import Database
from emqs.annotations.schema import data_links, grants, users
from emqs.web import data, datasets, links, snapshots

INFO = "1/precomputed/raw/info"


@pytest.fixture
def lab(tmp_path: Path, database: Database) -> Iterator[Served]:
    with served(tmp_path / "home", data, links, snapshots, datasets, database=database) as made:
        made.brain = made.dataset("brain")
        other = made.dataset("other")
        made.ann = made.user("ann")
        for dataset in (made.brain, other):
            made.grant(dataset, made.ann["id"], "annotator")
        path = write_tiff(tmp_path / "a.tif", random_voxels((4, 64, 64)))
        for name in ("image", "second"):
            made.layer(made.brain, name, path, voxel_size_nm=list(VOXEL_NM))
        made.layer(other, "image", path, voxel_size_nm=list(VOXEL_NM))
        made.layer(made.brain, "own", path, owner=made.ann["id"], voxel_size_nm=list(VOXEL_NM))
        made.layer(made.brain, "files", write_zarr(tmp_path / "a.zarr", random_voxels((4, 64, 64))))
        yield made


def new(made: Served, **body: object) -> dict[str, str]:
    answer = made.client(made.ann).post("/api/v1/datasets/brain/links", json=body)
    assert answer.status_code == 201, answer.text
    return answer.json()


def status(made: Served, token: str, layer: str = "image", where: str = "path") -> int:
    client = made.client()
    if where == "path":
        return int(client.get(f"/api/v1/links/{token}/data/{layer}/{INFO}").status_code)
    path = f"/api/v1/data/brain/{layer}/{INFO}?token={token}"
    return int(client.get(path).status_code)


@pytest.mark.parametrize("where", ["path", "query"])
def test_a_link_opens_the_layers_that_everybody_sees(lab: Served, where: str) -> None:
    token = new(lab)["token"]
    assert status(lab, token, "image", where) == 200
    assert status(lab, token, "second", where) == 200
    assert status(lab, token, "own", where) == 404
    assert status(lab, token, "no", where) == 404
    refused = 404 if where == "path" else 401
    assert status(lab, token + "x", "image", where) == refused
    assert status(lab, "x" * 5000, "image", where) in (401, 404)


@pytest.mark.parametrize("where", ["path", "query"])
def test_a_link_to_a_layer_opens_that_alone(lab: Served, where: str) -> None:
    token = new(lab, layer="second")["token"]
    assert status(lab, token, "second", where) == 200
    assert status(lab, token, "image", where) == 404
    own = new(lab, layer="own")["token"]
    assert status(lab, own, "own", where) == 200
    assert status(lab, own, "image", where) == 404


def test_a_link_opens_no_other_dataset_and_changes_nothing(lab: Served) -> None:
    token = new(lab)["token"]
    client = lab.client()
    assert client.get(f"/api/v1/data/other/image/{INFO}?token={token}").status_code == 404
    assert client.get(f"/api/v1/datasets/brain?token={token}").status_code == 401
    assert client.post(f"/api/v1/datasets/brain/links?token={token}", json={}).status_code == 401
    assert client.get(f"/api/v1/datasets/brain/links?token={token}").status_code == 401
    assert client.get(
        f"/api/v1/datasets/brain/snapshot?z=1&y=2&x=3&layer=image&token={token}"
    ).status_code == 200  # fmt: skip
    assert client.get(
        f"/api/v1/datasets/brain/snapshot?z=1&y=2&x=3&layer=own&token={token}"
    ).status_code == 404  # fmt: skip
    as_bearer = client.get("/api/v1/me", headers={"Authorization": f"Bearer {token}"})
    assert as_bearer.status_code in (401, 404)


def test_files_by_link(lab: Served) -> None:
    token = new(lab, layer="files")["token"]
    path = f"/api/v1/links/{token}/data/files/1/files/zarr.json"
    answer = lab.client().get(path, headers={"Range": "bytes=0-0"})
    assert (answer.status_code, answer.content) == (206, b"{")
    assert answer.headers["access-control-allow-origin"] == "*"
    assert lab.client().get(path.replace("zarr.json", "../a.tif")).status_code == 404
    named = lab.client().get(f"/api/v1/links/{token}/layers").json()["layers"]
    assert [one["name"] for one in named] == ["files"]


@pytest.mark.parametrize("where", ["path", "query"])
def test_a_link_that_is_withdrawn_is_refused_everywhere_at_once(
    lab: Served, tmp_path: Path, database_url: str, where: str
) -> None:
    made = new(lab)
    second = Database.open(database_url)  # another process of the same server
    with served(tmp_path / "home", data, links, database=second) as other:
        for one in (lab, other):
            assert status(one, made["token"], where=where) == 200
        client = lab.client(lab.ann)
        path = f"/api/v1/datasets/brain/links/{made['id']}"
        assert client.delete(path).status_code == 204
        for one in (lab, other):
            assert status(one, made["token"], where=where) in (401, 404)
        assert client.delete(path).status_code == 404
        assert client.get("/api/v1/datasets/brain/links").json()["links"] == []


def test_a_link_ends(lab: Served) -> None:
    token = new(lab, days=0.5)["token"]
    with lab.context.database.write() as connection:
        connection.execute(data_links.update().values(expires=time.time() - 1))
    assert status(lab, token) == 404
    for days in (0, -1, 10_000):
        client = lab.client(lab.ann)
        assert client.post("/api/v1/datasets/brain/links", json={"days": days}).status_code == 422


def test_a_link_ends_with_the_rights_of_its_maker(lab: Served) -> None:
    token = new(lab)["token"]
    with lab.context.database.write() as connection:
        connection.execute(grants.delete().where(grants.c.user_id == lab.ann["id"]))
    assert status(lab, token) == 404
    lab.grant(lab.brain, lab.ann["id"], "annotator")
    assert status(lab, token) == 200
    with lab.context.database.write() as connection:
        connection.execute(
            users.update().where(users.c.id == lab.ann["id"]).values(is_active=False)
        )
    assert status(lab, token) == 404


def test_the_token_is_stored_nowhere_and_links_of_others_are_not_ended(lab: Served) -> None:
    made = new(lab, name="for napari")
    with lab.context.database.read() as connection:
        (row,) = connection.execute(data_links.select())
    assert made["token"] not in repr(row)
    bob = lab.user("bob")
    lab.grant(lab.brain, bob["id"], "annotator")
    client = lab.client(bob)
    assert client.get("/api/v1/datasets/brain/links").json()["links"] == []
    assert client.delete(f"/api/v1/datasets/brain/links/{made['id']}").status_code == 404
    lab.grant(lab.brain, lab.user("carl")["id"], "manager")
    root = lab.user("root", admin=True)
    (listed,) = lab.client(root).get("/api/v1/datasets/brain/links").json()["links"]
    assert listed["name"] == "for napari"
    assert "token" not in listed
    assert lab.client(root).delete(f"/api/v1/datasets/brain/links/{made['id']}").status_code == 204


def test_tokens_in_the_path_do_not_get_into_logs(
    lab: Served, caplog: pytest.LogCaptureFixture
) -> None:
    token = new(lab)["token"]
    caplog.set_level("INFO")
    assert status(lab, token) == 200
    assert status(lab, token, "no") == 404
    assert lab.client().get(f"/api/v1/links/{token}/layers").status_code == 200
    assert lab.client().get(f"/api/v1/links/{token}/other/thing").status_code == 404
    ours = " ".join(r.getMessage() for r in caplog.records if r.name.startswith("emqs"))
    assert token not in ours
    assert data.HIDDEN in ours
