"""Surface rewrites: constructs that sqlglot cannot parse, put into a form that it can.

Each works on tokens, so that strings, quoted identifiers and comments are never touched.
"""

from __future__ import annotations

from sqlglot.tokenizer_core import Token, TokenType

from exallm.local.sql.refusal import syntax_error
from exallm.local.sql.tokens import check_tokens, is_quoted, tokens_of

# A marker ? becomes :m1, :m2, ... by its place, which sqlglot does not keep.
# SELECT f(x) EMITS (a INT) is parsed as SELECT f(x) AS "EMITS(a INT)"; no user can write this
# alias, because a quoted identifier with this beginning is refused.
EMITS_ALIAS = "EMITS("


def to_parsable(sql: str) -> str:
    """The statement in a form that sqlglot parses.

    EMITS lists become aliases, ``THEN DELETE WHERE x`` of MERGE becomes ``AND (x) THEN DELETE``,
    and parameter markers are numbered.
    """
    tokens = tokens_of(sql)
    check_tokens(tokens, sql)
    edits: list[tuple[int, int, str]] = []
    markers = 0
    for index, token in enumerate(tokens):
        word = token.text.upper()
        if is_quoted(token, sql):
            if token.token_type is not TokenType.STRING and token.text.startswith(EMITS_ALIAS):
                raise syntax_error(f'identifier "{EMITS_ALIAS}..." is reserved')
            continue
        previous = tokens[index - 1].text if index else ""
        if word == "?":
            markers += 1
            edits.append((token.start, token.end + 1, f":m{markers}"))
        elif word == "EMITS" and previous == ")" and _text(tokens, index + 1) == "(":
            closing = _closing(tokens, index + 1)
            columns = sql[tokens[index + 1].end + 1 : tokens[closing].start]
            alias = (EMITS_ALIAS + columns + ")").replace('"', '""')
            edits.append((token.start, tokens[closing].end + 1, f'AS "{alias}"'))
        elif word == "WHERE" and [_text(tokens, index - 2), previous.upper()] == ["THEN", "DELETE"]:
            last = _end_of_branch(tokens, index)
            # The words move and the condition stays, so that the edits inside of it hold.
            edits.append((tokens[index - 2].start, token.end + 1, "AND ("))
            edits.append((tokens[last].end + 1, tokens[last].end + 1, ") THEN DELETE "))
    for start, end, text in sorted(edits, reverse=True):
        sql = sql[:start] + text + sql[end:]
    return sql


def _text(tokens: list[Token], index: int) -> str:
    return tokens[index].text.upper() if 0 <= index < len(tokens) else ""


def _closing(tokens: list[Token], opening: int) -> int:
    depth = 0
    for index in range(opening, len(tokens)):
        if tokens[index].token_type is TokenType.L_PAREN:
            depth += 1
        elif tokens[index].token_type is TokenType.R_PAREN:
            depth -= 1
            if depth == 0:
                return index
    raise syntax_error("unbalanced parentheses after EMITS")


def _end_of_branch(tokens: list[Token], index: int) -> int:
    """The last token of a condition in MERGE, before the next WHEN that is not of a CASE."""
    depth = 0
    for place in range(index, len(tokens)):
        word = _text(tokens, place)
        depth += (word in ("CASE", "(")) - (word in ("END", ")"))
        if word == ";" or (word == "WHEN" and depth == 0):
            return place - 1
    return len(tokens) - 1
