"""The pages of the application, and the description of the API for people."""

from html import escape
from pathlib import Path
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import FileResponse, HTMLResponse, Response
from starlette.staticfiles import StaticFiles

from emqs.web.refusals import Refusal
from emqs.web.rights import needs

STATIC = Path(__file__).parent / "static"  # what emqs/web/frontend is built into
FOREVER = "public, max-age=31536000, immutable"  # names of built files hold a digest
PIECE = 1 << 20  # bytes that are read of a file at once: each costs a turn of a thread
METHODS = ("get", "post", "put", "patch", "delete")

router = APIRouter(include_in_schema=False)

NO_PAGES = """<!doctype html><html lang="en"><meta charset="utf-8"><title>emqs</title>
<h1>emqs</h1><p>The server is at work. Its pages are not built into this installation; the API is
described at <a href="/api/docs">/api/docs</a>.</p></html>"""

STYLE = """body{font:15px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}
code,pre{font:13px ui-monospace,monospace}pre{white-space:pre-wrap}details{margin:.3rem 0;
border:1px solid #8886;border-radius:4px;padding:.3rem .6rem}summary{cursor:pointer}
b{display:inline-block;width:4.5rem}table{border-collapse:collapse}td{padding:.1rem .8rem .1rem 0;
vertical-align:top}:root{color-scheme:light dark}"""


def mount(app: Any) -> None:  # noqa: ANN401 - the application
    """Let an application answer with built files of pages, if there are any."""
    assets = STATIC / "assets"
    if assets.is_dir():
        app.mount("/assets", _Kept(directory=assets), name="assets")


class _Kept(StaticFiles):
    """Files that never change under one name."""

    def file_response(self, *arguments: Any, **options: Any) -> Response:  # noqa: ANN401
        """Return the answer with a file, which browsers keep."""
        response = super().file_response(*arguments, **options)
        response.headers["Cache-Control"] = FOREVER
        if isinstance(response, FileResponse):
            response.chunk_size = PIECE
        return response


@router.get("/api/docs", dependencies=[needs("public")])
def docs(request: Request) -> HTMLResponse:
    """Describe every route on one page, which needs nothing from other servers."""
    return HTMLResponse(described(request.app.openapi()))


@router.get("/api/{path:path}", dependencies=[needs("public")])
def no_route(path: str) -> Response:  # noqa: ARG001
    """Answer what is asked of the API and is no route."""
    raise Refusal(404, "There is no such route; all are described at /api/docs.")


@router.get("/{path:path}", dependencies=[needs("public")])
def page(path: str) -> Response:
    """Return the page of the application, whose parts tell from the address what to show."""
    index = STATIC / "index.html"
    if not index.is_file():
        return HTMLResponse(NO_PAGES, 200 if path == "" else 404)
    name = STATIC / path
    direct = "/" not in path and "\\" not in path and name.suffix and name.is_file()
    return FileResponse(name if direct else index, headers={"Cache-Control": "no-cache"})


def described(schema: dict[str, Any]) -> str:
    """Return a page that describes an API.

    Args:
        schema: Its description as OpenAPI.
    """
    groups: dict[str, list[str]] = {}
    for path, methods in schema["paths"].items():
        for method in METHODS:
            if method in methods:
                route = methods[method]
                groups.setdefault(route.get("tags", ["other"])[0], []).append(
                    _route(path, method, route, schema)
                )
    parts = [f"<h2>{escape(name)}</h2>{''.join(routes)}" for name, routes in groups.items()]
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>emqs: API</title>'
        f"<style>{STYLE}</style><h1>emqs {escape(schema['info']['version'])}: API</h1>"
        "<p>Programs send <code>Authorization: Bearer TOKEN</code>; a token is made under "
        "<code>POST /api/v1/auth/tokens</code> or on the page of one's account. The same, for "
        'programs: <a href="/api/openapi.json">openapi.json</a>.</p>'
        f"{''.join(parts)}</html>"
    )


def _route(path: str, method: str, route: dict[str, Any], schema: dict[str, Any]) -> str:
    """Return the description of one route."""
    rows = "".join(
        f"<tr><td><code>{escape(p['name'])}</code><td>{escape(p['in'])}"
        f"<td>{escape(p.get('description', ''))}</tr>"
        for p in route.get("parameters", [])
    )
    body = ""
    for kind, content in route.get("requestBody", {}).get("content", {}).items():
        body = f"<p>Body, {escape(kind)}:</p>{_fields(content.get('schema', {}), schema)}"
    return (
        f"<details><summary><b>{method.upper()}</b><code>{escape(path)}</code></summary>"
        f"<p>{escape(route.get('description', ''))}</p><table>{rows}</table>{body}</details>"
    )


def _fields(node: dict[str, Any], schema: dict[str, Any]) -> str:
    """Return the fields of a body."""
    if "$ref" in node:
        node = schema["components"]["schemas"][node["$ref"].rpartition("/")[2]]
    required = node.get("required", [])
    rows = "".join(
        f"<tr><td><code>{escape(name)}</code><td>{_type(field)}"
        f"<td>{'needed' if name in required else ''}<td>{escape(field.get('description', ''))}</tr>"
        for name, field in node.get("properties", {}).items()
    )
    return f"<table>{rows}</table>" if rows else f"<p>{escape(node.get('description', ''))}</p>"


def _type(field: dict[str, Any]) -> str:
    """Return the name of a field's type."""
    kinds = [part.get("type", "object") for part in field.get("anyOf", [field])]
    return escape(" or ".join(str(kind) for kind in kinds))
