"""CREATE SCRIPT statements of UDFs: what the parser makes of them, and what it refuses."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exallm.local.exasol_type import Column, ExasolType
from exallm.local.sql_error import SqlError
from exallm.local.udf.script import UdfScript, parse_columns, parse_udf_script
from exallm.local.udf.script_options import ScriptOptions


def refused(statement: str, schema: str | None = "S") -> SqlError:
    with pytest.raises(SqlError) as caught:
        parse_udf_script(statement, schema)
    return caught.value


def test_scalar_script() -> None:
    body = "def run(ctx):\n    return ctx.Ctx"
    source = (
        "CREATE OR REPLACE PYTHON3 SCALAR SCRIPT ml.GPT2_INFERENCE(Ctx VARCHAR(2000000))\n"
        f"RETURNS VARCHAR(2000000) AS\n{body}\n/\n"
    )
    assert parse_udf_script(source, None) == UdfScript(
        schema="ML",
        name="GPT2_INFERENCE",
        language="PYTHON3",
        kind="SCALAR",
        inputs=(Column("CTX", ExasolType("VARCHAR", size=2_000_000)),),
        input_names=("Ctx",),
        output="RETURNS",
        returns=ExasolType("VARCHAR", size=2_000_000),
        emits=None,
        options=ScriptOptions(),
        body=body,
        code=body,
        source=source,
    )


def test_set_script_with_comments_and_quoted_names() -> None:
    script = parse_udf_script(
        """--/
        -- what it is: CREATE x
        CREATE /* really */ exallm_gpu SET SCRIPT "My Schema"."a""b" ( -- the row
            "row id" VARCHAR(100) UTF8, score DOUBLE PRECISION, n DECIMAL ( 36 , 9 )
        ) EMITS ("row id" VARCHAR (100), d DATE, t TIMESTAMP, b BOOLEAN) AS
