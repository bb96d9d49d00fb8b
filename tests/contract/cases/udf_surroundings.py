"""What a script finds around it: exa.meta, other scripts, connections, modules, variables."""

from __future__ import annotations

from exallm.local.udf.connection import Connection
from tests.contract.case import MOCK, Failure, UdfCase, lines

META, IMPORTS, CONNECTIONS = "exa.meta", "import_script", "get_connection"
TEXT = "SCALAR SCRIPT F (x INT) RETURNS VARCHAR(2000)"
ROWS = [[(1,)]]
OWN_LIBRARY = "lib = exa.import_script(exa.meta.script_schema + '.LIB')\n"
MOCK_TYPES = "the mock says RETURNS and EMITS"


def _meta(name: str, expression: str, expected: str, head: str = TEXT, mock: str = "") -> UdfCase:
    return UdfCase(
        META,
        name,
        head,
        lines("m = exa.meta", f"return str({expression})"),
        ROWS,
        [(expected,)],
        differs={MOCK: mock} if mock else {},
    )


def _connection(password: str) -> dict[str, Connection]:
    return {"CONTRACT_HUB": Connection("password", "http://hub", "me", password)}


CASES = [
    _meta("the script's name", "m.script_name", "F"),
    _meta(
        "the schema and the name of a session's user",
        "bool(m.script_schema and m.current_user)",
        "True",
    ),
    _meta("the kind of a SCALAR script", "m.input_type", "SCALAR"),
    _meta("the kind of a SET script", "m.input_type", "SET", TEXT.replace("SCALAR", "SET")),
    _meta("the output of a RETURNS script", "m.output_type", "RETURN", mock=MOCK_TYPES),
    UdfCase(
        META,
        "the output of an EMITS script",
        "SET SCRIPT F (x INT) EMITS (t VARCHAR(99))",
        lines("ctx.emit(exa.meta.output_type)"),
        ROWS,
        [("EMIT",)],
        differs={MOCK: MOCK_TYPES},
    ),
    _meta("the number of input columns", "m.input_column_count", "1"),
    _meta(
        "an input column",
        "(m.input_columns[0].name, m.input_columns[0].type.__name__,"
        " m.input_columns[0].precision, m.input_columns[0].scale)",
        "('x', 'int', 18, 0)",
    ),
    _meta(
        "the SQL type of an input column",
        "m.input_columns[0].sql_type",
        "DECIMAL(18,0)",
    ),
    UdfCase(
        META,
        "the length of a text column",
        "SCALAR SCRIPT F (t VARCHAR(77)) RETURNS INT",
        lines("return exa.meta.input_columns[0].length"),
        [[("a",)]],
        [(77,)],
    ),
    UdfCase(
        META,
        "output columns",
        "SET SCRIPT F (x INT) EMITS (a INT, b VARCHAR(99))",
        lines(
            "o = exa.meta.output_columns",
            "ctx.emit(exa.meta.output_column_count, f'{o[0].type.__name__} {o[1].type.__name__}')",
        ),
        ROWS,
        [(2, "int str")],
    ),
    _meta("a node among the nodes", "0 <= int(m.node_id) < int(m.node_count)", "True"),
    _meta("a session and a statement", "int(m.session_id) > 0 and int(m.statement_id) > 0", "True"),
    _meta("a limit of memory", "m.memory_limit >= 2**20", "True"),
    _meta("the version of the database", "'.' in m.database_version", "True"),
    _meta("the text of the script", "'exa.meta' in m.script_code", "True"),
    _meta("an id of the process", "bool(str(m.vm_id))", "True"),
    UdfCase(
        IMPORTS,
        "a script's body is a module",
        TEXT,
        OWN_LIBRARY + lines("return f'{lib.SEVEN} {lib.twice(ctx.x)}'"),
        ROWS,
        [("7 2",)],
        modules={"LIB": "SEVEN = 7\ndef twice(n): return 2 * n"},
    ),
    UdfCase(
        IMPORTS,
        "a module is loaded once a process",
        TEXT,
        OWN_LIBRARY
        + lines(
            "again = exa.import_script(exa.meta.script_schema + '.LIB')",
            "again.CALLS.append(ctx.x)",
            "return str(len(lib.CALLS))",
        ),
        [[(1,), (2,)]],
        [("1",), ("2",)],
        modules={"LIB": "CALLS = []"},
        differs={MOCK: "the mock has no import_script, and the tests' own loads it each time"},
    ),
    UdfCase(
        IMPORTS,
        "a module has exa",
        TEXT,
        OWN_LIBRARY + lines("return lib.name()"),
        ROWS,
        [("F",)],
        modules={"LIB": "def name(): return exa.meta.script_name"},
    ),
    UdfCase(
        IMPORTS,
        "a name without a schema is looked up beside the script",
        TEXT,
        "lib = exa.import_script('LIB')\n" + lines("return str(lib.SEVEN)"),
        ROWS,
        [("7",)],
        modules={"LIB": "SEVEN = 7"},
        differs={MOCK: "the mock has no import_script"},
    ),
    UdfCase(
        IMPORTS,
        "an error in a module names it",
        TEXT,
        OWN_LIBRARY + lines("return lib.broken()"),
        ROWS,
        Failure("22002", "ZeroDivisionError"),
        modules={"LIB": "def broken(): return 1 / 0"},
    ),
    UdfCase(
        IMPORTS,
        "a script that is not there",
        TEXT,
        "exa.import_script('NO_SUCH_LIBRARY')\n" + lines("return ''"),
        ROWS,
        Failure("22002", "NO_SUCH_LIBRARY"),
    ),
    UdfCase(
        CONNECTIONS,
        "address, user and password",
        TEXT,
        lines(
            "c = exa.get_connection('CONTRACT_HUB')",
            "return f'{c.address} {c.user} {c.password}'",
        ),
        ROWS,
        [("http://hub me s3cret",)],
        connections=_connection("s3cret"),
    ),
    UdfCase(
        CONNECTIONS,
        "a password with quotes",
        TEXT,
        lines("return exa.get_connection('CONTRACT_HUB').password"),
        ROWS,
        [('it\'s "x"',)],
        connections=_connection('it\'s "x"'),
    ),
    UdfCase(
        CONNECTIONS,
        "the kind of a connection",
        TEXT,
        lines("return exa.get_connection('CONTRACT_HUB').type"),
        ROWS,
        [("password",)],
        connections=_connection("s3cret"),
        differs={MOCK: "the mock's is an enumeration"},
    ),
    UdfCase(
        CONNECTIONS,
        "a connection that is not there",
        TEXT,
        lines("return exa.get_connection('NO_SUCH_CONNECTION').user"),
        ROWS,
        Failure("22002", "NO_SUCH_CONNECTION"),
    ),
]
