"""What kind of value an expression has, and how values of one kind become another.

DuckDB converts between types by rules of its own, often without a word. So the translation knows
the kind of every expression: where Exasol would convert, the conversion is written out, and where
it cannot be done faithfully the statement is refused.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

from sqlglot import exp

from exallm.local.exasol_type import DECIMAL_LIMIT, VARCHAR_LIMIT, ExasolType
from exallm.local.sql.refusal import refused
from exallm.local.sql_error import SqlError

NUMBER = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
TIMESTAMP = re.compile(DATE.pattern + r"(?: [0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,6})?)?")
TRUE_WORDS = ("1", "true", "t", "yes", "y", "on")
FALSE_WORDS = ("0", "false", "f", "no", "n", "off")

_KEY, _EMPTY = "kind", "empty"
_NUMBERS = frozenset({"DECIMAL", "DOUBLE"})
_TIMES = frozenset({"DATE", "TIMESTAMP"})


@dataclass(frozen=True)
class Kind:
    """The kind of an expression's values.

    :param name: ``VARCHAR``, ``DECIMAL``, ``DOUBLE``, ``BOOLEAN``, ``DATE``, ``TIMESTAMP`` or
        ``NULL`` for what is always NULL.
    :param precision: digits of a ``DECIMAL`` in all.
    :param scale: digits of a ``DECIMAL`` after the point.
    :param size: most characters of a ``VARCHAR``, 0 for as many as there can be. Texts of all sizes
        are of one kind.
    """

    name: str
    precision: int = 0
    scale: int = 0
    size: int = field(default=0, compare=False)

    @classmethod
    def of_type(cls, type_: ExasolType) -> Kind:
        """The kind of a column's values."""
        return cls(type_.name, type_.precision, type_.scale, type_.size)

    @classmethod
    def text(cls, size: int) -> Kind:
        """Texts of so many characters at most, 0 for any number."""
        return cls("VARCHAR", size=min(size, VARCHAR_LIMIT))

    def type(self) -> ExasolType:
        """The type of a column that holds the values; what is always NULL is a BOOLEAN."""
        if self.name == "NULL":
            return ExasolType("BOOLEAN")
        size = (self.size or VARCHAR_LIMIT) if self.name == "VARCHAR" else 0
        return ExasolType(self.name, self.precision, self.scale, size)

    @classmethod
    def decimal(cls, digits: int, scale: int) -> Kind:
        """A ``DECIMAL`` with so many digits before and after the point, as far as it can."""
        return cls("DECIMAL", min(digits + scale, DECIMAL_LIMIT), min(scale, DECIMAL_LIMIT))

    @property
    def digits(self) -> int:
        """Digits of a ``DECIMAL`` before the point."""
        return self.precision - self.scale

    @property
    def is_whole(self) -> bool:
        """Whether the values have no digits after the point."""
        return self.name == "DECIMAL" and self.scale == 0

    @property
    def is_number(self) -> bool:
        """Whether it can be calculated with."""
        return self.name in _NUMBERS


TEXT = Kind("VARCHAR")
WHOLE = Kind("DECIMAL", 18)
DOUBLE = Kind("DOUBLE")
TRUTH = Kind("BOOLEAN")
DAY = Kind("DATE")
TIME = Kind("TIMESTAMP")
UNKNOWN = Kind("NULL")


def typed(node: exp.Expr, kind: Kind) -> exp.Expr:
    """The node, with its kind noted on it."""
    node.meta[_KEY] = kind
    return node


def kind_of(node: exp.Expr) -> Kind:
    """The kind of a translated node."""
    kind: Kind = node.meta[_KEY]
    return kind


def null() -> exp.Expr:
    """NULL."""
    return typed(exp.Null(), UNKNOWN)


def empty_text() -> exp.Expr:
    """The literal '': NULL beside any value, a VARCHAR where it stands alone."""
    node = null()
    node.meta[_EMPTY] = True
    return node


