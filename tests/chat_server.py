"""A server on the loopback that speaks OpenAI's chat completions, well or badly."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Reply:
    """What the server answers.

    :param parts: of the body, with a pause before each but the first.
    """

    parts: list[bytes]
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    pause: float = 0.0


@dataclass
class ChatServer:
    """The requests that came, and how they are answered."""

    answer: Callable[[dict[str, Any]], Reply]
    url: str = ""
    requests: list[dict[str, Any]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)


def said(text: str | None, finish: str = "stop") -> Reply:
    """A proper chat completion."""
    choice = {
        "index": 0,
        "message": {"role": "assistant", "content": text},
        "finish_reason": finish,
    }
    return Reply([json.dumps({"object": "chat.completion", "choices": [choice]}).encode()])


def refusal(status: int, message: str = "no", **headers: str) -> Reply:
    """An error as such servers put it."""
    return Reply([json.dumps({"error": {"message": message}}).encode()], status, headers)


@contextmanager
def chat_server(answer: Callable[[dict[str, Any]], Reply]) -> Iterator[ChatServer]:
    """A running server; ``answer`` gets what the request says."""
    told = ChatServer(answer)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            told.requests.append({"path": self.path, **body})
            told.headers.append({name.lower(): value for name, value in self.headers.items()})
            reply = told.answer(body)
            try:
                self.send_response(reply.status)
                for name, value in reply.headers.items():
                    self.send_header(name.replace("_", "-"), value)
                self.end_headers()
                for number, part in enumerate(reply.parts):
                    time.sleep(reply.pause if number else 0)
                    self.wfile.write(part)
                    self.wfile.flush()
            except OSError:
                # Whoever asked has gone.
                return

        def log_message(self, format: str, *args: Any) -> None:
            """Tell nobody."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    told.url = f"http://127.0.0.1:{server.server_port}/v1"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield told
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
