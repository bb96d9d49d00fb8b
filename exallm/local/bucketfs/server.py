"""A small HTTP BucketFS for the embedded engine: one service, one bucket, loopback only.

``GET /`` lists the buckets, ``GET /<bucket>`` the files; a file is read by GET and HEAD, put by PUT
and removed by DELETE at ``/<bucket>/<path>``. User ``r`` reads, user ``w`` reads and writes. Files
lie as ``<root>/<service>/<bucket>/<path>``.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import errno
import hmac
import ipaddress
import logging
import os
import re
import socket
import socketserver
import sys
import threading
import urllib.parse
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any, NoReturn

from exallm.local.bucketfs.bucket_folder import BucketFolder, BucketPathError
from exallm.local.bucketfs.request_body import BodyError, RequestBody
from exallm_udfs.errors import ExallmError

_LOG = logging.getLogger(__name__)
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_-]*")
_FULL_DISK = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_SECONDS_OF_SILENCE = 120
_SECONDS_TO_CLEAN_UP = 10


@dataclass(frozen=True)
class _Settings:
    write_password: str = field(repr=False)
    read_password: str = field(repr=False)
    host: str
    port: int
    service: str
    bucket: str

    def __post_init__(self) -> None:
        if self.host != "localhost" and not ipaddress.IPv4Address(self.host).is_loopback:
            _refuse(f"{self.host} is no loopback address", "use 127.0.0.1")
        if not self.write_password or not self.read_password:
            _refuse("a password is empty", "give one for reading and one for writing")
        if hmac.compare_digest(self.write_password.encode(), self.read_password.encode()):
            _refuse("both passwords are the same", "give another one for writing")
        for name in (self.service, self.bucket):
            if _NAME.fullmatch(name) is None:
                _refuse(f"{name!r} is no name", "use letters, digits, '_' and '-'")


def _refuse(problem: str, remedy: str) -> NoReturn:
    raise ExallmError("E-EXALLM-LOCAL-43", problem, remedy)


class BucketFsServer:
    """Serves one bucket from a thread of its own; usable as a context manager.

    :param root: the folder that stands for ``/buckets``.
    :param write_password: of user ``w``.
    :param read_password: of user ``r``.
    :param host: a loopback address.
    :param port: 0 takes any free one.
    :raises ExallmError: E-EXALLM-LOCAL-43 for settings that contradict each other or the rules.
    """

    def __init__(
        self,
        root: Path,
        write_password: str,
        read_password: str,
        host: str = "127.0.0.1",
        port: int = 0,
        service: str = "bfsdefault",
        bucket: str = "default",
    ) -> None:
        self.settings = _Settings(write_password, read_password, host, port, service, bucket)
        self.folder = BucketFolder(root / service / bucket, root / ".uploads" / service)
        self._server: _HttpServer | None = None
        self._thread: threading.Thread | None = None

    @property
    def port(self) -> int:
        """The port that it listens on, once started."""
        if self._server is None:
            raise RuntimeError("the BucketFS is not started")
        return int(self._server.server_address[1])

    @property
    def url(self) -> str:
        """``http://host:port``, once started."""
        return f"http://{self.settings.host}:{self.port}"

    def start(self) -> None:
        """Prepare the folder and listen.

        :raises ExallmError: E-EXALLM-LOCAL-42 where the port is taken, E-EXALLM-LOCAL-43 where the
            folder cannot be made.
        """
        try:
            self.folder.prepare()
        except OSError as problem:
            _refuse(
                f"the folder {self.folder.root} cannot be used ({problem.strerror})",
                "choose a folder that you may write to",
            )
        try:
            self._server = _HttpServer(self.settings, self.folder)
        except OSError as problem:
            raise ExallmError(
                "E-EXALLM-LOCAL-42",
                f"the BucketFS cannot listen on {self.settings.host}:{self.settings.port} "
                f"({problem.strerror})",
                "stop what listens there, or choose another port",
            ) from problem
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.1,), name="bucketfs", daemon=True
        )
        self._thread.start()

    def stop(self) -> None:
        """Stop listening and break off every connection; an upload under way leaves nothing."""
        if self._server is None or self._thread is None:
            return
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
        self._server.close_connections()
        self.folder.stop()
        self._server = self._thread = None

    def __enter__(self) -> BucketFsServer:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


