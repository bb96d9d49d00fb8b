"""How scripts are loaded, what ``exa`` gives them, and how they end."""

from __future__ import annotations

from typing import Any

import pytest

from exallm.local.sql_error import SqlError
from exallm.local.udf.context import ListedRows
from exallm.local.udf.environment import StatementEnvironment
from tests.udf_scripts import ENVIRONMENT, body_of, emitted, error_of, machine, scalar


def test_module_level_runs_once_and_lives_through_groups() -> None:
    vm = machine(
        "SET SCRIPT f(x INT) RETURNS INT", "N = []\n" + body_of("N.append(1)", "return len(N)")
    )
    assert [vm.group_value(ListedRows([(1,)])) for _ in range(3)] == [1, 2, 3]


def test_metadata() -> None:
    body = body_of(
        "m = exa.meta",
        "i, o = m.input_columns[0], m.output_columns[0]",
        "ctx.emit(repr([m.script_schema, m.script_name, m.current_user, m.session_id, m.input_type,"
        " m.output_type, i.name, i.type.__name__, i.sql_type, i.precision, i.scale, i.length,"
        " o.name, o.length, m.node_count, m.node_id]))",
    )
    ((text,),) = emitted(body, "o VARCHAR(999)")
    expected: list[Any] = ["S", "F", "ANALYST", "17", "SET", "EMIT", "x", "int", "DECIMAL(18,0)"]
    assert text == repr([*expected, 18, 0, None, "O", 999, 1, 0])


def test_import_script_takes_names_in_double_quotes() -> None:
    environment = StatementEnvironment(scripts={'x"y; z.LIB': "A = 1", "S.LIB": "A = 2"})
    assert environment.script_body('"x""y; z".LIB', "S") == "A = 1"
    assert environment.script_body('"S"."LIB"', "T") == "A = 2"


def test_import_script_runs_a_module_once() -> None:
    body = "lib = exa.import_script('lib')\n" + body_of(
        "return str([lib.f(1), exa.import_script('lib').f(2), exa.import_script('OTHER').USER,"
        " exa.import_script('S.LIB').f(3)])"
    )
    assert scalar(body) == "[1, 2, 'ANALYST', 1]"
    text = error_of(lambda: scalar("exa.import_script('missing')\ndef run(ctx): pass"))
    assert "E-EXALLM-LOCAL-28: exa.import_script found no script missing" in text


def test_get_connection() -> None:
    body = body_of(
        "c = exa.get_connection('hub')", "return c.address + c.user + c.password + repr(c)"
    )
    shown = "Connection(type='password', address='http://hub', user='me')"
    assert scalar(body) == "http://hubmesecret" + shown
    assert "E-EXALLM-LOCAL-29" in error_of(lambda: scalar(body_of("exa.get_connection('X')")))
    assert "secret" not in repr(ENVIRONMENT)


def test_errors_name_the_exception_and_the_lines() -> None:
    body = "%env A=1;\n\ndef f():\n    {}['key']\n\ndef run(ctx):\n    try:\n        f()\n"
    body += "    except KeyError as e:\n        raise ValueError('no\\ud800 luck') from e"
    text = error_of(lambda: scalar(body))
    assert text.split("\n") == [
        "VM error: F-UDF-CL-LIB-1127: F-UDF-CL-SL-PYTHON-1002: F-UDF-CL-SL-PYTHON-1026: "
        "ExaUDFError: F-UDF-CL-SL-PYTHON-1114: Exception during run ",
        "F:8 run",
        "F:4 f",
        "KeyError: 'key'",
        "F:10 run",
        "ValueError: no\\ud800 luck",
    ]


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ("def run(ctx)\n    pass", "SyntaxError"),
        ("1 / 0", "ZeroDivisionError: division by zero"),
        ("import sys\nsys.exit(3)", "SystemExit: 3"),
    ],
)
def test_errors_while_loading(body: str, text: str) -> None:
    assert text in error_of(lambda: scalar(body))


def test_a_script_without_run() -> None:
    assert "1110: function 'run' is not defined" in error_of(lambda: scalar("x = 1"))


def test_scripts_do_not_inherit_the_runtimes_future_imports() -> None:
    body = "def f(x: int): pass\n" + body_of("return str(f.__annotations__['x'])")
    assert scalar(body) == "<class 'int'>"


def test_cleanup_is_called_and_its_error_is_told() -> None:
    head = "SCALAR SCRIPT f(x INT) RETURNS INT"
    log = "import builtins\ndef run(ctx): return 1\n"
    machine(head, "def run(ctx): return 1").cleanup()
    with pytest.raises(SqlError, match="PYTHON-1109: Exception during cleanup"):
        machine(head, log + "def cleanup(): raise ValueError('late')").cleanup()


def test_default_output_columns() -> None:
    head = "SET SCRIPT f(x INT) EMITS (...)"
    body = "def default_output_columns(): return f'a {exa.meta.input_columns[0].sql_type}'"
    assert machine(head, body).default_output_columns() == "a DECIMAL(18,0)"
    with pytest.raises(SqlError, match="E-EXALLM-LOCAL-30") as caught:
        machine(head, "x = 1").default_output_columns()
    assert caught.value.code == "42000"


def test_environment_contradictions() -> None:
    for bad in (
        {"worker_limit": 0},
        {"node_count": 2},
        {"interpreter": ()},
        {"reply_timeout_s": 0},
    ):
        with pytest.raises(ValueError):
            StatementEnvironment(**bad)  # type: ignore[arg-type]
