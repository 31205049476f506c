"""A server on this machine that fails when it is told to."""

import threading
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path


class Server:
    """Serves a folder on this machine, and fails as often and as it is told."""

    def __init__(self, folder: Path) -> None:
        self.failures: list[str | None] = []  # how the next requests fail, if they do
        self.always: str | None = None  # how all others do
        self.requests: list[str] = []
        server = self

        class Handler(SimpleHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            wbufsize = 2**16

            def __init__(self, *arguments: object) -> None:
                super().__init__(*arguments, directory=str(folder))

            def log_message(self, *arguments: object) -> None: ...

            def do_GET(self) -> None:
                server.requests.append(self.path)
                how = server.failures.pop(0) if server.failures else server.always
                is_file = (folder / self.path.lstrip("/")).is_file()
                if how is None and "Range" in self.headers and is_file:
                    self.send_part(folder / self.path.lstrip("/"))
                elif how is None:
                    super().do_GET()
                elif how.isdigit():
                    self.send_error(int(how))
                else:
                    if how == "cut":
                        self.send_response(200)
                        self.send_header("Content-Length", "48")
                        self.end_headers()
                        self.wfile.write(b"half")
                        self.wfile.flush()
                    elif how == "hang":
                        server.stopped.wait(5)
                    self.close_connection = True

            def send_part(self, path: Path) -> None:
                first, last = self.headers["Range"].removeprefix("bytes=").split("-")
                content = path.read_bytes()
                start = int(first) if first else len(content) - int(last)
                stop = int(last) + 1 if first and last else len(content)
                self.send_response(206)
                self.send_header("Content-Range", f"bytes {start}-{stop - 1}/{len(content)}")
                self.send_header("Content-Length", str(stop - start))
                self.end_headers()
                self.wfile.write(content[start:stop])

        self.stopped = threading.Event()
        ThreadingHTTPServer.request_queue_size = 64  # a full queue costs a second
        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.http.server_port}"
        threading.Thread(target=self.http.serve_forever, args=(0.01,), daemon=True).start()

    def stop(self) -> None:
        self.stopped.set()
        self.http.shutdown()
        self.http.server_close()