def settled(nodes: Sequence[exp.Expr]) -> list[exp.Expr]:
    """The values of one column; where nothing else says what they are, '' makes them texts."""
    if common_kind(nodes) != UNKNOWN or not any(node.meta.get(_EMPTY) for node in nodes):
        return list(nodes)
    return [as_text(node) for node in nodes]


def call(name: str, *arguments: exp.Expr | str | int) -> exp.Anonymous:
    """A call of a DuckDB function; a ``str`` or ``int`` becomes a literal."""
    return exp.Anonymous(this=name, expressions=[_node(argument) for argument in arguments])


def cast(node: exp.Expr, duckdb_type: str) -> exp.Cast:
    """``CAST(node AS duckdb_type)``, the type as DuckDB names it."""
    return exp.Cast(this=node, to=exp.DataType.build(duckdb_type, dialect="duckdb"))


def as_text(node: exp.Expr) -> exp.Expr:
    """The node as VARCHAR, converted as Exasol converts: TRUE, 0.5, 2024-01-31."""
    kind = kind_of(node)
    if kind == TEXT:
        return node
    is_null = kind == UNKNOWN
    return typed(cast(node, "VARCHAR") if is_null else call("exallm_text", node), TEXT)


def convert(node: exp.Expr, target: ExasolType) -> exp.Expr:
    """The node as a value of the target type, as CAST and a column's assignment make it.

    What cannot be converted fails at run time with Exasol's error, or here if it is a literal.
    """
    kind, result = kind_of(node), Kind.of_type(target)
    if kind == UNKNOWN:
        return typed(cast(exp.Null(), target.duckdb()), result)
    if target.name == "VARCHAR":
        text = as_text(node)
        if target.size == VARCHAR_LIMIT or _is_short(text, target.size):
            return typed(text, result)
        return typed(call("exallm_fit", text, target.size), result)
    if is_text_literal(node):
        return typed(_literal(node.name, target), result)
    if not _can_become(kind, target):
        raise mixed(f"CAST from {kind.name} to {target.name}")
    if kind.name == target.name or (kind.name == "DECIMAL" and target.name == "DOUBLE"):
        return typed(cast(node, target.duckdb()), result)
    if target.name == "DECIMAL":
        return typed(cast(call("exallm_number", node), target.duckdb()), result)
    return typed(call(f"exallm_{target.name.lower()}", node), result)


def comparable(nodes: Sequence[exp.Expr], construct: str) -> list[exp.Expr]:
    """The nodes as values that can be compared with each other or stand in one column.

    A text literal becomes what it stands beside, as in ``day > '2024-01-31'``.

    :raises SqlError: 0A000 where Exasol would convert a column, or would refuse.
    """
    others = [kind_of(node) for node in nodes if not is_text_literal(node)]
    known = {kind.name for kind in others if kind != UNKNOWN}
    if not known:
        return list(nodes)
    if not (len(known) == 1 or known <= _NUMBERS or known <= _TIMES):
        raise mixed(f"{' and '.join(sorted(known))} in {construct}")
    if known == {"VARCHAR"}:
        return list(nodes)
    name = next(iter(known))
    if len(known) > 1:
        name = "DOUBLE" if known == _NUMBERS else "TIMESTAMP"
    return [_beside(node, name) if is_text_literal(node) else node for node in nodes]


def common_kind(nodes: Sequence[exp.Expr]) -> Kind:
    """The kind of a value that is one of the nodes, which :func:`comparable` has passed."""
    return _common([kind_of(node) for node in nodes])


def _common(found: Sequence[Kind]) -> Kind:
    kinds = [kind for kind in found if kind != UNKNOWN]
    names = {kind.name for kind in kinds}
    if not kinds:
        return UNKNOWN
    if names == {"VARCHAR"}:
        sizes = [kind.size for kind in kinds]
        return Kind.text(0 if 0 in sizes else max(sizes))
    if len(set(kinds)) == 1:
        return kinds[0]
    if names == {"DECIMAL"}:
        return Kind.decimal(max(k.digits for k in kinds), max(k.scale for k in kinds))
    return DOUBLE if names <= _NUMBERS else TIME


