"""Values of every type, on their way into a script and out of it."""

from __future__ import annotations

import datetime
from decimal import Decimal
from typing import Any

from tests.contract.case import MOCK, Failure, UdfCase, lines

IN, OUT = "types into a script", "types out of a script"
WANTS_THE_TYPE = "the mock wants a value of the column's very type"

DAY = datetime.date(2024, 2, 29)
MOMENT = datetime.datetime(2024, 2, 29, 23, 59, 59, 123000)
VALUES: list[tuple[str, list[Any], str]] = [
    ("DECIMAL(9,0)", [0, -1, 999_999_999], "int"),
    ("DECIMAL(18,0)", [10**18 - 1, -(10**18) + 1], "int"),
    ("DECIMAL(36,0)", [10**35, -(10**36) + 1], "int"),
    ("DECIMAL(9,2)", [Decimal("0.05"), Decimal("-1234567.89")], "Decimal"),
    ("DECIMAL(36,9)", [Decimal("123456789012345678901234567.123456789")], "Decimal"),
    ("DOUBLE", [0.5, -1e300, 2.0], "float"),
    ("BOOLEAN", [True, False], "bool"),
    ("VARCHAR(2000000)", ["a", "it's", " b ", "öß😀", "a\nb\tc", "x" * 100_000], "str"),
    ("DATE", [DAY, datetime.date(1, 1, 1), datetime.date(9999, 12, 31)], "date"),
    ("TIMESTAMP", [MOMENT, datetime.datetime(1970, 1, 1)], "datetime"),
]

# Column type, what the script returns, what is stored.
ACCEPTED: list[tuple[str, str, Any]] = [
    ("DECIMAL(5,2)", "-3", Decimal("-3.00")),
    ("DECIMAL(9,0)", "decimal.Decimal('7')", 7),
    ("DECIMAL(9,4)", "decimal.Decimal('1.5')", Decimal("1.5000")),
    ("DOUBLE", "2", 2.0),
    ("DOUBLE", "decimal.Decimal('0.25')", 0.25),
]
# Column type, what the script returns, the code of the UDF client's refusal.
REFUSED: list[tuple[str, str, int]] = [
    ("VARCHAR(9)", "1", 1091),
    ("BOOLEAN", "1", 1091),
    ("DATE", "1", 1091),
    ("VARCHAR(9)", "1.5", 1092),
    ("BOOLEAN", "0.0", 1092),
    ("DECIMAL(9,0)", "True", 1093),
    ("DOUBLE", "True", 1093),
    ("VARCHAR(9)", "True", 1093),
    ("DECIMAL(9,0)", "'1'", 1094),
    ("DOUBLE", "'1.5'", 1094),
    ("DATE", "'2024-02-29'", 1094),
    ("BOOLEAN", "'TRUE'", 1094),
    ("VARCHAR(9)", "decimal.Decimal(1)", 1095),
    ("TIMESTAMP", "datetime.date(2024, 2, 29)", 1096),
    ("DATE", "datetime.datetime(2024, 2, 29)", 1097),
    ("VARCHAR(9)", "b'x'", 1098),
    ("VARCHAR(9)", "('x', 'y')", 1098),
    ("DOUBLE", "numpy.float64(1.5)", 1098),
    ("DECIMAL(9,0)", "numpy.int64(1)", 1098),
    ("BOOLEAN", "numpy.bool_(True)", 1098),
    ("VARCHAR(9)", "numpy.str_('x')", 1098),
]
TOO_LARGE: list[tuple[str, str, str]] = [
    ("VARCHAR(3)", "'abcd'", "22001"),
    ("DECIMAL(3,0)", "1000", "22003"),
    ("DECIMAL(3,0)", "-1000", "22003"),
    ("DECIMAL(3,2)", "decimal.Decimal('9.995')", "22003"),
    ("DECIMAL(36,0)", "10 ** 36", "22003"),
]

IMPORTS = "import datetime, decimal\n"
NUMPY = "import numpy\n"


def _returning(
    group: str, data_type: str, expression: str, expected: Any, converted: bool = False
) -> UdfCase:
    imports = IMPORTS + (NUMPY if "numpy" in expression else "")
    return UdfCase(
        group,
        f"{expression} for {data_type}",
        f"SCALAR SCRIPT F (x INT) RETURNS {data_type}",
        imports + lines(f"return {expression}"),
        [[(1,)]],
        expected,
        differs={MOCK: WANTS_THE_TYPE} if converted else {},
    )


CASES = [
    *(
        UdfCase(
            IN,
            f"{data_type} is a Python {kind}",
            f"SCALAR SCRIPT F (x {data_type}) RETURNS VARCHAR(100)",
            lines("return type(ctx.x).__name__"),
            [[(value,) for value in values]],
            [(kind,) for _ in values],
        )
        for data_type, values, kind in VALUES
    ),
    *(
        UdfCase(
            OUT,
            f"{data_type} comes back as it went in",
            f"SCALAR SCRIPT F (x {data_type}) RETURNS {data_type}",
            lines("return ctx.x"),
            [[(value,) for value in values]],
            [(value,) for value in values],
        )
        for data_type, values, _ in VALUES
    ),
    *(
        _returning(OUT, data_type, value, [(stored,)], True)
        for data_type, value, stored in ACCEPTED
    ),
    _returning(OUT, "VARCHAR(3)", "'öß😀'", [("öß😀",)]),
    *(
        _returning(OUT, data_type, value, Failure("22002", f"E-UDF-CL-SL-PYTHON-{code}: "))
        for data_type, value, code in REFUSED
    ),
    *(_returning(OUT, data_type, value, Failure(code)) for data_type, value, code in TOO_LARGE),
]
