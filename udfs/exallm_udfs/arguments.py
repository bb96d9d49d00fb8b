"""The arguments of a variadic function, which the database hands over as they are."""

from __future__ import annotations

import datetime
import decimal
from collections.abc import Sequence
from typing import Any

from exallm_udfs.errors import ExallmError


class Arguments:
    """Checks and reads the arguments of one function.

    :param exa: the script's ``exa``.
    :param names: what the arguments are called, in order.
    :param required: how many of them have to be given.

    Raises E-EXALLM-SQL-4 where the call has fewer or more arguments.
    """

    def __init__(self, exa: Any, names: Sequence[str], required: int) -> None:
        given = int(exa.meta.input_column_count)
        if not required <= given <= len(names):
            optional = "".join(f" [, {name}]" for name in names[required:])
            raise ExallmError(
                "E-EXALLM-SQL-4",
                f"{exa.meta.script_name} got {given} argument{'' if given == 1 else 's'}",
                f"call it as {exa.meta.script_name}({', '.join(names[:required])}{optional})",
            )
        self._names = names
        self._given = given

    def read(self, ctx: Any) -> list[str | None]:
        """The current row's arguments as texts, None for NULL and for those left out.

        Raises E-EXALLM-SQL-5 for a value that has no text of its own.
        """
        texts = [self._text(position, ctx[position]) for position in range(self._given)]
        return texts + [None] * (len(self._names) - self._given)

    def _text(self, position: int, value: Any) -> str | None:
        try:
            return as_text(value)
        except ValueError as error:
            raise ExallmError(
                "E-EXALLM-SQL-5",
                f"argument {self._names[position]} has {error}",
                "hand over a VARCHAR",
            ) from None


def as_text(value: Any) -> str | None:
    """The value as Exasol writes it where a text is wanted; ``ValueError`` for other types.

    None and '' are NULL. Numbers have no needless zeros, times have microseconds.
    """
    if value is None or isinstance(value, str):
        return value or None
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, decimal.Decimal):
        return f"{value:f}"
    if isinstance(value, float):
        return repr(value).removesuffix(".0")
    if isinstance(value, datetime.datetime):
        return value.isoformat(" ", "microseconds")
    if isinstance(value, datetime.date):
        return value.isoformat()
    raise ValueError(f"the type {type(value).__name__}")
