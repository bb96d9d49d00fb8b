"""What a case of the contract is: data that every runner reads in its own way."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from exallm.local.udf.connection import Connection

STRICT, LOCAL, MOCK, EXASOL = "strict", "local", "mock", "exasol"
RUNNERS = (STRICT, LOCAL, MOCK, EXASOL)

Row = tuple[Any, ...]

# Why whole kinds of cases make no sense on a runner.
NO_DATABASE = "there is no database in it"
NO_CODES = "the mock raises other texts, and no codes"


@dataclass(frozen=True)
class Failure:
    """An error that a statement must end in.

    :param code: the SQL code that the client gets.
    :param words: what its text must hold.
    """

    code: str
    words: str = ""


@dataclass(frozen=True)
class UdfCase:
    """One call of a Python UDF script, named ``F`` in its head.

    :param group: the topic that the case counts for.
    :param name: what must hold, unique in the group.
    :param head: the statement from SCALAR or SET to before AS.
    :param body: the Python text.
    :param groups: the input rows of each group; a SCALAR script gets the rows of all.
    :param expected: the rows that come out, a row of one value for each value of a RETURNS script.
        What an EMITS script emits is compared without order.
    :param arguments: the types of what a variadic script is called with, ``INT, VARCHAR(9)``.
    :param emits: the columns after EMITS in the query, for a script with dynamic ones.
    :param modules: bodies of other scripts of its schema, by name.
    :param connections: by name.
    :param differs: runners on which it does not run, each with the reason.
    """

    group: str
    name: str
    head: str
    body: str
    groups: Sequence[Sequence[Row]]
    expected: Sequence[Row] | Failure
    arguments: str = ""
    emits: str = ""
    modules: Mapping[str, str] = field(default_factory=dict)
    connections: Mapping[str, Connection] = field(default_factory=dict)
    differs: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Step:
    """One statement of a SQL case.

    :param sql: the statement.
    :param expected: the rows of its result, in order; the number of rows that it changed; how it
        fails; None where it only has to work.
    :param by: the session that sends it.
    """

    sql: str
    expected: Sequence[Row] | int | Failure | None = None
    by: str = "MAIN"


@dataclass(frozen=True)
class Upload:
    """A file that is put into the bucket before the next step."""

    path: str
    content: bytes


@dataclass(frozen=True)
class Autocommit:
    """Switches a session's autocommit."""

    on: bool
    by: str = "MAIN"


@dataclass(frozen=True)
class SqlCase:
    """Statements in an own schema, which is open in every session.

    In statements and expected texts ``$SCHEMA``, ``$USER``, ``$ROLE`` and ``$CONNECTION`` stand for
    names of the case's own; a user and a role are made where they are named. The sessions are
    ``MAIN`` and ``SECOND`` of an administrator, and ``USER`` of ``$USER``.

    :param group: the topic that the case counts for.
    :param name: what must hold, unique in the group.
    :param steps: what is done in order.
    :param differs: runners on which it does not run, each with the reason.
    """

    group: str
    name: str
    steps: Sequence[Step | Upload | Autocommit]
    differs: Mapping[str, str] = field(default_factory=dict)


Case = UdfCase | SqlCase


def reason_against(case: Case, runner: str) -> str | None:
    """Why a case does not run on a runner; None where it does."""
    if isinstance(case, SqlCase) and runner in (STRICT, MOCK):
        return NO_DATABASE
    if (
        runner == MOCK
        and isinstance(case, UdfCase)
        and isinstance(case.expected, Failure)
        and (case.expected.code != "22002" or case.expected.words.startswith(("E-", "F-")))
    ):
        return NO_CODES
    return case.differs.get(runner)


def lines(*texts: str) -> str:
    """A ``run(ctx)`` of these lines."""
    return "\n".join(["def run(ctx):", *(f"    {text}" for text in texts)])


def fails(sql: str, code: str, words: str = "", by: str = "MAIN") -> Step:
    """A statement that fails."""
    return Step(sql, Failure(code, words), by)
