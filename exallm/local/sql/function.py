"""One function of the allowlist, and what the tables of functions are made with."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sqlglot import exp

from exallm.local.exasol_type import VARCHAR_LIMIT
from exallm.local.sql.kinds import Kind, call, cast

Arguments = Sequence[exp.Expr]
Builder = Callable[[Arguments], exp.Expr]


@dataclass(frozen=True)
class Function:
    """One function of the allowlist.

    :param takes: a letter an argument: ``t`` text (others are converted), ``n`` number, ``w``
        whole number, ``d`` date or timestamp, ``v`` any value, ``c`` values that can be compared
        with each other.
    :param build: makes the DuckDB expression out of translated arguments.
    :param gives: the kind of the result; a number for the kind of that argument; None where
        ``build`` notes it.
    :param least: fewest arguments; all letters of ``takes`` if None.
    :param repeats: whether the last argument may stand any number of times.
    :param constant: the constant that the function is another way to write.
    """

    takes: str
    build: Builder
    gives: Kind | int | None
    least: int | None = None
    repeats: bool = False
    constant: str = ""

    def letter(self, place: int) -> str:
        """What the argument at a place must be."""
        return self.takes[min(place, len(self.takes) - 1)]

    def allows(self, count: int) -> bool:
        """Whether the function can have so many arguments."""
        least = len(self.takes) if self.least is None else self.least
        return least <= count and (self.repeats or count <= len(self.takes))


def null_if_empty(node: exp.Expr) -> exp.Expr:
    """Exasol has no empty string: '' is NULL."""
    return call("nullif", node, "")


def within_limit(node: exp.Expr) -> exp.Expr:
    """The text; the statement fails where it is longer than a VARCHAR can be."""
    return call("exallm_fit", node, VARCHAR_LIMIT)


def same(name: str) -> Builder:
    """A call of the DuckDB function of this name with the same arguments."""
    return lambda arguments: call(name, *arguments)


def finite(name: str) -> Builder:
    """A function whose DuckDB twin gives infinity or NaN where Exasol fails."""
    return lambda a: call("exallm_finite", call(name, *[cast(n, "DOUBLE") for n in a]))


def filled(name: str, *defaults: exp.Expr | str | int) -> Builder:
    """A call in which a default, of which there is one for each place, fills what is missing."""

    def build(arguments: Arguments) -> exp.Expr:
        missing = defaults[len(arguments) :]
        return call(name, *arguments, *missing)

    return build
