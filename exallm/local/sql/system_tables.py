"""Exasol's system tables, as DuckDB queries over DuckDB's own catalogue and the engine's.

Only what exallm and its tests read is here; every other EXA_ name is refused as unknown.
"""

from __future__ import annotations

from exallm.local.sql.names import MARK, shown_sql

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

TABLES_BY_NAME = {
    "DUAL": "SELECT NULL AS DUMMY",
    "EXA_SCHEMAS": _SCHEMAS,
    "EXA_ALL_SCHEMAS": _SCHEMAS,
    "EXA_PARAMETERS": _PARAMETERS,
    "EXA_ALL_CONNECTIONS": "SELECT CONNECTION_NAME, CONNECTION_COMMENT FROM (" + _CONNECTIONS + ")",
    "EXA_DBA_CONNECTIONS": _CONNECTIONS,
}
for _scope in ("ALL", "DBA", "USER"):
    TABLES_BY_NAME[f"EXA_{_scope}_TABLES"] = _TABLES
    TABLES_BY_NAME[f"EXA_{_scope}_COLUMNS"] = _COLUMNS
    TABLES_BY_NAME[f"EXA_{_scope}_VIEWS"] = _VIEWS
    TABLES_BY_NAME[f"EXA_{_scope}_SCRIPTS"] = _SCRIPTS
    TABLES_BY_NAME[f"EXA_{_scope}_OBJECTS"] = _OBJECTS


def system_table(name: str) -> str | None:
    """The DuckDB query behind a system table, None for another name."""
    return TABLES_BY_NAME.get(name)
