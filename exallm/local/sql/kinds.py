"""What kind of value an expression has, and how values of one kind become another.

DuckDB converts between types by rules of its own, often without a word. So the translation knows
the kind of every expression: where Exasol would convert, the conversion is written out, and where
it cannot be done faithfully the statement is refused.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime

from sqlglot import exp

from exallm.local.exasol_type import (
    CHAR_LIMIT,
    DECIMAL_LIMIT,
    FRACTION_LIMIT,
    LOCAL_TIME,
    VARCHAR_LIMIT,
    ExasolType,
)
from exallm.local.sql.intervals import interval_of
from exallm.local.sql.refusal import refused
from exallm.local.sql.text_values import literal_text
from exallm.local.sql_error import SqlError

NUMBER = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
TIMESTAMP = re.compile(DATE.pattern + r"(?: [0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,6})?)?")
TRUE_WORDS = ("1", "true", "t", "yes", "y", "on")
FALSE_WORDS = ("0", "false", "f", "no", "n", "off")

_KEY, _EMPTY, _DECLARE = "kind", "empty", "declare"
_NUMBERS = frozenset({"DECIMAL", "DOUBLE"})
_TIMES = frozenset({"DATE", "TIMESTAMP"})
# DuckDB's names for times of so many digits of a second.
_TRUNCATED = {0: "second", 3: "millisecond"}
# Types whose values DuckDB itself tells from those of other types.
_UNDECLARED = frozenset({"BOOLEAN", "DATE", "DECIMAL", "DOUBLE"})
_KIND_NAMES = {"CHAR": "VARCHAR", LOCAL_TIME: "TIMESTAMP"}


@dataclass(frozen=True)
class Kind:
    """The kind of an expression's values.

    :param name: of a data type; ``VARCHAR`` for a CHAR too, ``TIMESTAMP`` with and without a time
        zone, ``NULL`` for what is always NULL.
    :param precision: digits of a ``DECIMAL`` in all.
    :param scale: digits of a ``DECIMAL`` after the point.
    :param declared: the type of a column or CAST, or a ``VARCHAR`` whose size is calculated,
        None where the kind alone is known. Texts of all sizes are of one kind.
    """

    name: str
    precision: int = 0
    scale: int = 0
    declared: ExasolType | None = field(default=None, compare=False, repr=False)

    @classmethod
    def of_type(cls, type_: ExasolType) -> Kind:
        """The kind of a column's values."""
        name = _KIND_NAMES.get(type_.name, type_.name)
        digits = (type_.precision, type_.scale) if name == "DECIMAL" else (0, 0)
        return cls(name, *digits, declared=type_)

    @classmethod
    def text(cls, size: int) -> Kind:
        """Texts of so many characters at most."""
        return cls.of_type(ExasolType("VARCHAR", size=min(size, VARCHAR_LIMIT)))

    def type(self) -> ExasolType:
        """The type of a column that holds the values; what is always NULL is a BOOLEAN."""
        match self.declared, self.name:
            case ExasolType() as declared, _:
                return declared
            case _, "NULL":
                return ExasolType("BOOLEAN")
            case _, "VARCHAR":
                return ExasolType("VARCHAR", size=VARCHAR_LIMIT)
            case _, "TIMESTAMP":
                return ExasolType("TIMESTAMP", fraction=FRACTION_LIMIT)
        return ExasolType(self.name, self.precision, self.scale)

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


def undeclared(node: exp.Expr, declare: Callable[[ExasolType], exp.Expr]) -> exp.Expr:
    """A value that takes its type from what it is assigned to or compared with.

    :param declare: tells it that type, and gives the node to use.
    """
    node.meta[_DECLARE] = declare
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


def as_decimal(node: exp.Expr, kind: Kind) -> exp.Expr:
    """A number as the DECIMAL of this kind."""
    return typed(cast(node, f"DECIMAL({kind.precision},{kind.scale})"), kind)


