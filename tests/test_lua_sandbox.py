"""What a Lua script can do, and cannot, without a database."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exallm.local.lua.host import check_lua_syntax, run_lua_script
from exallm.local.lua.script import LuaScript, parse_lua_script
from exallm.local.lua.session import LuaArgument, LuaOutcome, QueryResult
from exallm.local.sql_error import SqlError


class OfflineSession:
    """A session that ends after some seconds, knows few other scripts and no SQL."""

    def __init__(self, seconds: float = 20.0) -> None:
        self.meta = {"session_id": 4711, "current_user": "ann", "node_count": 1}
        self.meta["node_id"] = 2**60
        self._end = time.monotonic() + seconds

    def execute(self, sql: str) -> QueryResult:
        if sql == "CRASH":
            raise ZeroDivisionError(sql)
        raise SqlError("0A000", f"no SQL here: {sql}")

    def script_text(self, schema_and_name: str) -> LuaScript:
        if schema_and_name.startswith("LONG."):
            return parse_lua_script(
                f"CREATE SCRIPT {schema_and_name} AS\nfunction last() return"
                f" '{schema_and_name[-1]}' end",
                None,
            )
        if schema_and_name != "LIB.TOOLS":
            raise SqlError("42000", f"script {schema_and_name} not found")
        return parse_lua_script(
            "CREATE SCRIPT LIB.TOOLS AS\nlocal secret = 20\nfunction twice(x) return 2 * x end\n"
            "function fail() error('tools broke') end\nfunction get() return secret end",
            None,
        )

    def check_abort(self) -> None:
        if time.monotonic() > self._end:
            raise SqlError("R0003", "aborted by the user")


def run(
    body: str,
    arguments: Sequence[LuaArgument] = (),
    parameters: str = "",
    seconds: float = 20.0,
    memory_limit: int = 2**25,
) -> LuaOutcome:
    script = parse_lua_script(f"CREATE SCRIPT S.T({parameters}) AS\n{body}", None)
    return run_lua_script(script, arguments, OfflineSession(seconds), memory_limit)


def output(
    body: str, arguments: Sequence[LuaArgument] = (), parameters: str = ""
) -> tuple[str, ...]:
    return run(body, arguments, parameters).output


def failure(body: str, **options: float) -> SqlError:
    with pytest.raises(SqlError) as caught:
        run(body, **options)  # type: ignore[arg-type]
    return caught.value


@pytest.mark.parametrize(
    "name",
    ["io", "debug", "package", "python", "dofile", "loadfile", "coroutine", "collectgarbage"],
)
def test_dangerous_names_are_absent(name: str) -> None:
    assert output(f"output(type({name}), type(_G['{name}']))") == ("nil nil",)


def test_no_function_leads_out_of_the_sandbox() -> None:
    assert output(
        "output(type(os.execute), type(os.getenv), type(os.remove), type(string.dump),"
        " type(('').dump), getmetatable(''), getmetatable(_G), getmetatable(null))"
    ) == ("nil nil nil nil nil false false false",)


def test_nothing_in_reach_is_an_object_of_python() -> None:
    body = """
