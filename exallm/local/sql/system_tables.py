"""Exasol's system tables, as DuckDB queries over DuckDB's own catalogue and the engine's.

Only what exallm and its tests read is here; every other EXA_ name is refused as unknown.
"""

from __future__ import annotations

from collections.abc import Callable

from exallm.local.sql.names import MARK, shown_sql
from exallm.local.sql.rights import Rights, Visible
from exallm.local.sql.rights_tables import RIGHTS_TABLES, text_list

SYSTEM_SCHEMAS = ("SYS", "EXA_STATISTICS")

_SCHEMAS = """
    SELECT name AS SCHEMA_NAME, owner AS SCHEMA_OWNER, remark AS SCHEMA_COMMENT
    FROM _exallm.schemas
"""
_TABLES = f"""
    SELECT s.name AS TABLE_SCHEMA, {shown_sql("t.table_name")} AS TABLE_NAME,
        s.owner AS TABLE_OWNER, r.remark AS TABLE_COMMENT,
        CAST(t.estimated_size AS DECIMAL(18,0)) AS TABLE_ROW_COUNT
    FROM duckdb_tables() t
    JOIN _exallm.schemas s ON s.name = {shown_sql("t.schema_name")}
    LEFT JOIN _exallm.remarks r
        ON r.kind = 'TABLE' AND r.schema_name = s.name AND r.name = {shown_sql("t.table_name")}
    WHERE t.database_name = current_database() AND starts_with(t.schema_name, '{MARK}')
"""
_COLUMNS = f"""
    SELECT s.name AS COLUMN_SCHEMA, {shown_sql("c.table_name")} AS COLUMN_TABLE,
        'TABLE' AS COLUMN_OBJECT_TYPE, {shown_sql("c.column_name")} AS COLUMN_NAME,
        CASE c.data_type WHEN 'VARCHAR' THEN
            'VARCHAR('
            || coalesce(regexp_extract(k.constraint_text, '<= (\\d+)\\)+$', 1), '2000000')
            || ') UTF8' ELSE c.data_type END AS COLUMN_TYPE,
        CAST(c.column_index AS DECIMAL(18,0)) AS COLUMN_ORDINAL_POSITION,
        c.is_nullable AS COLUMN_IS_NULLABLE, r.remark AS COLUMN_COMMENT
    FROM duckdb_columns() c
    JOIN _exallm.schemas s ON s.name = {shown_sql("c.schema_name")}
    LEFT JOIN duckdb_constraints() k
        ON k.constraint_type = 'CHECK' AND k.database_name = c.database_name
        AND k.schema_name = c.schema_name AND k.table_name = c.table_name
        AND k.constraint_column_names = [c.column_name] AND k.constraint_text LIKE '%length(%'
    LEFT JOIN _exallm.remarks r
        ON r.kind = 'COLUMN' AND r.schema_name = s.name
        AND r.name = {shown_sql("c.table_name")} || '.' || {shown_sql("c.column_name")}
    WHERE c.database_name = current_database() AND starts_with(c.schema_name, '{MARK}')
"""
_VIEWS = """
    SELECT v.schema_name AS VIEW_SCHEMA, v.name AS VIEW_NAME, s.owner AS VIEW_OWNER,
        v.statement AS VIEW_TEXT, r.remark AS VIEW_COMMENT
    FROM _exallm.views v JOIN _exallm.schemas s ON s.name = v.schema_name
    LEFT JOIN _exallm.remarks r
        ON r.kind = 'VIEW' AND r.schema_name = v.schema_name AND r.name = v.name
"""
_SCRIPTS = """
    SELECT c.schema_name AS SCRIPT_SCHEMA, c.name AS SCRIPT_NAME, s.owner AS SCRIPT_OWNER,
        c.kind AS SCRIPT_TYPE, c.language AS SCRIPT_LANGUAGE, c.input_type AS SCRIPT_INPUT_TYPE,
        c.result_type AS SCRIPT_RESULT_TYPE, c.statement AS SCRIPT_TEXT,
        r.remark AS SCRIPT_COMMENT
    FROM _exallm.scripts c JOIN _exallm.schemas s ON s.name = c.schema_name
    LEFT JOIN _exallm.remarks r
        ON r.kind = 'SCRIPT' AND r.schema_name = c.schema_name AND r.name = c.name
"""
_OBJECTS = f"""
    SELECT SCHEMA_NAME AS OBJECT_NAME, 'SCHEMA' AS OBJECT_TYPE, NULL AS ROOT_NAME,
        SCHEMA_OWNER AS OWNER FROM ({_SCHEMAS})
    UNION ALL SELECT TABLE_NAME, 'TABLE', TABLE_SCHEMA, TABLE_OWNER FROM ({_TABLES})
    UNION ALL SELECT VIEW_NAME, 'VIEW', VIEW_SCHEMA, VIEW_OWNER FROM ({_VIEWS})
    UNION ALL SELECT SCRIPT_NAME, 'SCRIPT', SCRIPT_SCHEMA, SCRIPT_OWNER FROM ({_SCRIPTS})
"""
_PARAMETERS = """
    SELECT p.name AS PARAMETER_NAME, coalesce(s.value, p.value) AS SESSION_VALUE,
        p.value AS SYSTEM_VALUE
    FROM _exallm.parameters p
    LEFT JOIN exallm_session_parameters s ON s.name = p.name
"""
_CONNECTIONS = """
    SELECT name AS CONNECTION_NAME, nullif(address, '') AS CONNECTION_STRING,
        nullif(user_name, '') AS USER_NAME,
        remark AS CONNECTION_COMMENT
    FROM _exallm.connections
"""

