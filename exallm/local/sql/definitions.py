"""Statements that define tables: CREATE, DROP and ALTER TABLE."""

from __future__ import annotations

from sqlglot import exp

from exallm.local.exasol_type import VARCHAR_LIMIT, ExasolType
from exallm.local.sql.expressions import Expressions, data_type, identifier
from exallm.local.sql.queries import QueryTranslator
from exallm.local.sql.refusal import refused
from exallm.local.sql_error import SqlError


def quoted(name: str) -> str:
    """A DuckDB identifier; the one place where the engine quotes one for SQL that it writes."""
    return '"' + name.replace('"', '""') + '"'


class DefinitionTranslator:
    """Translates what defines a table into DuckDB statements."""

    def __init__(self, queries: QueryTranslator) -> None:
        self._queries = queries
        self._expressions: Expressions = queries.expressions

    def create_table(self, node: exp.Create) -> str:
        """``CREATE [OR REPLACE] TABLE [IF NOT EXISTS]``, with columns or a query."""
        table = node.this.this if isinstance(node.this, exp.Schema) else node.this
        schema, name = self._queries.table_name(table)
        head = "CREATE OR REPLACE TABLE" if node.args.get("replace") else "CREATE TABLE"
        if node.args.get("exists"):
            head += " IF NOT EXISTS"
        head = f"{head} {quoted(schema)}.{quoted(name)}"
        query = node.args.get("expression")
        if query is not None:
            if isinstance(node.this, exp.Schema):
                raise refused(60, "CREATE TABLE with columns and a query")
            return f"{head} AS {self._queries.top(query).sql('duckdb')}"
        if not isinstance(node.this, exp.Schema):
            raise SqlError("42000", f"syntax error, table {name} has no columns")
        parts = [self._element(element) for element in node.this.expressions]
        return f"{head} ({', '.join(parts)})"

    def alter_table(self, node: exp.Alter) -> list[str]:
        """``ALTER TABLE t ADD COLUMN | DROP COLUMN | RENAME COLUMN``."""
        schema, name = self._queries.table_name(node.this)
        head = f"ALTER TABLE {quoted(schema)}.{quoted(name)}"
        return [f"{head} {self._action(action)}" for action in node.args["actions"]]

    def _action(self, action: exp.Expr) -> str:
        match action:
            case exp.ColumnDef():
                if action.args.get("constraints"):
                    raise refused(60, "ALTER TABLE ADD COLUMN with a constraint")
                type_ = self._type(action)
                if type_.name == "VARCHAR" and type_.size < VARCHAR_LIMIT:
                    # DuckDB adds no CHECK to a table that exists, so the length would not hold.
                    raise refused(60, f"ALTER TABLE ADD COLUMN of type {type_.sql()}")
                return f"ADD COLUMN {quoted(identifier(action.this).name)} {type_.duckdb()}"
            case exp.Drop():
                return f"DROP COLUMN {quoted(identifier(action.this.this).name)}"
            case exp.RenameColumn():
                old, new = (identifier(action.args[k].this).name for k in ("this", "to"))
                return f"RENAME COLUMN {quoted(old)} TO {quoted(new)}"
        raise refused(60, f"ALTER TABLE {action.sql('exasol')}")

    def _element(self, element: exp.Expr) -> str:
        if isinstance(element, exp.ColumnDef):
            return self._column(element)
        if isinstance(element, exp.PrimaryKey):
            return self._primary_key(element)
        if isinstance(element, exp.Constraint):
            keys = element.expressions
            if len(keys) == 1 and isinstance(keys[0], exp.PrimaryKey):
                name = quoted(identifier(element.this).name)
                return f"CONSTRAINT {name} {self._primary_key(keys[0])}"
        raise refused(60, f"the table element {element.sql('exasol')}")

    def _primary_key(self, node: exp.PrimaryKey) -> str:
        names = [quoted(_column_name(column)) for column in node.expressions]
        return f"PRIMARY KEY ({', '.join(names)})"

    def _type(self, node: exp.ColumnDef) -> ExasolType:
        if node.args.get("kind") is None:
            raise SqlError("42000", f"syntax error, column {node.name} has no data type")
        return data_type(node.args["kind"])

    def _column(self, node: exp.ColumnDef) -> str:
        name, type_ = quoted(identifier(node.this).name), self._type(node)
        parts = [name, type_.duckdb()]
        for constraint in node.args.get("constraints") or []:
            parts.append(self._constraint(constraint.args["kind"]))
        if type_.name == "VARCHAR":
            # DuckDB knows no lengths. The session turns a failed check into Exasol's error.
            parts.append(f"CHECK (length({name}) <= {type_.size})")
        return " ".join(parts)

    def _constraint(self, kind: exp.Expr) -> str:
        match kind:
            case exp.NotNullColumnConstraint():
                return "" if kind.args.get("allow_null") else "NOT NULL"
            case exp.PrimaryKeyColumnConstraint():
                return "PRIMARY KEY"
            case exp.DefaultColumnConstraint():
                return f"DEFAULT {self._expressions.translate(kind.this).sql('duckdb')}"
        raise refused(60, f"the column constraint {kind.sql('exasol')}")


def _column_name(node: exp.Expr) -> str:
    inner = node.this if isinstance(node, (exp.Column, exp.Ordered)) else node
    while not isinstance(inner, exp.Identifier):
        inner = inner.this
    return identifier(inner).name
