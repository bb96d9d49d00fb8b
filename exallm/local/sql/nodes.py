"""The allowlist of syntax: which nodes of a parsed statement may pass, with which parts.

A node type that is not listed, or a listed one with a part that is not, refuses the statement by
the construct's name. So whatever sqlglot learns to parse tomorrow is refused until it has a test.
"""

from __future__ import annotations

from sqlglot import exp

from exallm.local.sql.dialect import parse_statement
from exallm.local.sql.refusal import refused, syntax_error

_BINARY = frozenset({"this", "expression"})
_SET = frozenset({"with_", "this", "expression", "distinct", "order", "limit", "offset"})
_SELECT = frozenset(
    {
        *("with_", "expressions", "from_", "joins", "where", "group", "having", "qualify"),
        *("order", "limit", "offset", "distinct"),
    }
)

NODES: dict[type[exp.Expr], frozenset[str]] = {
    # queries
    exp.Select: _SELECT,
    exp.Union: _SET,
    exp.Except: _SET,
    exp.Intersect: _SET,
    exp.With: frozenset({"expressions"}),
    exp.CTE: frozenset({"this", "alias"}),
    exp.Subquery: frozenset({"this", "alias", "joins"}),
    exp.From: frozenset({"this"}),
    exp.Join: frozenset({"this", "on", "using", "kind", "side", "method"}),
    exp.Table: frozenset({"this", "db", "alias", "joins"}),
    exp.TableAlias: frozenset({"this", "columns"}),
    exp.Where: frozenset({"this"}),
    exp.Group: frozenset({"expressions"}),
    exp.Rollup: frozenset({"expressions"}),
    exp.Cube: frozenset({"expressions"}),
    exp.GroupingSets: frozenset({"expressions"}),
    exp.Having: frozenset({"this"}),
    exp.Qualify: frozenset({"this"}),
    exp.Order: frozenset({"this", "expressions"}),
    exp.Ordered: frozenset({"this", "desc", "nulls_first"}),
    exp.Limit: frozenset({"expression"}),
    exp.Offset: frozenset({"expression"}),
    exp.Distinct: frozenset({"expressions"}),
    exp.Values: frozenset({"expressions", "alias"}),
    exp.Tuple: frozenset({"expressions"}),
    exp.Star: frozenset(),
    # names and values
    exp.Alias: frozenset({"this", "alias"}),
    exp.Column: frozenset({"this", "table", "db"}),
    exp.Identifier: frozenset({"this", "quoted"}),
    exp.Literal: frozenset({"this", "is_string"}),
    exp.Null: frozenset(),
    exp.Placeholder: frozenset({"this"}),
    exp.Boolean: frozenset({"this"}),
    exp.Dot: _BINARY,
    # functions
    exp.Anonymous: frozenset({"this", "expressions"}),
    exp.Window: frozenset({"this", "partition_by", "order", "spec", "over"}),
    exp.WindowSpec: frozenset(["kind", "start", "start_side", "end", "end_side"]),
    exp.Cast: frozenset({"this", "to", "_type"}),
    exp.DataType: frozenset({"this", "expressions", "nested"}),
    exp.DataTypeParam: frozenset({"this"}),
    exp.GroupConcat: frozenset({"this", "separator"}),
    exp.WithinGroup: _BINARY,
    exp.IgnoreNulls: frozenset({"this"}),
    exp.RespectNulls: frozenset({"this"}),
    exp.Extract: frozenset({"this", "expression"}),
    exp.StrPosition: frozenset({"this", "substr"}),
    exp.Substring: frozenset({"this", "start", "length"}),
    exp.Var: frozenset({"this"}),
    # operators
    exp.Add: _BINARY,
    exp.Sub: _BINARY,
    exp.Mul: _BINARY,
    exp.Div: frozenset({"this", "expression", "typed", "safe"}),
    exp.DPipe: frozenset({"this", "expression", "safe"}),
    exp.Neg: frozenset({"this"}),
    exp.Paren: frozenset({"this"}),
    exp.And: _BINARY,
    exp.Or: _BINARY,
    exp.Not: frozenset({"this"}),
    exp.EQ: _BINARY,
    exp.NEQ: _BINARY,
    exp.LT: _BINARY,
    exp.LTE: _BINARY,
    exp.GT: _BINARY,
    exp.GTE: _BINARY,
    exp.Is: _BINARY,
    exp.Between: frozenset({"this", "low", "high"}),
    exp.In: frozenset({"this", "expressions", "query"}),
    exp.Exists: frozenset({"this"}),
    exp.Like: frozenset({"this", "expression", "negate"}),
    exp.Escape: _BINARY,
    exp.RegexpLike: frozenset({"this", "expression", "full_match"}),
    exp.Case: frozenset({"this", "ifs", "default"}),
    exp.If: frozenset({"this", "true", "false"}),
    # statements
    exp.Insert: frozenset({"this", "expression", "where"}),
    exp.Update: frozenset({"this", "expressions", "from_", "where"}),
    exp.Delete: frozenset({"this", "where"}),
    exp.Merge: frozenset({"this", "using", "on", "whens"}),
    exp.Whens: frozenset({"expressions"}),
    exp.When: frozenset({"matched", "condition", "then"}),
    exp.TruncateTable: frozenset({"expressions"}),
    exp.Schema: frozenset({"this", "expressions"}),
}

