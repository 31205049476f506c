"""A server for tests with ClickHouse's HTTP interface, on 127.0.0.1, over chDB in its process.

python tests/clickhouse_http.py FOLDER USER PASSWORD [CERTIFICATE KEY]

It prints its port, and answers what clients send: a query in the address or the body, data behind
it, settings among the parameters, users in headers. Errors are told as a server does.
"""

import base64
import ssl
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import chdb

FOLDER, USER, PASSWORD = sys.argv[1:4]
one_at_a_time = threading.Lock()
database = chdb.connect(FOLDER)
LIMITS = ("max_query_size", "max_ast_elements", "max_expanded_ast_elements")


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # one packet for headers and content: two would wait for each other

    def do_GET(self) -> None:
        with one_at_a_time:
            self.answer(b"")

    def do_POST(self) -> None:
        if self.headers.get("Transfer-Encoding") == "chunked":
            body = b""
            while size := int(self.rfile.readline(), 16):
                body += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
        else:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        with one_at_a_time:
            self.answer(body)

    def answer(self, body: bytes) -> None:
        parameters = {k: v[0] for k, v in parse_qs(urlsplit(self.path).query).items()}
        if self.path.startswith("/ping"):
            self.reply(200, b"Ok.\n")
            return
        if self.user() != (USER, PASSWORD):
            self.reply(403, b"Code: 516. DB::Exception: x: Authentication failed: password is "
                            b"incorrect, or there is no user. (AUTHENTICATION_FAILED)")  # fmt: skip
            return
        sql, rows = parameters.get("query"), body
        if sql is None:
            text, _, rows = body.partition(b"FORMAT RowBinary\n")
            sql = text.decode() if rows else body.decode()
        given = [f"{name} = {parameters[name]}" for name in LIMITS if name in parameters]
        usual = "max_query_size = 262144, max_ast_elements = 50000"
        database.query(f"SET {', '.join(given) or usual}")
        try:
            if sql.lstrip().upper().startswith("INSERT"):
                table = sql.split("FORMAT")[0]
                with database.send_insert(table, "RowBinary") as stream:
                    stream.append(rows)
                    stream.finish()
                result = b""
            else:
                default = parameters.get("default_format", "TabSeparated")
                result = database.query(sql, default).bytes()
        except RuntimeError as error:
            self.reply(500, str(error).encode())
        else:
            self.reply(200, bytes(result))

    def user(self) -> tuple[str, str]:
        sent = self.headers.get("Authorization", "")
        if sent.startswith("Basic "):
            name, _, password = base64.b64decode(sent[6:]).decode().partition(":")
            return name, password
        return self.headers.get("X-ClickHouse-User", "default"), self.headers.get(
            "X-ClickHouse-Key", ""
        )

    def reply(self, status: int, content: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/octet-stream")
        self.send_header("X-ClickHouse-Timezone", "UTC")
        if status != 200:
            code = content.decode().partition("Code: ")[2].partition(".")[0]
            self.send_header("X-ClickHouse-Exception-Code", code or "1000")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


if __name__ == "__main__":
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    if len(sys.argv) > 4:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*sys.argv[4:])
        server.socket = context.wrap_socket(server.socket, server_side=True)
    print(server.server_port, flush=True)  # noqa: T201
    server.serve_forever()