def as_text(node: exp.Expr) -> exp.Expr:
    """The node as VARCHAR, converted as Exasol converts: TRUE, 0.5, 2024-01-31."""
    kind = kind_of(node)
    if kind == TEXT:
        # The blanks at the end of a CHAR are characters like any other from here on.
        declared = kind.declared
        if declared is None or declared.name != "CHAR":
            return node
        return typed(node.copy(), Kind.text(declared.size))
    if kind == UNKNOWN:
        return typed(cast(node, "VARCHAR"), TEXT)
    if kind.name == "HASHTYPE":
        return typed(exp.Paren(this=node), TEXT)
    if kind.declared is not None and kind.declared.is_interval:
        return typed(_interval_call("exallm_interval_text", node, kind.declared), TEXT)
    return typed(call("exallm_text", node), TEXT)


def convert(node: exp.Expr, target: ExasolType) -> exp.Expr:
    """The node as a value of the target type, as CAST and a column's assignment make it.

    What cannot be converted fails at run time with Exasol's error, or here if it is a literal.
    """
    kind, result = kind_of(node), Kind.of_type(target)
    if _DECLARE in node.meta:
        declared: exp.Expr = node.meta[_DECLARE](target)
        return declared
    if kind == UNKNOWN:
        return typed(cast(exp.Null(), target.duckdb()), result)
    if target.is_text and kind.declared == target:
        return node
    if target.is_text:
        return typed(_fitting(as_text(node), target), result)
    if target.name == "HASHTYPE" or target.is_interval:
        return _special(node, target)
    if is_text_literal(node):
        return typed(_literal(node.name, target), result)
    if not _can_become(kind, result):
        raise mixed(f"CAST from {kind.name} to {target.name}")
    if kind.name == result.name or (kind.name == "DECIMAL" and target.name == "DOUBLE"):
        value: exp.Expr = node if kind.name == "TIMESTAMP" else cast(node, target.duckdb())
    elif target.name == "DECIMAL":
        value = cast(call("exallm_number", node), target.duckdb())
    else:
        value = call(f"exallm_{result.name.lower()}", node)
    return typed(_cut(value, kind, target) if result.name == "TIMESTAMP" else value, result)


def plain(node: exp.Expr) -> exp.Expr:
    """The value as a script may get it whose parameters have no types: an INTERVAL as its text."""
    declared = kind_of(node).declared
    return as_text(node) if declared is not None and declared.is_interval else node


def _fitting(text: exp.Expr, target: ExasolType) -> exp.Expr:
    """A text as a CHAR or VARCHAR."""
    if is_text_literal(text):
        literal = exp.Literal.string(literal_text(text.name, target))
        return cast(literal, "VARCHAR") if target.name == "CHAR" else literal
    known = kind_of(text).declared
    is_ascii = known is not None and known.character_set == "ASCII"
    is_short = target.size == VARCHAR_LIMIT or (known is not None and known.size <= target.size)
    if target.character_set == "ASCII" and not is_ascii:
        text = call("exallm_ascii_only", text)
    if target.name == "CHAR":
        return call("exallm_padded", text, target.size)
    return text if is_short else call("exallm_fit", text, target.size)


def _special(node: exp.Expr, target: ExasolType) -> exp.Expr:
    """A value as a HASHTYPE or INTERVAL, which only texts and values of the same type become."""
    kind, result = kind_of(node), Kind.of_type(target)
    if kind != TEXT and kind.name != target.name:
        raise mixed(f"CAST from {kind.name} to {target.name}")
    if kind.declared == target:
        return node
    if is_text_literal(node) and target.is_interval:
        return typed(_node(interval_of(node.name, target)), result)
    if is_text_literal(node):
        return typed(cast(_node(literal_text(node.name, target)), "VARCHAR"), result)
    text = as_text(node)
    if target.is_interval:
        return typed(_interval_call("exallm_interval", text, target), result)
    return typed(call("exallm_hash", text, target.size), result)


def _interval_call(name: str, node: exp.Expr, type_: ExasolType) -> exp.Expr:
    return call(name, node, type_.name, type_.precision, type_.fraction)