# How Exasol's users call what sqlglot names otherwise.
_NAMES = {
    "AtTimeZone": "AT TIME ZONE",
    "BitwiseLeftShift": "the operator <<",
    "BitwiseRightShift": "the operator >>",
    "Connect": "CONNECT BY",
    "ConnectByRoot": "CONNECT_BY_ROOT",
    "Fetch": "FETCH FIRST",
    "Lock": "FOR UPDATE",
    "NullSafeEQ": "IS NOT DISTINCT FROM",
    "NullSafeNEQ": "IS DISTINCT FROM",
    "SimilarTo": "SIMILAR TO",
    "Between.symmetric": "BETWEEN SYMMETRIC",
    "Column.catalog": "a column with more than two qualifiers",
    "Column.join_mark": "the outer join operator (+)",
    "Distinct.on": "DISTINCT ON",
    "Group.all": "GROUP BY ALL",
    "Insert.alternative": "INSERT OR ...",
    "Insert.by_name": "INSERT ... BY NAME",
    "Insert.conflict": "ON CONFLICT",
    "Insert.default": "DEFAULT VALUES",
    "Limit.limit_options": "LIMIT ... PERCENT",
    "Select.connect": "CONNECT BY",
    "Select.locks": "FOR UPDATE",
    "Select.sample": "USING SAMPLE",
    "Select.windows": "WINDOW",
    "Star.except_": "EXCLUDE",
    "Table.catalog": "a table with more than one qualifier",
    "Table.pivots": "PIVOT and UNPIVOT",
    "Table.sample": "TABLESAMPLE",
    "Union.by_name": "UNION BY NAME",
    "When.source": "NOT MATCHED BY SOURCE",
    "With.recursive": "WITH RECURSIVE",
}


def parsed(sql: str) -> exp.Expr:
    """The tree of a statement that passes the allowlist.

    :raises SqlError: 42000 for wrong syntax, 0A000 for what the allowlist does not name.
    """
    tree = parse_statement(sql)
    _check_nodes(tree)
    return tree


def parsed_expression(text: str) -> exp.Expr:
    """The tree of a single value; :raises SqlError: as :func:`parsed`, 42000 for anything else."""
    tree = parsed(f"SELECT {text}")
    if not isinstance(tree, exp.Select) or len(tree.expressions) != 1 or tree.args.get("from_"):
        raise syntax_error(f"unexpected value {text[:80]}")
    expression: exp.Expr = tree.expressions[0]
    return expression


def _check_nodes(tree: exp.Expr) -> None:
    for node in tree.walk():
        kind = type(node).__name__
        allowed = NODES.get(type(node))
        if allowed is None:
            raise refused(60, _construct(node, kind))
        for part, value in node.args.items():
            if value not in (None, False, []) and part not in allowed:
                raise refused(60, _part(kind, part))


def _construct(node: exp.Expr, kind: str) -> str:
    if isinstance(node, exp.Command):
        # Its first words only: a statement may hold a password.
        return " ".join(f"{node.this} {node.expression}".upper().split()[:4])
    return _NAMES.get(kind, kind.upper())


def _part(kind: str, part: str) -> str:
    return _NAMES.get(f"{kind}.{part}", f"{kind.upper()} with {part.strip('_').upper()}")
