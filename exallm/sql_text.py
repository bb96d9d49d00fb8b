"""The one place where the DBA's side puts names and values into SQL."""

from __future__ import annotations

from exallm_udfs.errors import ExallmError

_NAME_LIMIT = 128


def quote_identifier(name: str) -> str:
    """A name as a quoted identifier.

    :raises ExallmError: E-EXALLM-DEPLOY-4 for a name that no identifier can have.
    """
    if not 0 < len(name) <= _NAME_LIMIT or "\0" in name:
        raise ExallmError(
            "E-EXALLM-DEPLOY-4",
            f"the name {name[:40]!r} is empty, too long or holds a NUL character",
            f"use a name of 1 to {_NAME_LIMIT} characters",
        )
    return '"' + name.replace('"', '""') + '"'


def quote_text(value: str | None) -> str:
    """A value as a string literal, NULL for None."""
    return "NULL" if value is None else "'" + value.replace("'", "''") + "'"


def fold_identifier(name: str) -> str:
    """The name that Exasol stores for what a user wrote: upper case unless in double quotes."""
    if len(name) > 1 and name.startswith('"') and name.endswith('"'):
        return name[1:-1].replace('""', '"')
    return name.upper()
