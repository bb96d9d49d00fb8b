"""The runner on a database: the embedded engine, or a real Exasol, over pyexasol."""

from __future__ import annotations

import datetime
import itertools
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pyexasol

from tests.contract.case import (
    Autocommit,
    Case,
    Failure,
    Row,
    Step,
    UdfCase,
    Upload,
)
from tests.contract.compare import Difference, failure_must_be, rows_must_be
from tests.contract.script_runners import argument_types, udf_script, udf_statement

_numbers = itertools.count(1)


@dataclass(frozen=True)
class SqlRunner:
    """Runs cases in schemas of their own, which it drops.

    :param connect: opens a session; without a name one of an administrator, who may create schemas,
        users, roles, connections and scripts, else one of a user with this password.
    :param put: puts a file into the bucket ``default``; None where no BucketFS is to be written to.
    """

    connect: Callable[..., Any]
    put: Callable[[str, bytes], None] | None

    def run(self, case: Case) -> None:
        """:raises Difference: if the case does not hold."""
        with _surroundings(self.connect, case) as place:
            if isinstance(case, UdfCase):
                _run_udf(case, place)
            else:
                for step in case.steps:
                    self._step(step, place)

    def _step(self, step: Step | Upload | Autocommit, place: _Place) -> None:
        if isinstance(step, Upload):
            assert self.put is not None, "the runner has no BucketFS"
            self.put(step.path, step.content)
        elif isinstance(step, Autocommit):
            place.session(step.by).set_autocommit(step.on)
        else:
            _execute(step, place)


@dataclass
class _Place:
    """The schema of a case, and its sessions by name."""

    connect: Callable[..., Any]
    names: dict[str, str]
    password: str
    sessions: dict[str, Any] = field(default_factory=dict)

    def session(self, name: str) -> Any:
        if name not in self.sessions:
            login = {}
            if name == "USER":
                login = {"user": self.names["$USER"], "password": self.password}
            session = self.connect(**login)
            self.sessions[name] = session
            if name != "USER":
                session.execute(f"OPEN SCHEMA {self.names['$SCHEMA']}")
        return self.sessions[name]

    def named(self, text: str) -> str:
        for mark, name in self.names.items():
            text = text.replace(mark, name)
        return text


@contextmanager
def _surroundings(connect: Callable[..., Any], case: Case) -> Iterator[_Place]:
    number = f"{next(_numbers)}_{secrets.token_hex(3).upper()}"
    names = {
        "$SCHEMA": f"CONTRACT_{number}",
        "$USER": f"CONTRACT_U_{number}",
        "$ROLE": f"CONTRACT_R_{number}",
        "$CONNECTION": f"CONTRACT_C_{number}",
    }
    place = _Place(connect, names, secrets.token_urlsafe(12))
    steps = [step for step in getattr(case, "steps", ()) if isinstance(step, Step)]
    statements = " ".join(step.sql + (" $USER" if step.by == "USER" else "") for step in steps)
    connections = case.connections if isinstance(case, UdfCase) else ()
    undo = [f"DROP SCHEMA {names['$SCHEMA']} CASCADE"]
    admin = connect()
    try:
        admin.execute(f"CREATE SCHEMA {names['$SCHEMA']}")
        if "$USER" in statements:
            admin.execute(f'CREATE USER {names["$USER"]} IDENTIFIED BY "{place.password}"')
            undo.append(f"DROP USER IF EXISTS {names['$USER']} CASCADE")
            admin.execute(f"GRANT CREATE SESSION TO {names['$USER']}")
        if "$ROLE" in statements:
            admin.execute(f"CREATE ROLE {names['$ROLE']}")
            undo.append(f"DROP ROLE IF EXISTS {names['$ROLE']} CASCADE")
        undo += [f"DROP CONNECTION IF EXISTS {name}" for name in connections]
        if "$CONNECTION" in statements:
            undo.append(f"DROP CONNECTION IF EXISTS {names['$CONNECTION']}")
        yield place
    finally:
        for session in place.sessions.values():
            session.close()
        for statement in undo:
            admin.execute(statement)
        admin.close()