_Builder = Callable[[Rights], str]


def _always(query: str) -> _Builder:
    return lambda _: query


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


def _visible_schemas(rights: Rights) -> str:
    return _filtered(_SCHEMAS, _seen(rights.visible_schemas(), "SCHEMA_NAME"))


def _visible_columns(rights: Rights) -> str:
    return _filtered(_COLUMNS, _seen(rights.visible("TABLE"), "COLUMN_SCHEMA", "COLUMN_TABLE"))


def _visible(query: str, kind: str) -> _Builder:
    return lambda rights: _filtered(
        query, _seen(rights.visible(kind), f"{kind}_SCHEMA", f"{kind}_NAME")
    )


def _visible_objects(rights: Rights) -> str:
    conditions = {"SCHEMA": _seen(rights.visible_schemas(), "OBJECT_NAME")}
    for kind in ("TABLE", "VIEW", "SCRIPT"):
        conditions[kind] = _seen(rights.visible(kind), "ROOT_NAME", "OBJECT_NAME")
    if set(conditions.values()) == {"TRUE"}:
        return _OBJECTS
    tests = (f"OBJECT_TYPE = '{kind}' AND ({test})" for kind, test in conditions.items())
    return _filtered(_OBJECTS, " OR ".join(tests))


def _owned(query: str, owner: str) -> _Builder:
    return lambda rights: _filtered(query, f"{owner} IN ({text_list([rights.user])})")


# Every system table by name, with what makes its query for a user.
TABLES_BY_NAME: dict[str, _Builder] = {
    "DUAL": _always("SELECT NULL AS DUMMY"),
    "EXA_SCHEMAS": _visible_schemas,
    "EXA_ALL_SCHEMAS": _visible_schemas,
    "EXA_PARAMETERS": _always(_PARAMETERS),
    "EXA_ALL_CONNECTIONS": _always(
        "SELECT CONNECTION_NAME, CONNECTION_COMMENT FROM (" + _CONNECTIONS + ")"
    ),
    "EXA_DBA_CONNECTIONS": _always(_CONNECTIONS),
    "EXA_ALL_COLUMNS": _visible_columns,
    "EXA_ALL_OBJECTS": _visible_objects,
    "EXA_DBA_COLUMNS": _always(_COLUMNS),
    "EXA_DBA_OBJECTS": _always(_OBJECTS),
    "EXA_USER_COLUMNS": lambda rights: _filtered(
        _COLUMNS,
        "COLUMN_SCHEMA IN (SELECT name FROM _exallm.schemas"
        f" WHERE owner IN ({text_list([rights.user])}))",
    ),
    "EXA_USER_OBJECTS": _owned(_OBJECTS, "OWNER"),
    **RIGHTS_TABLES,
}
for _kind, _query in (("TABLE", _TABLES), ("VIEW", _VIEWS), ("SCRIPT", _SCRIPTS)):
    TABLES_BY_NAME[f"EXA_ALL_{_kind}S"] = _visible(_query, _kind)
    TABLES_BY_NAME[f"EXA_DBA_{_kind}S"] = _always(_query)
    TABLES_BY_NAME[f"EXA_USER_{_kind}S"] = _owned(_query, f"{_kind}_OWNER")


def system_table(name: str, rights: Rights) -> str:
    """The DuckDB query behind a system table, with the rows that a user may see.

    :raises SqlError: 42500 for a table of everybody's objects without the right to it.
    """
    if name.startswith("EXA_DBA_"):
        rights.require_dictionary(name)
    return TABLES_BY_NAME[name](rights)