local seen, found = {}, {}
local function walk(value, path)
  if type(value) == 'userdata' or type(value) == 'thread' then found[#found + 1] = path end
  if type(value) ~= 'table' or seen[value] then return end
  seen[value] = true
  for key, item in pairs(value) do walk(item, path .. '.' .. tostring(key)) end
end
for _, name in ipairs({'string', 'table', 'math', 'utf8', 'os', 'exa', 'null', 'query', 'pquery',
    'import', 'output', 'load', 'require', 'decimal', '_G'}) do walk(_G[name], name) end
walk(require('cjson'), 'cjson')
local ok, problem = pcall(query, 'SELECT 1')
walk(problem, 'problem')
output(#found, next(found) and found[1])"""
    assert output(body) == ("0 nil",)


def test_load_takes_text_within_the_sandbox_and_no_bytecode() -> None:
    body = """
x = 5
output(load('return x + 1')(), load('return io')(), load('return y', 'n', 't', {y = 7})())
output(load('\\27Lua'))"""
    first, second = output(body)
    assert first == "6 nil 7"
    assert "attempt to load a binary chunk" in second


def test_only_cjson_can_be_required() -> None:
    assert failure("require('os')").text == (
        '"module \'os\' is not available" caught in script "S"."T" at line 1 (Session: 4711)'
    )


def test_globals_do_not_outlive_a_run() -> None:
    assert output("string.x = 1 leak = 2 output(leak)") == ("2",)
    assert output("output(string.x, leak)") == ("nil nil",)


@pytest.mark.parametrize(
    "body",
    [
        "while true do end",
        "while true do pcall(function() while true do end end) end",
        "xpcall(function() while true do end end, function() while true do end end)",
        "while true do load(function() while true do end end) end",
        "while true do pquery('SELECT 1') end",
        "local m = setmetatable({}, {__close = function() while true do end end})\n"
        "local x <close> = m\nwhile true do end",
        "table.sort({3, 2, 1}, function() while true do end end)",
        "local function f() while true do pcall(f) end end f()",
    ],
)
def test_every_endless_loop_ends_with_the_abort(body: str) -> None:
    began = time.monotonic()
    problem = failure(body, seconds=0.2)
    assert (problem.code, problem.text) == ("R0003", "aborted by the user")
    assert time.monotonic() - began < 5


def test_finalizers_which_nothing_could_stop_are_refused() -> None:
    assert "__gc is not available" in failure("setmetatable({}, {__gc = type})").text


@pytest.mark.parametrize(
    "body",
    [
        "local t = {} while true do t[#t + 1] = ('x'):rep(100000) .. #t end",
        "while true do pcall(string.rep, 'x', 10 ^ 9 // 1) end",
        "local t = {} while true do pcall(function() t[#t + 1] = ('x'):rep(99999) .. #t end) end",
        "return ('x'):rep(10 ^ 9 // 1)",
        "local d = require('cjson').decode('[' .. ('1,'):rep(3000000) .. '1]') return {d}",
    ],
)
def test_memory_is_limited(body: str) -> None:
    problem = failure(body)
    assert problem.code == "43000"
    assert "memory" in problem.text


def test_memory_error_says_the_limit_and_what_to_do() -> None:
    assert failure("return ('x'):rep(10 ^ 9 // 1)").text == (
        "E-EXALLM-LOCAL-40: the Lua script needs more than 32 MiB of memory; "
        "hold fewer rows at a time: let SQL filter and aggregate"
    )


def test_output_is_limited() -> None:
    assert "E-EXALLM-LOCAL-41" in failure("while true do output(('x'):rep(2^20 // 1)) end").text


def test_deep_recursion_is_an_error_of_the_script() -> None:
    problem = failure("\nlocal function f() return 1 + f() end\nf()", memory_limit=2**28)
    assert problem.code == "43000"
    assert "stack overflow" in problem.text


@pytest.mark.parametrize(
    ("body", "message", "line"),
    [
        ("\nerror('boom')", "boom", 2),
        ("error('E-X-1: what; do', 0)", "E-X-1: what; do", 1),
        ("\n\nlocal x = nil + 1", "attempt to perform arithmetic on a nil value", 3),
        ("local ok, e = pcall(error, 'inner')\nerror(e)", "inner", 2),
        ("local function f() error('called wrongly', 2) end\nf()", "called wrongly", 2),
        ("error({})", "(error object is a table value)", 1),
        ("error(null)", "(error object is a table value)", 1),
        ("error('zwölf 😀 \\0')", "zwölf 😀 \x00", 1),
        ("query(5)", "the statement must be a string, not a number", 1),
        ("query('SELECT 1', {v = {}})", "parameter v is a table, which SQL has no value for", 1),
        ("\nassert(false, 'not so')", "not so", 2),
    ],
)
def test_errors_keep_their_message_and_tell_the_line(body: str, message: str, line: int) -> None:
    problem = failure(body)
    assert problem.code == "43000"
    assert problem.text == f'"{message}" caught in script "S"."T" at line {line} (Session: 4711)'


def test_pcall_sees_the_message_with_its_place() -> None:
    assert output("\noutput(pcall(function() error('boom') end))") == ("false S.T:2: boom",)


def test_xpcall_hands_the_error_to_its_handler() -> None:
    body = "output(xpcall(error, function(e) return '<' .. e .. '>' end, 'boom', 0))"
    assert output(body) == ("false <boom>",)
    assert output("output(xpcall(math.max, error, 3, 9, 4))") == ("true 9",)


def test_a_compile_error_has_its_line() -> None:
    script = parse_lua_script("CREATE SCRIPT S.T AS\nlocal x = 1\nlocal = 2", None)
    with pytest.raises(SqlError) as caught:
        check_lua_syntax(script)
    assert caught.value.code == "43000"
    assert caught.value.text == '"<name> expected near \'=\'" in script "S"."T" at line 2'
    check_lua_syntax(parse_lua_script("CREATE SCRIPT S.T AS\nnope()", None))


def test_a_failing_statement_keeps_its_code() -> None:
    problem = failure("\nquery('SELECT 1')")
    assert problem.code == "0A000"
    assert problem.text == 'no SQL here: SELECT 1 (caught in script "S"."T" at line 2)'


def test_a_fault_of_the_session_passes_through_whatever_the_script_does() -> None:
    with pytest.raises(ZeroDivisionError):
        run("pcall(pquery, 'CRASH') error('hidden')")


def test_exit_ends_the_script_even_within_pcall() -> None:
    outcome = run("output('a') pcall(exit, {rows_affected = 3}) output('b')")
    assert (outcome.output, outcome.rows_affected) == (("a",), 3)


@pytest.mark.parametrize("value", ["'3'", "1.5", "true", "{}"])
def test_rows_affected_must_be_a_whole_number(value: str) -> None:
    assert "rows_affected" in failure(f"return {{rows_affected = {value}}}").text


def test_import_gives_the_functions_of_another_script() -> None:
    assert output("import('LIB.TOOLS', 'tools') output(tools.twice(4), tools.get(), secret)") == (
        "8 20 nil",
    )
    assert output("import('LIB.TOOLS') output(TOOLS.twice(1))") == ("2",)


def test_scripts_whose_long_names_begin_alike_are_told_apart() -> None:
    one, two = f"LONG.{'N' * 100}A", f"LONG.{'N' * 100}B"
    assert output(f"import('{one}', 'a') import('{two}', 'b') output(a.last(), b.last())") == (
        "A B",
    )


def test_errors_in_an_imported_script_name_it() -> None:
    assert failure("import('LIB.TOOLS', 't') t.fail()").text == (
        '"tools broke" caught in script "LIB"."TOOLS" at line 3 (Session: 4711)'
    )
    problem = failure("import('LIB.GONE', 't')")
    assert problem.code == "42000"
    assert problem.text.startswith("script LIB.GONE not found")


def test_arguments_arrive_as_variables_in_the_case_written() -> None:
    body = "output(modelName, MODELNAME, #list, list[2], list[3] == null, none == null, flag)"
    arguments: list[LuaArgument] = ["qa", [1, "zwei", None], None, True]
    assert output(body, arguments, "modelName, ARRAY list, none, flag") == (
        "qa nil 3 zwei true true true",
    )


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ([], "takes 2 arguments, but 0 were given"),
        ([1, 2], "parameter b of script .* takes an ARRAY"),
        ([[1], [2]], "parameter a of script .* takes one value, not an ARRAY"),
    ],
)
def test_arguments_that_do_not_fit_are_refused(arguments: list[LuaArgument], text: str) -> None:
    with pytest.raises(SqlError, match=text) as caught:
        run("", arguments, "a, ARRAY b")
    assert caught.value.code == "42000"


