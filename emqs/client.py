"""A client of an emqs server: datasets, searches, annotations, atlas and merges from Python.

    from emqs.client import Client

    with Client("https://emqs.lab.org", token="emqs_...") as client:
        brain = client.dataset("brain")
        print(next(brain.search([(30, 2000, 3100)])))
        brain.upload({"kind": "point", "points": [[30, 2000, 3100]], "title": "a synapse"})

Places are voxels of full resolution, Z Y X.
"""

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from emqs.annotations.client_rows import Place, Row, keyed, place_of, rows_of
from emqs.errors import (
    ConfigError,
    ConflictError,
    DataError,
    EmqsError,
    ForbiddenError,
    NotFoundError,
    require,
)

if TYPE_CHECKING:
    import httpx2
    import pandas as pd  # type: ignore[import-untyped]

TOKEN = "EMQS_TOKEN"  # environment variable that is looked at where no token is given
TIMEOUT_S, API = 120.0, "/api/v1"
ERRORS: dict[int, type[EmqsError]] = {
    401: ForbiddenError,
    403: ForbiddenError,
    404: NotFoundError,
    409: ConflictError,
    412: ConflictError,
    428: ConfigError,
}
__all__ = ["Client", "Dataset", "rows_of"]

BATCH = 2000  # annotations in one request
TRIES = 4  # of a request that a server could not be reached with


