"""Expressions: columns, literals, operators and calls, from Exasol's SQL to DuckDB's."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

from sqlglot import exp

from exallm.local.exasol_type import VARCHAR_LIMIT, ExasolType
from exallm.local.sql.functions import FUNCTIONS, WINDOW, call, cast, concatenation, null_if_empty
from exallm.local.sql.refusal import refused
from exallm.local.sql.scope import Scope
from exallm.local.sql_error import SqlError
from exallm.local.udf.script import UdfScript

_EXTRACT_UNITS = ("YEAR", "MONTH", "DAY", "HOUR", "MINUTE")
_TEXT = "text"  # in node.meta: the node's value is a VARCHAR and needs no conversion


class Queries(Protocol):
    """Translates the queries inside an expression."""

    def query(self, node: exp.Expr) -> exp.Expr:
        """A query, as a subquery may hold it."""


def identifier(node: exp.Expr) -> exp.Identifier:
    """An identifier with Exasol's folding: upper case unless quoted."""
    name = node.name if node.args.get("quoted") else node.name.upper()
    return exp.to_identifier(name, quoted=True)


def data_type(node: exp.DataType) -> ExasolType:
    """:raises SqlError: 0A000 for a type that the embedded engine does not have."""
    try:
        return ExasolType.parse(node.sql("exasol"))
    except ValueError as error:
        raise refused(61, str(error).removesuffix(" is not supported")) from error


def as_text(node: exp.Expr) -> exp.Expr:
    """The node as VARCHAR, converted as Exasol converts (TRUE, 1, 2024-01-31)."""
    is_text = node.meta.get(_TEXT) or (isinstance(node, exp.Literal) and node.is_string)
    return node if is_text or isinstance(node, exp.Null) else _text(call("exallm_text", node))


def _text(node: exp.Expr) -> exp.Expr:
    node.meta[_TEXT] = True
    return node