def test_meta_has_facts_of_session_and_script() -> None:
    body = "output(exa.meta.current_user, exa.meta.script_schema, exa.meta.script_name)"
    assert output(body) == ("ann S T",)
    assert output("output(exa.meta.node_count + 1, exa.meta.session_id)") == ("2 4711",)
    assert output("output(type(exa.meta.node_id), exa.meta.node_id)") == (f"string {2**60}",)


def test_small_helpers() -> None:
    assert output(
        """output(quote('my "x"'), join(', ', 1, 'b', null), join('-'), NULL == null)"""
    ) == ('"my ""x""" 1, b, null  true',)
    assert output("output(utf8.len('zwölf😀'), #'ö', type(os.time()), os.date('!%Y', 0))") == (
        "6 2 number 1970",
    )


@pytest.mark.parametrize(
    ("expression", "text"),
    [
        ("decimal('1.10') + 2", "3.10"),
        ("2 - decimal('0.5')", "1.5"),
        ("decimal('12345678901234567890.12') * 2", "24691357802469135780.24"),
        ("decimal(1) / decimal(8)", "0.125"),
        ("-decimal('1.5')", "-1.5"),
        ("decimal('1.50') == decimal('1.5')", "true"),
        ("decimal(1) == null", "false"),
        ("decimal('2.5') < 3 and 2 <= decimal(2)", "true"),
        ("decimal('2.345', 10, 2)", "2.35"),
        ("'x' .. decimal('1.0')", "x1.0"),
        ("tonumber(decimal('2.5')) + 1", "3.5"),
    ],
)
def test_decimals_calculate_exactly(expression: str, text: str) -> None:
    assert output(f"output({expression})") == (text,)


