"""CREATE TABLE and ALTER TABLE, read token by token.

Exasol has a grammar of its own for columns, keys and distribution. What changes no result here is
read and has no effect: DISTRIBUTE BY, PARTITION BY, keys that are DISABLEd, names of constraints.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from sqlglot import exp

from exallm.local.exasol_type import ExasolType
from exallm.local.sql.expressions import data_type
from exallm.local.sql.nodes import parsed, parsed_expression
from exallm.local.sql.refusal import refused, syntax_error
from exallm.local.sql.token_reader import QualifiedName, TokenReader

_AFTER_TYPE = frozenset(
    [
        "DEFAULT",
        "IDENTITY",
        "CONSTRAINT",
        "NOT",
        "NULL",
        "PRIMARY",
        "REFERENCES",
        "COMMENT",
        "ENABLE",
        "DISABLE",
        "CHECK",
        "UNIQUE",
        "GENERATED",
        "COLLATE",
        "FOREIGN",
    ]
)
_AFTER_VALUE = _AFTER_TYPE - {"DEFAULT", "NULL"}
_NO_ELEMENTS = ("CHECK", "UNIQUE", "GENERATED", "COLLATE")


@dataclass(frozen=True)
class ForeignKey:
    """``FOREIGN KEY (columns) REFERENCES table [(referenced)]``; referenced may be empty."""

    columns: tuple[str, ...]
    table: QualifiedName
    referenced: tuple[str, ...]


@dataclass(frozen=True)
class ColumnElement:
    """A column of CREATE TABLE, or of ALTER TABLE ADD and MODIFY.

    :param default: None where there is no DEFAULT.
    :param identity: the first number of an IDENTITY column, None for another column.
    :param not_null: None where nothing says whether NULL is allowed.
    """

    name: str
    type: ExasolType
    default: exp.Expr | None = None
    identity: int | None = None
    not_null: bool | None = None
    is_primary_key: bool = False
    foreign_key: ForeignKey | None = None
    comment: str | None = None


@dataclass
class TableElements:
    """What stands between the parentheses of CREATE TABLE, in the order of its kinds.

    :param columns: columns, and the names of tables whose columns are taken in their place.
    """

    columns: list[ColumnElement | QualifiedName] = field(default_factory=list)
    primary_key: tuple[str, ...] = ()
    foreign_keys: list[ForeignKey] = field(default_factory=list)


@dataclass(frozen=True)
class CreateTable:
    """``CREATE [OR REPLACE] TABLE [IF NOT EXISTS] name (elements) [COMMENT IS 'text']``."""

    name: QualifiedName
    elements: TableElements
    replace: bool
    if_not_exists: bool
    comment: str | None


@dataclass(frozen=True)
class CreateTableAs:
    """``CREATE TABLE name [(columns)] AS query [WITH [NO] DATA]``."""

    name: QualifiedName
    columns: tuple[str, ...]
    query: exp.Expr
    with_data: bool
    replace: bool
    if_not_exists: bool
    comment: str | None


@dataclass(frozen=True)
class AddColumn:
    """``ADD [COLUMN] [IF NOT EXISTS] column``."""

    column: ColumnElement
    if_not_exists: bool


@dataclass(frozen=True)
class DropColumn:
    """``DROP [COLUMN] [IF EXISTS] name``."""

    name: str
    if_exists: bool


@dataclass(frozen=True)
class RenameColumn:
    """``RENAME COLUMN old TO new``."""

    old: str
    new: str


@dataclass(frozen=True)
class ModifyColumn:
    """``MODIFY [COLUMN] column``."""

    column: ColumnElement


@dataclass(frozen=True)
class SetDefault:
    """``ALTER [COLUMN] name SET DEFAULT value`` or ``DROP DEFAULT``, whose value is None."""

    name: str
    value: exp.Expr | None


@dataclass(frozen=True)
class AddKey:
    """``ADD [CONSTRAINT name] PRIMARY KEY (columns)``, or a FOREIGN KEY; None where DISABLEd."""

    key: tuple[str, ...] | ForeignKey | None


@dataclass(frozen=True)
class DropPrimaryKey:
    """``DROP PRIMARY KEY``."""


@dataclass(frozen=True)
class Distribute:
    """``DISTRIBUTE BY``, ``PARTITION BY`` and the ends of both: rows lie on one node here."""

    columns: tuple[str, ...]


Action = (
    AddColumn
    | DropColumn
    | RenameColumn
    | ModifyColumn
    | SetDefault
    | AddKey
    | DropPrimaryKey
    | Distribute
)


@dataclass(frozen=True)
class AlterTable:
    """``ALTER TABLE name action``."""

    name: QualifiedName
    action: Action


TableStatement = CreateTable | CreateTableAs | AlterTable


def read_create_table(reader: TokenReader, replace: bool) -> TableStatement:
    """The rest of ``CREATE [OR REPLACE] TABLE``; :raises SqlError: 42000, 0A000."""
    exists = reader.accept("IF", "NOT", "EXISTS")
    name = reader.qualified_name()
    comment = reader.closing_comment()
    if reader.accept("LIKE"):
        elements = TableElements([reader.qualified_name()])
        _refuse_including(reader)
        return reader.finish(CreateTable(name, elements, replace, exists, comment))
    if reader.peek() != "(" or reader.word_after_list() == "AS":
        columns = reader.names() if reader.peek() == "(" else ()
        reader.expect("AS")
        with_data = not reader.closing("WITH", "NO", "DATA")
        if with_data:
            reader.closing("WITH", "DATA")
        query = parsed(reader.rest())
        return CreateTableAs(name, columns, query, with_data, replace, exists, comment)
    elements = _elements(reader)
    while _distribution(reader) is not None:
        continue
    return reader.finish(CreateTable(name, elements, replace, exists, comment))


def read_alter_table(reader: TokenReader) -> AlterTable:
    """The rest of ``ALTER TABLE``; :raises SqlError: 42000, 0A000."""
    name = reader.qualified_name()
    return reader.finish(AlterTable(name, _action(reader)))


def _action(reader: TokenReader) -> Action:
    distributed = _distribution(reader)
    if distributed is not None:
        return Distribute(distributed)
    if reader.accept("ADD"):
        if reader.peek() in ("CONSTRAINT", "PRIMARY KEY", "FOREIGN KEY", "PRIMARY", "FOREIGN"):
            return AddKey(_key(reader))
        reader.accept("COLUMN")
        if_not_exists = reader.accept("IF", "NOT", "EXISTS")
        if reader.accept("("):
            column = _column(reader)
            reader.expect(")")
            return AddColumn(column, if_not_exists)
        return AddColumn(_column(reader), if_not_exists)
    if reader.accept("DROP"):
        return _drop(reader)
    if reader.accept("RENAME", "COLUMN"):
        old = reader.identifier()
        reader.expect("TO")
        return RenameColumn(old, reader.identifier())
    if reader.accept("MODIFY"):
        if reader.peek() in ("CONSTRAINT", "PRIMARY KEY", "PRIMARY"):
            raise refused(60, "ALTER TABLE MODIFY of a constraint")
        reader.accept("COLUMN")
        return ModifyColumn(_column(reader))
    if reader.accept("ALTER"):
        reader.accept("COLUMN")
        name = reader.identifier()
        if reader.accept("DROP", "DEFAULT"):
            return SetDefault(name, None)
        if reader.accept("SET", "DEFAULT"):
            return SetDefault(name, parsed_expression(reader.until(())))
        raise refused(60, f"ALTER TABLE ALTER COLUMN {reader.peek()}")
    raise refused(60, f"ALTER TABLE {reader.peek()}")


def _drop(reader: TokenReader) -> Action:
    if reader.accept("PRIMARY", "KEY"):
        return DropPrimaryKey()
    for words in (("DISTRIBUTION",), ("PARTITION",)):
        if reader.accept(*words):
            reader.accept("AND")
            reader.accept("PARTITION")
            if not reader.accept("KEYS"):
                reader.expect("KEY")
            return Distribute(())
    if reader.peek() == "CONSTRAINT":
        raise refused(60, "ALTER TABLE DROP CONSTRAINT")
    reader.accept("COLUMN")
    if_exists = reader.accept("IF", "EXISTS")
    name = reader.identifier()
    if reader.accept("CASCADE"):
        reader.expect("CONSTRAINTS")
    return DropColumn(name, if_exists)


def _elements(reader: TokenReader) -> TableElements:
    elements = TableElements()
    reader.expect("(")
    while True:
        _element(reader, elements)
        if not reader.accept(","):
            break
    reader.expect(")")
    return elements


def _element(reader: TokenReader, elements: TableElements) -> None:
    if reader.accept("LIKE"):
        elements.columns.append(reader.qualified_name())
        _refuse_including(reader)
        return
    if reader.peek() in _NO_ELEMENTS:
        raise refused(60, reader.peek())
    if reader.peek() in ("CONSTRAINT", "PRIMARY KEY", "FOREIGN KEY", "PRIMARY", "FOREIGN"):
        key = _key(reader)
        if isinstance(key, ForeignKey):
            elements.foreign_keys.append(key)
        elif key is not None:
            _set_primary_key(elements, key)
        return
    if _distribution(reader) is not None:
        return
    column = _column(reader)
    elements.columns.append(column)
    if column.is_primary_key:
        _set_primary_key(elements, (column.name,))
    if column.foreign_key is not None:
        elements.foreign_keys.append(column.foreign_key)


def _set_primary_key(elements: TableElements, columns: tuple[str, ...]) -> None:
    if elements.primary_key:
        raise syntax_error("a table has one primary key")
    elements.primary_key = columns


def _column(reader: TokenReader) -> ColumnElement:
    name = reader.identifier()
    if reader.peek() in (",", ")", ""):
        raise syntax_error(f"column {name} has no data type")
    column = ColumnElement(name, data_type(reader.until(_AFTER_TYPE)))
    while True:
        if reader.accept("DEFAULT"):
            column = replace(column, default=parsed_expression(reader.until(_AFTER_VALUE)))
        elif reader.accept("IDENTITY"):
            column = replace(column, identity=_first_number(reader))
        elif reader.accept("COMMENT"):
            reader.expect("IS")
            column = replace(column, comment=reader.string())
        else:
            constrained = _inline_constraint(reader, column)
            if constrained is None:
                break
            column = constrained
    if reader.peek() in _NO_ELEMENTS:
        raise refused(60, reader.peek())
    return column


def _inline_constraint(reader: TokenReader, column: ColumnElement) -> ColumnElement | None:
    """The column with the constraint that stands behind it; None where none does."""
    unnamed = ("NOT", "NULL", "PRIMARY KEY", "PRIMARY", "REFERENCES")
    if reader.accept("CONSTRAINT") and reader.peek() not in unnamed:
        reader.identifier()
    if reader.accept("NOT", "NULL"):
        return replace(column, not_null=_is_enabled(reader))
    if reader.accept("NULL"):
        return replace(column, not_null=False)
    if reader.accept("PRIMARY", "KEY"):
        return replace(column, is_primary_key=_is_enabled(reader))
    if reader.accept("REFERENCES"):
        key = _references(reader, (column.name,))
        return replace(column, foreign_key=key) if _is_enabled(reader) else column
    return None


def _key(reader: TokenReader) -> tuple[str, ...] | ForeignKey | None:
    """A key of the whole table; None where it is DISABLEd."""
    if reader.accept("CONSTRAINT") and reader.peek() not in ("PRIMARY KEY", "FOREIGN KEY"):
        reader.identifier()
    if reader.peek() in _NO_ELEMENTS:
        raise refused(60, reader.peek())
    key: tuple[str, ...] | ForeignKey
    if reader.accept("PRIMARY", "KEY"):
        key = reader.names()
    else:
        if not reader.accept("FOREIGN", "KEY"):
            raise syntax_error(f"unexpected '{reader.peek()}', expected PRIMARY KEY or FOREIGN KEY")
        columns = reader.names()
        reader.expect("REFERENCES")
        key = _references(reader, columns)
    return key if _is_enabled(reader) else None


def _references(reader: TokenReader, columns: tuple[str, ...]) -> ForeignKey:
    table = reader.qualified_name()
    return ForeignKey(columns, table, reader.names() if reader.peek() == "(" else ())


def _is_enabled(reader: TokenReader) -> bool:
    """Constraints hold unless they are DISABLEd."""
    if reader.accept("DISABLE"):
        return False
    reader.accept("ENABLE")
    return True


def _first_number(reader: TokenReader) -> int:
    in_parentheses = reader.accept("(")
    if not in_parentheses and not reader.peek().isdecimal():
        return 1
    number = reader.number()
    if in_parentheses:
        reader.expect(")")
    return number


def _distribution(reader: TokenReader) -> tuple[str, ...] | None:
    """``DISTRIBUTE BY a, b`` or ``PARTITION BY c``; None where neither comes next."""
    if not reader.accept("DISTRIBUTE", "BY") and not reader.accept("PARTITION", "BY"):
        return None
    columns = [reader.identifier()]
    while reader.peek() == "," and not reader.next_is("PARTITION", "DISTRIBUTE"):
        reader.expect(",")
        columns.append(reader.identifier())
    return tuple(columns)


def _refuse_including(reader: TokenReader) -> None:
    if reader.peek() in ("INCLUDING", "EXCLUDING"):
        raise refused(60, f"CREATE TABLE ... LIKE with {reader.peek()}")