class Expressions:
    """Translates expressions within one statement.

    The result is a new tree; the parsed one is left as it was.
    """

    def __init__(self, scope: Scope, queries: Queries) -> None:
        self._scope = scope
        self._queries = queries
        self._special: dict[type[exp.Expr], Callable[[Any], exp.Expr]] = {
            exp.Identifier: identifier,
            exp.Literal: self._literal,
            exp.Column: self._column,
            exp.Dot: self._dot,
            exp.Anonymous: self._function,
            exp.Window: self._window,
            exp.Cast: self._cast,
            exp.DPipe: self._concatenation,
            exp.Div: self._division,
            exp.Like: self._like,
            exp.Escape: self._refuse_escape,
            exp.Substring: self._substring,
            exp.Trim: self._trim,
            exp.StrPosition: self._position,
            exp.Extract: self._extract,
            exp.GroupConcat: self._group_concat,
            exp.Subquery: self._subquery,
            exp.Select: self._subquery,
            exp.Union: self._subquery,
            exp.Except: self._subquery,
            exp.Intersect: self._subquery,
            exp.Star: lambda _: self._refuse_star(),
        }

    def translate(self, node: exp.Expr) -> exp.Expr:
        """One expression, with all that it holds."""
        special = self._special.get(type(node))
        if special is not None:
            return special(node)
        parts = {name: self._part(value) for name, value in node.args.items()}
        return type(node)(**parts)

    def all(self, nodes: Sequence[exp.Expr]) -> list[exp.Expr]:
        """Several expressions."""
        return [self.translate(node) for node in nodes]

    def emits(self, node: exp.Expr) -> bool:
        """Whether a node is the call of a script that EMITS rows."""
        if not isinstance(node, (exp.Anonymous, exp.Dot)):
            return False
        found = self.script_of(node)
        return found is not None and found[0].output == "EMITS"

    def script_of(self, node: exp.Expr) -> tuple[UdfScript, exp.Anonymous] | None:
        """The script that a node calls, with the call; None where it calls none."""
        schema, target = self._scope.current_schema, node
        if isinstance(node, exp.Dot):
            schema, target = identifier(node.this).name, node.expression
        if not isinstance(target, exp.Anonymous):
            return None
        name = _call_name(target)
        if target is node and name in FUNCTIONS and not _is_quoted(target):
            return None
        script = self._scope.catalog.script(schema, name) if schema else None
        if script is None:
            raise SqlError(
                "42000", f"function or script {_qualified(schema, target, node)} not found"
            )
        return script, target

    def arguments_for(self, script: UdfScript, nodes: Sequence[exp.Expr]) -> list[exp.Expr]:
        """The arguments of a call, converted to the types that the script declares."""
        arguments = self.all(nodes)
        if script.inputs is None:
            return arguments
        declared = [column.type for column in script.inputs]
        if len(arguments) != len(declared):
            raise SqlError(
                "42000",
                f"wrong number of arguments for script {script.name}: "
                f"expected {len(declared)}, found {len(arguments)}",
            )
        return [convert(node, type_) for node, type_ in zip(arguments, declared, strict=True)]

    def _part(self, value: object) -> object:
        if isinstance(value, exp.Expr):
            return self.translate(value)
        if isinstance(value, list):
            return [self._part(item) for item in value]
        return value

    def _literal(self, node: exp.Literal) -> exp.Expr:
        return exp.Null() if node.is_string and node.this == "" else node.copy()

    def _column(self, node: exp.Column) -> exp.Expr:
        if isinstance(node.this, exp.Star):
            return exp.Column(this=exp.Star(), table=identifier(node.args["table"]))
        table = node.args.get("table")
        if table is None:
            return self._unqualified(node)
        if table.name.upper() == "LOCAL" and not table.args.get("quoted"):
            raise refused(62, "the qualifier LOCAL")
        parts = {name: identifier(part) for name, part in node.args.items() if part is not None}
        return exp.Column(**parts)

    def _unqualified(self, node: exp.Column) -> exp.Expr:
        if not node.this.args.get("quoted"):
            name = node.name.upper()
            constant = self._scope.constant(name)
            if constant is not None:
                return constant
            if name in ("ROWNUM", "ROWID", "LEVEL"):
                raise refused(62, name)
        return exp.Column(this=identifier(node.this))

    def _dot(self, node: exp.Dot) -> exp.Expr:
        found = self.script_of(node)
        if found is None:
            raise refused(62, f"the expression {node.sql('exasol')}")
        return self._script_call(*found)

    def _function(self, node: exp.Anonymous, window: bool = False) -> exp.Expr:
        found = self.script_of(node)
        if found is not None:
            return self._script_call(*found)
        name = _call_name(node)
        function = FUNCTIONS[name]
        if name in WINDOW and not window:
            raise SqlError("42000", f"window function {name} needs an OVER clause")
        nodes = node.expressions
        if len(nodes) < function.least or (
            function.most is not None and len(nodes) > function.most
        ):
            raise SqlError("42000", f"wrong number of arguments for function {name}")
        if name == "COUNT" and len(nodes) == 1 and isinstance(nodes[0], exp.Star):
            return call("count", exp.Star())
        if any(isinstance(argument, exp.Order) for argument in nodes):
            raise refused(62, f"ORDER BY inside {name}")
        arguments = self.all(nodes)
        if function.text:
            chosen = range(len(arguments)) if function.text == (-1,) else function.text
            arguments = [as_text(a) if i in chosen else a for i, a in enumerate(arguments)]
        result = function.build(arguments)
        return _text(result) if function.returns_text else result

    def _script_call(self, script: UdfScript, node: exp.Anonymous) -> exp.Expr:
        if script.output == "EMITS":
            raise refused(
                63, f"the call of {script.name}, which EMITS rows, outside the top of a select list"
            )
        number = exp.Literal.number(self._scope.calls.add(script))
        if script.kind == "SCALAR":
            inputs = self.arguments_for(script, node.expressions)
        else:
            inputs = [self._collected(script, node.expressions)]
        assert script.returns is not None
        return returned(script.returns, [number, *inputs])

    def _collected(self, script: UdfScript, nodes: Sequence[exp.Expr]) -> exp.Expr:
        """All rows of a group as one list of structs: the input of a SET script that RETURNS."""
        plain, order = split_order(nodes)
        arguments = self.arguments_for(script, plain) or [exp.Literal.number(0)]
        fields = [
            exp.PropertyEQ(this=exp.to_identifier(f"a{i}"), expression=argument)
            for i, argument in enumerate(arguments)
        ]
        rows: exp.Expr = exp.Struct(expressions=fields)
        if order:
            rows = exp.Order(this=rows, expressions=self.all(order))
        return call("list", rows)

    def _window(self, node: exp.Window) -> exp.Expr:
        target = node.this
        if not isinstance(target, exp.Anonymous) or self.script_of(target) is not None:
            raise refused(62, f"OVER after {target.sql('exasol')}")
        parts = {k: self._part(v) for k, v in node.args.items() if k != "this"}
        return exp.Window(this=self._function(target, window=True), **parts)

    def _cast(self, node: exp.Cast) -> exp.Expr:
        return convert(self.translate(node.this), data_type(node.args["to"]))

    def _concatenation(self, node: exp.DPipe) -> exp.Expr:
        sides = [as_text(self.translate(side)) for side in (node.this, node.expression)]
        return _text(concatenation(sides))

    def _division(self, node: exp.Div) -> exp.Expr:
        divisor = call("exallm_divisor", self.translate(node.expression))
        return exp.Paren(this=exp.Div(this=self.translate(node.this), expression=divisor))

    def _like(self, node: exp.Like, escape: exp.Expr | None = None) -> exp.Expr:
        sides = [as_text(self.translate(side)) for side in (node.this, node.expression)]
        like = exp.Like(this=sides[0], expression=sides[1])
        # A backslash escapes unless the statement says otherwise.
        result = exp.Escape(this=like, expression=escape or exp.Literal.string("\\"))
        return exp.Not(this=exp.Paren(this=result)) if node.args.get("negate") else result

    def _refuse_escape(self, node: exp.Escape) -> exp.Expr:
        if not isinstance(node.this, exp.Like) or not isinstance(node.expression, exp.Literal):
            raise refused(62, "this use of ESCAPE")
        return self._like(node.this, node.expression.copy())

    def _substring(self, node: exp.Substring) -> exp.Expr:
        parts = [node.this, node.args.get("start"), node.args.get("length")]
        return self._named("SUBSTRING", [part for part in parts if part is not None])

    def _trim(self, node: exp.Trim) -> exp.Expr:
        name = {"LEADING": "LTRIM", "TRAILING": "RTRIM"}.get(node.args.get("position", ""), "TRIM")
        parts = [node.this, node.args.get("expression")]
        return self._named(name, [part for part in parts if part is not None])

    def _position(self, node: exp.StrPosition) -> exp.Expr:
        return self._named("INSTR", [node.this, node.args["substr"]])

    def _named(self, name: str, nodes: list[exp.Expr]) -> exp.Expr:
        return self._function(exp.Anonymous(this=name, expressions=nodes))

    def _extract(self, node: exp.Extract) -> exp.Expr:
        unit = node.name.upper()
        if unit not in _EXTRACT_UNITS:
            raise refused(62, f"EXTRACT({unit} FROM ...)")
        return call("date_part", unit.lower(), self.translate(node.expression))

    def _group_concat(self, node: exp.GroupConcat) -> exp.Expr:
        subject, order = node.this, None
        if isinstance(subject, exp.Order):
            subject, order = subject.this, subject.expressions
        distinct = isinstance(subject, exp.Distinct)
        value = subject.expressions[0] if distinct else subject
        text = as_text(self.translate(value))
        first: exp.Expr = exp.Distinct(expressions=[text]) if distinct else text
        separator = node.args.get("separator")
        # sqlglot fills in the default of LISTAGG (none) and GROUP_CONCAT (a comma) alike.
        second: exp.Expr = exp.Literal.string(separator.name if separator is not None else ",")
        if order:
            second = exp.Order(this=second, expressions=self.all(order))
        return _text(null_if_empty(call("string_agg", first, second)))

    def _subquery(self, node: exp.Expr) -> exp.Expr:
        return self._queries.query(node)

    def _refuse_star(self) -> exp.Expr:
        raise refused(62, "* outside a select list and COUNT(*)")