pass
/
""",
        None,
    )
    assert (script.schema, script.name, script.language) == ("My Schema", 'a"b', "EXALLM_GPU")
    assert script.kind == "SET"
    assert script.inputs is not None and script.emits is not None
    assert [column.name for column in script.inputs] == ["row id", "SCORE", "N"]
    assert script.input_names == ("row id", "score", "n")
    assert [column.type.sql() for column in script.inputs] == [
        "VARCHAR(100) UTF8",
        "DOUBLE",
        "DECIMAL(36,9)",
    ]
    assert [column.name for column in script.emits] == ["row id", "D", "T", "B"]
    assert script.output == "EMITS" and script.returns is None


def test_variadic_dynamic_and_empty_parameters() -> None:
    variadic = parse_udf_script("CREATE PYTHON3 SET SCRIPT f(...) EMITS (...) AS\npass\n/", "S")
    assert variadic.inputs is None and variadic.emits is None and variadic.input_names == ()
    assert variadic.qualified_name == "S.F"
    empty = parse_udf_script("CREATE PYTHON3 SCALAR SCRIPT f() RETURNS INT AS\npass\n/", "S")
    assert empty.inputs == () and empty.returns == ExasolType("DECIMAL", precision=18)


def test_no_language_alias_means_lua() -> None:
    script = parse_udf_script("CREATE SCALAR SCRIPT f() RETURNS INT AS\npass", "S")
    assert script.language == "LUA"


@pytest.mark.parametrize(
    ("tail", "body"),
    [
        ("AS\npass\n/\n", "pass"),
        ("AS\r\npass\r\n/\r\n", "pass"),
        ("as   \npass\n  /  \n\n", "pass"),
        ("AS pass", "pass"),
        ("AS\npass\n", "pass\n"),
        ("AS\nx = 4\\\n/ 2\n/", "x = 4\\\n/ 2"),
        ("AS\n\n  $ not SQL ' \" ;;\n/", "\n  $ not SQL ' \" ;;"),
        ("AS\n/", ""),
    ],
)
def test_where_the_body_begins_and_ends(tail: str, body: str) -> None:
    assert parse_udf_script(f"CREATE p SCALAR SCRIPT f() RETURNS INT {tail}", "S").body == body


def test_options_leave_line_numbers_alone() -> None:
    script = parse_udf_script(
        "CREATE PYTHON3 SCALAR SCRIPT f() RETURNS INT AS\n"
        "# the head\n\n"
        "%env A=1;%env PATH=/x:/y z; \n"
        "%perNodeAndCallInstanceLimit 2;\n"
        "%perInstanceRequiredAcceleratorDevices GpuNvidia;\n"
        "x = '''\n%env B=2;\n'''\n/",
        "S",
    )
    assert script.options == ScriptOptions((("A", "1"), ("PATH", "/x:/y z")), 2, "GpuNvidia")
    assert script.code.split("\n") == ["# the head", "", "", "", "", "x = '''", "%env B=2;", "'''"]
    assert script.body.startswith("# the head\n\n%env A=1;")


@pytest.mark.parametrize(
    ("line", "code", "text"),
    [
        ("%env A=1", "42000", "must end with ';'"),
        ("%env A;", "42000", "%env takes KEY=VALUE"),
        ("%env 1A=2;", "42000", "%env takes KEY=VALUE"),
        ("%perNodeAndCallInstanceLimit 0;", "42000", "takes a number from 1"),
        ("%perNodeAndCallInstanceLimit two;", "42000", "takes a number from 1"),
        ("%perInstanceRequiredAcceleratorDevices Tpu;", "42000", "GpuNvidia or None"),
        ("%jar /buckets/x.jar;", "0A000", "%jar is not supported"),
        ("%", "42000", "must end with ';'"),
    ],
)
def test_refused_options(line: str, code: str, text: str) -> None:
    error = refused(f"CREATE p SCALAR SCRIPT f() RETURNS INT AS\n{line}\npass")
    assert error.code == code and text in error.text


@pytest.mark.parametrize(
    ("statement", "code", "text"),
    [
        ("", "42000", "unexpected the end of the text, expecting CREATE [line 1, column 1]"),
        ("CREATE TABLE t (a INT)", "42000", "unexpected 't', expecting SCALAR or SET"),
        ("CREATE p SCALAR\nSCRIPT (", "42000", "expecting an identifier [line 2, column 8]"),
        ("CREATE p SCALAR SCRIPT f(a) RETURNS INT AS\n", "42000", "expecting a data type"),
        ("CREATE p SCALAR SCRIPT f(a INT,) RETURNS INT AS\n", "42000", "an identifier"),
        ("CREATE p SCALAR SCRIPT f(a INT RETURNS INT AS\n", "0A000", "INT RETURNS INT"),
        ("CREATE p SCALAR SCRIPT f(a INT, A INT) RETURNS INT AS\n", "42000", "A stands twice"),
        ("CREATE p SCALAR SCRIPT f() AS\n", "42000", "expecting RETURNS or EMITS"),
        ("CREATE p SCALAR SCRIPT f() RETURNS AS\n", "42000", "expecting a data type"),
        ("CREATE p SCALAR SCRIPT f() EMITS () AS\n", "42000", "expecting an identifier"),
        ("CREATE p SCALAR SCRIPT f() RETURNS INT", "42000", "expecting AS"),
        ("CREATE p SCALAR SCRIPT f(a ?) RETURNS INT AS\n", "42000", "unexpected '?'"),
        ("CREATE p SCALAR SCRIPT f(a GEOMETRY) RETURNS INT AS\n", "0A000", "GEOMETRY"),
        ("CREATE p SCALAR SCRIPT f(a CHAR(3)) RETURNS INT AS\n", "0A000", "CHAR"),
        ("CREATE p SCALAR SCRIPT f() RETURNS DECIMAL(37,0) AS\n", "0A000", "DECIMAL(37,0)"),
        ("CREATE p SET SCRIPT f(a INT ORDER BY a DESC) RETURNS INT AS\n", "0A000", "ORDER BY"),
    ],
)
def test_refused_statements(statement: str, code: str, text: str) -> None:
    error = refused(statement)
    assert error.code == code and text in error.text


def test_a_script_needs_a_schema() -> None:
    error = refused("CREATE p SCALAR SCRIPT f() RETURNS INT AS\n", None)
    assert (error.code, error.text[:9]) == ("42000", "no schema")


def test_parse_columns() -> None:
    expected = (
        Column("A", ExasolType("DECIMAL", precision=18)),
        Column("b,c", ExasolType("VARCHAR", size=10)),
    )
    assert parse_columns('a INT, "b,c" VARCHAR(10)') == expected
    assert parse_columns('(a INT, "b,c" VARCHAR(10))') == expected
    for text in ("", "a", "a INT b", "a INT,", "(a INT", "a INT) x"):
        with pytest.raises(SqlError):
            parse_columns(text)


TYPES = st.one_of(
    st.sampled_from([ExasolType(name) for name in ("BOOLEAN", "DATE", "DOUBLE", "TIMESTAMP")]),
    st.integers(1, 2_000_000).map(lambda size: ExasolType("VARCHAR", size=size)),
    st.integers(1, 36).flatmap(
        lambda precision: st.integers(0, precision).map(
            lambda scale: ExasolType("DECIMAL", precision=precision, scale=scale)
        )
    ),
)
NAMES = st.text(
    st.characters(blacklist_categories=("Cs",), blacklist_characters="\0"), min_size=1, max_size=9
)
COLUMNS = st.lists(st.builds(Column, NAMES, TYPES), max_size=4, unique_by=lambda each: each.name)
GAPS = st.sampled_from([" ", "\n", "\t ", " -- ) AS\n", "/* ( */", "\r\n"])


def quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def listed(columns: list[Column], gap: str) -> str:
    return f"{gap},{gap}".join(f"{quoted(each.name)}{gap}{each.type.sql()}" for each in columns)


@given(
    NAMES, NAMES, COLUMNS, COLUMNS.filter(bool), GAPS, st.text(alphabet="ab \n()'\"#", max_size=20)
)
def test_statements_are_read_back(
    schema: str, name: str, inputs: list[Column], outputs: list[Column], gap: str, body: str
) -> None:
    statement = gap.join(
        [
            "create",
            "or",
            "replace",
            "PYTHON3",
            "set",
            "Script",
            f"{quoted(schema)}.{quoted(name)}",
            f"({gap}{listed(inputs, gap)}{gap})",
            "emits",
            f"({listed(outputs, gap)})",
            f"AS\n{body}\n/",
        ]
    )
    script = parse_udf_script(statement, None)
    assert (script.schema, script.name) == (schema, name)
    assert script.inputs == tuple(inputs)
    assert script.input_names == tuple(column.name for column in inputs)
    assert script.emits == tuple(outputs)
    assert script.body == body
    assert parse_columns(listed(outputs, gap)) == tuple(outputs)


@given(st.text(max_size=60), st.text(max_size=60))
def test_any_text_is_parsed_or_refused(head: str, tail: str) -> None:
    for statement in (head, f"CREATE p SET SCRIPT f({head}) EMITS ({tail}) AS\n{head}"):
        try:
            script = parse_udf_script(statement, "S")
        except SqlError as error:
            assert error.code in ("42000", "0A000")
        else:
            assert script.source == statement
