"""The option lines at the head of a UDF script, ``%env KEY=VALUE;`` for one."""

from __future__ import annotations

import re
from dataclasses import dataclass

from exallm.local.sql_error import SqlError

_HEAD_LINE = re.compile(r"[ \t]*(?:#.*)?")
_OPTION = re.compile(r"[ \t]*%(\w+)[ \t]+([^;]*);")
_ASSIGNMENT = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)=(.*)")
_ACCELERATORS = ("None", "GpuNvidia")


@dataclass(frozen=True)
class ScriptOptions:
    """What a script asks of the runtime.

    :param environment: environment variables of its processes, in the order written.
    :param instance_limit: the most processes one call may have, None for no limit of its own.
    :param accelerator: ``GpuNvidia`` or ``None`` as written, None where the script says nothing.
    """

    environment: tuple[tuple[str, str], ...] = ()
    instance_limit: int | None = None
    accelerator: str | None = None


def parse_script_options(body: str) -> tuple[ScriptOptions, str]:
    """Read the option lines at the head of a body.

    :returns: the options, and the body with its option lines emptied, so that line numbers stay.
    :raises SqlError: 42000 for an option that is malformed, 0A000 for one that is not known.
    """
    lines = body.split("\n")
    environment: list[tuple[str, str]] = []
    limit: int | None = None
    accelerator: str | None = None
    for index, line in enumerate(lines):
        if not line.lstrip().startswith("%"):
            if _HEAD_LINE.fullmatch(line.rstrip("\r")):
                continue
            break
        for name, value in _options_of_line(line):
            if name == "env":
                environment.append(_assignment(value))
            elif name == "perNodeAndCallInstanceLimit":
                limit = _instance_limit(value)
            elif name == "perInstanceRequiredAcceleratorDevices":
                accelerator = _accelerator(value)
            else:
                raise SqlError("0A000", f"script option %{name} is not supported")
        lines[index] = ""
    return ScriptOptions(tuple(environment), limit, accelerator), "\n".join(lines)


def _options_of_line(line: str) -> list[tuple[str, str]]:
    options = []
    offset = 0
    while line[offset:].strip():
        match = _OPTION.match(line, offset)
        if match is None:
            text = line[offset:].strip()
            raise SqlError("42000", f"syntax error, script option '{text}' must end with ';'")
        options.append((match[1], match[2].strip()))
        offset = match.end()
    return options


def _assignment(value: str) -> tuple[str, str]:
    match = _ASSIGNMENT.fullmatch(value)
    if match is None or "\0" in value:
        raise SqlError("42000", f"syntax error, %env takes KEY=VALUE, not '{value}'")
    return match[1], match[2]


def _instance_limit(value: str) -> int:
    if not re.fullmatch(r"[1-9][0-9]{0,5}", value):
        problem = f"%perNodeAndCallInstanceLimit takes a number from 1, not '{value}'"
        raise SqlError("42000", f"syntax error, {problem}")
    return int(value)


def _accelerator(value: str) -> str:
    if value not in _ACCELERATORS:
        problem = f"%perInstanceRequiredAcceleratorDevices takes GpuNvidia or None, not '{value}'"
        raise SqlError("42000", f"syntax error, {problem}")
    return value
