"""The protocol's metadata commands, each as a query of the system tables.

So a client sees by them what its user may see in SQL, in the client's own transaction.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from exallm.local.sql.names import text_literal
from exallm.local.sql_error import SqlError

Request = Mapping[str, Any]

_NO_TEXT = "CAST(NULL AS VARCHAR(128))"
_SYSTEM_SCHEMAS = f"""
    SELECT 'SYS' AS "NAME", 'SYS' AS "OWNER", FALSE AS IS_VIRTUAL, {_NO_TEXT} AS "COMMENT"
    UNION ALL SELECT 'EXA_STATISTICS', 'SYS', FALSE, {_NO_TEXT}
"""
_SCHEMAS = f"""
    SELECT SCHEMA_NAME AS "NAME", SCHEMA_OWNER AS "OWNER", SCHEMA_IS_VIRTUAL AS IS_VIRTUAL,
        SCHEMA_COMMENT AS "COMMENT"
    FROM SYS.EXA_ALL_SCHEMAS
    UNION ALL {_SYSTEM_SCHEMAS}
"""
_TABLES = """
    SELECT TABLE_SCHEMA AS "SCHEMA", TABLE_NAME AS "NAME", TABLE_OWNER AS "OWNER",
        'TABLE' AS TABLE_TYPE, TABLE_IS_VIRTUAL AS IS_VIRTUAL,
        TABLE_HAS_DISTRIBUTION_KEY AS HAS_DISTRIBUTION_KEY,
        TABLE_HAS_PARTITION_KEY AS HAS_PARTITION_KEY, TABLE_COMMENT AS "COMMENT"
    FROM SYS.EXA_ALL_TABLES
    UNION ALL SELECT VIEW_SCHEMA, VIEW_NAME, VIEW_OWNER, 'VIEW', FALSE, FALSE, FALSE, VIEW_COMMENT
    FROM SYS.EXA_ALL_VIEWS
    UNION ALL
    SELECT SCHEMA_NAME, OBJECT_NAME, 'SYS', 'SYSTEM TABLE', FALSE, FALSE, FALSE, OBJECT_COMMENT
    FROM SYS.EXA_SYSCAT
"""
_COLUMNS = """
    SELECT COLUMN_SCHEMA AS "SCHEMA", COLUMN_TABLE AS "TABLE", COLUMN_NAME AS "NAME",
        COLUMN_TYPE AS "TYPE", COLUMN_TYPE_ID AS TYPE_ID, COLUMN_MAXSIZE AS MAXSIZE,
        COLUMN_NUM_PREC AS NUM_PREC, COLUMN_NUM_SCALE AS NUM_SCALE,
        COLUMN_ORDINAL_POSITION AS ORDINAL_POSITION, COLUMN_IS_VIRTUAL AS IS_VIRTUAL,
        COLUMN_IS_NULLABLE AS IS_NULLABLE, COLUMN_IS_DISTRIBUTION_KEY AS IS_DISTRIBUTION_KEY,
        COLUMN_PARTITION_KEY_ORDINAL_POSITION AS PARTITION_KEY_ORDINAL_POSITION,
        COLUMN_DEFAULT AS "DEFAULT", COLUMN_IDENTITY AS "IDENTITY", COLUMN_OWNER AS "OWNER",
        COLUMN_COMMENT AS "COMMENT"
    FROM SYS.EXA_ALL_COLUMNS
"""
_TYPES = """
    SELECT TYPE_NAME AS "NAME", TYPE_ID, "PRECISION", LITERAL_PREFIX, LITERAL_SUFFIX,
        CREATE_PARAMS, IS_NULLABLE, CASE_SENSITIVE, SEARCHABLE, UNSIGNED_ATTRIBUTE,
        FIXED_PREC_SCALE, AUTO_INCREMENT, LOCAL_TYPE_NAME, MINIMUM_SCALE, MAXIMUM_SCALE,
        SQL_DATA_TYPE, SQL_DATETIME_SUB, NUM_PREC_RADIX, INTERVAL_PRECISION
    FROM SYS.EXA_SQL_TYPES
"""
_KEYS = """
    SELECT CONSTRAINT_SCHEMA AS "SCHEMA", CONSTRAINT_TABLE AS "TABLE", CONSTRAINT_NAME AS "NAME",
        CONSTRAINT_OWNER AS "OWNER", ORDINAL_POSITION, COLUMN_NAME
    FROM SYS.EXA_ALL_CONSTRAINT_COLUMNS WHERE CONSTRAINT_TYPE = 'PRIMARY KEY'
"""
_SCRIPTS = """
    SELECT SCRIPT_SCHEMA AS "SCHEMA", SCRIPT_NAME AS "NAME", SCRIPT_OWNER AS "OWNER",
        SCRIPT_TYPE AS "TYPE", SCRIPT_LANGUAGE AS "LANGUAGE", SCRIPT_INPUT_TYPE AS INPUT_TYPE,
        SCRIPT_RESULT_TYPE AS RESULT_TYPE, SCRIPT_COMMENT AS "COMMENT"
    FROM SYS.EXA_ALL_SCRIPTS
"""
_FUNCTIONS = """
    SELECT FUNCTION_SCHEMA AS "SCHEMA", FUNCTION_NAME AS "NAME", FUNCTION_OWNER AS "OWNER",
        FUNCTION_COMMENT AS "COMMENT"
    FROM SYS.EXA_ALL_FUNCTIONS
"""
_USERS = f"""
    SELECT USER_NAME AS "NAME", CREATED, {_NO_TEXT} AS CONSUMER_GROUP, USER_COMMENT AS "COMMENT"
    FROM SYS.EXA_ALL_USERS
