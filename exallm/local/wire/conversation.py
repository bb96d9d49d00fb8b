"""One client's conversation: login first, then commands, each with one answer."""

from __future__ import annotations

import json
import math
import queue
import threading
import time
import zlib
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import Any

from exallm.local.engine.database import Database
from exallm.local.engine.failures import sql_error
from exallm.local.engine.session import Session
from exallm.local.product import DATABASE_NAME, DATABASE_VERSION
from exallm.local.session_facts import ClientFacts
from exallm.local.sql.refusal import refused
from exallm.local.sql_error import SqlError
from exallm.local.wire.credentials import REJECTED, Credentials
from exallm.local.wire.limits import Limits
from exallm.local.wire.login_keys import LoginKey
from exallm.local.wire.metadata_commands import METADATA_COMMANDS, metadata_query
from exallm.local.wire.prepared_statements import PreparedStatements
from exallm.local.wire.result_sets import ResultSets
from exallm.local.wire.websocket import MESSAGE_LIMIT, WebSocket

_PROTOCOL = 3
_HEARTBEAT_S = 1.0
_WAITING_REQUESTS = 2
Request = dict[str, Any]


class Conversation:
    """Reads requests in one thread and answers them in another, so that an abort gets through.

    :param client: what the connection itself tells of the client.
    """

    def __init__(
        self,
        socket: WebSocket,
        client: ClientFacts,
        database: Database,
        credentials: Credentials,
        limits: Limits,
    ) -> None:
        self._socket = socket
        self._client = client
        self._database = database
        self._credentials = credentials
        self._limits = limits
        self._key: LoginKey | None = None
        # A client that sends without reading fills this, and then its own buffers.
        self._requests: queue.Queue[bytes | None] = queue.Queue(_WAITING_REQUESTS)
        self._last_active = time.monotonic()
        self._session: Session | None = None
        self._results = ResultSets(lambda: self._opened().timestamp_format)
        self._prepared = PreparedStatements(self._opened, self._results)
        self._compressed = False
        self._working = threading.Event()
        self._ended = threading.Event()
        self._commands: dict[str, Callable[[Request], dict[str, Any]]] = {
            "execute": self._execute,
            "executeBatch": self._execute_batch,
            "createPreparedStatement": self._prepared.create,
            "executePreparedStatement": self._prepared.execute,
            "closePreparedStatement": self._prepared.close,
            "fetch": self._fetch,
            "closeResultSet": self._close_result_set,
            "getAttributes": lambda _: {},
            "setAttributes": self._set_attributes,
            "getHosts": self._hosts,
            "disconnect": lambda _: {},
            **dict.fromkeys(METADATA_COMMANDS, self._metadata),
        }

    def run(self) -> None:
        """Serve the client until it leaves."""
        answering = threading.Thread(target=self._answer_all, daemon=True)
        answering.start()
        threading.Thread(target=self._beat, daemon=True).start()
        try:
            for message in self._socket.messages():
                if not self._is_abort(message) and not self._put(message, answering):
                    break
        finally:
            self._ended.set()
            self._socket.close()
            if self._session is not None:
                self._session.abort()
            self._put(None, answering)
            answering.join()

    def _put(self, message: bytes | None, answering: threading.Thread) -> bool:
        """Hand a request over; whether there still is somebody to answer it."""
        while answering.is_alive():
            with suppress(queue.Full):
                self._requests.put(message, timeout=_HEARTBEAT_S)
                return True
        return False

    def _beat(self) -> None:
        """Let no client give up over a long statement: most take 30 silent seconds for an end.

        One that itself is silent for too long is sent away.
        """
        while not self._ended.wait(_HEARTBEAT_S):
            if self._working.is_set():
                try:
                    self._socket.heartbeat()
                except OSError:
                    return  # the client is gone; the reading thread finds out as well
            elif time.monotonic() - self._last_active > self._patience_s():
                self._socket.close()
                return

    def _patience_s(self) -> float:
        """Seconds for which a client may be silent."""
        session = self._session
        if session is None:
            return self._limits.login_s
        return session.idle_timeout_s or math.inf

    def _is_abort(self, message: bytes) -> bool:
        """Abort at once where the message asks for it; it gets no answer."""
        if self._session is None or len(message) > 1000:
            return False
        try:
            request = self._decoded(message)
        except SqlError:
            return False  # the answering thread decodes it again and tells the client
        if request.get("command") != "abortQuery":
            return False
        self._session.abort()
        return True

    def _answer_all(self) -> None:
        try:
            while (message := self._requests.get()) is not None and not self._ended.is_set():
                self._working.set()
                if not self._answer(message):
                    break
                self._last_active = time.monotonic()
                self._working.clear()
        except OSError:
            return  # the client is gone; nobody is left to be told
        finally:
            if self._session is not None:
                self._session.close()
            self._socket.close()

    def _answer(self, message: bytes) -> bool:
        """Answer one request; whether the conversation goes on."""
        compressed, going_on = self._compressed, True
        try:
            request = self._decoded(message)
            data = self._handle(request)
            going_on = request.get("command") != "disconnect"
            answer: dict[str, Any] = {"status": "ok", "responseData": data}
        except Exception as error:
            failure = sql_error(error)
            going_on = failure.code != REJECTED.code
            answer = _error(failure)
        if self._session is not None:
            answer["attributes"] = self._attributes(self._session)
        encoded = json.dumps(answer, ensure_ascii=False).encode("utf-8", "backslashreplace")
        self._socket.send(zlib.compress(encoded, 1) if compressed else encoded, not compressed)
        return going_on

    def _decoded(self, message: bytes) -> Request:
        try:
            if self._compressed:
                message = _inflate(message)
            request = json.loads(message.decode())
        except UnicodeDecodeError as error:
            raise SqlError("42000", "the message is not valid UTF-8") from error
        except (ValueError, zlib.error) as error:
            raise SqlError("42000", "the message is not JSON") from error
        except RecursionError as error:
            raise SqlError("42000", "the message is nested too deeply") from error
        if not isinstance(request, dict):
            raise SqlError("42000", "the message is not a JSON object")
        return request

    def _handle(self, request: Request) -> dict[str, Any]:
        name = request.get("command")
        if self._session is None:
            return self._login(request)
        command = self._commands.get(name) if isinstance(name, str) else None
        if command is None:
            raise refused(5, f"the command {name}")
        return command(request)

    # --- login ---------------------------------------------------------------------------------

    def _login(self, request: Request) -> dict[str, Any]:
        if request.get("command") == "login":
            self._key = self._credentials.keys.take()
            return {**self._key.described()}
        key, self._key = self._key, None
        user = self._credentials.check(request.get("username"), request.get("password"), key)
        session = Session(self._database, user)
        session.client = _with_words(self._client, request)
        try:
            session.require_login()
            self._apply(session, request.get("attributes") or {})
        except SqlError:
            session.close()
            raise
        self._session = session
        self._socket.allow_large_messages()
        self._compressed = bool(request.get("useCompression"))
        return {
            "sessionId": session.session_id,
            "protocolVersion": _PROTOCOL,
            "releaseVersion": DATABASE_VERSION,
            "databaseName": DATABASE_NAME,
            "productName": "EXASolution",
            "maxDataMessageSize": MESSAGE_LIMIT,
            "maxIdentifierLength": 128,
            "maxVarcharLength": 2_000_000,
            "identifierQuoteString": '"',
            "timeZone": "UTC",
            "timeZoneBehavior": "INVALID SHIFT AMBIGUOUS ST",
        }

    def _apply(self, session: Session, attributes: dict[str, Any]) -> None:
        """Set what the client asks for; attributes that change nothing here are accepted."""
        if "autocommit" in attributes:
            wanted = bool(attributes["autocommit"])
            if wanted and not session.autocommit:
                session.commit()
            session.autocommit = wanted
        if attributes.get("queryTimeout") is not None:
            seconds = attributes["queryTimeout"]
            if not isinstance(seconds, int) or seconds < 0:
                raise SqlError("42000", "queryTimeout takes a number of seconds")
            session.query_timeout_s = seconds
        if "currentSchema" in attributes:
            schema = attributes["currentSchema"]
            exact = schema if schema and session.catalog.has_schema(str(schema)) else None
            session.open_schema(exact or (str(schema).upper() if schema else None))

    def _attributes(self, session: Session) -> dict[str, Any]:
        return {
            "autocommit": session.autocommit,
            "compressionEnabled": self._compressed,
            "currentSchema": session.current_schema or "",
            "dateFormat": "YYYY-MM-DD",
            "dateLanguage": "ENG",
            "datetimeFormat": session.timestamp_format.text,
            "numericCharacters": ".,",
            "openTransaction": int(session.in_transaction),
            "queryTimeout": session.query_timeout_s,
            "snapshotTransactionsEnabled": False,
            "timezone": "UTC",
            "timeZoneBehavior": "INVALID SHIFT AMBIGUOUS ST",
        }

    # --- commands ------------------------------------------------------------------------------

    def _opened(self) -> Session:
        assert self._session is not None
        return self._session

    def _execute(self, request: Request) -> dict[str, Any]:
        return self._run([request.get("sqlText")])

    def _execute_batch(self, request: Request) -> dict[str, Any]:
        texts = request.get("sqlTexts")
        return self._run(texts if isinstance(texts, list) else [None])

    def _metadata(self, request: Request) -> dict[str, Any]:
        return self._run([metadata_query(request)])

    def _run(self, texts: list[Any]) -> dict[str, Any]:
        if not all(isinstance(text, str) for text in texts):
            raise SqlError("42000", "the command has no SQL text")
        results = []
        for text in texts:
            results.append(self._results.describe(self._opened().execute(text)))
        return {"numResults": len(results), "results": results}

    def _fetch(self, request: Request) -> dict[str, Any]:
        return self._results.fetch(
            request.get("resultSetHandle"), request.get("startPosition"), request.get("numBytes")
        )

    def _close_result_set(self, request: Request) -> dict[str, Any]:
        self._results.close(request.get("resultSetHandles"))
        return {}

    def _set_attributes(self, request: Request) -> dict[str, Any]:
        attributes = request.get("attributes")
        if not isinstance(attributes, dict):
            raise SqlError("42000", "setAttributes takes an object")
        self._apply(self._opened(), attributes)
        return {}

    def _hosts(self, request: Request) -> dict[str, Any]:
        return {"numNodes": 1, "nodes": [str(request.get("hostIp", "127.0.0.1"))]}


def _with_words(client: ClientFacts, request: Request) -> ClientFacts:
    """Add what the client says of itself; anything but texts counts as nothing."""
    said = {name: value for name, value in request.items() if isinstance(value, str)}
    return replace(
        client,
        client=f"{said.get('clientName', '')} {said.get('clientVersion', '')}".strip(),
        driver=said.get("driverName", ""),
        os_user=said.get("clientOsUsername", ""),
        os_name=said.get("clientOs", ""),
    )


def refuse(socket: WebSocket, error: SqlError) -> None:
    """Answer a client's first request with an error, whatever it asks."""
    for _ in socket.messages():
        socket.send(json.dumps(_error(error)).encode(), text=True)
        return


def _error(failure: SqlError) -> dict[str, Any]:
    return {"status": "error", "exception": {"sqlCode": failure.code, "text": failure.text}}


def _inflate(message: bytes) -> bytes:
    """The message, unpacked; :raises zlib.error: where it is broken or grows past the limit."""
    unpacker = zlib.decompressobj()
    data = unpacker.decompress(message, MESSAGE_LIMIT)
    if unpacker.unconsumed_tail:
        raise zlib.error("message too large")
    return data
