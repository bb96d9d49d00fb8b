"""The commands of prepared statements: made once, run with columns of values, closed."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import pyarrow as pa

from exallm.local.engine.prepared import Prepared
from exallm.local.engine.result import ResultSet, arrow_schema
from exallm.local.engine.session import Session
from exallm.local.sql_error import SqlError
from exallm.local.wire import data_types
from exallm.local.wire.result_sets import ResultSets

_MOST_OPEN = 10_000
Request = dict[str, Any]


class PreparedStatements:
    """The prepared statements of one client.

    :param session: of the client, once it has logged in.
    """

    def __init__(self, session: Callable[[], Session], results: ResultSets) -> None:
        self._session = session
        self._results = results
        self._handles = itertools.count(1)
        self._open: dict[int, Prepared] = {}

    def create(self, request: Request) -> dict[str, Any]:
        """``createPreparedStatement``; :raises SqlError: as the statement would."""
        sql = request.get("sqlText")
        if not isinstance(sql, str):
            raise SqlError("42000", "the command has no SQL text")
        if len(self._open) >= _MOST_OPEN:
            raise SqlError("42000", f"{_MOST_OPEN} prepared statements are open: close some")
        prepared = self._session().prepare(sql)
        handle = next(self._handles)
        self._open[handle] = prepared
        described: dict[str, Any] = {
            "statementHandle": handle,
            "numResults": 1,
            "results": [self._empty_result(prepared)],
        }
        if prepared.types:
            columns = [
                {"name": "", "dataType": data_types.described(type_)} for type_ in prepared.types
            ]
            described["parameterData"] = {"numColumns": len(columns), "columns": columns}
        return described

    def execute(self, request: Request) -> dict[str, Any]:
        """``executePreparedStatement``; :raises SqlError: with the number of a wrong parameter."""
        prepared = self._prepared(request)
        texts = _texts(request, len(prepared.types))
        result = self._session().execute_prepared(prepared, texts)
        return {"numResults": 1, "results": [self._results.describe(result)]}

    def close(self, request: Request) -> dict[str, Any]:
        """``closePreparedStatement``."""
        self._prepared(request)
        del self._open[request["statementHandle"]]
        return {}

    def _prepared(self, request: Request) -> Prepared:
        handle = request.get("statementHandle")
        if not isinstance(handle, int) or isinstance(handle, bool):
            raise SqlError("42000", "JSON value '/statementHandle' is not an integer")
        prepared = self._open.get(handle)
        if prepared is None:
            raise SqlError("42000", f"prepared statement {handle} is not open")
        return prepared

    def _empty_result(self, prepared: Prepared) -> dict[str, Any]:
        if prepared.columns is None:
            return {"resultType": "rowCount", "rowCount": 0}
        rows = arrow_schema(prepared.columns).empty_table()
        return self._results.describe(ResultSet(prepared.columns, rows))


def _texts(request: Request, count: int) -> pa.Table:
    """The values of a request: a column of texts for each parameter."""
    rows, data = request.get("numRows", 0), request.get("data") or []
    if not isinstance(rows, int) or isinstance(rows, bool) or not isinstance(data, list):
        raise SqlError("42000", "executePreparedStatement takes numRows and a list of columns")
    if not data and not rows:
        data = [[] for _ in range(count)]
    if len(data) != count:
        raise SqlError(
            "42000",
            "the number of column metadata objects is not the same as the number of data colums:"
            f" {count} parameters, {len(data)} columns of values",
        )
    columns = [_column(values, place, rows) for place, values in enumerate(data, start=1)]
    return pa.table(columns, [f"c{place}" for place in range(count)])


def _column(values: Any, place: int, rows: int) -> pa.Array:
    if not isinstance(values, list) or len(values) != rows:
        raise SqlError("42000", f"parameter {place} has no list of {rows} values")
    texts = []
    for row, value in enumerate(values, start=1):
        if isinstance(value, (list, dict)):
            where = f"(parameter {place}, row {row})"
            raise SqlError("42000", f"a list or an object is no value {where}")
        texts.append(_text(value))
    try:
        return pa.array(texts, pa.string())
    except (UnicodeError, pa.ArrowInvalid) as error:
        raise SqlError("42000", f"a value is not valid UTF-8 (parameter {place})") from error


def _text(value: str | float | bool | None) -> str | None:
    if value is None or value == "":
        return None
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    return value if isinstance(value, str) else repr(value).removesuffix(".0")