def _run_udf(case: UdfCase, place: _Place) -> None:
    session = place.session("MAIN")
    for name, body in case.modules.items():
        session.execute(f"CREATE PYTHON3 SCALAR SCRIPT {name} () RETURNS INT AS\n{body}\n")
    for name, connection in case.connections.items():
        session.execute(
            f"CREATE OR REPLACE CONNECTION {name} TO {_literal(connection.address)}"
            f" USER {_literal(connection.user)} IDENTIFIED BY {_literal(connection.password)}"
        )
    script = udf_script(case, place.names["$SCHEMA"])
    types = argument_types(case, script)
    session.execute(udf_statement(case))
    columns = [f"C{i}" for i in range(len(types))]
    definition = "".join(
        f", {name} {type_.sql()}" for name, type_ in zip(columns, types, strict=True)
    )
    session.execute(f"CREATE TABLE T (G INT, N INT{definition})")
    number = itertools.count()
    for group, rows in enumerate(case.groups):
        for row in rows:
            values = ", ".join(map(_literal, (group, next(number), *row)))
            session.execute(f"INSERT INTO T VALUES ({values})")
    query = _query(script.kind, script.returns is not None, columns, case.emits)
    kept = 1 if script.kind == "SCALAR" or script.returns is not None else 0
    try:
        seen = [row[kept:] for row in session.execute(query).fetchall()]
    except pyexasol.ExaQueryError as error:
        if not isinstance(case.expected, Failure):
            raise Difference(f"{query}: [{error.code}] {error.message}") from error
        failure_must_be(case.expected, error.code, error.message)
        return
    if isinstance(case.expected, Failure):
        raise Difference(f"expected [{case.expected.code}], got rows {seen[:5]}")
    rows_must_be(case.expected, seen, ordered=script.returns is not None)


def _query(kind: str, returns: bool, columns: list[str], emits: str) -> str:
    listed = ", ".join(columns)
    tail = f" EMITS ({emits})" if emits else ""
    if kind == "SCALAR":
        return f"SELECT N, F({listed}){tail} FROM T ORDER BY N"
    order = " ORDER BY N" if columns else ""
    call = f"F({listed}{order}){tail}"
    if returns:
        return f"SELECT G, {call} FROM T GROUP BY G ORDER BY G"
    return f"SELECT {call} FROM T GROUP BY G"


def _execute(step: Step, place: _Place) -> None:
    sql = place.named(step.sql)
    try:
        statement = place.session(step.by).execute(sql)
    except pyexasol.ExaQueryError as error:
        if not isinstance(step.expected, Failure):
            raise Difference(f"{sql}: [{error.code}] {error.message}") from error
        wanted = Failure(step.expected.code, place.named(step.expected.words))
        failure_must_be(wanted, error.code, error.message)
        return
    if isinstance(step.expected, Failure):
        raise Difference(f"{sql}: expected [{step.expected.code}], but it worked")
    if isinstance(step.expected, int):
        if statement.rowcount() != step.expected:
            raise Difference(f"{sql}: {statement.rowcount()} rows, not {step.expected}")
    elif step.expected is not None:
        rows_must_be([_named(row, place) for row in step.expected], statement.fetchall(), True)


def _named(row: Row, place: _Place) -> Row:
    return tuple(place.named(value) if isinstance(value, str) else value for value in row)


def _literal(value: Any) -> str:
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, str):
        return "'" + value.replace("'", "''") + "'"
    if isinstance(value, datetime.datetime):
        return f"TIMESTAMP '{value.isoformat(sep=' ', timespec='milliseconds')}'"
    if isinstance(value, datetime.date):
        return f"DATE '{value.isoformat()}'"
    if isinstance(value, float):
        return f"CAST('{value!r}' AS DOUBLE)"
    return str(value)
