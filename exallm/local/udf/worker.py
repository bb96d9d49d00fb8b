"""The process that runs one script: ``python -P -m exallm.local.udf.worker <descriptor>``.

It talks to the engine through the socket whose descriptor it is given, never through its standard
streams: what a script prints goes to the engine's log. It ends by itself when the engine does.
Standard library only: a start costs tens of milliseconds, of which the interpreter has most.

Frames from the engine, by ``op``: ``start``, ``rows`` (a piece for a SCALAR script), ``group`` (a
piece of a group, ``last`` on the final one), ``default_columns``, ``close``. To the engine:
``ready``, ``values``, ``rows``, ``done``, ``text``, ``closed``, ``error``, and the questions
``script`` and ``connection``, each of which it answers with one frame.
"""

from __future__ import annotations

import os
import select
import signal
import socket
import sys
import threading
from typing import Any

from exallm.local.exasol_type import Column, ExasolType
from exallm.local.sql_error import SqlError
from exallm.local.udf import buckets
from exallm.local.udf.channel import Channel, ChannelClosed, parse_frame
from exallm.local.udf.connection import Connection
from exallm.local.udf.group_spool import GroupSpool
from exallm.local.udf.json_values import decode_rows, encode_column, encode_rows
from exallm.local.udf.script import UdfScript, parse_udf_script
from exallm.local.udf.virtual_machine import VirtualMachine, describe_exception
from exallm_udfs.errors import ExallmError


class RemoteEnvironment:
    """The statement's environment as this process knows it; it asks the engine for the rest."""

    def __init__(self, channel: Channel, facts: dict[str, Any]) -> None:
        self._channel = channel
        self._asking = threading.Lock()
        self.database_name: str = facts["database_name"]
        self.database_version: str = facts["database_version"]
        self.current_user: str = facts["current_user"]
        self.scope_user: str | None = facts["scope_user"]
        self.current_schema: str | None = facts["current_schema"]
        self.session_id: str = facts["session_id"]
        self.statement_id: int = facts["statement_id"]
        self.node_count: int = facts["node_count"]
        self.memory_limit: int = facts["memory_limit"]

    def script_body(self, name: str, script_schema: str) -> str:
        """The body of another script; ``ExallmError`` if the engine has none."""
        answer = self._ask({"op": "script", "name": name, "schema": script_schema})
        body: str = answer["body"]
        return body

    def connection(self, name: str) -> Connection:
        """One connection; ``ExallmError`` if the engine has none."""
        answer = self._ask({"op": "connection", "name": name})
        return Connection(answer["type"], answer["address"], answer["user"], answer["password"])

    def _ask(self, question: dict[str, Any]) -> dict[str, Any]:
        with self._asking:
            self._channel.send(question)
            answer = self._channel.receive()
        if "problem" in answer:
            raise ExallmError(answer["code"], answer["problem"], answer["remedy"])
        return answer


class Worker:
    """Answers the engine's frames with one virtual machine."""

    def __init__(self, channel: Channel, start: dict[str, Any]) -> None:
        self._channel = channel
        self._script: UdfScript = parse_udf_script(start["statement"], start["schema"])
        arguments = _columns(start["arguments"])
        self._types = [column.type for column in arguments]
        self._outputs = _columns(start["outputs"])
        self._machine = VirtualMachine(
            self._script,
            arguments,
            self._outputs,
            RemoteEnvironment(channel, start["environment"]),
            str(os.getpid()),
        )

    def serve(self) -> None:
        """Answer frames until the engine asks to close."""
        self._channel.send({"op": "ready"})
        while True:
            frame = self._channel.receive_bytes()
            message = parse_frame(frame)
            operation = message["op"]
            if operation == "rows":
                self._piece(message)
            elif operation == "group":
                self._group(frame, message)
            elif operation == "default_columns":
                text = self._machine.default_output_columns()
                self._channel.send({"op": "text", "text": text})
            elif operation == "close":
                self._machine.cleanup()
                self._channel.send({"op": "closed"})
                return

    def _piece(self, message: dict[str, Any]) -> None:
        rows = decode_rows(message["columns"], self._types, message["rows"])
        if self._script.returns is not None:
            self._send_values(self._machine.scalar_values(rows), self._script.returns)
        else:
            self._machine.scalar_rows(rows, self._send_rows)
            self._channel.send({"op": "done"})

    def _group(self, frame: bytes, message: dict[str, Any]) -> None:
        with GroupSpool(self._types) as spool:
            while not message["last"]:
                spool.add(frame, message)
                frame = self._channel.receive_bytes()
                message = parse_frame(frame)
            if self._script.returns is not None:
                self._send_values([self._machine.group_value(spool)], self._script.returns)
            else:
                self._machine.group_rows(spool, self._send_rows)
                self._channel.send({"op": "done"})

    def _send_values(self, values: list[Any], data_type: ExasolType) -> None:
        self._channel.send({"op": "values", "columns": [encode_column(values, data_type)]})

    def _send_rows(self, origins: list[int], rows: list[tuple[Any, ...]]) -> None:
        columns = encode_rows(rows, self._outputs)
        self._channel.send({"op": "rows", "origins": origins, "columns": columns})


def main(descriptor: int) -> None:
    """Serve the engine on a connected socket until it closes it."""
    os.set_inheritable(descriptor, False)
    buckets.install(os.environ[buckets.ROOT_VARIABLE])
    threading.Thread(target=_end_with_engine, args=(descriptor,), daemon=True).start()
    channel = Channel(socket.socket(fileno=descriptor))
    try:
        Worker(channel, channel.receive()).serve()
    except ChannelClosed:
        return
    except SqlError as error:
        channel.send({"op": "error", "code": error.code, "text": error.text})
    except Exception as error:
        text = f"VM error: {describe_exception(error)}"
        channel.send({"op": "error", "code": "22002", "text": text})


def _columns(pairs: list[list[str]]) -> list[Column]:
    return [Column(name, ExasolType.parse(data_type)) for name, data_type in pairs]


def _end_with_engine(descriptor: int) -> None:
    poll = select.poll()
    poll.register(descriptor, 0)  # a hang-up is reported unasked
    poll.poll()
    # The process leads its own group: whatever the script has started ends with it.
    os.killpg(0, signal.SIGKILL)


if __name__ == "__main__":
    main(int(sys.argv[1]))
