"""Exasol's system tables about objects, as DuckDB queries over DuckDB's catalogue and the engine's.

What the engine does not keep, as the time of an object's creation or its size, is NULL.
"""

from __future__ import annotations

from exallm.local.sql.names import MARK, shown_sql


def _id(kind: str, *names: str) -> str:
    """The number of an object: the same for the same kind and name."""
    parts = ", ".join((f"'{kind}'", *names))
    return f"CAST(hash(concat_ws('.', {parts})) % 1000000000000 AS DECIMAL(18,0))"


def _number(expression: str) -> str:
    return f"CAST({expression} AS DECIMAL(18,0))"


SCHEMAS = f"""
    SELECT name AS SCHEMA_NAME, owner AS SCHEMA_OWNER, {_id("SCHEMA", "name")} AS SCHEMA_OBJECT_ID,
        FALSE AS SCHEMA_IS_VIRTUAL, remark AS SCHEMA_COMMENT
    FROM _exallm.schemas
"""
TABLES = f"""
    SELECT s.name AS TABLE_SCHEMA, {shown_sql("t.table_name")} AS TABLE_NAME,
        s.owner AS TABLE_OWNER,
        {_id("TABLE", "s.name", shown_sql("t.table_name"))} AS TABLE_OBJECT_ID,
        FALSE AS TABLE_IS_VIRTUAL, FALSE AS TABLE_HAS_DISTRIBUTION_KEY,
        FALSE AS TABLE_HAS_PARTITION_KEY, {_number("t.estimated_size")} AS TABLE_ROW_COUNT,
        CAST(0 AS DECIMAL(4,1)) AS DELETE_PERCENTAGE, r.remark AS TABLE_COMMENT
    FROM duckdb_tables() t
    JOIN _exallm.schemas s ON s.name = {shown_sql("t.schema_name")}
    LEFT JOIN _exallm.remarks r
        ON r.kind = 'TABLE' AND r.schema_name = s.name AND r.name = {shown_sql("t.table_name")}
    WHERE t.database_name = current_database() AND starts_with(t.schema_name, '{MARK}')
"""
# What DuckDB's own types do not tell stands in its comments on the columns.
_COLUMNS = f"""
    SELECT s.name AS COLUMN_SCHEMA, {shown_sql("c.table_name")} AS COLUMN_TABLE,
        'TABLE' AS COLUMN_OBJECT_TYPE, {shown_sql("c.column_name")} AS COLUMN_NAME,
        coalesce(c.comment, c.data_type) AS COLUMN_TYPE, c.column_index AS PLACE,
        c.is_nullable AS COLUMN_IS_NULLABLE,
        CASE WHEN c.column_default LIKE '%now()%DATE%' THEN 'CURRENT_DATE'
            WHEN c.column_default LIKE '%now()%' THEN 'CURRENT_TIMESTAMP'
            ELSE nullif(regexp_replace(
                c.column_default, '^CAST\\((.*) AS [A-Z]+(?:\\([0-9, ]+\\))?\\)$', '\\1'
            ), 'NULL') END AS COLUMN_DEFAULT,
        s.owner AS COLUMN_OWNER, r.remark AS COLUMN_COMMENT
    FROM duckdb_columns() c
    JOIN duckdb_tables() t
        ON t.database_name = c.database_name AND t.schema_name = c.schema_name
        AND t.table_name = c.table_name
    JOIN _exallm.schemas s ON s.name = {shown_sql("c.schema_name")}
    LEFT JOIN _exallm.remarks r
        ON r.kind = 'COLUMN' AND r.schema_name = s.name
        AND r.name = {shown_sql("c.table_name")} || '.' || {shown_sql("c.column_name")}
    WHERE c.database_name = current_database() AND starts_with(c.schema_name, '{MARK}')
    UNION ALL
    SELECT v.schema_name, v.view_name, 'VIEW', v.column_name, v.type, v.place, NULL, NULL,
        s.owner, NULL
    FROM _exallm.view_columns v JOIN _exallm.schemas s ON s.name = v.schema_name
"""
_FIRST = "TRY_CAST(regexp_extract(COLUMN_TYPE, '\\((\\d+)', 1) AS DECIMAL(18,0))"
_SECOND = "TRY_CAST(regexp_extract(COLUMN_TYPE, '(?:,|SECOND\\()(\\d+)', 1) AS DECIMAL(18,0))"
COLUMNS = f"""
    SELECT COLUMN_SCHEMA, COLUMN_TABLE, COLUMN_OBJECT_TYPE, COLUMN_NAME, COLUMN_TYPE,
        {
    _number('''CASE WHEN COLUMN_TYPE LIKE 'DECIMAL%' THEN 3
            WHEN COLUMN_TYPE = 'DOUBLE' THEN 8
            WHEN COLUMN_TYPE = 'BOOLEAN' THEN 16
            WHEN COLUMN_TYPE = 'DATE' THEN 91
            WHEN COLUMN_TYPE LIKE 'TIMESTAMP%ZONE' THEN 124
            WHEN COLUMN_TYPE LIKE 'TIMESTAMP%' THEN 93
            WHEN COLUMN_TYPE LIKE 'CHAR%' THEN 1
            WHEN COLUMN_TYPE LIKE 'INTERVAL YEAR%' THEN 107
            WHEN COLUMN_TYPE LIKE 'INTERVAL DAY%' THEN 110
            WHEN COLUMN_TYPE LIKE 'HASHTYPE%' THEN 126
            ELSE 12 END''')
} AS COLUMN_TYPE_ID,
        {
    _number(f'''CASE WHEN COLUMN_TYPE = 'DOUBLE' THEN 64
            WHEN COLUMN_TYPE = 'BOOLEAN' THEN 1
            WHEN COLUMN_TYPE = 'DATE' THEN 10
            WHEN COLUMN_TYPE LIKE 'TIMESTAMP%' THEN 29
            WHEN COLUMN_TYPE LIKE 'HASHTYPE%' THEN 2 * {_FIRST}
            WHEN COLUMN_TYPE LIKE 'INTERVAL YEAR%' THEN {_FIRST} + 4
            WHEN COLUMN_TYPE LIKE 'INTERVAL DAY%' THEN {_FIRST} + {_SECOND} + 11
            ELSE {_FIRST} END''')
} AS COLUMN_MAXSIZE,
        CASE WHEN COLUMN_TYPE LIKE 'DECIMAL%' OR COLUMN_TYPE LIKE 'TIMESTAMP%'
            OR COLUMN_TYPE LIKE 'INTERVAL%' THEN {_FIRST} END AS COLUMN_NUM_PREC,
        CASE WHEN COLUMN_TYPE LIKE 'DECIMAL%' OR COLUMN_TYPE LIKE 'INTERVAL DAY%'
            THEN {_SECOND} END AS COLUMN_NUM_SCALE,
        {_number("PLACE")} AS COLUMN_ORDINAL_POSITION, FALSE AS COLUMN_IS_VIRTUAL,
        COLUMN_IS_NULLABLE, FALSE AS COLUMN_IS_DISTRIBUTION_KEY,
        CAST(NULL AS DECIMAL(18,0)) AS COLUMN_PARTITION_KEY_ORDINAL_POSITION,
        COLUMN_DEFAULT, CAST(NULL AS DECIMAL(36,0)) AS COLUMN_IDENTITY, COLUMN_OWNER,
        {_id("COLUMN", "COLUMN_SCHEMA", "COLUMN_TABLE", "COLUMN_NAME")} AS COLUMN_OBJECT_ID,
        CAST(NULL AS VARCHAR) AS STATUS, COLUMN_COMMENT
    FROM ({_COLUMNS})
"""
VIEWS = f"""
    SELECT v.schema_name AS VIEW_SCHEMA, v.name AS VIEW_NAME, v.current_schema AS SCOPE_SCHEMA,
        s.owner AS VIEW_OWNER, {_id("VIEW", "v.schema_name", "v.name")} AS VIEW_OBJECT_ID,
        v.statement AS VIEW_TEXT, r.remark AS VIEW_COMMENT
    FROM _exallm.views v JOIN _exallm.schemas s ON s.name = v.schema_name
    LEFT JOIN _exallm.remarks r
        ON r.kind = 'VIEW' AND r.schema_name = v.schema_name AND r.name = v.name
"""
SCRIPTS = f"""
    SELECT c.schema_name AS SCRIPT_SCHEMA, c.name AS SCRIPT_NAME, s.owner AS SCRIPT_OWNER,
        {_id("SCRIPT", "c.schema_name", "c.name")} AS SCRIPT_OBJECT_ID,
        c.kind AS SCRIPT_TYPE, c.language AS SCRIPT_LANGUAGE, c.input_type AS SCRIPT_INPUT_TYPE,
        c.result_type AS SCRIPT_RESULT_TYPE, c.statement AS SCRIPT_TEXT,
        r.remark AS SCRIPT_COMMENT
    FROM _exallm.scripts c JOIN _exallm.schemas s ON s.name = c.schema_name
    LEFT JOIN _exallm.remarks r
        ON r.kind = 'SCRIPT' AND r.schema_name = c.schema_name AND r.name = c.name
"""
_NO_TIMES = "CAST(NULL AS TIMESTAMP) AS CREATED, CAST(NULL AS TIMESTAMP) AS LAST_COMMIT"
OBJECTS = f"""
    SELECT SCHEMA_NAME AS OBJECT_NAME, 'SCHEMA' AS OBJECT_TYPE, {_NO_TIMES},
        SCHEMA_OWNER AS OWNER, SCHEMA_OBJECT_ID AS OBJECT_ID, CAST(NULL AS VARCHAR) AS ROOT_NAME,
        CAST(NULL AS VARCHAR) AS ROOT_TYPE, CAST(NULL AS DECIMAL(18,0)) AS ROOT_ID,
        FALSE AS OBJECT_IS_VIRTUAL, SCHEMA_COMMENT AS OBJECT_COMMENT
    FROM ({SCHEMAS})
    UNION ALL
    SELECT o.NAME, o.KIND, NULL, NULL, o.OWNER, o.ID, s.SCHEMA_NAME, 'SCHEMA', s.SCHEMA_OBJECT_ID,
        FALSE, o.REMARK
    FROM (
        SELECT TABLE_SCHEMA AS ROOT, TABLE_NAME AS NAME, 'TABLE' AS KIND, TABLE_OWNER AS OWNER,
            TABLE_OBJECT_ID AS ID, TABLE_COMMENT AS REMARK FROM ({TABLES})
        UNION ALL SELECT VIEW_SCHEMA, VIEW_NAME, 'VIEW', VIEW_OWNER, VIEW_OBJECT_ID, VIEW_COMMENT
        FROM ({VIEWS})
        UNION ALL SELECT SCRIPT_SCHEMA, SCRIPT_NAME, 'SCRIPT', SCRIPT_OWNER, SCRIPT_OBJECT_ID,
            SCRIPT_COMMENT FROM ({SCRIPTS})
    ) o JOIN ({SCHEMAS}) s ON s.SCHEMA_NAME = o.ROOT
"""
OBJECT_SIZES = f"""
    SELECT OBJECT_NAME, OBJECT_TYPE, CAST(NULL AS DECIMAL(18,0)) AS RAW_OBJECT_SIZE,
        CAST(NULL AS DECIMAL(18,0)) AS MEM_OBJECT_SIZE,
        CAST(NULL AS DECIMAL(18,0)) AS RAW_OBJECT_SIZE_LIMIT, CREATED, LAST_COMMIT, OWNER,
        OBJECT_ID, OBJECT_IS_VIRTUAL, ROOT_NAME, ROOT_TYPE, ROOT_ID
    FROM ({OBJECTS})
"""
_CONSTRAINTS = f"""
    SELECT s.name AS CONSTRAINT_SCHEMA, {shown_sql("k.table_name")} AS CONSTRAINT_TABLE,
        k.constraint_type AS CONSTRAINT_TYPE,
        CASE WHEN k.constraint_type <> 'NOT NULL' THEN {shown_sql("k.constraint_name")} END
            AS CONSTRAINT_NAME,
        s.owner AS CONSTRAINT_OWNER, k.constraint_column_names AS NAMES,
        {shown_sql("k.referenced_table")} AS REFERENCED_TABLE,
        k.referenced_column_names AS REFERENCED_NAMES
    FROM duckdb_constraints() k JOIN _exallm.schemas s ON s.name = {shown_sql("k.schema_name")}
    WHERE k.database_name = current_database() AND starts_with(k.schema_name, '{MARK}')
        AND k.constraint_type IN ('PRIMARY KEY', 'FOREIGN KEY', 'NOT NULL')
"""
CONSTRAINTS = f"""
    SELECT CONSTRAINT_SCHEMA, CONSTRAINT_TABLE, CONSTRAINT_TYPE, CONSTRAINT_NAME,
        TRUE AS CONSTRAINT_ENABLED, CONSTRAINT_OWNER
    FROM ({_CONSTRAINTS})
"""
CONSTRAINT_COLUMNS = f"""
    SELECT CONSTRAINT_SCHEMA, CONSTRAINT_TABLE, CONSTRAINT_TYPE, CONSTRAINT_NAME,
        CONSTRAINT_OWNER, {_number("PLACE")} AS ORDINAL_POSITION,
        {shown_sql("NAMES[PLACE]")} AS COLUMN_NAME,
        CASE WHEN CONSTRAINT_TYPE = 'FOREIGN KEY' THEN CONSTRAINT_SCHEMA END AS REFERENCED_SCHEMA,
        CASE WHEN CONSTRAINT_TYPE = 'FOREIGN KEY' THEN REFERENCED_TABLE END AS REFERENCED_TABLE,
        CASE WHEN CONSTRAINT_TYPE = 'FOREIGN KEY' THEN {shown_sql("REFERENCED_NAMES[PLACE]")} END
            AS REFERENCED_COLUMN
    FROM (SELECT *, unnest(generate_series(1, len(NAMES))) AS PLACE FROM ({_CONSTRAINTS}))
"""
# The only indices that there are hold the primary keys.
INDICES = f"""
    SELECT CONSTRAINT_SCHEMA AS INDEX_SCHEMA, CONSTRAINT_TABLE AS INDEX_TABLE,
        CONSTRAINT_OWNER AS INDEX_OWNER,
        {_id("INDEX", "CONSTRAINT_SCHEMA", "CONSTRAINT_TABLE")} AS INDEX_OBJECT_ID,
        'LOCAL' AS INDEX_TYPE, FALSE AS IS_GEOMETRY,
        CAST(NULL AS DECIMAL(18,0)) AS MEM_OBJECT_SIZE, {_NO_TIMES},
        'LOCAL INDEX (' || {shown_sql("array_to_string(NAMES, ',')")} || ')' AS REMARKS
    FROM ({_CONSTRAINTS}) WHERE CONSTRAINT_TYPE = 'PRIMARY KEY'
"""
# CREATE FUNCTION is refused: there are none.
FUNCTIONS = """
    SELECT CAST(NULL AS VARCHAR) AS FUNCTION_SCHEMA, CAST(NULL AS VARCHAR) AS FUNCTION_NAME,
        CAST(NULL AS VARCHAR) AS FUNCTION_OWNER, CAST(NULL AS DECIMAL(18,0)) AS FUNCTION_OBJECT_ID,
        CAST(NULL AS VARCHAR) AS FUNCTION_TEXT, CAST(NULL AS VARCHAR) AS FUNCTION_COMMENT
    WHERE FALSE
"""
