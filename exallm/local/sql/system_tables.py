"""Exasol's system tables by name, each with the rows that a user may see.

A name that is not here is unknown, as any other table's.
"""

from __future__ import annotations

from collections.abc import Callable

from exallm.local.sql import fixed_tables, object_tables, session_tables
from exallm.local.sql.rights import Rights, Visible
from exallm.local.sql.rights_tables import RIGHTS_TABLES, text_list
from exallm.local.sql.scope import Scope

SYSTEM_SCHEMAS = ("SYS", "EXA_STATISTICS")

_PARAMETERS = """
    SELECT p.name AS PARAMETER_NAME,
        nullif(coalesce(s.value, p.value), '') AS SESSION_VALUE,
        nullif(p.value, '') AS SYSTEM_VALUE
    FROM _exallm.parameters p
    LEFT JOIN exallm_session_parameters s ON s.name = p.name
"""
_CONNECTIONS = """
    SELECT name AS CONNECTION_NAME, nullif(address, '') AS CONNECTION_STRING,
        nullif(user_name, '') AS USER_NAME, CAST(NULL AS TIMESTAMP) AS CREATED,
        remark AS CONNECTION_COMMENT
    FROM _exallm.connections
"""

_Builder = Callable[[Scope], str]


def _always(query: str) -> _Builder:
    return lambda _: query


def _of_rights(build: Callable[[Rights], str]) -> _Builder:
    return lambda scope: build(scope.rights)


def _seen(visible: Visible, schema: str, name: str | None = None) -> str:
    """The condition that an object, by the columns of its schema and name, is visible."""
    if visible.all:
        return "TRUE"
    tests = []
    if visible.schemas:
        tests.append(f"{schema} IN ({text_list(visible.schemas)})")
    if visible.objects and name is not None:
        pairs = ", ".join(f"({text_list(pair, ordered=True)})" for pair in sorted(visible.objects))
        tests.append(f"({schema}, {name}) IN ({pairs})")
    return " OR ".join(tests) or "FALSE"


def _filtered(query: str, condition: str) -> str:
    return query if condition == "TRUE" else f"SELECT * FROM ({query}) WHERE {condition}"


def _visible_schemas(scope: Scope) -> str:
    return _filtered(object_tables.SCHEMAS, _seen(scope.rights.visible_schemas(), "SCHEMA_NAME"))


def _visible_columns(scope: Scope) -> str:
    tests = {
        kind: _seen(scope.rights.visible(kind), "COLUMN_SCHEMA", "COLUMN_TABLE")
        for kind in ("TABLE", "VIEW")
    }
    return _by_kind(object_tables.COLUMNS, "COLUMN_OBJECT_TYPE", tests)


def _visible(query: str, kind: str, prefix: str) -> _Builder:
    """The rows about objects of a kind, which columns with this prefix name."""
    schema, name = f"{prefix}_SCHEMA", f"{prefix}_{'NAME' if prefix == kind else 'TABLE'}"
    return lambda scope: _filtered(query, _seen(scope.rights.visible(kind), schema, name))


def _visible_objects(query: str) -> _Builder:
    def build(scope: Scope) -> str:
        tests = {"SCHEMA": _seen(scope.rights.visible_schemas(), "OBJECT_NAME")}
        for kind in ("TABLE", "VIEW", "SCRIPT"):
            tests[kind] = _seen(scope.rights.visible(kind), "ROOT_NAME", "OBJECT_NAME")
        return _by_kind(query, "OBJECT_TYPE", tests)

    return build


def _by_kind(query: str, column: str, tests: dict[str, str]) -> str:
    if set(tests.values()) == {"TRUE"}:
        return query
    alternatives = (f"{column} = '{kind}' AND ({test})" for kind, test in tests.items())
    return _filtered(query, " OR ".join(alternatives))


def _owned(query: str, owner: str) -> _Builder:
    return lambda scope: _filtered(query, f"{owner} IN ({text_list([scope.rights.user])})")


def _current_objects(scope: Scope) -> str:
    """CAT: the tables and views of the open schema."""
    schema = text_list([scope.current_schema] if scope.current_schema is not None else [])
    return (
        "SELECT OBJECT_NAME AS TABLE_NAME, OBJECT_TYPE AS TABLE_TYPE"
        f" FROM ({_visible_objects(object_tables.OBJECTS)(scope)})"
        f" WHERE ROOT_NAME IN ({schema}) AND OBJECT_TYPE IN ('TABLE', 'VIEW')"
    )