class _HttpServer(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 64

    def __init__(self, settings: _Settings, folder: BucketFolder) -> None:
        self.settings = settings
        self.folder = folder
        self._connections: set[socket.socket] = set()
        self._changed = threading.Condition()
        super().__init__((settings.host, settings.port), _Handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        with self._changed:
            self._connections.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        super().shutdown_request(request)
        with self._changed:
            self._connections.discard(request)
            self._changed.notify_all()

    def close_connections(self) -> None:
        """Break off every connection and wait until each has cleaned up."""
        with self._changed:
            for connection in self._connections:
                # One that the client has closed already refuses.
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)
            self._changed.wait_for(lambda: not self._connections, _SECONDS_TO_CLEAN_UP)

    def handle_error(self, request: Any, client_address: Any) -> None:
        problem = sys.exception()
        if not isinstance(problem, ConnectionError | TimeoutError):
            _LOG.error("a BucketFS request failed", exc_info=problem)


class _AnswerError(Exception):
    """Ends a request with an error status and one line of text."""

    def __init__(self, status: int, text: str, **headers: str) -> None:
        self.status = status
        self.headers = headers
        super().__init__(text)


class _Handler(BaseHTTPRequestHandler):
    server: _HttpServer
    protocol_version = "HTTP/1.1"
    server_version = "BucketFS"
    sys_version = ""
    timeout = _SECONDS_OF_SILENCE
    disable_nagle_algorithm = True

    def handle_expect_100(self) -> bool:
        """The client waits for a word before it sends the body; it comes once the body is read."""
        return True

    def log_message(self, format: str, *args: Any) -> None:
        """Keep no log of requests."""

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """What the base class refuses, answered in one line too."""
        self.close_connection = True
        self._answer_text(code, message or "the request cannot be read")

    def do_GET(self) -> None:
        self._handle(self._read)

    def do_HEAD(self) -> None:
        self._handle(self._read)

    def do_PUT(self) -> None:
        self._handle(self._put)

    def do_DELETE(self) -> None:
        self._handle(self._delete)

    def do_POST(self) -> None:
        self._handle(self._refuse_method)

    do_PATCH = do_OPTIONS = do_TRACE = do_CONNECT = do_POST  # noqa: N815

    def _handle(self, action: Callable[[], None]) -> None:
        try:
            self._body = RequestBody(self.rfile, self.headers)  # type: ignore[arg-type]
            try:
                action()
            except _AnswerError as problem:
                self._finish_body()
                self._answer_text(problem.status, str(problem), **problem.headers)
        except BodyError as problem:
            self.send_error(problem.status, str(problem))

    def _finish_body(self) -> None:
        """A body that nobody read would be taken for the next request."""
        if self._body.is_read:
            return
        if self._awaits_continue():
            self.close_connection = True
            return
        self._body.drain()

    def _awaits_continue(self) -> bool:
        return self.headers.get("Expect", "").lower() == "100-continue"

    def _read(self) -> None:
        self._finish_body()
        path = self._path()
        if path == "":
            self._answer_text(200, self.server.settings.bucket)
            return
        self._authenticate(may_read=True)
        name = self._name_in_bucket(path)
        if name == "":
            self._answer_text(200, "\n".join(self.server.folder.paths()))
            return
        try:
            file = self.server.folder.open(name)
        except (FileNotFoundError, NotADirectoryError):
            raise _AnswerError(404, "there is no such file") from None
        except BucketPathError as problem:
            raise _AnswerError(400, str(problem)) from None
        except OSError as problem:
            raise _AnswerError(500, f"the disk failed: {problem.strerror}") from None
        with file:
            size = os.fstat(file.fileno()).st_size
            self._begin_answer(200, size, "application/octet-stream")
            if self.command == "GET":
                self.connection.sendfile(file, count=size or None)

    def _put(self) -> None:
        self._authenticate(may_read=False)
        name = self._name_in_bucket(self._path())
        if not self._body.has_length:
            raise _AnswerError(411, "the length of the file is not given")
        try:
            self.server.folder.write(name, self._continued_body())
        except BucketPathError as problem:
            raise _AnswerError(400, str(problem)) from None
        except (IsADirectoryError, NotADirectoryError):
            raise _AnswerError(409, "a file and a folder cannot share a path") from None
        except (ConnectionError, TimeoutError):
            raise
        except OSError as problem:
            if problem.errno in _FULL_DISK:
                raise _AnswerError(507, "the disk is full; nothing was changed") from None
            raise _AnswerError(500, f"the disk failed: {problem.strerror}") from None
        self._answer_text(200, "stored")

    def _continued_body(self) -> RequestBody:
        if self._awaits_continue():
            self.send_response_only(100)
            self.end_headers()
            del self.headers["Expect"]
        return self._body

    def _delete(self) -> None:
        self._finish_body()
        self._authenticate(may_read=False)
        name = self._name_in_bucket(self._path())
        try:
            removed = self.server.folder.delete(name)
        except BucketPathError as problem:
            raise _AnswerError(400, str(problem)) from None
        # The client's contract: removing what is not there is no error.
        self._answer_text(200, "removed" if removed else "there was no such file")

    def _refuse_method(self) -> None:
        raise _AnswerError(405, f"{self.command} is not supported", Allow="GET, HEAD, PUT, DELETE")

    def _authenticate(self, may_read: bool) -> None:
        scheme, _, token = self.headers.get("Authorization", "").partition(" ")
        try:
            given = (
                base64.b64decode(token.strip(), validate=True) if scheme.lower() == "basic" else b""
            )
        except (binascii.Error, ValueError):
            given = b""
        settings = self.server.settings
        writes = hmac.compare_digest(given, f"w:{settings.write_password}".encode())
        reads = hmac.compare_digest(given, f"r:{settings.read_password}".encode())
        if not writes and not reads:
            raise _AnswerError(
                401,
                "user name or password is wrong",
                **{"WWW-Authenticate": 'Basic realm="BucketFS"'},
            )
        if not writes and not may_read:
            raise _AnswerError(403, "user r may not write")

    def _path(self) -> str:
        """The decoded path of the request without its first slash."""
        raw = self.path.partition("?")[0]
        if not raw.startswith("/"):
            raise _AnswerError(400, "the path does not begin with '/'")
        try:
            return urllib.parse.unquote_to_bytes(raw[1:].encode("latin-1")).decode()
        except UnicodeDecodeError:
            raise _AnswerError(400, "the path is not valid UTF-8") from None

    def _name_in_bucket(self, path: str) -> str:
        bucket, _, name = path.partition("/")
        if bucket != self.server.settings.bucket:
            raise _AnswerError(404, "there is no such bucket")
        return name

    def _answer_text(self, status: int, text: str, **headers: str) -> None:
        content = (text + "\n").encode(errors="replace") if text else b""
        self._begin_answer(status, len(content), "text/plain; charset=utf-8", **headers)
        if self.command != "HEAD":
            self.wfile.write(content)

    def _begin_answer(self, status: int, size: int, kind: str, **headers: str) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(size))
        self.send_header("Content-Type", kind)
        for name, value in headers.items():
            self.send_header(name, value)
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
