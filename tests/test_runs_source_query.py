"""What RUN_BATCH takes for a source query, a target and settings; no engine runs here."""

from __future__ import annotations

import pytest

from exallm_udfs.errors import ExallmError
from exallm_udfs.names import ModelReference
from exallm_udfs.run_settings import Budget, RunSettings
from exallm_udfs.source_query import check_source_query
from exallm_udfs.table_name import TableName
from tests.udf_harness import MockRuntime

QUERY = "SELECT ID AS ROW_ID, Q AS QUESTION, C AS CONTEXT FROM DOCS"


@pytest.mark.parametrize(
    "query",
    [
        QUERY,
        "  -- a comment; with 'signs' and (\r\n select 1",
        "/* DROP TABLE T; ) */ WITH A AS (SELECT ';' AS X) SELECT X FROM A",
        "SELECT ')', 'it''s; --', '/*' FROM \"a;b\"\"--\".\"T)\" -- the end",
        "SELECT INSERT(A, 1, 2, 'x'), REPLACE(A, 'b', 'c') FROM T",
        "SELECT A FROM T WHERE B >= 1.5e3 AND C <> 'ä' AND (D || E) ^= 'x' ORDER BY Ä",
        "SELECT DATE '2026-01-01', TIMESTAMP'2026-01-01 00:00:00' FROM DUAL",
    ],
)
def test_a_query_passes_as_it_is(query: str) -> None:
    assert check_source_query(query) == query


@pytest.mark.parametrize(
    ("query", "problem"),
    [
        ("", "is empty"),
        (" -- SELECT 1", "is empty"),
        ("DELETE FROM DOCS", "begins with 'DELETE'"),
        ("(SELECT 1)", "begins with '('"),
        ("EXECUTE SCRIPT X()", "begins with 'EXECUTE'"),
        ("/* SELECT */ DROP TABLE DOCS", "begins with 'DROP'"),
        ("SELECT 1; DROP TABLE DOCS", "has a ;"),
        ("SELECT 1;", "has a ;"),
        ("SELECT '\\'; DROP TABLE DOCS --'", "has a ;"),
        ("SELECT 1 -- \r; DROP TABLE DOCS", "control character"),
        ("SELECT 1 \x00", "control character"),
        ("SELECT 1) X; --", "closes a parenthesis"),
        ("SELECT 1) UNION (SELECT 2", "closes a parenthesis"),
        ("SELECT (1", "leaves a parenthesis open"),
        ("SELECT 'a", "is never closed"),
        ('SELECT "a', "is never closed"),
        ("SELECT 1 /* ", "a comment that is never closed"),
        ("SELECT 1 /* /* */ */", "a comment inside a comment"),
        ("SELECT E'\\'", "a string of a kind of its own"),
        ("SELECT [a;b] FROM T", "the sign '['"),
        ("SELECT $$x$$", "the sign '$'"),
        ("SELECT :x", "the sign ':'"),
        ("SELECT ?", "the sign '?'"),
        ("SELECT `a`", "the sign '`'"),
        ("SELECT A INTO TABLE B FROM C", "INTO"),
        ("WITH A AS (INSERT INTO T VALUES (1)) SELECT 1", "begins with INSERT"),
        ("SELECT * FROM (DELETE FROM T)", "begins with DELETE"),
        ("SELECT * FROM ( -- )\n update T SET A = 1)", "begins with UPDATE"),
    ],
)
def test_what_is_not_one_query_is_refused(query: str, problem: str) -> None:
    with pytest.raises(ExallmError) as caught:
        check_source_query(query)
    assert caught.value.code == "E-EXALLM-SQL-11"
    assert problem in caught.value.problem


@pytest.mark.parametrize(
    ("text", "schema", "name"),
    [
        ("answers", None, "ANSWERS"),
        ("Sales.Answers_2", "SALES", "ANSWERS_2"),
        ('"Sales"."a.b""; --"', "Sales", 'a.b"; --'),
        ('"' + "n" * 128 + '"', None, "n" * 128),
        ('"SELECT"', None, "SELECT"),
    ],
)
def test_a_target_is_named_as_sql_reads_it(text: str, schema: str | None, name: str) -> None:
    assert TableName.parse(text) == TableName(schema, name)


@pytest.mark.parametrize(
    "text", ["", "a b", "a.b.c", ".a", "a.", '"a', '""', "1a", "a;b", "a--", '"' + "n" * 129 + '"']
)
def test_what_is_no_name_is_refused(text: str) -> None:
    with pytest.raises(ExallmError, match="E-EXALLM-SQL-14"):
        TableName.parse(text)


def test_settings_have_defaults_and_options_do_not_depend_on_the_order_of_keys() -> None:
    assert RunSettings.parse(None) == RunSettings.parse("{}") == RunSettings()
    parsed = RunSettings.parse(
        '{"model": "qa@v2", "options": {"temperature": 0.5, "max_new_tokens": 4}, "chunk_rows": 7,'
        ' "budget": {"rows": 5, "tokens": 6, "seconds": 7}, "on_budget": "stop",'
        ' "retry_errors": true, "dry_run": true}'
    )
    assert parsed == RunSettings(
        ModelReference("qa", version=2),
        '{"max_new_tokens": 4, "temperature": 0.5}',
        7,
        Budget(5, 6, 7.0),
        "stop",
        True,
        True,
    )


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("[]", "SQL-1"),
        ("{", "SQL-1"),
        ('{"chunks": 1}', "SQL-2"),
        ('{"budget": {"euros": 1}}', "SQL-2"),
        ('{"options": {"tokens": 1}}', "SQL-2"),
        ('{"chunk_rows": 0}', "SQL-3"),
        ('{"chunk_rows": true}', "SQL-3"),
        ('{"budget": 5}', "SQL-3"),
        ('{"budget": {"rows": -1}}', "SQL-3"),
        ('{"on_budget": "ask"}', "SQL-3"),
        ('{"options": {"model": "qa"}}', "SQL-3"),
        ('{"model": "Q A"}', "MODEL-1"),
    ],
)
def test_wrong_settings_are_named(text: str, code: str) -> None:
    with pytest.raises(ExallmError) as caught:
        RunSettings.parse(text)
    assert caught.value.code == f"E-EXALLM-{code}"


def test_the_script_gives_the_parts_of_a_call() -> None:
    call = ("ai_answer", QUERY, "Sales.Answers", '{"chunk_rows": 5, "budget": {"seconds": 9}}')
    assert MockRuntime().run("READ_RUN", [call]) == [
        (
            "AI_ANSWER", "SALES", "ANSWERS", "qa", "champion", None, "{}", 5, None, None, 9.0,
            False, False, False, None,
        )
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("call", "problem"),
    [
        (("TOKEN_COUNT", QUERY, "T", "{}"), "E-EXALLM-SQL-10: 'TOKEN_COUNT' has no batches"),
        ((None, QUERY, "T", "{}"), "E-EXALLM-SQL-10: 'None'"),
        (("AI_ANSWER", None, "T", "{}"), "E-EXALLM-SQL-11: the source query is empty"),
        (("AI_ANSWER", QUERY, None, "{}"), "E-EXALLM-SQL-14: ''"),
        (("AI_ANSWER", QUERY, "T", "[]"), "E-EXALLM-SQL-1: "),
    ],
)
def test_the_script_gives_the_problem_of_a_call(call: tuple[str | None, ...], problem: str) -> None:
    ((*parts, found),) = MockRuntime().run("READ_RUN", [call])
    assert parts == [None] * 14
    assert str(found).startswith(problem)
    assert len(str(found)) <= 2000