@pytest.mark.parametrize(
    ("expression", "text"),
    [
        ("decimal('x')", "is no number of up to 36 digits"),
        ("decimal('NaN')", "is no number of up to 36 digits"),
        ("decimal(('9'):rep(37))", "is no number of up to 36 digits"),
        ("decimal('1e999999')", "is no number of up to 36 digits"),
        ("decimal('1e30') * decimal('1e30')", "out of range"),
        ("decimal({})", "a table is no number"),
        ("decimal(1000, 3, 0)", "does not fit into DECIMAL"),
        ("decimal(1, 99)", "outside DECIMAL"),
        ("decimal(1) / 0", "division by zero"),
        ("decimal(1) + 'x'", "no numbers"),
    ],
)
def test_decimals_refuse_what_is_none(expression: str, text: str) -> None:
    assert text in failure(f"output({expression})").text


@pytest.mark.parametrize(
    ("expression", "text"),
    [
        ("{1, 'b', null, true}", '[1,"b",null,true]'),
        ("{}", "{}"),
        ("{a = {b = {1.5}}}", '{"a":{"b":[1.5]}}'),
        ("{[1] = 'a', [3] = 'c'}", '["a",null,"c"]'),
        ("{1, x = 2}", None),
        ("'\"\\\\/\\n\\1é😀'", '"\\"\\\\/\\n\\u0001é😀"'),
        ("10 / 2", "5"),
        ("0.1", "0.1"),
        ("2^53 // 1 | 0", "9007199254740992"),
        ("decimal('1.50')", "1.50"),
        ("null", "null"),
    ],
)
def test_cjson_encodes(expression: str, text: str | None) -> None:
    [encoded] = output(f"output(require('cjson').encode({expression}))")
    if text is None:
        assert json.loads(encoded) == {"1": 1, "x": 2}
    else:
        assert encoded == text


@pytest.mark.parametrize(
    ("expression", "text"),
    [
        ("output", "Cannot serialise function"),
        ("0/0", "must not be NaN or Infinity"),
        ("{[1000] = 1}", "excessively sparse array"),
        ("{[true] = 1}", "table key must be a number or string"),
        ("(function() local t = {} t.t = t return t end)()", "excessive depth"),
    ],
)
def test_cjson_refuses_what_json_cannot_say(expression: str, text: str) -> None:
    assert text in failure(f"require('cjson').encode({expression})").text


def test_cjson_decodes_into_tables() -> None:
    body = """local cjson = require('cjson')
local d = cjson.decode('{"a": [1, 2.5, null, "\\\\u00e9"], "b": {"c": false}, "big": 1e20}')
output(#d.a, d.a[1], d.a[2], d.a[3] == cjson.null, d.a[3] == null, d.a[4], d.b.c, d.big)
output(math.type(d.a[1]), cjson.decode('null') == null, cjson.decode('"x"'))"""
    assert output(body) == ("4 1 2.5 true true é false 1e+20", "integer true x")


@pytest.mark.parametrize(
    "text", ["", "[1", "{'a': 1}", "NaN", "1e999", "[" * 100_000, '"\\ud800"', "1 2"]
)
def test_cjson_refuses_broken_json(text: str) -> None:
    with pytest.raises(SqlError) as caught:
        run("require('cjson').decode(text)", [text], "text")
    assert caught.value.code == "43000"
    assert "at line 1" in caught.value.text


_JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, min_size=1) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@settings(max_examples=60, deadline=None)
@given(_JSON)
def test_json_comes_back_as_it_went(value: object) -> None:
    body = "local cjson = require('cjson') output(cjson.encode(cjson.decode(text)))"
    [text] = output(body, [json.dumps(value)], "text")
    assert json.loads(text) == value


@settings(max_examples=60, deadline=None)
@given(st.text())
def test_any_text_goes_in_and_out(text: str) -> None:
    assert output("output(text)", [text], "text") == (text,)
