"""Servers and a worker over one PostgreSQL: what one knows the others know at once."""

import os
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import urlsplit

import httpx2
import pytest
from sqlalchemy.engine import make_url
from support.served import random_voxels, write_zarr
from web.test_serve import API, Running, eventually, login, serving, signed_in


def acting(server: Running, cookies: httpx2.Cookies) -> httpx2.Client:
    """Return a browser at another server; a cookie's name says the port, its value the session."""
    client = server.client()
    (token,) = cookies.values()
    client.cookies.set(f"emqs_session_{urlsplit(server.url).port}", token)
    return client


def by_program(server: Running, token: str) -> httpx2.Client:
    """Return a program with an API token."""
    client = server.client()
    client.headers["Authorization"] = f"Bearer {token}"
    return client


def codes(token: str, *asked: Running) -> list[int]:
    """Return how servers answer a program; either process of one may get each request."""
    bearer = {"Authorization": f"Bearer {token}"}
    return [httpx2.get(f"{one.url}{API}/auth/me", headers=bearer).status_code for one in asked]


def does_a_job(home: Path, database: str, asks: httpx2.Client, sees: httpx2.Client) -> None:
    """Ask one server for a download, let a worker make it, and take it from another."""
    box = {"layer": "image", "start": [0, 0, 0], "stop": [4, 4, 4], "format": "npy"}
    asked = {"kind": "download", "settings": box}
    job = asks.post(f"{API}/datasets/a/jobs", json=asked).json()
    path = f"{API}/jobs/{job['id']}"
    command = [sys.executable, "-m", "emqs.web.worker", "--home", str(home), "--idle=0.1"]
    worker = subprocess.Popen(command, env={**os.environ, "EMQS_DATABASE": database})
    try:
        eventually(lambda: sees.get(path).json()["state"] in ("done", "failed"))
        assert sees.get(path).json()["state"] == "done"
        assert sees.get(f"{path}/file").status_code == 200
    finally:
        worker.terminate()
        assert worker.wait(60) == 0


@pytest.mark.slow
def test_who_signs_in_at_one_acts_at_the_other_and_is_refused_by_both(
    tmp_path: Path, empty_postgres: str
) -> None:
    home = tmp_path / "lab"
    parsed = make_url(empty_postgres)
    plain = parsed._replace(password=None).render_as_string()
    secret = {"EMQS_DATABASE_PASSWORD": str(parsed.password)}
    settings = (f"database={plain}", "job_workers=0")
    with ExitStack() as both:
        one = both.enter_context(serving(home, *settings, "workers=2", **secret))
        browser = signed_in(one)
        two = both.enter_context(serving(home, *settings, **secret))
        assert two.link == ""
        write_zarr(home / "files" / "a.zarr", random_voxels((8, 16, 16)))
        (home / "datasets" / "a.yaml").write_text("title: A\nvolume: ../files/a.zarr\n")
        other = acting(two, browser.cookies)
        assert other.get(f"{API}/auth/me").json()["name"] == "admin"
        assert login(two).get(f"{API}/auth/me").json()["name"] == "admin"
        eventually(lambda: other.get(f"{API}/datasets/a").status_code == 200)

        token = browser.post(f"{API}/auth/tokens", json={"name": "script"}).json()
        programs = [by_program(server, token["token"]) for server in (one, two)]
        assert codes(token["token"], one, one, one, two) == [200] * 4
        note = {"kind": "point", "points": [[1, 2, 3]], "title": "a"}
        made = programs[1].post(f"{API}/datasets/a/annotations", json=note).json()
        read = programs[0].get(f"{API}/datasets/a/annotations/{made['id']}").json()
        assert read["title"] == "a"
        does_a_job(home, empty_postgres, *programs)

        assert other.delete(f"{API}/auth/tokens/{token['id']}").status_code == 204
        assert codes(token["token"], *[one, one, one, two] * 3) == [401] * 12
        assert 'route="/auth/me",status="401"' in browser.get(f"{API}/metrics").text
        assert other.post(f"{API}/auth/logout").status_code == 204
        assert browser.get(f"{API}/auth/me").status_code == 401
        assert other.get(f"{API}/auth/me").status_code == 401
    assert str(parsed.password) not in one.log.read_text() + two.log.read_text()
