"""How scripts fail, and what the client then reads."""

from __future__ import annotations

from tests.contract.case import EXASOL, MOCK, STRICT, Failure, UdfCase, lines

GROUP = "errors of scripts"
INT = "SCALAR SCRIPT F (x INT) RETURNS INT"
ROWS = [[(1,), (2,), (3,)]]
IN_PROCESS = "it would end the process that runs the case"
PRINTS = "it would print into the output of the suite"
CRASH = {STRICT: IN_PROCESS, MOCK: IN_PROCESS}


def _fails(name: str, body: str, words: str, differs: dict[str, str] | None = None) -> UdfCase:
    return UdfCase(GROUP, name, INT, body, ROWS, Failure("22002", words), differs=differs or {})


CASES = [
    _fails(
        "an exception's type and text",
        lines("raise ValueError('boom 17')"),
        "ValueError: boom 17",
    ),
    _fails(
        "one bad row ends the statement",
        lines("if ctx.x == 3: raise KeyError('three')", "return 1"),
        "KeyError: 'three'",
    ),
    _fails(
        "an exception of an own class",
        "class Odd(Exception): pass\n" + lines("raise Odd('strange')"),
        "Odd: strange",
    ),
    _fails(
        "the cause of an exception",
        lines(
            "try: {}['key']",
            "except KeyError as error: raise RuntimeError('no luck') from error",
        ),
        "RuntimeError: no luck",
    ),
    _fails("an error at module level", "1 / 0\n" + lines("return 1"), "ZeroDivisionError"),
    _fails("a script that is no Python", "def run(ctx)\n    return 1", "SyntaxError"),
    _fails("a module that is not there", "import no_such_module_here\n", "no_such_module_here"),
    _fails(
        "a script without run",
        "x = 1",
        "run",
    ),
    _fails("endless recursion", lines("return run(ctx)"), "RecursionError"),
    _fails("sys.exit", "import sys\n" + lines("sys.exit(3)"), "SystemExit", {MOCK: IN_PROCESS}),
    _fails("os._exit", "import os\n" + lines("os._exit(3)"), "VM crashed", CRASH),
    _fails(
        "a signal that ends the process",
        "import os, signal\n" + lines("os.kill(os.getpid(), signal.SIGKILL)"),
        "VM crashed",
        CRASH,
    ),
    _fails(
        "a crash in native code",
        "import ctypes\n" + lines("ctypes.string_at(0)"),
        "VM crashed",
        CRASH,
    ),
    UdfCase(
        GROUP,
        "a value that an EMITS script returns",
        "SET SCRIPT F (x INT) EMITS (a INT)",
        lines("return 1"),
        ROWS,
        Failure("22002", "E-EXALLM-LOCAL-20"),
        differs={EXASOL: "Exasol drops the value in silence"},
    ),
    UdfCase(
        GROUP,
        "what a script prints changes nothing",
        INT,
        "import os, sys\n"
        + lines(
            "print('noise', flush=True)",
            "sys.stderr.write('more noise')",
            'os.write(1, b\'{"op": "done"}\')',
            "return ctx.x",
        ),
        ROWS,
        [(1,), (2,), (3,)],
        differs={STRICT: PRINTS, MOCK: PRINTS},
    ),
    UdfCase(
        GROUP,
        "a script may close its standard streams",
        INT,
        "import os\n" + lines("os.close(0) if ctx.x == 1 else None", "return ctx.x"),
        ROWS,
        [(1,), (2,), (3,)],
        differs={STRICT: IN_PROCESS, MOCK: IN_PROCESS},
    ),
]