"""
_ROLES = f"""
    SELECT ROLE_NAME AS "NAME", CREATED, {_NO_TEXT} AS CONSUMER_GROUP, ROLE_COMMENT AS "COMMENT"
    FROM SYS.EXA_ALL_ROLES
"""
_CONNECTIONS = """
    SELECT CONNECTION_NAME AS "NAME", CREATED, CONNECTION_COMMENT AS "COMMENT"
    FROM SYS.EXA_ALL_CONNECTIONS
"""
_TABLE_PRIVILEGES = """
    SELECT OBJECT_SCHEMA AS "SCHEMA", OBJECT_NAME AS "TABLE", PRIVILEGE AS "NAME", GRANTOR,
        GRANTEE, OWNER
    FROM SYS.EXA_ALL_OBJ_PRIVS WHERE OBJECT_TYPE IN ('TABLE', 'VIEW')
"""
# Exasol grants nothing on columns.
_COLUMN_PRIVILEGES = f"""
    SELECT {_NO_TEXT} AS "SCHEMA", {_NO_TEXT} AS "TABLE", {_NO_TEXT} AS "COLUMN",
        {_NO_TEXT} AS "NAME", {_NO_TEXT} AS GRANTOR, {_NO_TEXT} AS GRANTEE, {_NO_TEXT} AS "OWNER"
    FROM DUAL WHERE FALSE
"""
_PROPERTIES = """
    SELECT PARAM_NAME AS "NAME", PARAM_VALUE AS "VALUE" FROM SYS.EXA_METADATA
"""
_TABLE_TYPES = """
    SELECT 'SYSTEM TABLE' AS TABLE_TYPE UNION ALL SELECT 'TABLE' UNION ALL SELECT 'VIEW'
"""


def _like(column: str, pattern: object) -> str:
    """The condition of a search pattern: null for all, the empty text for nothing."""
    if pattern is None:
        return ""
    return f"{column} LIKE {_text(pattern)}" if pattern != "" else "FALSE"


def _equal(column: str, name: object) -> str:
    if name is None:
        return ""
    return f"{column} = {_text(name)}" if name != "" else "FALSE"


def _one_of(column: str, names: object) -> str:
    if names is None:
        return ""
    if not isinstance(names, list):
        raise SqlError("42000", "tableTypes takes a list")
    return f"{column} IN ({', '.join(map(_text, names))})" if names else "FALSE"


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise SqlError("42000", "a metadata command takes texts")
    return text_literal(value)


def _selected(query: str, order: str, *conditions: str) -> str:
    kept = " AND ".join(condition for condition in conditions if condition)
    where = f" WHERE {kept}" if kept else ""
    return f"SELECT * FROM ({query}) AS M{where} ORDER BY {order}"


def _named(query: str) -> Callable[[Request], str]:
    """Things without a schema: users, roles, connections, properties."""
    return lambda request: _selected(query, '"NAME"', _equal('"NAME"', request.get("name")))


def _in_schemas(query: str, field: str) -> Callable[[Request], str]:
    """Scripts and functions, by patterns for schema and name."""
    return lambda request: _selected(
        query,
        '"SCHEMA", "NAME"',
        _like('"SCHEMA"', request.get("schema")),
        _like('"NAME"', request.get(field)),
    )


_QUERIES: dict[str, Callable[[Request], str]] = {
    "getCatalogs": lambda _: "SELECT 'EXA_DB' AS \"NAME\"",
    "getSchemas": lambda r: _selected(_SCHEMAS, '"NAME"', _like('"NAME"', r.get("schema"))),
    "getTables": lambda r: _selected(
        _TABLES,
        'TABLE_TYPE, "SCHEMA", "NAME"',
        _like('"SCHEMA"', r.get("schema")),
        _like('"NAME"', r.get("table")),
        _one_of("TABLE_TYPE", r.get("tableTypes")),
    ),
    "getTableTypes": lambda _: _selected(_TABLE_TYPES, "TABLE_TYPE"),
    "getColumns": lambda r: _selected(
        _COLUMNS,
        '"SCHEMA", "TABLE", ORDINAL_POSITION',
        _like('"SCHEMA"', r.get("schema")),
        _like('"TABLE"', r.get("table")),
        _like('"NAME"', r.get("column")),
    ),
    "getTypeInfo": lambda _: _selected(_TYPES, "TYPE_ID"),
    "getKeywords": lambda _: "SELECT KEYWORD, RESERVED FROM SYS.EXA_SQL_KEYWORDS ORDER BY KEYWORD",
    "getPrimaryKeys": lambda r: _selected(
        _KEYS,
        "COLUMN_NAME",
        _equal('"SCHEMA"', r.get("schema")),
        _equal('"TABLE"', r.get("table")),
    ),
    "getScripts": _in_schemas(_SCRIPTS, "script"),
    "getFunctions": _in_schemas(_FUNCTIONS, "function"),
    "getUsers": _named(_USERS),
    "getRoles": _named(_ROLES),
    "getConnections": _named(_CONNECTIONS),
    "getProperties": _named(_PROPERTIES),
    "getTablePrivileges": lambda r: _selected(
        _TABLE_PRIVILEGES,
        '"SCHEMA", "TABLE", "NAME", GRANTOR, GRANTEE',
        _like('"SCHEMA"', r.get("schema")),
        _like('"TABLE"', r.get("table")),
    ),
    "getColumnPrivileges": lambda _: _COLUMN_PRIVILEGES,
}
METADATA_COMMANDS = frozenset(_QUERIES)


def metadata_query(request: Request) -> str:
    """The query that answers one of ``METADATA_COMMANDS``.

    :raises SqlError: 42000 for a search pattern that is no text.
    """
    return _QUERIES[str(request["command"])](request)
