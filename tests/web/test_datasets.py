"""Datasets are added, changed and removed by those who may, from where they may."""

from pathlib import Path

import pytest
from support.served import Served, random_voxels, write_zarr

from emqs.errors import ConfigError
from emqs.web import files, registry

API = "/api/v1"


@pytest.fixture
def lab(local: Served, tmp_path: Path) -> Path:
    """Return the folder that admins may add datasets from."""
    folder = tmp_path / "em"
    write_zarr(folder / "brain.zarr", random_voxels((8, 16, 24)))
    write_zarr(folder / "seg.zarr", random_voxels((8, 16, 24), "u4"))
    write_zarr(tmp_path / "secret.zarr", random_voxels((8, 16, 24)))
    (folder / "way-out").symlink_to(tmp_path)
    object.__setattr__(local.context.settings, "readable", [str(folder)])
    return folder


def test_an_admin_adds_changes_and_removes_a_dataset(local: Served, lab: Path) -> None:
    root = local.client(local.people["root"])
    given = {"name": "new", "volume": str(lab / "brain.zarr"), "labels": str(lab / "seg.zarr")}
    assert root.post(f"{API}/datasets", json=given).status_code == 201
    assert root.post(f"{API}/datasets", json=given).status_code == 409
    url = f"{API}/datasets/new"
    answer = root.get(url)
    told = answer.json()
    assert (told["shape"], told["voxel_size_nm"], told["searchable"]) == (
        [8, 16, 24], [30.0, 8.0, 8.0], False,
    )  # fmt: skip
    assert [layer["name"] for layer in told["layers"]] == ["image", "labels"]
    assert local.client(local.people["manager"]).get(url).status_code == 404
    tag = {"If-Match": answer.headers["etag"]}
    change = {"title": "T", "visibility": "public"}
    assert root.patch(url, json=change, headers=tag).status_code == 204
    assert root.patch(url, json={"title": "late"}, headers=tag).status_code == 409
    assert root.patch(url, json={"visibility": "secret"}).status_code == 400
    seen = local.client(local.people["reader"]).get(url).json()
    assert (seen["title"], seen["role"]) == ("T", "reader")
    assert "source" not in seen["layers"][0]  # paths of the server are for managers
    assert root.delete(url).status_code == 422
    assert root.delete(url, params={"confirm": "other"}).status_code == 400
    assert root.delete(url, params={"confirm": "new"}).status_code == 204
    assert root.get(url).status_code == 404
    assert (lab / "brain.zarr").is_dir()


@pytest.mark.parametrize(
    "volume",
    [
        "{lab}/../secret.zarr",
        "{lab}/way-out/secret.zarr",
        "/etc/passwd",
        "relative.zarr",
        "https://example.org/brain.zarr",
        "zarr3://{lab}/brain.zarr",
        "s3://bucket/brain.zarr",
        "{lab}/nothing.zarr",
    ],
)
def test_only_files_in_folders_that_are_named_are_added(
    local: Served, lab: Path, volume: str
) -> None:
    root = local.client(local.people["root"])
    path = volume.format(lab=lab)
    for given in (
        {"name": "x", "volume": path},
        {"name": "x", "volume": str(lab / "brain.zarr"), "labels": path},
        {"name": "x", "volume": str(lab / "brain.zarr"), "store": [path]},
    ):
        assert root.post(f"{API}/datasets", json=given).status_code == 400, given
    layer = {"name": "x", "kind": "image", "source": path}
    assert root.post(f"{API}/datasets/brain/layers", json=layer).status_code == 400


def test_without_folders_nothing_is_added(local: Served, lab: Path) -> None:
    object.__setattr__(local.context.settings, "readable", [])
    given = {"name": "x", "volume": str(lab / "brain.zarr")}
    root = local.client(local.people["root"])
    answer = root.post(f"{API}/datasets", json=given)
    assert answer.status_code == 400
    said = answer.json()["error"]
    assert "serve.readable: there are none" in said
    assert f"emqs dataset add NAME volume={lab / 'brain.zarr'} home=HOME" in said


def test_layers_are_added_and_removed(local: Served, lab: Path) -> None:
    root, manager = (local.client(local.people[name]) for name in ("root", "manager"))
    url = f"{API}/datasets/brain/layers"
    layer = {"name": "more", "kind": "segmentation", "source": str(lab / "seg.zarr")}
    assert manager.post(url, json=layer).status_code == 403
    assert root.post(url, json=layer).status_code == 201
    assert root.post(url, json={**layer, "kind": "cake"}).status_code == 400
    reviewer = local.client(local.people["reviewer"])
    assert reviewer.delete(f"{url}/more").status_code == 403
    assert manager.delete(f"{url}/more").status_code == 204
    assert manager.delete(f"{url}/more").status_code == 404


def test_the_state_shows_every_layer_with_the_middle_in_view(local: Served) -> None:
    reader = local.client(local.people["reader"])
    state = reader.get(f"{API}/datasets/brain/state").json()
    assert state["position"] == [40.0, 30.0, 20.0]
    assert state["dimensions"]["z"] == [pytest.approx(30e-9), "m"]
    assert [layer["type"] for layer in state["layers"]] == ["image", "segmentation"]
    url = state["layers"][0]["source"].removeprefix("precomputed://")
    assert reader.get(f"{url}/info").status_code == 200


def test_a_file_describes_a_dataset(local: Served, lab: Path) -> None:
    path = local.home / "datasets" / "mine.yaml"
    path.write_text(
        f"volume: {lab}/brain.zarr\nlabels: {{cells: {lab}/seg.zarr}}\n"
        "grants: {users: {stranger: reviewer}}\n"
    )
    home, database = local.context.home, local.context.database
    assert files.synchronise(database, home) == ["mine"]
    assert files.synchronise(database, home) == []
    stranger = local.client(local.people["stranger"])
    assert stranger.get(f"{API}/datasets/mine").json()["role"] == "reviewer"
    path.write_text(path.read_text() + "title: ${oc.env:HOME}\n")
    assert files.synchronise(database, home) == ["mine"]
    assert stranger.get(f"{API}/datasets/mine").json()["title"] == "${oc.env:HOME}"


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({}, "needs volume"),
        ({"volume": "a", "colour": "red"}, "has no key colour"),
        ({"volume": "a", "visibility": "secret"}, "visibility"),
        ({"volume": "a", "grants": {"users": {"x": "king"}}}, "A role is one of"),
        ({"volume": "a", "grants": {"people": {}}}, "users: and groups:"),
        ({"volume": "a", "layers": [{"name": "x"}]}, "look at its key kind"),
        ({"volume": "a", "labels": {"../x": "b"}}, "A layer is named"),
    ],
)
def test_what_describes_no_dataset_is_refused(given: dict, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        registry.draft("x", given, beside=Path("/"))
