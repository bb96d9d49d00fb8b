"""Statements that define tables: CREATE and ALTER TABLE."""

from __future__ import annotations

from collections.abc import Sequence

from sqlglot import exp

from exallm.local.exasol_type import Column, ExasolType
from exallm.local.sql.changes import ChangeTranslator
from exallm.local.sql.expressions import data_type
from exallm.local.sql.functions import utc_now
from exallm.local.sql.kinds import convert, output_type
from exallm.local.sql.names import MARK, folded, quoted, stored, table_sql
from exallm.local.sql.queries import QueryTranslator
from exallm.local.sql.refusal import refused
from exallm.local.sql_error import SqlError

_NEW = f"{MARK}NEW"  # no name of a user's table


class DefinitionTranslator:
    """Translates what defines a table into DuckDB statements."""

    def __init__(self, queries: QueryTranslator) -> None:
        self._queries = queries

    def create_table(self, node: exp.Create) -> list[str]:
        """``CREATE TABLE`` with columns, for a table that is not there."""
        schema, name = self._queries.sources.table_name(node.this.this)
        parts = [self._element(element) for element in node.this.expressions]
        names = [folded(e.this) for e in node.this.expressions if isinstance(e, exp.ColumnDef)]
        if not names:
            raise SqlError("42000", f"syntax error, table {name} has no columns")
        _check_unique(names)
        table = table_sql(schema, name)
        defined = [e for e in node.this.expressions if isinstance(e, exp.ColumnDef)]
        columns = [Column(folded(element.this), _type(element)) for element in defined]
        create = f"CREATE TABLE {table} ({', '.join(parts)})"
        return [create, *_declarations(table, columns)]

    def create_table_as(self, node: exp.Create, has_old: bool) -> list[str]:
        """``CREATE TABLE ... AS query``; the query may read the table that is replaced.

        The second statement inserts the rows.

        :param has_old: whether a table of this name is there, to be replaced.
        """
        if isinstance(node.this, exp.Schema):
            raise refused(60, "CREATE TABLE with columns and a query")
        schema, name = self._queries.sources.table_name(node.this)
        query = self._queries.query(node.args["expression"])
        names = [column.name for column in query.columns]
        _check_unique(names)
        described = self._queries.scope.catalog.described(query.node.sql("duckdb"))
        columns = [
            Column(output.name, output_type(output.kind, found.type))
            for output, found in zip(query.columns, described, strict=True)
        ]
        table, new = table_sql(schema, name), table_sql(schema, _NEW) if has_old else None
        parts = [_column(column.name, column.type, []) for column in columns]
        rows = ChangeTranslator(self._queries).assigned(query, columns).sql("duckdb")
        statements = [
            f"CREATE TABLE {new or table} ({', '.join(parts)})",
            f"INSERT INTO {new or table} {rows}",
        ]
        if new is not None:
            statements.append(f"DROP TABLE {table}")
            statements.append(f"ALTER TABLE {new} RENAME TO {quoted(stored(name))}")
        return [*statements, *_declarations(table, columns)]

    def alter_table(self, node: exp.Alter) -> list[str]:
        """``ALTER TABLE t ADD COLUMN | DROP COLUMN | RENAME COLUMN``."""
        schema, name = self._queries.sources.table_name(node.this)
        columns = self._queries.scope.catalog.columns(schema, name)
        if columns is None:
            raise SqlError("42000", f"object {schema}.{name} not found")
        head, names = f"ALTER TABLE {table_sql(schema, name)}", [c.name for c in columns]
        actions = node.args["actions"]
        added = [action for action in actions if isinstance(action, exp.ColumnDef)]
        new = [Column(folded(element.this), _type(element)) for element in added]
        statements = [f"{head} {self._action(action, names)}" for action in actions]
        return [*statements, *_declarations(table_sql(schema, name), new)]

    def _action(self, action: exp.Expr, names: Sequence[str]) -> str:
        match action:
            case exp.ColumnDef():
                if action.args.get("constraints"):
                    raise refused(60, "ALTER TABLE ADD COLUMN with a constraint")
                name, type_ = folded(action.this), _type(action)
                _check_unique([*names, name])
                return f"ADD COLUMN {quoted(stored(name))} {type_.duckdb()}"
            case exp.Drop():
                (column,) = action.args["tables"]
                return f"DROP COLUMN {quoted(stored(_known(column, names)))}"
            case exp.RenameColumn():
                old, new = _known(action.this, names), folded(_bare(action.args["to"]))
                _check_unique([*(name for name in names if name != old), new])
                return f"RENAME COLUMN {quoted(stored(old))} TO {quoted(stored(new))}"
        raise refused(60, f"ALTER TABLE {action.sql('exasol')}")

    def _element(self, element: exp.Expr) -> str:
        if isinstance(element, exp.ColumnDef):
            constraints = element.args.get("constraints") or []
            type_ = _type(element)
            kinds = [self._constraint(constraint.args["kind"], type_) for constraint in constraints]
            return _column(folded(element.this), type_, kinds)
        if isinstance(element, exp.PrimaryKey):
            return _primary_key(element)
        if isinstance(element, exp.Constraint):
            keys = element.expressions
            if len(keys) == 1 and isinstance(keys[0], exp.PrimaryKey):
                name = quoted(stored(folded(element.this)))
                return f"CONSTRAINT {name} {_primary_key(keys[0])}"
        if isinstance(element, (exp.Identifier, exp.Column)):
            raise SqlError("42000", f"syntax error, column {element.name} has no data type")
        raise refused(60, f"the table element {element.sql('exasol')}")

    def _constraint(self, kind: exp.Expr, type_: ExasolType) -> str:
        match kind:
            case exp.NotNullColumnConstraint():
                return "" if kind.args.get("allow_null") else "NOT NULL"
            case exp.PrimaryKeyColumnConstraint():
                return "PRIMARY KEY"
            case exp.DefaultColumnConstraint():
                return f"DEFAULT {self._default(kind.this, type_).sql('duckdb')}"
        raise refused(60, f"the column constraint {kind.sql('exasol')}")

    def _default(self, node: exp.Expr, type_: ExasolType) -> exp.Expr:
        """A value for rows to come: a constant, or the time at which a row is inserted."""
        name = node.name.upper() if isinstance(node, exp.Column) else ""
        if name in ("CURRENT_TIMESTAMP", "SYSTIMESTAMP", "CURRENT_DATE", "SYSDATE"):
            return convert(utc_now(is_date=name.endswith("DATE")), type_)
        for part in node.walk():
            if not isinstance(part, (exp.Literal, exp.Null, exp.Boolean, exp.Neg, exp.Cast)):
                if isinstance(part.parent, exp.Cast) and isinstance(part, exp.DataType):
                    continue
                raise refused(60, f"DEFAULT {node.sql('exasol')}")
        value = self._queries.expressions.translate(node)
        default = convert(value, type_)
        if any(default.find_all(exp.Anonymous)):
            raise refused(60, f"DEFAULT {node.sql('exasol')} for a {type_.name}")
        return default