def united(one: Kind, two: Kind, construct: str) -> Kind:
    """The kind of a column in which values of both kinds stand.

    :raises SqlError: 0A000 where one would have to be converted.
    """
    names = {one.name, two.name} - {"NULL"}
    if not (len(names) <= 1 or names <= _NUMBERS or names <= _TIMES):
        raise mixed(f"{' and '.join(sorted(names))} in one column of {construct}")
    return _common([one, two])


def mixed(what: str) -> SqlError:
    """The error for a conversion that only an explicit CAST can ask for."""
    return refused(64, f"an implicit conversion: {what}", "write a CAST")


def number_literal(text: str) -> exp.Expr:
    """A number without a sign; :raises SqlError: 42000 if it is none, 22003 if it is too long."""
    if not NUMBER.fullmatch(text) or text[0] in "+-":
        raise SqlError("42000", f"syntax error, {text[:80]} is no number")
    whole, _, fraction = text.partition(".")
    if "e" in text.lower():
        return typed(exp.Literal.number(text), DOUBLE)
    if len(whole) + len(fraction) > DECIMAL_LIMIT:
        raise SqlError("22003", "data exception - numeric value out of range.")
    kind = Kind("DECIMAL", max(1, len(whole) + len(fraction)), len(fraction))
    return typed(exp.Literal.number(text), kind)


def is_text_literal(node: exp.Expr) -> bool:
    """Whether the node is a text that the statement itself holds."""
    return isinstance(node, exp.Literal) and bool(node.is_string)


def _beside(node: exp.Expr, name: str) -> exp.Expr:
    if name in _NUMBERS:
        if not NUMBER.fullmatch(node.name):
            raise _wrong(node.name, "DECIMAL")
        number = number_literal(node.name.lstrip("+-"))
        negative = node.name.startswith("-")
        return typed(exp.Neg(this=number), kind_of(number)) if negative else number
    if name == "DATE" and not DATE.fullmatch(node.name):
        name = "TIMESTAMP" if TIMESTAMP.fullmatch(node.name) else "DATE"
    return typed(_literal(node.name, ExasolType(name)), Kind(name))


def _literal(text: str, target: ExasolType) -> exp.Expr:
    """A text of the statement as a value; :raises SqlError: 22007 or 22018 if it is none."""
    match target.name:
        case "DATE" | "TIMESTAMP":
            pattern = DATE if target.name == "DATE" else TIMESTAMP
            if not pattern.fullmatch(text) or not _is_real(text):
                raise _wrong(text, target.name)
            return cast(exp.Literal.string(text), target.name)
        case "BOOLEAN":
            word = text.lower()
            if word not in TRUE_WORDS + FALSE_WORDS:
                raise _wrong(text, target.name)
            return exp.Boolean(this=word in TRUE_WORDS)
    if not NUMBER.fullmatch(text):
        raise _wrong(text, target.name)
    return cast(exp.Literal.string(text), target.duckdb())


def _is_real(text: str) -> bool:
    """Whether a date of the right form is one of the calendar."""
    try:
        datetime.fromisoformat(text) if " " in text else date.fromisoformat(text)
    except ValueError:
        return False
    return True


def _wrong(text: str, name: str) -> SqlError:
    code = "22007" if name in _TIMES else "22018"
    return SqlError(code, f"data exception - invalid {name} value; Value: '{text[:80]}'")


def _can_become(kind: Kind, target: ExasolType) -> bool:
    if kind == TEXT or kind.name == target.name:
        return True
    if target.name in _NUMBERS:
        return kind.is_number or kind == TRUTH
    if target.name == "BOOLEAN":
        return kind.is_number
    return kind.name in _TIMES


def _is_short(node: exp.Expr, size: int) -> bool:
    return (
        isinstance(node, exp.Null)
        or (is_text_literal(node) and len(node.name) <= size)
        or 0 < kind_of(node).size <= size
    )


def _node(value: exp.Expr | str | int) -> exp.Expr:
    if isinstance(value, str):
        return exp.Literal.string(value)
    if isinstance(value, int):
        return exp.Literal.number(value) if value >= 0 else exp.Neg(this=exp.Literal.number(-value))
    return value
