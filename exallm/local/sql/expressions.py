"""Expressions: columns, literals, operators and calls, from Exasol's SQL to DuckDB's."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Protocol

from sqlglot import exp

from exallm.local.exasol_type import FRACTION_LIMIT, ExasolType
from exallm.local.sql.arithmetic import calculated, divided, negated
from exallm.local.sql.date_functions import seconds_part
from exallm.local.sql.environment import Environment
from exallm.local.sql.function import Function
from exallm.local.sql.functions import AGGREGATE, FUNCTIONS, WINDOW, concatenation
from exallm.local.sql.kinds import (
    DATE,
    TIME,
    TRUTH,
    UNKNOWN,
    WHOLE,
    Kind,
    as_text,
    call,
    cast,
    common_kind,
    comparable,
    convert,
    empty_text,
    is_text_literal,
    kind_of,
    mixed,
    null,
    number_literal,
    padded_alike,
    typed,
)
from exallm.local.sql.names import folded, stored_identifier
from exallm.local.sql.refusal import refused
from exallm.local.sql.scope import Scope
from exallm.local.sql.script_calls import ScriptCalls, call_name
from exallm.local.sql.windows import Windows
from exallm.local.sql_error import SqlError

_SECONDS = Kind("DECIMAL", 5, 3)
_EXTRACT_UNITS = ("YEAR", "MONTH", "DAY", "HOUR", "MINUTE")
_INLINED_LIMIT = 1000
_PSEUDO_COLUMNS = ("ROWNUM", "ROWID", "LEVEL", "DEFAULT")
_HERE: dict[type[exp.Expr], str] = {
    exp.IgnoreNulls: "IGNORE NULLS inside a call or without OVER",
    exp.RespectNulls: "RESPECT NULLS inside a call or without OVER",
    exp.Tuple: "a list in parentheses as a value",
    exp.Values: "VALUES outside INSERT and FROM",
    exp.Var: "the word DEFAULT or another keyword as a value",
}
_COMPARISONS = (exp.EQ, exp.NEQ, exp.LT, exp.LTE, exp.GT, exp.GTE)


class Queries(Protocol):
    """Translates the queries inside an expression."""

    def value_query(self, node: exp.Expr) -> tuple[exp.Expr, Kind]:
        """A query of one column in parentheses, with the kind of its values."""

    def row_query(self, node: exp.Expr) -> exp.Expr:
        """A query of which only matters whether it gives rows."""


class Expressions:
    """Translates expressions within one statement.

    The result is a new tree with the kind of each part noted on it; the parsed tree is left as it
    was.
    """

    def __init__(self, scope: Scope, queries: Queries) -> None:
        self._scope = scope
        self._queries = queries
        self.environment: Environment | None = None
        self.scripts = ScriptCalls(scope, self)
        self.windows = Windows(self)
        self._inlined_aliases = 0
        self._special: dict[type[exp.Expr], Callable[[Any], exp.Expr]] = {
            exp.Literal: self._literal,
            exp.Null: lambda _: null(),
            exp.Boolean: lambda node: typed(exp.Boolean(this=node.this), TRUTH),
            exp.Placeholder: self._marker,
            exp.Paren: self._paren,
            exp.Column: self._column,
            exp.Dot: self._dot,
            exp.Anonymous: self.function,
            exp.Window: lambda node: self.windows.window(node),
            exp.WithinGroup: lambda node: self.windows.percentile(node),
            exp.Cast: self._cast,
            exp.DPipe: self._concatenation,
            exp.Add: self._calculation,
            exp.Sub: self._calculation,
            exp.Mul: self._calculation,
            exp.Div: self._division,
            exp.Neg: lambda node: negated(self.translate(node.this)),
            exp.And: self._logic,
            exp.Or: self._logic,
            exp.Not: lambda node: typed(exp.Not(this=self.condition(node.this)), TRUTH),
            exp.Is: self._is,
            exp.Between: self._between,
            exp.In: self._in,
            exp.Exists: self._exists,
            exp.Case: self._case,
            exp.Like: self._like,
            exp.Escape: self._escape,
            exp.RegexpLike: self._regexp_like,
            exp.Substring: self._substring,
            exp.StrPosition: lambda node: self._named("INSTR", [node.this, node.args["substr"]]),
            exp.Extract: self._extract,
            exp.GroupConcat: lambda node: self.windows.list_of_texts(node),
            exp.Subquery: self._subquery,
            exp.Select: self._subquery,
            exp.Union: self._subquery,
            exp.Except: self._subquery,
            exp.Intersect: self._subquery,
            **dict.fromkeys(_COMPARISONS, self._comparison),
        }

    @contextmanager
    def within(self, environment: Environment | None) -> Iterator[None]:
        """Look columns up in this environment for a while."""
        outer, self.environment = self.environment, environment
        try:
            yield
        finally:
            self.environment = outer

    def translate(self, node: exp.Expr) -> exp.Expr:
        """One expression, with all that it holds; its kind is noted on it.

        :raises SqlError: 0A000 for what is not supported here.
        """
        special = self._special.get(type(node))
        if special is None:
            raise refused(62, _HERE.get(type(node), type(node).__name__.upper()))
        return special(node)

    def all(self, nodes: Sequence[exp.Expr]) -> list[exp.Expr]:
        """Several expressions."""
        return [self.translate(node) for node in nodes]

    def condition(self, node: exp.Expr) -> exp.Expr:
        """An expression that must be a BOOLEAN."""
        translated = self.translate(node)
        if kind_of(translated).name not in ("BOOLEAN", "NULL"):
            raise mixed(f"{kind_of(translated).name} as a condition")
        return translated

    def order(self, nodes: Sequence[exp.Expr]) -> list[exp.Expr]:
        """The keys of an ORDER BY."""
        return [
            exp.Ordered(
                this=self.translate(node.this),
                desc=node.args.get("desc"),
                nulls_first=node.args.get("nulls_first"),
            )
            for node in nodes
        ]

    # --- names and values ----------------------------------------------------------------------

    def _literal(self, node: exp.Literal) -> exp.Expr:
        if not node.is_string:
            return number_literal(node.this)
        if node.this == "":
            return empty_text()
        return typed(exp.Literal.string(node.this), Kind.text(len(node.this)))

    def _marker(self, node: exp.Placeholder) -> exp.Expr:
        if self._scope.parameters is None:
            raise refused(60, "a parameter marker (?)", "prepare the statement")
        return self._scope.parameters.marker(int(node.name.removeprefix("m")))

    def _paren(self, node: exp.Paren) -> exp.Expr:
        inner = self.translate(node.this)
        return inner if is_text_literal(inner) else typed(exp.Paren(this=inner), kind_of(inner))

    def _column(self, node: exp.Column) -> exp.Expr:
        if isinstance(node.this, exp.Star):
            raise refused(62, "* outside a select list and COUNT(*)")
        table, db = node.args.get("table"), node.args.get("db")
        if not node.this.args.get("quoted"):
            name = node.name.upper()
            constant = self._scope.constant(name) if table is None else None
            if constant is not None:
                return constant
            if name in _PSEUDO_COLUMNS:
                raise refused(62, name)
        name = folded(node.this)
        alias_of = self.environment.alias(name, table) if self.environment is not None else None
        if alias_of is not None:
            return self._inlined(name, alias_of)
        if self.environment is None:
            raise SqlError("42000", f"object {name} not found")
        source, kind = self.environment.find(name, _name(table), _name(db))
        alias = exp.to_identifier(source.alias, quoted=True) if source is not None else None
        return typed(exp.Column(this=stored_identifier(name), table=alias), kind)

    def _inlined(self, name: str, node: exp.Expr) -> exp.Expr:
        """The expression behind an alias of the select list, in the place of the alias."""
        environment = self.environment
        assert environment is not None
        self._inlined_aliases += 1
        if self._inlined_aliases > _INLINED_LIMIT:
            raise SqlError("42000", "statement too complex: too many uses of aliases")
        with environment.without_alias(name):
            inner = self.translate(node)
        is_plain = isinstance(inner, (exp.Column, exp.Anonymous)) or is_text_literal(inner)
        return inner if is_plain else typed(exp.Paren(this=inner), kind_of(inner))

    def _dot(self, node: exp.Dot) -> exp.Expr:
        found = self.scripts.find(node)
        if found is None:
            raise refused(62, f"the expression {node.sql('exasol')}")
        return self.scripts.value(*found)

    # --- functions -----------------------------------------------------------------------------

    def function(self, node: exp.Anonymous, window: bool = False) -> exp.Expr:
        """The call of a function or script.

        :param window: whether an OVER clause stands behind it.
        """
        found = self.scripts.find(node)
        if found is not None:
            return self.scripts.value(*found)
        name = call_name(node)
        function = FUNCTIONS[name]
        if name in WINDOW and not window:
            raise SqlError("42000", f"window function {name} needs an OVER clause")
        nodes = node.expressions
        if name == "COUNT" and len(nodes) == 1 and isinstance(nodes[0], exp.Star):
            return typed(call("count", exp.Star()), WHOLE)
        if not function.allows(len(nodes)):
            raise SqlError("42000", f"wrong number of arguments for function {name}")
        if function.constant:
            constant = self._scope.constant(function.constant)
            assert constant is not None
            return constant
        arguments = self._arguments(name, function, nodes)
        result = function.build(arguments)
        if function.gives is None:
            return result
        gives = function.gives
        return typed(result, kind_of(arguments[gives]) if isinstance(gives, int) else gives)

    def _arguments(
        self, name: str, function: Function, nodes: Sequence[exp.Expr]
    ) -> list[exp.Expr]:
        arguments = [self._argument(name, function.letter(i), n) for i, n in enumerate(nodes)]
        return comparable(arguments, name) if function.takes.startswith("c") else arguments

    def _argument(self, name: str, letter: str, node: exp.Expr) -> exp.Expr:
        if isinstance(node, exp.Order):
            raise refused(62, f"ORDER BY inside {name}")
        if isinstance(node, exp.Distinct):
            if name not in AGGREGATE:
                raise SqlError("42000", f"DISTINCT is allowed in aggregate functions, not {name}")
            if len(node.expressions) != 1:
                raise refused(62, f"{name}(DISTINCT ...) of several values")
            inner = self._argument(name, letter, node.expressions[0])
            return typed(exp.Distinct(expressions=[inner]), kind_of(inner))
        argument = self.translate(node)
        kind = kind_of(argument)
        if letter == "t":
            return as_text(argument)
        if letter == "d" and is_text_literal(argument):
            type_ = "DATE" if DATE.fullmatch(argument.name) else "TIMESTAMP"
            return convert(argument, ExasolType(type_, fraction=FRACTION_LIMIT))
        if letter == "d" and kind == UNKNOWN:
            return typed(cast(argument, "TIMESTAMP"), TIME)
        wrong = {"n": not kind.is_number, "w": not kind.is_whole}
        wrong["d"] = kind.name not in ("DATE", "TIMESTAMP")
        wrong["b"] = kind != TRUTH
        if wrong.get(letter) and kind.name != "NULL":
            raise mixed(f"{kind.name} as an argument of {name}")
        return cast_whole(argument, kind) if letter == "w" else argument

    def _named(self, name: str, nodes: Sequence[exp.Expr | None]) -> exp.Expr:
        given = [node for node in nodes if node is not None]
        return self.function(exp.Anonymous(this=name, expressions=given))

    def _substring(self, node: exp.Substring) -> exp.Expr:
        parts = [node.this, node.args.get("start"), node.args.get("length")]
        return self._named("SUBSTRING", parts)

    def _extract(self, node: exp.Extract) -> exp.Expr:
        unit = node.name.upper()
        if unit == "SECOND":
            (time,) = self._arguments("EXTRACT", FUNCTIONS["MINUTE"], [node.expression])
            return seconds_part(time, _SECONDS)
        if unit not in _EXTRACT_UNITS:
            raise refused(62, f"EXTRACT({unit} FROM ...)")
        return self._named(unit, [node.expression])

    def _cast(self, node: exp.Cast) -> exp.Expr:
        return convert(self.translate(node.this), data_type(str(node.args["to"].meta["written"])))

    # --- operators -----------------------------------------------------------------------------

    def _calculation(self, node: exp.Binary) -> exp.Expr:
        _check_precedence(node, (exp.Add, exp.Sub), exp.DPipe)
        return calculated(type(node), self.translate(node.this), self.translate(node.expression))

    def _division(self, node: exp.Div) -> exp.Expr:
        return divided(self.translate(node.this), self.translate(node.expression))

    def _concatenation(self, node: exp.DPipe) -> exp.Expr:
        parts: list[exp.Expr] = []
        left: exp.Expr = node
        while isinstance(left, exp.DPipe):
            _check_precedence(left, exp.DPipe, (exp.Add, exp.Sub))
            parts.insert(0, as_text(self.translate(left.expression)))
            left = left.this
        return concatenation([as_text(self.translate(left)), *parts])

    def _logic(self, node: exp.And | exp.Or) -> exp.Expr:
        parts: list[exp.Expr] = []
        left: exp.Expr = node
        while isinstance(left, type(node)):
            parts.insert(0, self.condition(left.expression))
            left = left.this
        result = self.condition(left)
        for part in parts:
            result = typed(type(node)(this=result, expression=part), TRUTH)
        return result

    def _comparison(self, node: exp.Binary) -> exp.Expr:
        sides = self._comparable([node.this, node.expression], "a comparison")
        # In parentheses, because DuckDB chains no comparisons.
        compared = type(node)(this=sides[0], expression=sides[1])
        return typed(exp.Paren(this=compared), TRUTH)

    def _comparable(self, nodes: Sequence[exp.Expr], construct: str) -> list[exp.Expr]:
        return padded_alike(comparable(self.all(nodes), construct))

    def _is(self, node: exp.Is) -> exp.Expr:
        if not isinstance(node.expression, exp.Null):
            raise refused(62, f"IS {node.expression.sql('exasol')}")
        return typed(exp.Is(this=self.translate(node.this), expression=exp.Null()), TRUTH)

    def _between(self, node: exp.Between) -> exp.Expr:
        nodes = [node.this, node.args["low"], node.args["high"]]
        value, low, high = self._comparable(nodes, "BETWEEN")
        return typed(exp.Paren(this=exp.Between(this=value, low=low, high=high)), TRUTH)

    def _in(self, node: exp.In) -> exp.Expr:
        query = node.args.get("query")
        if isinstance(node.this, exp.Tuple):
            return self._row_in(node.this.expressions, node.expressions, query)
        if query is None:
            value, *options = self._comparable([node.this, *node.expressions], "IN")
            return typed(exp.In(this=value, expressions=options), TRUTH)
        value = self.translate(node.this)
        subquery, kind = self._queries.value_query(query)
        value, subquery = comparable([value, typed(subquery, kind)], "IN")
        return typed(exp.In(this=value, query=subquery), TRUTH)

    def _row_in(
        self, nodes: Sequence[exp.Expr], options: Sequence[exp.Expr], query: exp.Expr | None
    ) -> exp.Expr:
        """``(a, b) IN ((1, 2), (3, 4))``, as comparisons of the single values."""
        if query is not None:
            raise refused(62, "a list in parentheses before IN (SELECT ...)")
        found: exp.Expr | None = None
        for option in options:
            if not isinstance(option, exp.Tuple) or len(option.expressions) != len(nodes):
                raise SqlError("42000", f"IN compares lists of {len(nodes)} values")
            row = exp.and_(
                *(
                    exp.EQ(this=left.copy(), expression=right.copy())
                    for left, right in zip(nodes, option.expressions, strict=True)
                )
            )
            test = self._paren(exp.Paren(this=row))
            found = test if found is None else exp.Or(this=found, expression=test)
        if found is None:
            raise SqlError("42000", "syntax error, IN compares with nothing")
        return typed(exp.Paren(this=found), TRUTH)

    def _exists(self, node: exp.Exists) -> exp.Expr:
        return typed(exp.Exists(this=self._queries.row_query(node.this)), TRUTH)

    def _case(self, node: exp.Case) -> exp.Expr:
        branches = node.args["ifs"]
        subject, default = node.args.get("this"), node.args.get("default")
        tests: list[exp.Expr]
        if subject is None:
            tests = [self.condition(branch.this) for branch in branches]
        else:
            compared = self._comparable([subject, *(b.this for b in branches)], "CASE")
            subject, tests = compared[0], compared[1:]
        last = [self.translate(default)] if default is not None else [null()]
        values = [*self.all([branch.args["true"] for branch in branches]), *last]
        results = comparable(values, "CASE")
        ifs = [
            exp.If(this=test, true=result) for test, result in zip(tests, results[:-1], strict=True)
        ]
        case = exp.Case(this=subject, ifs=ifs, default=results[-1])
        return typed(case, common_kind(results))

    def _like(self, node: exp.Like, escape: exp.Expr | None = None) -> exp.Expr:
        sides = [as_text(self.translate(side)) for side in (node.this, node.expression)]
        like = exp.Like(this=sides[0], expression=sides[1])
        # A backslash escapes unless the statement says otherwise.
        matched = exp.Escape(this=like, expression=escape or exp.Literal.string("\\"))
        result: exp.Expr = exp.Paren(this=matched)
        return typed(exp.Not(this=result) if node.args.get("negate") else result, TRUTH)

    def _regexp_like(self, node: exp.RegexpLike) -> exp.Expr:
        sides = [as_text(self.translate(side)) for side in (node.this, node.expression)]
        return typed(call("exallm_regexp_like", *sides), TRUTH)

    def _escape(self, node: exp.Escape) -> exp.Expr:
        character = node.expression
        if not isinstance(node.this, exp.Like) or not isinstance(character, exp.Literal):
            raise refused(62, "this use of ESCAPE")
        if not character.is_string or len(character.this) != 1:
            raise SqlError("22019", "data exception - invalid escape character.")
        return self._like(node.this, exp.Literal.string(character.this))

    def _subquery(self, node: exp.Expr) -> exp.Expr:
        subquery, kind = self._queries.value_query(node)
        return typed(subquery, kind)


def _check_precedence(
    node: exp.Binary,
    kinds: type[exp.Expr] | tuple[type[exp.Expr], ...],
    others: type[exp.Expr] | tuple[type[exp.Expr], ...],
) -> None:
    """Databases differ in what 'a' || 1 + 2 means."""
    if isinstance(node, kinds) and isinstance(node.this, others):
        raise refused(62, "|| beside + or - without parentheses")
    if isinstance(node, kinds) and isinstance(node.expression, others):
        raise refused(62, "|| beside + or - without parentheses")


def data_type(written: str) -> ExasolType:
    """:raises SqlError: 0A000 for a type that the embedded engine does not have."""
    try:
        return ExasolType.parse(written)
    except ValueError as error:
        name, separator, _ = str(error).partition(" is not supported")
        if not separator:
            raise SqlError("42000", f"syntax error, {error}") from error
        raise refused(61, name) from error


def cast_whole(node: exp.Expr, kind: Kind) -> exp.Expr:
    """A whole number as DuckDB's functions take a count."""
    return typed(cast(node, "BIGINT"), kind)


def _name(node: exp.Expr | None) -> str | None:
    return folded(node) if node is not None else None