class Client:
    """A server, and who one is there."""

    def __init__(self, url: str, token: str | None = None, *, timeout_s: float = TIMEOUT_S) -> None:
        """Connect to nothing yet.

        Args:
            url: Of the server, e.g. ``"http://127.0.0.1:8570"``.
            token: Made on the page of one's account; None: that in the environment, ``EMQS_TOKEN``.
            timeout_s: Longest wait for an answer, seconds.

        Raises:
            ConfigError: If no token is given.
            MissingDependencyError: If httpx2 is not installed.
        """
        given = os.environ.get(TOKEN) if token is None else token
        if given is None:
            raise ConfigError(
                f"token is missing: give it, or set the environment variable {TOKEN}."
            )
        http = require("httpx2", extra="serve", purpose="talk to a server")
        transport = http.HTTPTransport(retries=TRIES - 1)  # of connections, not of requests
        self.http: httpx2.Client = http.Client(
            base_url=url.rstrip("/") + API,
            headers={"Authorization": f"Bearer {given}"},
            timeout=timeout_s,
            transport=transport,
        )
        self._broken: tuple[type[Exception], ...] = (http.TransportError,)

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close connections."""
        self.close()

    def close(self) -> None:
        """Close connections."""
        self.http.close()

    def ask(self, method: str, path: str, **options: Any) -> Any:  # noqa: ANN401 - JSON
        """Return what a server answers, as JSON; None if it says nothing.

        Args:
            method: ``"GET"``, ``"POST"`` ...
            path: Under ``/api/v1``, e.g. ``"/datasets"``.
            **options: ``json``, ``params``, ``content`` and ``headers`` of httpx2.

        Raises:
            EmqsError: With the sentence that the server answers, if it refuses.
            DataError: If it cannot be reached.
        """
        answer = self.raw(method, path, **options)
        return answer.json() if answer.content else None

    def raw(self, method: str, path: str, **options: Any) -> "httpx2.Response":  # noqa: ANN401
        """Return the answer of a server that does not refuse; errors as of ``ask``."""
        try:
            answer = self.http.request(method, path, **options)
        except self._broken as error:
            raise DataError(
                f"{self.http.base_url} does not answer ({type(error).__name__}). Is it running?"
            ) from None
        if answer.status_code >= 400:
            try:
                sentence = str(answer.json()["error"])
            except (ValueError, KeyError, TypeError):
                sentence = f"The server answered with status {answer.status_code}."
            raise ERRORS.get(answer.status_code, DataError)(sentence)
        return answer

    def pages(self, path: str, name: str, **params: Any) -> Iterator[Row]:  # noqa: ANN401
        """Yield the rows of a list, page by page.

        Args:
            path: Of the list.
            name: What its rows are called in the answer, e.g. ``"annotations"``.
            **params: Of the request.
        """
        after = None
        while True:
            given = {key: value for key, value in params.items() if value is not None}
            if after is not None:
                given["after"] = after
            page = self.ask("GET", path, params=given)
            yield from page[name]
            after = page["after"]
            if after is None:
                return

    def me(self) -> Row:
        """Return who the token belongs to, with groups and roles."""
        return dict(self.ask("GET", "/auth/me"))

    def datasets(self) -> list[Row]:
        """Return the datasets that one may read, by name."""
        return list(self.ask("GET", "/datasets")["datasets"])

    def dataset(self, name: str) -> "Dataset":
        """Return a dataset; nothing is asked yet."""
        return Dataset(self, name)

    def atlas(self, **filters: Any) -> Iterator[Row]:  # noqa: ANN401 - of several types
        """Yield atlas entries, newest first: of a ``dataset``, ``state``, ``text``, ``tag``."""
        return self.pages("/atlas", "entries", **filters)


class Dataset:
    """A dataset of a server."""

    def __init__(self, client: Client, name: str) -> None:
        """Ask nothing yet."""
        self.client, self.name = client, name
        self.path = f"/datasets/{name}"

    def about(self) -> Row:
        """Return title, voxel size, shape, layers and one's role."""
        return dict(self.client.ask("GET", self.path))

    # --- searches --------------------------------------------------------------------------------

    def search(
        self,
        positives: Sequence[Place],
        negatives: Sequence[Place] = (),
        **options: Any,  # noqa: ANN401
    ) -> Iterator[Row]:
        """Yield the places most alike, best first, for as long as they are asked for.

        Args:
            positives: Voxels ``(z, y, x)``, ids of annotations, or places as the API has them.
            negatives: Of what is not looked for.
            **options: ``k`` of a page, ``region_nm``, ``inside``, ``outside``, ``exact``,
                ``datasets`` and so on; see ``/api/docs``.

        Raises:
            EmqsError: If the server refuses.
        """
        question = self.question(positives, negatives, **options)
        after = 0
        while True:
            body = {**question, "after": after}
            page = self.client.ask("POST", f"{self.path}/search", json=body)
            yield from page["matches"]
            if page["after"] is None:
                return
            after = page["after"]

    def question(
        self,
        positives: Sequence[Place],
        negatives: Sequence[Place] = (),
        **options: Any,  # noqa: ANN401
    ) -> Row:
        """Return a question as the API has it; arguments as of ``search``."""
        return {
            "positives": [place_of(place) for place in positives],
            "negatives": [place_of(place) for place in negatives],
            **options,
        }

    def search_many(self, questions: Sequence[Row]) -> list[Row]:
        """Return the answers to many questions, each made by ``question``."""
        answers: list[Row] = []
        rest = iter(questions)
        while part := list(islice(rest, 100)):
            body = {"questions": part}
            answers += self.client.ask("POST", f"{self.path}/search/batch", json=body)["answers"]
        return answers

    def save_search(self, title: str, question: Row, note: str = "") -> Row:
        """Keep a question with its answer."""
        body = {"title": title, "note": note, "question": question}
        return dict(self.client.ask("POST", f"{self.path}/searches", json=body))

    def searches(self) -> Iterator[Row]:
        """Yield one's saved searches, newest first."""
        return self.client.pages(f"{self.path}/searches", "searches")

    # --- predictions -----------------------------------------------------------------------------

    def predict(
        self,
        positives: Sequence[Place],
        negatives: Sequence[Place] = (),
        *,
        start: Sequence[int],
        stop: Sequence[int],
        threshold: float | None = None,
    ) -> Row:
        """Return the objects in a region, ``id``, and ``suggestions`` of what to click next.

        Args:
            positives: Places on the structure, as of ``search``.
            negatives: Places on something else.
            start: First voxel, Z Y X.
            stop: First voxel outside; at most 2^20 voxels in all.
            threshold: From which probability on a voxel belongs to an object; None: 0.5.

        Raises:
            EmqsError: If the server refuses.
        """
        region = {"start": [int(v) for v in start], "stop": [int(v) for v in stop]}
        body = {**self.question(positives, negatives), **region, "threshold": threshold}
        return dict(self.client.ask("POST", f"{self.path}/predictions", json=body))

    def objects(self, prediction: Row, threshold: float) -> list[Row]:
        """Return the objects of a prediction at another threshold."""
        path = f"{self.path}/predictions/{prediction['id']}/objects"
        return list(self.client.ask("GET", path, params={"threshold": threshold})["objects"])

    def predict_all(
        self,
        name: str,
        positives: Sequence[Sequence[int]],
        negatives: Sequence[Sequence[int]] = (),
        **options: Any,  # noqa: ANN401
    ) -> Row:
        """Ask for a prediction of the whole dataset, as a layer of one's own and its objects.

        Args:
            name: Of the layer.
            positives: Voxels ``(z, y, x)`` on the structure.
            negatives: Voxels on something else.
            **options: ``layer``, the embedding; ``start``, ``stop``, ``threshold``.

        Returns:
            The job; ``job`` says how far it is.
        """
        options.setdefault("layer", self.client.ask("GET", f"{self.path}/predictions")["embedding"])
        clicks = {"positives": positives, "negatives": negatives}
        voxels = {key: [[int(v) for v in one] for one in some] for key, some in clicks.items()}
        body = {"kind": "predict", "settings": {"name": name, **voxels, **options}}
        return self.job(self.client.ask("POST", f"{self.path}/jobs", json=body))

    def job(self, job: Row) -> Row:
        """Return a job as it is now: ``state``, ``progress``, ``error``, ``result``."""
        return dict(self.client.ask("GET", f"/jobs/{job['id']}"))

    # --- annotations -----------------------------------------------------------------------------

    def annotations(self, **filters: Any) -> Iterator[Row]:  # noqa: ANN401 - of several types
        """Yield annotations that one may see.

        Args:
            **filters: ``text``, ``tag``, ``kind``, ``owner``, ``bbox`` ("z,y,x,z,y,x"), ``z``,
                ``changed_since``, ``sort`` and so on; see ``/api/docs``.
        """
        filters.setdefault("limit", 1000)
        return self.client.pages(f"{self.path}/annotations", "annotations", **filters)

    def annotate(self, **fields: Any) -> Row:  # noqa: ANN401 - of several types
        """Make an annotation of ``kind``, ``points``, ``title``, ``tags`` and so on."""
        return dict(self.client.ask("POST", f"{self.path}/annotations", json=fields))

    def update(self, annotation: Row, **fields: Any) -> Row:  # noqa: ANN401 - of several types
        """Change the fields that are given of an annotation that one has read.

        Raises:
            ConflictError: If it was changed in the meantime.
        """
        path = f"{self.path}/annotations/{annotation['id']}"
        return dict(self.client.ask("PATCH", path, json=fields, headers=_revision(annotation)))

    def delete(self, annotation: Row) -> Row:
        """Delete an annotation that one has read; ``undo`` brings it back."""
        path = f"{self.path}/annotations/{annotation['id']}"
        return dict(self.client.ask("DELETE", path, headers=_revision(annotation)))

    def undo(self, annotation: Row) -> Row:
        """Take the newest step of an annotation back."""
        path = f"{self.path}/annotations/{annotation['id']}/undo"
        return dict(self.client.ask("POST", path, headers=_revision(annotation)))

    def history(self, annotation_id: str) -> list[Row]:
        """Return every revision of an annotation, oldest first."""
        path = f"{self.path}/annotations/{annotation_id}/history"
        return list(self.client.ask("GET", path)["revisions"])

    def upload(
        self,
        rows: "Iterable[Row] | Row | pd.DataFrame",
        *,
        progress: Callable[[int], None] | None = None,
    ) -> list[Row]:
        """Make many annotations; the same rows sent again, after a break, are made once.

        Args:
            rows: Annotations, or a table with columns such as ``z``, ``y``, ``x``, ``title``; one
                with ``id`` and ``revision`` is changed. Rows without ``client_key`` get one made
                of what they say.
            progress: Is told how many rows are done.

        Returns:
            What became of each row, in order: index, status, id, revision, error.

        Raises:
            DataError: If the server cannot be reached; send the same rows again.
        """
        sent = keyed(rows_of(rows))
        reports: list[Row] = []
        while part := list(islice(sent, BATCH)):
            answer = self.client.ask("POST", f"{self.path}/annotations/batch", json={"rows": part})
            done = len(reports)
            reports += [{**row, "index": row["index"] + done} for row in answer["rows"]]
            if progress is not None:
                progress(len(reports))
        return reports

    def bring_in(self, path: Path | str, *, dry_run: bool = False, **options: Any) -> Row:  # noqa: ANN401
        """Read a file of annotations (CSV, JSON, neuroglancer, DVID, napari) into one's sandbox."""
        params = {"dry_run": dry_run, **options}
        content = Path(path).read_bytes()
        url = f"{self.path}/annotations/import"
        return dict(self.client.ask("POST", url, content=content, params=params))

    def export(self, path: Path | str, format: str = "csv", **filters: Any) -> Path:  # noqa: ANN401
        """Write the annotations that fit into a file, and return its path."""
        answer = self.client.raw(
            "GET", f"{self.path}/annotations/export", params={"format": format, **filters}
        )
        Path(path).write_bytes(answer.content)
        return Path(path)

    def table(self, **filters: Any) -> "pd.DataFrame":  # noqa: ANN401 - of several types
        """Return annotations as a table of pandas; ``upload`` takes it back.

        Columns z, y, x (and z2, y2, x2) are the places; everything else as in the API.

        Raises:
            MissingDependencyError: If pandas is not installed.
        """
        pandas = require("pandas", extra="serve", purpose="make tables of annotations")
        rows = []
        for row in self.annotations(**filters):
            points = row.pop("points")
            for ending, point in zip(("", "2"), points, strict=False):
                row |= {f"{axis}{ending}": v for axis, v in zip("zyx", point, strict=True)}
            rows.append(row)
        return pandas.DataFrame(rows)

    # --- atlas and merges ------------------------------------------------------------------------

    def submit(self, annotation: Row) -> Row:
        """Submit an annotation with title and description to the atlas."""
        body = {"annotation": annotation["id"], "revision": annotation["revision"]}
        return dict(self.client.ask("POST", f"{self.path}/atlas", json=body))

    def review(self, entry: Row, step: str, text: str = "") -> Row:
        """Decide on an atlas entry: ``accepted``, ``rejected`` or ``changes_requested``."""
        body = {"step": step, "revision": entry["revision"], "text": text}
        return dict(self.client.ask("POST", f"{self.path}/atlas/{entry['id']}/review", json=body))

    def merges(self, layer: str) -> Row:
        """Return one's merges over a layer of segments."""
        return dict(self.client.ask("GET", f"{self.path}/merges/{layer}"))

    def merge(self, layer: str, segments: Sequence[int | str]) -> Row:
        """Put segments together with the first of them, in one's sandbox."""
        return self._step(layer, "merge", segments)

    def split(self, layer: str, segments: Sequence[int | str]) -> Row:
        """Take segments out of what they were merged with."""
        return self._step(layer, "split", segments)

    def _step(self, layer: str, action: str, segments: Sequence[int | str]) -> Row:
        body = {
            "action": action,
            "segments": [str(segment) for segment in segments],
            "base_version": self.merges(layer)["version"],
        }
        return dict(self.client.ask("POST", f"{self.path}/merges/{layer}", json=body))

    def request_pull(self, layer: str, title: str, description: str = "") -> Row:
        """Ask for one's merges to be taken over for all."""
        body = {"layer": layer, "title": title, "description": description}
        return dict(self.client.ask("POST", f"{self.path}/pulls", json=body))

    def pulls(self, **filters: Any) -> Iterator[Row]:  # noqa: ANN401 - of several types
        """Yield pull requests, newest first."""
        return self.client.pages(f"{self.path}/pulls", "pulls", **filters)

    def review_pull(self, pull: Row, step: str, text: str = "") -> Row:
        """Decide on a pull request: ``accepted``, ``rejected`` or ``changes_requested``."""
        body = {"step": step, "revision": pull["revision"], "text": text}
        return dict(self.client.ask("POST", f"{self.path}/pulls/{pull['id']}/review", json=body))


def _revision(row: Row) -> dict[str, str]:
    return {"If-Match": f'"{row["revision"]}"'}
