"""Calls of scripts inside expressions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from sqlglot import exp

from exallm.local.exasol_type import ExasolType
from exallm.local.sql.functions import FUNCTIONS
from exallm.local.sql.kinds import Kind, call, cast, convert, plain, typed
from exallm.local.sql.names import folded
from exallm.local.sql.refusal import refused
from exallm.local.sql.scope import Scope
from exallm.local.sql_error import SqlError
from exallm.local.udf.script import UdfScript

NO_ARGUMENTS = "none"
UDF_CALL = "exallm_udf_"  # how the names of DuckDB's functions behind scripts begin


class Translator(Protocol):
    """Translates what stands between a call's parentheses."""

    def all(self, nodes: Sequence[exp.Expr]) -> list[exp.Expr]:
        """Several expressions."""

    def order(self, nodes: Sequence[exp.Expr]) -> list[exp.Expr]:
        """The keys of an ORDER BY."""


class ScriptCalls:
    """Finds the scripts that a statement calls, and writes the calls that return values."""

    def __init__(self, scope: Scope, expressions: Translator) -> None:
        self._scope = scope
        self._expressions = expressions

    def find(self, node: exp.Expr) -> tuple[UdfScript, exp.Anonymous] | None:
        """The script that a node calls, with the call; None where it calls none.

        :raises SqlError: 42000 for the call of what is neither a function nor a script, 42500
            without the right to call it.
        """
        schema, target = self._scope.current_schema, node
        if isinstance(node, exp.Dot):
            if not isinstance(node.this, exp.Identifier):
                raise refused(62, f"the expression {node.sql('exasol')}")
            schema, target = folded(node.this), node.expression
        if not isinstance(target, exp.Anonymous):
            return None
        name = call_name(target)
        if target is node and name in FUNCTIONS and not _is_quoted(target):
            return None
        is_seen = schema is not None and self._scope.rights.sees(schema)
        script = self._scope.catalog.script(schema, name) if schema and is_seen else None
        if script is None:
            full = f"{schema}.{name}" if target is not node else name
            raise SqlError(
                "42000",
                f"function or script {full} not found; docs/local-engine.md names the functions"
                " that the embedded engine has",
            )
        self._scope.rights.require_call(script.schema, script.name)
        return script, target

    def arguments(self, script: UdfScript, nodes: Sequence[exp.Expr]) -> list[exp.Expr]:
        """The arguments of a call, converted to the types that the script declares.

        :raises SqlError: 42000 for another number of them.
        """
        arguments = self._expressions.all(nodes)
        if script.inputs is None:
            return [plain(argument) for argument in arguments]
        declared = [column.type for column in script.inputs]
        if len(arguments) != len(declared):
            raise SqlError(
                "42000",
                f"wrong number of arguments for script {script.name}: "
                f"expected {len(declared)}, found {len(arguments)}",
            )
        return [convert(node, type_) for node, type_ in zip(arguments, declared, strict=True)]

    def value(self, script: UdfScript, node: exp.Anonymous) -> exp.Expr:
        """The call of a script that RETURNS a value.

        :raises SqlError: 0A000 for a script that EMITS rows.
        """
        if script.output == "EMITS":
            raise refused(
                63, f"the call of {script.name}, which EMITS rows, outside the top of a select list"
            )
        assert script.returns is not None
        number = exp.Literal.number(self._scope.calls.add(script, self._scope.rights.user))
        if script.kind == "SET":
            return _returned(script.returns, [number, self._collected(script, node.expressions)])
        arguments, order = split_order(node.expressions)
        if order:
            raise SqlError("42000", f"script {script.name} is SCALAR: ORDER BY has no meaning")
        return _returned(script.returns, [number, *self.arguments(script, arguments)])

    def _collected(self, script: UdfScript, nodes: Sequence[exp.Expr]) -> exp.Expr:
        """All rows of a group as one list of structs: the input of a SET script that RETURNS."""
        values, order = split_order(nodes)
        fields = [
            exp.PropertyEQ(this=exp.to_identifier(f"a{i}"), expression=argument)
            for i, argument in enumerate(self.arguments(script, values))
        ]
        # DuckDB has no struct without fields: this one tells only how many rows there are.
        zero = exp.PropertyEQ(
            this=exp.to_identifier(NO_ARGUMENTS), expression=exp.Literal.number(0)
        )
        fields = fields or [zero]
        rows: exp.Expr = exp.Struct(expressions=fields)
        if order:
            rows = exp.Order(this=rows, expressions=self._expressions.order(order))
        return call("list", rows)


def call_name(node: exp.Anonymous) -> str:
    """The name of the called function, folded."""
    return str(node.this.name) if _is_quoted(node) else str(node.name).upper()


def split_order(
    nodes: Sequence[exp.Expr],
) -> tuple[list[exp.Expr], list[exp.Expr]]:
    """The arguments of ``f(a, b ORDER BY c)``: plain ones and the order."""
    values, order = [], []
    for node in nodes:
        if isinstance(node, exp.Order):
            values.append(node.this)
            order.extend(node.expressions)
        else:
            values.append(node)
    return values, order


def _returned(type_: ExasolType, arguments: list[exp.Expr]) -> exp.Expr:
    """The call of the DuckDB function behind every script that RETURNS this type."""
    if type_.name == "DECIMAL":
        # DuckDB fixes a function's result type when it is registered: digits travel as text.
        node: exp.Expr = cast(call(f"{UDF_CALL}varchar", *arguments), type_.duckdb())
    else:
        node = call(f"{UDF_CALL}{type_.name.lower()}", *arguments)
    return typed(node, Kind.of_type(type_))


def _is_quoted(node: exp.Anonymous) -> bool:
    return isinstance(node.this, exp.Identifier) and bool(node.this.args.get("quoted"))