def _cut(node: exp.Expr, kind: Kind, target: ExasolType) -> exp.Expr:
    """A time without the digits of a second that the target type does not have."""
    known = kind.declared
    has_few = known is not None and kind.name == "TIMESTAMP" and known.fraction <= target.fraction
    if has_few or kind == DAY or target.fraction == FRACTION_LIMIT:
        return node
    if target.fraction in _TRUNCATED:
        return call("date_trunc", _TRUNCATED[target.fraction], node)
    width = f"{10 ** (FRACTION_LIMIT - target.fraction)} microseconds"
    return call("time_bucket", cast(exp.Literal.string(width), "INTERVAL"), node)


def padded_alike(nodes: Sequence[exp.Expr]) -> list[exp.Expr]:
    """Texts to be compared: a CHAR with another CHAR or a literal as if both had one length.

    :raises SqlError: 0A000 for a CHAR beside a VARCHAR, whose blanks count.
    """
    if not any(_is_char(node) for node in nodes):
        return list(nodes)
    widest = ExasolType("CHAR", size=CHAR_LIMIT)
    nodes = [convert(node, widest) if _DECLARE in node.meta else node for node in nodes]
    sizes = [_char_size(node) for node in nodes]
    if any(size is None and kind_of(node) == TEXT for size, node in zip(sizes, nodes, strict=True)):
        raise mixed("CHAR and VARCHAR in a comparison")
    width = max(size for size in sizes if size is not None)
    return [
        typed(_widened(node, width), TEXT) if size is not None and size < width else node
        for node, size in zip(nodes, sizes, strict=True)
    ]


def check_blanks(one: Kind, two: Kind, construct: str) -> None:
    """:raises SqlError: 0A000 for columns to be compared that hold unlike numbers of blanks."""
    types = [kind.declared for kind in (one, two)]
    if "CHAR" in [type_.name for type_ in types if type_ is not None]:
        names = [(t.name, t.size) if t is not None else None for t in types]
        if names[0] != names[1]:
            raise mixed(f"CHAR beside another text in {construct}")


def _is_char(node: exp.Expr) -> bool:
    declared = kind_of(node).declared
    return declared is not None and declared.name == "CHAR"


def _char_size(node: exp.Expr) -> int | None:
    """The length of a CHAR or of a literal, None for any other value."""
    declared = kind_of(node).declared
    if declared is not None and declared.name == "CHAR":
        return declared.size
    return len(node.name) if is_text_literal(node) else None


def _widened(node: exp.Expr, width: int) -> exp.Expr:
    if is_text_literal(node):
        return exp.Literal.string(node.name.ljust(width))
    return call("rpad", node, width, " ")


def comparable(nodes: Sequence[exp.Expr], construct: str) -> list[exp.Expr]:
    """The nodes as values that can be compared with each other or stand in one column.

    A text literal becomes what it stands beside, as in ``day > '2024-01-31'``.

    :raises SqlError: 0A000 where Exasol would convert a column, or would refuse.
    """
    open_ = [is_text_literal(node) or _DECLARE in node.meta for node in nodes]
    others = [kind_of(node) for node, is_open in zip(nodes, open_, strict=True) if not is_open]
    known = {kind.name for kind in others if kind != UNKNOWN}
    if not known:
        return list(nodes)
    if not (len(known) == 1 or known <= _NUMBERS or known <= _TIMES):
        raise mixed(f"{' and '.join(sorted(known))} in {construct}")
    if known == {"VARCHAR"}:
        return list(nodes)
    kind = _common(others)
    return [
        _beside(node, kind) if is_open else node for node, is_open in zip(nodes, open_, strict=True)
    ]


def common_kind(nodes: Sequence[exp.Expr]) -> Kind:
    """The kind of a value that is one of the nodes, which :func:`comparable` has passed."""
    return _common([kind_of(node) for node in nodes])


def _common(found: Sequence[Kind]) -> Kind:
    kinds = [kind for kind in found if kind != UNKNOWN]
    names = {kind.name for kind in kinds}
    if not kinds:
        return UNKNOWN
    if len(set(kinds)) == 1:
        return replace(kinds[0], declared=_common_type(kinds))
    if names == {"DECIMAL"}:
        return Kind.decimal(max(k.digits for k in kinds), max(k.scale for k in kinds))
    return DOUBLE if names <= _NUMBERS else TIME


