"""A local server that a test makes slow, breaks off, lets lie about ranges, or empties."""

from __future__ import annotations

import contextlib
import http.server
import re
import threading
import time
from collections.abc import Iterator
from typing import Any


class BadLine(http.server.BaseHTTPRequestHandler):
    """Serves one file and closes the connection after ``server.patience`` bytes; knows Range if ``server.ranges``."""

    server: Any

    def do_GET(self) -> None:
        content: bytes = self.server.content
        asked = self.headers.get("Range")
        self.server.asked.append(asked)
        start = 0
        if self.server.missing:
            self.send_error(404)
            return
        if asked and self.server.ranges:
            start = int(re.fullmatch(r"bytes=(\d+)-", asked)[1])  # type: ignore[index]
            if start >= len(content):
                self.send_response(416)
                self.send_header("Content-Range", f"bytes */{len(content)}")
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            self.send_response(206)
            self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        else:
            self.send_response(200)
        self.send_header("Content-Length", str(len(content) - start))
        self.end_headers()
        self.wfile.write(content[start : start + self.server.patience])
        if start + self.server.patience < len(content):
            time.sleep(self.server.stall_s)

    def log_message(self, *_: Any) -> None: ...


@contextlib.contextmanager
def bad_line(content: bytes) -> Iterator[Any]:
    """A server of ``content`` under any path; ``url`` is its address, ``asked`` the ranges that were asked for."""
    server: Any = http.server.ThreadingHTTPServer(("127.0.0.1", 0), BadLine)
    server.content = content
    server.patience, server.ranges, server.missing, server.asked = 10**9, True, False, []
    server.stall_s = 0.0
    server.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
