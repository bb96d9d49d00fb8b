"""CREATE LUA SCRIPT, read into its parts."""

from __future__ import annotations

import pytest

from exallm.local.lua.script import LuaParameter, LuaScript, parse_lua_script
from exallm.local.sql_error import SqlError


def test_reads_every_part() -> None:
    statement = (
        "--/\n/* makes\nthings */ create or replace lua script exallm.Promote"
        "(modelName, ARRAY versions, -- why\n options)\n returns rowcount as\n"
        "local x = 1\nreturn x\n/\n"
    )
    assert parse_lua_script(statement, None) == LuaScript(
        schema="EXALLM",
        name="PROMOTE",
        parameters=(
            LuaParameter("modelName"),
            LuaParameter("versions", is_array=True),
            LuaParameter("options"),
        ),
        returns="ROWCOUNT",
        body="local x = 1\nreturn x",
        source=statement,
    )


def test_lua_is_the_language_of_scripts_without_one() -> None:
    script = parse_lua_script("CREATE SCRIPT T AS output('x')", "Mine")
    assert (script.schema, script.name, script.parameters) == ("Mine", "T", ())
    assert (script.returns, script.body) == ("NOTHING", "output('x')")


def test_quoted_names_keep_case_and_quotes() -> None:
    script = parse_lua_script('CREATE SCRIPT "my ""own"" schema"."t.x"(array) AS exit()', None)
    assert (script.schema, script.name) == ('my "own" schema', "t.x")
    assert script.parameters == (LuaParameter("array"),)
    assert script.qualified_name == '"my ""own"" schema"."t.x"'


def test_returns_table() -> None:
    assert parse_lua_script("CREATE SCRIPT S.T() RETURNS TABLE AS\nx()", None).returns == "TABLE"


@pytest.mark.parametrize(
    ("tail", "body"),
    [
        (" AS\n\nx()", "\nx()"),
        (" AS  \r\nx()\r\n/", "x()\r"),
        (" AS -- why\nx()", "-- why\nx()"),
        (" AS\nx = 1 / 2\n/ 3", "x = 1 / 2\n/ 3"),
        (" AS\nx()\n  /  \n\n", "x()"),
        (" AS\n/", ""),
    ],
)
def test_body_starts_after_as_and_ends_at_a_slash(tail: str, body: str) -> None:
    assert parse_lua_script("CREATE SCRIPT S.T" + tail, None).body == body


@pytest.mark.parametrize(
    ("statement", "text"),
    [
        ("", "syntax error, unexpected end, expecting CREATE [line 1, column 1]"),
        ("CREATE TABLE T", "syntax error, unexpected 'TABLE', expecting SCRIPT"),
        ("CREATE LUA SCRIPT\n  5 AS x", "expecting a script name [line 2, column 3]"),
        ("CREATE SCRIPT S.T(a b) AS x", "unexpected 'b', expecting ,"),
        ("CREATE SCRIPT S.T(a", "unexpected end, expecting ,"),
        ("CREATE SCRIPT S.T(a) RETURNS INT AS x", "unexpected 'INT', expecting TABLE or ROWCOUNT"),
        ("CREATE SCRIPT S.T(a)\nlocal x", "unexpected 'local', expecting AS [line 2, column 1]"),
        ("CREATE SCRIPT S.T(end) AS x", "parameter 'end' is a keyword of Lua"),
        ("CREATE SCRIPT S.T(a, a) AS x", "parameter 'a' stands there twice"),
        ('CREATE SCRIPT S.T("my x") AS x', "parameter 'my x' is no Lua name"),
        ("CREATE SCRIPT T AS x", "no schema is open"),
    ],
)
def test_mistakes_are_syntax_errors_that_say_where(statement: str, text: str) -> None:
    with pytest.raises(SqlError) as caught:
        parse_lua_script(statement, None)
    assert caught.value.code == "42000"
    assert text in caught.value.text
