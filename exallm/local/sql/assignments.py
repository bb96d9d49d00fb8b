"""``column = value`` in UPDATE and MERGE."""

from __future__ import annotations

from sqlglot import exp

from exallm.local.exasol_type import Column
from exallm.local.sql.environment import Source
from exallm.local.sql.names import folded
from exallm.local.sql.refusal import refused
from exallm.local.sql_error import SqlError


def is_default(node: exp.Expr) -> bool:
    """Whether a value is the word DEFAULT."""
    if isinstance(node, exp.Var):
        return node.name.upper() == "DEFAULT"
    is_bare = isinstance(node, exp.Column) and isinstance(node.this, exp.Identifier)
    return is_bare and not node.this.args.get("quoted") and node.sql().upper() == "DEFAULT"


def assigned_columns(
    node: exp.Expr, columns: tuple[Column, ...], target: Source
) -> list[tuple[Column, exp.Expr]]:
    """The columns that SET names, each with its new value.

    :raises SqlError: 42000 for a column of another table, or one that is named twice.
    """
    found: list[tuple[Column, exp.Expr]] = []
    for change in node.expressions:
        if not isinstance(change, exp.EQ) or not isinstance(change.this, exp.Column):
            raise refused(60, f"the assignment {change.sql('exasol')}")
        table = change.this.args.get("table")
        if table is not None and folded(table) != target.name:
            raise SqlError("42000", f"object {folded(table)} not found")
        (column,) = chosen(columns, [folded(change.this.this)])
        if column in [known for known, _ in found]:
            raise SqlError("42000", f"column {column.name} is named twice")
        found.append((column, change.expression))
    return found


def chosen(columns: tuple[Column, ...], names: list[str]) -> tuple[Column, ...]:
    """The columns of these names, in their order."""
    known = {column.name: column for column in columns}
    for name in names:
        if name not in known:
            raise SqlError("42000", f"object {name} not found")
        if names.count(name) > 1:
            raise SqlError("42000", f"column {name} is named twice")
    return tuple(known[name] for name in names)
