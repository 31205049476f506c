"""Requests made up from the server's own description: none may end in a fault of the server."""

import os
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable
from support.served import Served

from emqs.web import app

EXAMPLES = int(os.environ.get("EMQS_FUZZ_EXAMPLES", "1"))  # of each route, good and bad ones
HOST = {"Host": "127.0.0.1"}
SKIPPED = "/events"  # streams that do not end
BUSY = (502, 503)  # another server does not answer, or too much is asked at once


def attack(operation: Any, mode: object, headers: dict[str, str]) -> None:  # noqa: ANN401
    """Send made-up requests to one route."""

    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode), data=st.data())
    def tried(case: Any, data: st.DataObject) -> None:  # noqa: ANN401
        known = {"dataset": ("brain", "open"), "layer": ("image", "labels")}
        for name, values in known.items():
            if name in (case.path_parameters or {}):
                case.path_parameters[name] = data.draw(st.sampled_from(values))
        answer = case.call(headers=headers)
        fine = answer.status_code < 500 or answer.status_code in BUSY
        assert fine, f"{operation.label}: {answer.status_code} {answer.text}"
        if answer.status_code >= 400 and operation.method != "head":
            assert answer.json()["error"]

    with suppress(Unsatisfiable):  # nothing of the route can be wrong
        tried()


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["positive", "negative"])
def test_no_request_ends_in_a_fault_of_the_server(local: Served, mode: str) -> None:
    schemathesis = pytest.importorskip("schemathesis")
    schema = schemathesis.openapi.from_asgi("/api/openapi.json", local.app, headers=HOST)
    headers = {"Authorization": local.people["root"]["Authorization"], **HOST}
    for result in schema.get_all_operations():
        if not result.ok().path.endswith(SKIPPED):
            attack(result.ok(), schemathesis.GenerationMode(mode), headers)


def test_every_route_is_described_once_with_its_right(local: Served) -> None:
    schema = local.client().get("/api/openapi.json").json()
    ids = [
        route["operationId"] for methods in schema["paths"].values() for route in methods.values()
    ]
    assert len(ids) == len(set(ids)) > 100
    for path, methods in schema["paths"].items():
        assert path.startswith(app.PREFIX)
        for route in methods.values():
            assert route["x-right"]
            assert route["description"]
            assert "400" in route["responses"]
    page = local.client().get("/api/docs").text
    assert page.count("<details>") == sum(
        1 for methods in schema["paths"].values() for method in methods if method != "head"
    )
    assert "https://" not in page  # nothing is loaded from other servers