# Every system table by name, with what makes its query for a user.
TABLES_BY_NAME: dict[str, _Builder] = {
    "CAT": _current_objects,
    "DUAL": _always("SELECT CAST(NULL AS VARCHAR) AS DUMMY"),
    "EXA_SCHEMAS": _visible_schemas,
    "EXA_ALL_SCHEMAS": _visible_schemas,
    "EXA_DBA_SCHEMAS": _always(object_tables.SCHEMAS),
    "EXA_USER_SCHEMAS": _owned(object_tables.SCHEMAS, "SCHEMA_OWNER"),
    "EXA_METADATA": _always(fixed_tables.METADATA),
    "EXA_PARAMETERS": _always(_PARAMETERS),
    "EXA_SQL_KEYWORDS": _always(fixed_tables.KEYWORDS),
    "EXA_SQL_TYPES": _always(fixed_tables.SQL_TYPES),
    "EXA_TIME_ZONES": lambda _: fixed_tables.time_zones(),
    "EXA_ALL_CONNECTIONS": _always(
        f"SELECT CONNECTION_NAME, CREATED, CONNECTION_COMMENT FROM ({_CONNECTIONS})"
    ),
    "EXA_DBA_CONNECTIONS": _always(_CONNECTIONS),
    "EXA_ALL_COLUMNS": _visible_columns,
    "EXA_DBA_COLUMNS": _always(object_tables.COLUMNS),
    "EXA_USER_COLUMNS": _owned(object_tables.COLUMNS, "COLUMN_OWNER"),
    "EXA_ALL_SESSIONS": lambda scope: session_tables.public_sessions(scope.sessions()),
    "EXA_DBA_SESSIONS": lambda scope: session_tables.every_session(scope.sessions()),
    "EXA_USER_SESSIONS": lambda scope: session_tables.own_sessions(scope.sessions(), scope.user),
    **{name: _always(query) for name, query in fixed_tables.STATISTICS.items()},
    **{name: _of_rights(build) for name, build in RIGHTS_TABLES.items()},
}
for _name, _query in (
    ("OBJECTS", object_tables.OBJECTS),
    ("OBJECT_SIZES", object_tables.OBJECT_SIZES),
):
    TABLES_BY_NAME[f"EXA_ALL_{_name}"] = _visible_objects(_query)
    TABLES_BY_NAME[f"EXA_DBA_{_name}"] = _always(_query)
    TABLES_BY_NAME[f"EXA_USER_{_name}"] = _owned(_query, "OWNER")
for _name, _query, _kind, _prefix in (
    ("TABLES", object_tables.TABLES, "TABLE", "TABLE"),
    ("VIEWS", object_tables.VIEWS, "VIEW", "VIEW"),
    ("SCRIPTS", object_tables.SCRIPTS, "SCRIPT", "SCRIPT"),
    ("CONSTRAINTS", object_tables.CONSTRAINTS, "TABLE", "CONSTRAINT"),
    ("CONSTRAINT_COLUMNS", object_tables.CONSTRAINT_COLUMNS, "TABLE", "CONSTRAINT"),
    ("INDICES", object_tables.INDICES, "TABLE", "INDEX"),
):
    TABLES_BY_NAME[f"EXA_ALL_{_name}"] = _visible(_query, _kind, _prefix)
    TABLES_BY_NAME[f"EXA_DBA_{_name}"] = _always(_query)
    TABLES_BY_NAME[f"EXA_USER_{_name}"] = _owned(_query, f"{_prefix}_OWNER")
for _rows in ("ALL", "DBA", "USER"):
    TABLES_BY_NAME[f"EXA_{_rows}_FUNCTIONS"] = _always(object_tables.FUNCTIONS)


def _catalogue(_: Scope) -> str:
    """EXA_SYSCAT: the system tables themselves."""
    columns = dict.fromkeys(
        ("SCHEMA_NAME", "OBJECT_NAME", "OBJECT_TYPE", "OBJECT_COMMENT"), "VARCHAR"
    )
    rows: list[tuple[object, ...]] = [
        ("EXA_STATISTICS" if name in fixed_tables.STATISTICS else "SYS", name, "VIEW", None)
        for name in sorted(TABLES_BY_NAME)
    ]
    return fixed_tables.rows_of(columns, rows)


TABLES_BY_NAME["EXA_SYSCAT"] = _catalogue


def system_table(name: str, scope: Scope) -> str:
    """The DuckDB query behind a system table, with the rows that the scope's user may see.

    :raises SqlError: 42500 for a table of everybody's objects without the right to it.
    """
    if name.startswith("EXA_DBA_"):
        scope.rights.require_dictionary(name)
    return TABLES_BY_NAME[name](scope)