def convert(node: exp.Expr, target: ExasolType) -> exp.Expr:
    """The node as a value of the target type.

    A text that is too long for a ``VARCHAR(n)`` fails with Exasol's error at run time.
    """
    if target.name != "VARCHAR":
        return cast(node, target.duckdb())
    text = as_text(node)
    if target.size == VARCHAR_LIMIT or isinstance(text, exp.Null):
        return _text(cast(text, "VARCHAR")) if isinstance(text, exp.Null) else text
    return _text(call("exallm_fit", text, target.size))


def returned(type_: ExasolType, arguments: list[exp.Expr]) -> exp.Expr:
    """The call of the DuckDB function behind every script that RETURNS this type."""
    if type_.name == "DECIMAL":
        # DuckDB fixes a function's result type when it is registered: digits travel as text.
        return cast(call("exallm_udf_varchar", *arguments), type_.duckdb())
    node = call(f"exallm_udf_{type_.name.lower()}", *arguments)
    return _text(node) if type_.name == "VARCHAR" else node


def split_order(
    nodes: Sequence[exp.Expr],
) -> tuple[list[exp.Expr], list[exp.Expr]]:
    """The arguments of ``f(a, b ORDER BY c)``: plain ones and the order."""
    plain, order = [], []
    for node in nodes:
        if isinstance(node, exp.Order):
            plain.append(node.this)
            order.extend(node.expressions)
        else:
            plain.append(node)
    return plain, order


def _is_quoted(node: exp.Anonymous) -> bool:
    return isinstance(node.this, exp.Identifier) and bool(node.this.args.get("quoted"))


def _call_name(node: exp.Anonymous) -> str:
    return str(node.this.name) if _is_quoted(node) else str(node.name).upper()


def _qualified(schema: str | None, target: exp.Anonymous, node: exp.Expr) -> str:
    name = _call_name(target)
    return f"{schema}.{name}" if target is not node else name
