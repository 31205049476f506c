"""A server that answers as neuPrint does."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

TOKEN = "the token of the lab"


class Neuprint:
    """Answers as neuPrint's HTTP API does: /api/custom/custom takes Cypher, gives a table."""

    def __init__(self) -> None:
        self.asked: list[dict[str, str]] = []
        self.answer: tuple[int, object] | None = None
        neuprint = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *_: object) -> None:
                pass

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["content-length"])))
                assert self.path == "/api/custom/custom"
                neuprint.asked.append(body)
                status, told = neuprint.answer or neuprint.partners(body["cypher"])
                if self.headers["authorization"] != f"Bearer {TOKEN}":
                    status, told = 401, {"message": "missing or malformed jwt"}
                content = told if isinstance(told, bytes) else json.dumps(told).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://127.0.0.1:{self.server.server_port}"

    def partners(self, cypher: str) -> tuple[int, object]:
        """Return the table of one body's partners, as inputs or as outputs."""
        columns = [
            "a.bodyId",
            "a.type",
            "a.instance",
            "b.bodyId",
            "b.type",
            "b.instance",
            "e.weight",
        ]
        body = 18446744073709551615
        out = [5, "KC", "KC_R", body, "MBON", "MBON01", 12]
        rows = [out] if "a.bodyId IN" in cypher else [[*out[3:6], *out[:3], 7]]
        return 200, {"columns": columns, "data": rows, "debug": ""}

    def close(self) -> None:
        """Stop answering."""
        self.server.shutdown()
        self.server.server_close()
