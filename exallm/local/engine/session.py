"""A session: its transactions, its limits, and the statements that it runs one by one."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from typing import TypeVar

import duckdb
import pyarrow as pa

from exallm.local.engine.catalog import Catalog
from exallm.local.engine.database import Database
from exallm.local.engine.executor import Executor
from exallm.local.engine.failures import sql_error
from exallm.local.engine.prepared import Prepared, describe, runs
from exallm.local.engine.result import Result, RowCount
from exallm.local.engine.rights_reader import RightsReader
from exallm.local.engine.script_runner import ScriptRunner
from exallm.local.engine.statement_calls import StatementCalls
from exallm.local.lua.script import LuaScript
from exallm.local.session_facts import ClientFacts, SessionFacts
from exallm.local.sql.parameters import Parameters
from exallm.local.sql.scope import Scope, UdfCalls
from exallm.local.sql.statements import (
    EndTransaction,
    ExecuteScript,
    SetParameter,
    Statement,
    first_word,
    read_statement,
)
from exallm.local.sql.token_reader import TokenReader
from exallm.local.sql_error import SqlError
from exallm.local.timestamp_format import TimestampFormat
from exallm.local.udf.environment import StatementEnvironment

_ABORTED = SqlError("R0003", "Query terminated because it was aborted by the client.")
_TIMED_OUT = "Query terminated because timeout has been reached."
T = TypeVar("T")


class Session:
    """One client's session. One thread executes; ``abort`` may come from any other.

    With autocommit each statement is a transaction. Without it, the first statement begins one
    and COMMIT or ROLLBACK ends it. Where DuckDB gives up a transaction over a failed statement,
    the whole transaction is rolled back and the error says so: Exasol would keep it.
    """

    def __init__(self, database: Database, user: str) -> None:
        self._database = database
        self._connection, self.session_id = database.connect()
        self.user = user
        self.autocommit = True
        self._statement_ids = itertools.count(1)
        self._statement_id = 0
        self._in_transaction = False
        self._lost_transaction: SqlError | None = None
        self._parameters: Parameters | None = None
        self._calls: list[StatementCalls] = []
        self._abort_lock = threading.Lock()
        self._abort: SqlError | None = None
        self._executing = False
        self._command = ""
        self._login_time = datetime.now(UTC)
        self.client = ClientFacts()
        self.catalog = Catalog(self._connection)
        self._rights = RightsReader(self._connection, user)
        self.query_timeout_s = int(self.catalog.parameter("QUERY_TIMEOUT"))
        self._read_parameters()
        self._scripts = ScriptRunner(
            self._execute_in_script, self._meta, self._find_script, self._check_abort
        )
        self._executor = Executor(
            self._connection,
            self.catalog,
            self._scope,
            self._scripts,
            self._rights,
            database.tunnels,
        )
        database.sessions.add(self)

    @property
    def current_schema(self) -> str | None:
        """The open schema, None where none is open."""
        return self._executor.current_schema

    @property
    def in_transaction(self) -> bool:
        """Whether changes wait for COMMIT or ROLLBACK."""
        return self._in_transaction

    def require_login(self) -> None:
        """:raises SqlError: 08004 where the user may not have a session."""
        if not self._rights.own().has("CREATE SESSION"):
            raise SqlError(
                "08004", "Connection exception - insufficient privileges: CREATE SESSION."
            )

    def open_schema(self, name: str | None) -> None:
        """Open a schema outside a statement, as a client's attribute does."""
        self._executor.open_schema(name)

    def execute(self, sql: str) -> Result:
        """Run one statement.

        :raises SqlError: with Exasol's code; the session goes on.
        """
        return self._guarded(lambda: self._execute(sql))

    def prepare(self, sql: str) -> Prepared:
        """Check a statement whose values come later; :raises SqlError: as ``execute``."""
        return self._guarded(lambda: self._prepare(sql))

    def execute_prepared(self, prepared: Prepared, texts: pa.Table) -> Result:
        """Run a prepared statement.

        :param texts: a column of texts for each marker, and a row for each set of values.
        :raises SqlError: as ``execute``, with the number of the marker whose value is wrong.
        """
        return self._guarded(lambda: self._execute(prepared.sql, prepared, texts))

    def _guarded(self, run: Callable[[], T]) -> T:
        """Run something that can be aborted and may fail."""
        with self._abort_lock:
            self._abort, self._executing = None, True
        timer = self._start_timer()
        try:
            return run()
        except Exception as error:
            raise self._failed(error) from error
        finally:
            if timer is not None:
                timer.cancel()
            with self._abort_lock:
                self._executing = False

    def abort(self, error: SqlError = _ABORTED) -> None:
        """End the running statement, if there is one; from any thread."""
        with self._abort_lock:
            if not self._executing or self._abort is not None:
                return
            self._abort = error
            calls = list(self._calls)
        for call in calls:
            call.abort(error)
        self._connection.interrupt()

    def commit(self) -> None:
        """End the transaction and keep its changes."""
        if self._in_transaction:
            self._in_transaction = False
            self._connection.execute("COMMIT")
            self._database.checkpoint_if_due()

    def rollback(self) -> None:
        """End the transaction and undo its changes."""
        if self._in_transaction:
            self._in_transaction = False
            self._connection.execute("ROLLBACK")
            schema = self.current_schema
            if schema is not None and not self.catalog.has_schema(schema):
                self._executor.current_schema = None  # it was made in the transaction

    def facts(self) -> SessionFacts:
        """What the system tables show of this session; from any thread."""
        return SessionFacts(
            session_id=self.session_id,
            user=self.user,
            status="EXECUTE SQL" if self._executing else "IDLE",
            statement_id=self._statement_id,
            command=self._command,
            query_timeout_s=self.query_timeout_s,
            current_schema=self.current_schema,
            login_time=self._login_time,
            client=self.client,
        )

    def close(self) -> None:
        """Undo what is open and let the connection go."""
        self._database.sessions.remove(self)
        with suppress(duckdb.Error):  # the transaction may be gone already: nothing is left to do
            self.rollback()
        self._connection.close()

    def _prepare(self, sql: str) -> Prepared:
        statement = read_statement(sql, self.current_schema)
        self._begin()
        self._rights.forget()
        calls = self._open_calls()
        try:
            checked = calls.without_running()
            return describe(
                sql, statement, lambda p: replace(self._scope(checked), parameters=p), self.catalog
            )
        finally:
            self._close_calls(calls)
            if self.autocommit:
                self.rollback()

    def _execute(
        self, sql: str, prepared: Prepared | None = None, texts: pa.Table | None = None
    ) -> Result:
        statement = read_statement(sql, self.current_schema)
        self._command = first_word(sql)
        self._statement_id = next(self._statement_ids)
        if isinstance(statement, EndTransaction):
            self.commit() if statement.commit else self.rollback()
            return RowCount(0)
        self._begin()
        self._rights.forget()
        if isinstance(statement, ExecuteScript):
            self._lost_transaction = None
        schema = self.current_schema
        calls = self._open_calls()
        try:
            if prepared is None or texts is None:
                result = self._executor.run(statement, calls)
            else:
                result = self._run_all(statement, calls, prepared, texts)
        except Exception:
            self._executor.current_schema = schema
            if calls.failure is not None:
                raise calls.failure from None
            raise
        finally:
            self._close_calls(calls)
        self._check_abort()
        if self.autocommit:
            self.commit()
        self._note_parameter(statement)
        return result

    def _note_parameter(self, statement: Statement) -> None:
        """Let the session itself do what ALTER SESSION or ALTER SYSTEM has changed."""
        if isinstance(statement, SetParameter):
            self._read_parameters()
            if statement.name == "QUERY_TIMEOUT":
                self.query_timeout_s = int(statement.value)

    def _read_parameters(self) -> None:
        """Note what the session itself does by its parameters."""
        self.idle_timeout_s = int(self.catalog.parameter("IDLE_TIMEOUT"))
        self.timestamp_format = TimestampFormat.parse(
            self.catalog.parameter("NLS_TIMESTAMP_FORMAT")
        )

    def _run_all(
        self, statement: Statement, calls: StatementCalls, prepared: Prepared, texts: pa.Table
    ) -> Result:
        """Run a statement with each set of values, all or none of them."""
        results: list[Result] = []
        try:
            with runs(prepared, statement, texts, self._connection) as parameters:
                for self._parameters in parameters:
                    self._check_abort()
                    results.append(self._executor.run(statement, calls))
        except Exception as error:
            if not results or self.autocommit:
                raise
            self.rollback()  # DuckDB cannot undo the runs before alone
            failure = sql_error(error)
            raise SqlError(
                failure.code, f"{failure.text} (the transaction was rolled back)"
            ) from error
        finally:
            self._parameters = None
        if len(results) == 1:
            return results[0]
        if any(not isinstance(result, RowCount) for result in results) or prepared.columns:
            raise SqlError("42000", f"a query takes one set of values, not {len(results)}")
        return RowCount(sum(result.rows for result in results if isinstance(result, RowCount)))

    def _execute_in_script(self, sql: str) -> Result:
        """A statement that a Lua script runs: in the script's transaction."""
        self._check_abort()
        statement = read_statement(sql, self.current_schema)
        if isinstance(statement, EndTransaction) and not statement.commit:
            # The script knows that its transaction is gone, and begins another one.
            self._lost_transaction = None
        if self._lost_transaction is not None:
            raise self._lost_transaction
        if isinstance(statement, EndTransaction):
            self.commit() if statement.commit else self.rollback()
            return RowCount(0)
        self._begin()
        self._rights.forget()
        calls = self._open_calls()
        try:
            result = self._executor.run(statement, calls)
            self._note_parameter(statement)
            return result
        except Exception as error:
            failure = calls.failure or sql_error(error)
            self._check_abort()
            if self._transaction_is_lost():
                self.rollback()
                self._lost_transaction = SqlError(
                    failure.code, f"{failure.text} (the script's transaction was rolled back)"
                )
                raise self._lost_transaction from error
            raise failure from error
        finally:
            self._close_calls(calls)

    def _begin(self) -> None:
        if not self._in_transaction:
            self._connection.execute("BEGIN TRANSACTION")
            self._in_transaction = True

    def _failed(self, error: Exception) -> SqlError:
        """Undo what a failed statement left behind; the error to send."""
        with self._abort_lock:
            failure = self._abort or sql_error(error)
        if not self._in_transaction:
            return failure
        if self.autocommit:
            self.rollback()
        elif self._transaction_is_lost():
            self.rollback()
            return SqlError(failure.code, f"{failure.text} (the transaction was rolled back)")
        return failure

    def _transaction_is_lost(self) -> bool:
        if not self._in_transaction:
            return True
        try:
            self._connection.execute("SELECT 1").fetchall()
        except duckdb.Error:
            return True
        return False

    def _start_timer(self) -> threading.Timer | None:
        if not self.query_timeout_s:
            return None
        timer = threading.Timer(self.query_timeout_s, self.abort, [SqlError("R0001", _TIMED_OUT)])
        timer.daemon = True
        timer.start()
        return timer

    def _check_abort(self) -> None:
        with self._abort_lock:
            if self._abort is not None:
                raise self._abort

    def _open_calls(self) -> StatementCalls:
        calls = StatementCalls(self._database.calls, self._connection, self._environment)
        with self._abort_lock:
            self._calls.append(calls)
        return calls

    def _close_calls(self, calls: StatementCalls) -> None:
        with self._abort_lock:
            self._calls.remove(calls)
        calls.close()

    def _scope(self, calls: UdfCalls) -> Scope:
        return Scope(
            catalog=self.catalog,
            calls=calls,
            current_schema=self.current_schema,
            user=self.user,
            rights=self._rights.own(),
            rights_of=self._rights.of,
            session_id=self.session_id,
            statement_id=self._statement_id,
            started_at=datetime.now(UTC),
            sessions=self._database.sessions.facts,
            parameters=self._parameters,
        )

    def _environment(self, scope_user: str) -> StatementEnvironment:
        settings = self._database.settings
        rights = self._rights.of(scope_user)
        return StatementEnvironment(
            current_user=self.user,
            scope_user=scope_user,
            current_schema=self.current_schema,
            session_id=str(self.session_id),
            statement_id=self._statement_id,
            scripts=self.catalog.script_bodies(rights),
            connections=self.catalog.connections(rights),
            buckets_root=settings.buckets_root,
            interpreter=settings.interpreter,
            languages=self.catalog.languages(),
            worker_limit=settings.worker_limit,
            reply_timeout_s=settings.reply_timeout_s,
            memory_limit=settings.memory_limit,
            isolation=settings.isolation,
        )

    def _meta(self) -> Mapping[str, object]:
        return {
            "current_user": self.user,
            "current_schema": self.current_schema,
            "session_id": self.session_id,
            "statement_id": self._statement_id,
        }

    def _find_script(self, name: str) -> LuaScript:
        parsed = TokenReader(name).qualified_name()
        schema = parsed.schema or self.current_schema
        rights = self._rights.own()
        is_seen = schema is not None and rights.sees(schema)
        script = self.catalog.lua_script(schema, parsed.name) if schema and is_seen else None
        if script is None:
            raise SqlError("42000", f"script {name} not found")
        rights.require_execution(script.schema, script.name)
        return script