def _common_type(kinds: Sequence[Kind]) -> ExasolType | None:
    """The declared type of all; of texts with different lengths the longest VARCHAR."""
    types = [kind.declared for kind in kinds if kind.declared is not None]
    if len(types) < len(kinds):
        return None
    if len(set(types)) == 1 or not types[0].is_text:
        return max(types, key=lambda type_: (type_.precision, type_.fraction))
    sets = {type_.character_set for type_ in types}
    character_set = sets.pop() if len(sets) == 1 else "UTF8"
    size = max(type_.size for type_ in types)
    return ExasolType("VARCHAR", size=size, character_set=character_set)


def united(one: Kind, two: Kind, construct: str) -> Kind:
    """The kind of a column in which values of both kinds stand.

    :raises SqlError: 0A000 where one would have to be converted.
    """
    names = {one.name, two.name} - {"NULL"}
    if not (len(names) <= 1 or names <= _NUMBERS or names <= _TIMES):
        raise mixed(f"{' and '.join(sorted(names))} in one column of {construct}")
    return _common([one, two])


def output_type(kind: Kind, found: ExasolType) -> ExasolType:
    """The type of a query's column: what the kind says, or what DuckDB gives where that is another.

    :param found: the type of the values that DuckDB gives.
    """
    declared = kind.declared
    if declared is not None and declared.name not in _UNDECLARED:
        return declared
    known = kind.type()
    return known if (known.name, known.scale) == (found.name, found.scale) else found


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
    digits = len(whole.lstrip("0")) + len(fraction)
    if digits > DECIMAL_LIMIT:
        raise SqlError("22003", "data exception - numeric value out of range.")
    kind = Kind("DECIMAL", max(1, digits), len(fraction))
    return typed(exp.Literal.number(text), kind)


def is_text_literal(node: exp.Expr) -> bool:
    """Whether the node is a text that the statement itself holds."""
    return isinstance(node, exp.Literal) and bool(node.is_string)


def _beside(node: exp.Expr, kind: Kind) -> exp.Expr:
    """A literal or marker as a value of the kind beside it."""
    name, declared = kind.name, kind.declared
    if declared is not None and (declared.name == "HASHTYPE" or declared.is_interval):
        return convert(node, declared)
    if _DECLARE in node.meta:
        return convert(node, declared or ExasolType(name, kind.precision, kind.scale))
    if name in _NUMBERS:
        if not NUMBER.fullmatch(node.name):
            raise _wrong(node.name, "DECIMAL")
        number = number_literal(node.name.lstrip("+-"))
        negative = node.name.startswith("-")
        return typed(exp.Neg(this=number), kind_of(number)) if negative else number
    if name == "DATE" and not DATE.fullmatch(node.name):
        name = "TIMESTAMP" if TIMESTAMP.fullmatch(node.name) else "DATE"
    return typed(_literal(node.name, ExasolType(name, fraction=FRACTION_LIMIT)), Kind(name))


def _literal(text: str, target: ExasolType) -> exp.Expr:
    """A text of the statement as a value; :raises SqlError: 22007 or 22018 if it is none."""
    match Kind.of_type(target).name:
        case "DATE":
            if not DATE.fullmatch(text) or not _is_real(text):
                raise _wrong(text, target.name)
            return cast(exp.Literal.string(text), target.name)
        case "TIMESTAMP":
            if not TIMESTAMP.fullmatch(text) or not _is_real(text):
                raise _wrong(text, "TIMESTAMP")
            whole, point, digits = text.partition(".")
            kept = digits[: target.fraction]
            return cast(exp.Literal.string(whole + point * bool(kept) + kept), "TIMESTAMP")
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


def _can_become(kind: Kind, target: Kind) -> bool:
    if kind == TEXT or kind.name == target.name:
        return True
    if target.name in _NUMBERS:
        return kind.is_number or kind == TRUTH
    if target.name == "BOOLEAN":
        return kind.is_number
    return kind.name in _TIMES


def _node(value: exp.Expr | str | int) -> exp.Expr:
    if isinstance(value, str):
        return exp.Literal.string(value)
    if isinstance(value, int):
        return exp.Literal.number(value) if value >= 0 else exp.Neg(this=exp.Literal.number(-value))
    return value
