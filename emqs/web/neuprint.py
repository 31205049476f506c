"""Connections of segments, asked of a neuPrint server; its token never leaves this one."""

import logging
import os
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import quote, urlsplit

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, Field

from emqs.annotations.segments import checked_segment
from emqs.errors import ConfigError, NotFoundError
from emqs.web.context import Context, context
from emqs.web.refusals import Refusal
from emqs.web.rights import Access, needs
from emqs.web.settings import NeuprintConfig, is_loopback

if TYPE_CHECKING:
    import httpx2

logger = logging.getLogger(__name__)

router = APIRouter(tags=["neuprint"])

Reading = Annotated[Access, needs("dataset:reader")]
Writing = Annotated[Access, needs("dataset:annotator")]
TOKEN = "EMQS_NEUPRINT_TOKEN"
TOKEN_FILE = "EMQS_NEUPRINT_TOKEN_FILE"
TIMEOUT_S = 60.0
MOST_BODIES = 100
MOST_ROWS = 1000
MOST_BYTES = 32 * 2**20
# Bodies are whole numbers and put in as such; nothing else of a request gets into this text.
PARTNERS = """MATCH (a:Neuron)-[e:ConnectsTo]->(b:Neuron)
WHERE {side}.bodyId IN [{bodies}]
RETURN a.bodyId, a.type, a.instance, b.bodyId, b.type, b.instance, e.weight
ORDER BY e.weight DESC LIMIT {limit}"""
COLUMNS = (
    *("from", "from_type", "from_instance", "to", "to_type", "to_instance"),
    "weight",
)


class Cypher(BaseModel):
    """A question in the language of neuPrint's database."""

    cypher: str = Field(min_length=1, max_length=20_000)


class Neuprint:
    """The connection of one process to neuPrint."""

    def __init__(self, state: Context) -> None:
        """Read the token from the environment, or the file that it names."""
        import httpx2

        path = os.environ.get(TOKEN_FILE)
        self._token = os.environ.get(TOKEN)
        if path is not None:
            with open(path, encoding="utf-8") as file:  # noqa: PTH123 - a path of the environment
                self._token = file.read().strip()
        self._client = httpx2.Client(timeout=TIMEOUT_S)
        for name, config in state.settings.neuprint.items():
            _check(name, config)

    def ask(self, config: NeuprintConfig, cypher: str) -> dict[str, Any]:
        """Return columns and rows of an answer.

        Raises:
            ConfigError: If neuPrint does not understand the question.
            Refusal: 502 if it does not answer.
        """
        import httpx2

        headers = {} if self._token is None else {"Authorization": f"Bearer {self._token}"}
        body = {"cypher": cypher, "dataset": config.dataset}
        try:
            url = f"{config.server.rstrip('/')}/api/custom/custom"
            with self._client.stream("POST", url, json=body, headers=headers) as answer:
                content = _limited(answer)
            status = answer.status_code
            told = httpx2.Response(200, content=content).json() if content else {}
        except (httpx2.HTTPError, ValueError) as error:
            logger.warning("neuPrint does not answer: %s", type(error).__name__)
            raise Refusal(502, "neuPrint does not answer. Try again later.") from None
        if status == 400 and isinstance(told, dict) and "error" in told:
            raise ConfigError(f"neuPrint: {str(told['error'])[:500]}")
        if status != 200 or not isinstance(told, dict) or "data" not in told:
            logger.warning("neuPrint answered with status %d", status)
            raise Refusal(502, f"neuPrint refused the question with status {status}.")
        return {"columns": told.get("columns", []), "rows": told["data"]}

    def close(self) -> None:
        """Close connections."""
        self._client.close()


def _check(name: str, config: NeuprintConfig) -> None:
    address = urlsplit(config.server)
    if address.scheme != "https" and not is_loopback(address.hostname or ""):
        raise ConfigError(
            f"serve.neuprint.{name}.server must start with https://, got {config.server}."
        )


def _limited(answer: "httpx2.Response") -> bytes:
    """Return a body, if it is not too long.

    Raises:
        ValueError: If it is.
    """
    parts, size = [], 0
    for part in answer.iter_bytes():
        size += len(part)
        if size > MOST_BYTES:
            raise ValueError("the answer is too long")
        parts.append(part)
    return b"".join(parts)


def _of(state: Context, access: Access) -> tuple[NeuprintConfig, Neuprint]:
    config = state.settings.neuprint.get(access.dataset.name)
    if config is None:
        raise NotFoundError(f"The dataset {access.dataset.name} has no neuPrint.")
    return config, state.kept(Neuprint, Neuprint)


def page_of(config: NeuprintConfig, body: int) -> str:
    """Return the address of a body's page."""
    name = quote(config.dataset, safe="")
    return f"{config.server.rstrip('/')}/view?dataset={name}&bodyid={body}"


@router.get("/datasets/{dataset}/neuprint")
def configured(request: Request, access: Reading) -> dict[str, Any]:
    """Say whether the dataset has a neuPrint, and where."""
    config = context(request).settings.neuprint.get(access.dataset.name)
    if config is None:
        return {"server": None, "dataset": None}
    return {"server": config.server, "dataset": config.dataset}


@router.get("/datasets/{dataset}/neuprint/bodies")
def connections(
    request: Request,
    access: Reading,
    body: Annotated[list[str], Query(min_length=1, max_length=MOST_BODIES)],
    limit: Annotated[int, Query(ge=1, le=MOST_ROWS)] = 200,
) -> dict[str, Any]:
    """Return the strongest connections into and out of bodies, with links to their pages."""
    config, neuprint = _of(context(request), access)
    numbers = [checked_segment(one) for one in body]
    bodies = ", ".join(str(number) for number in numbers)
    answers = {}
    for name, side in (("outputs", "a"), ("inputs", "b")):
        cypher = PARTNERS.format(side=side, bodies=bodies, limit=limit)
        rows = neuprint.ask(config, cypher)["rows"]
        answers[name] = [_told(row) for row in rows]
    return {**answers, "links": {str(number): page_of(config, number) for number in numbers}}


def _told(row: list[Any]) -> dict[str, Any]:
    """Return a connection; bodies are decimal texts, since browsers round large numbers."""
    told = dict(zip(COLUMNS, row, strict=True))
    return {**told, "from": str(told["from"]), "to": str(told["to"])}


@router.post("/datasets/{dataset}/neuprint/query")
def query(request: Request, access: Writing, body: Cypher) -> dict[str, Any]:
    """Pass a question on to neuPrint, for the dataset that the settings name."""
    config, neuprint = _of(context(request), access)
    return neuprint.ask(config, body.cypher)
