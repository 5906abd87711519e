"""A server on loopback that gives one file, well or badly, as each request in turn is told to."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

Answer = Callable[["Handler", bytes, int], None]


@dataclass
class Site:
    """What is served, and what was asked for."""

    content: bytes
    answers: list[Answer] = field(default_factory=list)
    asked: list[tuple[str, str | None]] = field(default_factory=list)
    address: str = ""
    ended: threading.Event = field(default_factory=threading.Event)


class Handler(BaseHTTPRequestHandler):
    """Answers each request with the next of the site's answers, and well when they are used up."""

    site: Site

    def do_GET(self) -> None:
        asked = self.headers.get("Range")
        self.site.asked.append((self.path, asked))
        start = int(asked.removeprefix("bytes=").removesuffix("-")) if asked else 0
        answer = self.site.answers.pop(0) if self.site.answers else whole
        answer(self, self.site.content, start)
        self.close_connection = True

    def head(self, status: int, length: int, **headers: str) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(length))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        pass


def _send(handler: Handler, content: bytes, start: int, *, end: int) -> None:
    """Send what was asked for, up to ``end``; the length announced is that of the whole."""
    if start:
        total = len(content)
        handler.head(206, total - start, Content_Range=f"bytes {start}-{total - 1}/{total}")
    else:
        handler.head(200, len(content), Content_Type="application/octet-stream")
    handler.wfile.write(content[start:end])
    handler.wfile.flush()


def whole(handler: Handler, content: bytes, start: int) -> None:
    _send(handler, content, start, end=len(content))


def truncated(by: int) -> Answer:
    """Send that many bytes, and close."""
    return lambda handler, content, start: _send(handler, content, start, end=start + by)


def stalled(by: int) -> Answer:
    """Send that many bytes, and nothing more."""

    def answer(handler: Handler, content: bytes, start: int) -> None:
        _send(handler, content, start, end=start + by)
        handler.site.ended.wait(30)

    return answer


def silent(handler: Handler, content: bytes, start: int) -> None:
    handler.site.ended.wait(30)


def hung_up(handler: Handler, content: bytes, start: int) -> None:
    pass


def no_ranges(handler: Handler, content: bytes, start: int) -> None:
    _send(handler, content, 0, end=len(content))


def other_range(handler: Handler, content: bytes, start: int) -> None:
    handler.head(206, len(content), Content_Range=f"bytes 0-{len(content) - 1}/{len(content)}")
    handler.wfile.write(content)


def corrupt(handler: Handler, content: bytes, start: int) -> None:
    whole(handler, bytes(byte ^ 0x20 for byte in content), start)


def longer(handler: Handler, content: bytes, start: int) -> None:
    handler.head(200, len(content) + 10)
    handler.wfile.write(content + bytes(10))


def page(handler: Handler, content: bytes, start: int) -> None:
    body = b"<!doctype html><title>Sign in</title>"
    handler.head(200, len(body), Content_Type="text/html; charset=utf-8")
    handler.wfile.write(body)


def status(code: int) -> Answer:
    return lambda handler, content, start: handler.head(code, 0)


@contextmanager
def serving(content: bytes, *answers: Answer) -> Iterator[Site]:
    """Serve on loopback until the body ends."""
    site = Site(content, list(answers))
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Bound", (Handler,), {"site": site}))
    site.address = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield site
    finally:
        site.ended.set()
        server.shutdown()
        server.server_close()
        thread.join()