def _type(node: exp.ColumnDef) -> ExasolType:
    if node.args.get("kind") is None:
        raise SqlError("42000", f"syntax error, column {node.name} has no data type")
    return data_type(node.args["kind"])


def _column(name: str, type_: ExasolType, constraints: Sequence[str]) -> str:
    parts = [quoted(stored(name)), type_.duckdb(), *constraints]
    if type_.name == "VARCHAR":
        # Whatever writes rows, no text is too long. A failed check becomes Exasol's error.
        parts.append(f"CHECK (length({quoted(stored(name))}) <= {type_.size})")
    return " ".join(part for part in parts if part)


def _declarations(table: str, columns: Sequence[Column]) -> list[str]:
    """What keeps the columns' types where DuckDB's own say less: as DuckDB's comments on them."""
    return [
        f"COMMENT ON COLUMN {table}.{quoted(stored(column.name))} IS '{column.type.sql()}'"
        for column in columns
        if column.type.sql() != column.type.duckdb()
    ]


def _primary_key(node: exp.PrimaryKey) -> str:
    names = [quoted(stored(folded(_bare(column)))) for column in node.expressions]
    return f"PRIMARY KEY ({', '.join(names)})"


def _known(node: exp.Expr, names: Sequence[str]) -> str:
    name = folded(_bare(node))
    if name not in names:
        raise SqlError("42000", f"object {name} not found")
    return name


def _bare(node: exp.Expr) -> exp.Expr:
    """The identifier in what sqlglot wraps around a column's name."""
    while not isinstance(node, exp.Identifier):
        node = node.this
    return node


def _check_unique(names: Sequence[str]) -> None:
    for name in names:
        if names.count(name) > 1:
            raise SqlError("42000", f"column {name} is named twice")
