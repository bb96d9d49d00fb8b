"""The parameter markers of a prepared statement: ``?``, each with its place in the statement."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Protocol

from sqlglot import exp

from exallm.local.exasol_type import VARCHAR_LIMIT, ExasolType
from exallm.local.sql.kinds import TEXT, Kind, cast, typed, undeclared

_TEXT = ExasolType("VARCHAR", size=VARCHAR_LIMIT)


class Parameters(Protocol):
    """What stands in the places of the markers."""

    @property
    def relation(self) -> str | None:
        """DuckDB's name of the relation whose columns the values are, None for single values."""

    def marker(self, place: int) -> exp.Expr:
        """The expression for a marker, by its place in the statement from 1."""


class Described:
    """Finds the types of markers while their statement is translated: there are no values yet.

    A marker gets the type of the column that it is assigned to, or of what it is compared with. One
    of which nothing tells more is a VARCHAR.
    """

    relation = None

    def __init__(self) -> None:
        self._types: dict[int, ExasolType] = {}

    def marker(self, place: int) -> exp.Expr:
        """See :class:`Parameters`."""
        node = typed(cast(exp.Null(), "VARCHAR"), TEXT)
        return undeclared(node, lambda type_: self._declared(place, type_))

    def types(self, count: int) -> tuple[ExasolType, ...]:
        """The types of so many markers."""
        return tuple(self._types.get(place, _TEXT) for place in range(1, count + 1))

    def _declared(self, place: int, type_: ExasolType) -> exp.Expr:
        self._types[place] = type_
        return typed(cast(exp.Null(), type_.duckdb()), Kind.of_type(type_))


class Given:
    """Values for the markers.

    :param types: of the markers, in their order.
    :param nodes: the value of each, of that type.
    :param relation: see :class:`Parameters`.
    """

    def __init__(
        self, types: Sequence[ExasolType], nodes: Sequence[exp.Expr], relation: str | None = None
    ) -> None:
        self._values = [
            typed(node, Kind.of_type(type_)) for node, type_ in zip(nodes, types, strict=True)
        ]
        self.relation = relation

    def marker(self, place: int) -> exp.Expr:
        """See :class:`Parameters`."""
        node = self._values[place - 1]
        copy: exp.Expr = node.copy()
        return copy


def value_node(value: Any, type_: ExasolType) -> exp.Expr:
    """A value of a type as DuckDB's SQL writes it."""
    if value is None:
        return cast(exp.Null(), type_.duckdb())
    if isinstance(value, datetime):
        text = value.isoformat(" ", "microseconds")
    elif isinstance(value, float):
        text = repr(value)
    else:
        text = str(value)
    return cast(exp.Literal.string(text), type_.duckdb())


def marker_count(tree: exp.Expr) -> int:
    """How many markers a parsed statement has."""
    return sum(1 for _ in tree.find_all(exp.Placeholder))
