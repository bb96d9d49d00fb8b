"""Option lines, state of a module, cleanup, and columns that are known only in the query."""

from __future__ import annotations

from tests.contract.case import MOCK, STRICT, Failure, UdfCase, lines

OPTIONS, STATE, DYNAMIC = "option lines", "state and cleanup", "dynamic output columns"
TEXT = "SCALAR SCRIPT F (x INT) RETURNS VARCHAR(2000)"
INT = "SCALAR SCRIPT F (x INT) RETURNS INT"
ROWS = [[(1,)]]
NO_PROCESS = "no process is started for the script"
NOT_ASKED = "the mock asks no script for its columns"
OUT_OF_PROCESS = {STRICT: NO_PROCESS, MOCK: NO_PROCESS}


def _option(name: str, option: str, expression: str, expected: str) -> UdfCase:
    return UdfCase(
        OPTIONS,
        name,
        TEXT,
        f"{option}\nimport os\n" + lines(f"return str({expression})"),
        ROWS,
        [(expected,)],
        differs=OUT_OF_PROCESS,
    )


CASES = [
    _option("%env sets a variable", "%env CONTRACT_A=hello;", "os.environ['CONTRACT_A']", "hello"),
    _option(
        "%env with blanks and an equals sign",
        "%env CONTRACT_A=a b=c;",
        "os.environ['CONTRACT_A']",
        "a b=c",
    ),
    _option(
        "two variables",
        "%env CONTRACT_A=1;\n%env CONTRACT_B=2;",
        "os.environ['CONTRACT_A'] + os.environ['CONTRACT_B']",
        "12",
    ),
    UdfCase(
        OPTIONS,
        "a limit of instances",
        INT,
        "%perNodeAndCallInstanceLimit 1;\n" + lines("return ctx.x"),
        [[(1,), (2,)]],
        [(1,), (2,)],
    ),
    UdfCase(
        OPTIONS,
        "option lines keep the line numbers of what follows",
        INT,
        "%env CONTRACT_A=1;\nimport sys\n" + lines("return sys._getframe().f_lineno"),
        ROWS,
        [(4,)],
    ),
    UdfCase(
        STATE,
        "module level runs once for all rows of a process",
        INT,
        "%perNodeAndCallInstanceLimit 1;\nN = []\n" + lines("N.append(ctx.x)", "return len(N)"),
        [[(5,), (5,), (5,)]],
        [(1,), (2,), (3,)],
    ),
    UdfCase(
        STATE,
        "names live through the groups of a process",
        "SET SCRIPT F (x INT) EMITS (n INT)",
        "%perNodeAndCallInstanceLimit 1;\nN = []\n" + lines("N.append(1)", "ctx.emit(len(N))"),
        [[(1,)], [(2,)], [(3,)]],
        [(1,), (2,), (3,)],
    ),
    UdfCase(
        STATE,
        "the script is __main__, with exa among its names",
        TEXT,
        lines("return f\"{'exa' in globals()} {callable(globals()['run'])}\""),
        ROWS,
        [("True True",)],
    ),
    UdfCase(
        STATE,
        "cleanup is allowed",
        INT,
        "OPEN = [1]\n" + lines("return OPEN[0]") + "\ndef cleanup():\n    OPEN.clear()",
        ROWS,
        [(1,)],
    ),
    UdfCase(
        STATE,
        "an error in cleanup is told",
        INT,
        lines("return 1") + "\ndef cleanup():\n    raise ValueError('late')",
        ROWS,
        Failure("22002", "late"),
    ),
    UdfCase(
        DYNAMIC,
        "EMITS after the call",
        "SET SCRIPT F (x INT) EMITS (...)",
        lines("ctx.emit(ctx.x, 'a')"),
        [[(1,)], [(2,)]],
        [(1, "a"), (2, "a")],
        emits="n INT, t VARCHAR(9)",
    ),
    UdfCase(
        DYNAMIC,
        "a SCALAR script with EMITS after the call",
        "SCALAR SCRIPT F (x INT) EMITS (...)",
        lines("for i in range(ctx.x): ctx.emit(i)"),
        [[(1,), (2,)]],
        [(0,), (0,), (1,)],
        emits="i INT",
    ),
    UdfCase(
        DYNAMIC,
        "the script learns its columns",
        "SET SCRIPT F (x INT) EMITS (...)",
        lines("ctx.emit(*[exa.meta.output_columns[i].type.__name__ for i in range(2)])"),
        ROWS,
        [("str", "str")],
        emits="a VARCHAR(9), b VARCHAR(99)",
    ),
    UdfCase(
        DYNAMIC,
        "values are checked against the columns of the query",
        "SET SCRIPT F (x INT) EMITS (...)",
        lines("ctx.emit('a')"),
        ROWS,
        Failure("22002", "E-UDF-CL-SL-PYTHON-1094: "),
        emits="n INT",
    ),
    UdfCase(
        DYNAMIC,
        "default_output_columns where the query gives none",
        "SET SCRIPT F (x INT) EMITS (...)",
        "def default_output_columns():\n    return 'a INT, b VARCHAR(9)'\n"
        + lines("ctx.emit(ctx.x, 'b')"),
        ROWS,
        [(1, "b")],
        differs={MOCK: NOT_ASKED},
    ),
    UdfCase(
        DYNAMIC,
        "default_output_columns from the columns that go in",
        "SET SCRIPT F (...) EMITS (...)",
        "def default_output_columns():\n"
        "    return ', '.join(f'c{i} INT' for i in range(exa.meta.input_column_count))\n"
        + lines("ctx.emit(ctx[0], ctx[1])"),
        [[(1, 2)]],
        [(1, 2)],
        arguments="INT, INT",
        differs={MOCK: NOT_ASKED},
    ),
    UdfCase(
        DYNAMIC,
        "neither columns in the query nor default_output_columns",
        "SET SCRIPT F (x INT) EMITS (...)",
        lines("ctx.emit(1)"),
        ROWS,
        Failure("42000"),
    ),
]
