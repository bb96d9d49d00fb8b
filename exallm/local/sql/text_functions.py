"""Text functions whose work DuckDB does not do, or does otherwise than Exasol."""

from __future__ import annotations

from sqlglot import exp

from exallm.local.exasol_type import VARCHAR_LIMIT
from exallm.local.sql.function import (
    Arguments,
    Builder,
    Function,
    filled,
    null_if_empty,
    same,
    within_limit,
)
from exallm.local.sql.kinds import (
    DOUBLE,
    TEXT,
    TRUTH,
    WHOLE,
    Kind,
    as_decimal,
    call,
    is_text_literal,
)
from exallm.local.sql.kinds import typed as _typed
from exallm.local.sql.refusal import refused
from exallm.local.sql_error import SqlError

_FORMAT_DIGITS = frozenset("09")


def _positions(arguments: Arguments) -> exp.Expr:
    """INSTR: text, searched text, start, occurrence."""
    return filled("exallm_instr", "", "", 1, 1)(arguments)


def _located(arguments: Arguments) -> exp.Expr:
    """LOCATE takes what is searched before the text."""
    return _positions([arguments[1], arguments[0], *arguments[2:]])


def _space(arguments: Arguments) -> exp.Expr:
    times = call("least", arguments[0], VARCHAR_LIMIT + 1)
    return within_limit(null_if_empty(call("repeat", " ", times)))


def _translate(arguments: Arguments) -> exp.Expr:
    return null_if_empty(call("translate", *arguments))


def _bits(arguments: Arguments) -> exp.Expr:
    return exp.Paren(
        this=exp.Mul(this=call("strlen", arguments[0]), expression=exp.Literal.number(8))
    )


def _replaced_pattern(arguments: Arguments) -> exp.Expr:
    defaults = [exp.Literal.string(""), exp.Literal.number(1), exp.Literal.number(0)]
    given = list(arguments[2:])
    if given:
        given[0] = call("coalesce", given[0], "")
    parts = [*given, *defaults[len(given) :]]
    replaced = call("exallm_regexp_replace", arguments[0], arguments[1], *parts)
    return within_limit(null_if_empty(replaced))


def _number(arguments: Arguments) -> exp.Expr:
    """TO_NUMBER: a DECIMAL with the digits of its format, a DOUBLE without one."""
    if len(arguments) == 1:
        return _typed(call("exallm_double", arguments[0]), DOUBLE)
    model = arguments[1]
    if not is_text_literal(model):
        raise refused(62, "a format of TO_NUMBER that is no text in the statement")
    whole, _, fraction = model.name.upper().replace("D", ".").partition(".")
    before = sum(character in _FORMAT_DIGITS for character in whole)
    after = sum(character in _FORMAT_DIGITS for character in fraction)
    if before + after == 0:
        raise SqlError("22018", f"data exception - invalid number format; Value: '{model.name}'")
    kind = Kind.decimal(before, after)
    digits = call("exallm_to_number", arguments[0], model)
    return as_decimal(digits, kind)


def _checked(plain: str) -> Builder:
    """IS_DATE and IS_TIMESTAMP, with and without a format."""
    return lambda arguments: call(plain if len(arguments) == 1 else "exallm_is_date", *arguments)


TEXTS: dict[str, Function] = {
    "BIT_LENGTH": Function("t", _bits, WHOLE),
    "CHR": Function("w", same("exallm_chr"), TEXT),
    "CHAR": Function("w", same("exallm_chr"), TEXT),
    "COLOGNE_PHONETIC": Function("t", same("exallm_cologne_phonetic"), TEXT),
    "EDIT_DISTANCE": Function("tt", same("exallm_edit_distance"), WHOLE),
    "HASH_SHA512": Function("t", same("exallm_sha512"), TEXT),
    "INITCAP": Function("t", same("exallm_initcap"), TEXT),
    "INSERT": Function("twwt", same("exallm_insert"), TEXT),
    "INSTR": Function("ttww", _positions, WHOLE, least=2),
    "IS_BOOLEAN": Function("t", same("exallm_is_boolean"), TRUTH),
    "IS_DATE": Function("tt", _checked("exallm_is_day"), TRUTH, least=1),
    "IS_NUMBER": Function("tt", same("exallm_is_number"), TRUTH, least=1),
    "IS_TIMESTAMP": Function("tt", _checked("exallm_is_timestamp"), TRUTH, least=1),
    "LOCATE": Function("ttww", _located, WHOLE, least=2),
    "REGEXP_INSTR": Function(
        "ttwww", filled("exallm_regexp_instr", "", "", 1, 1, 0), WHOLE, least=2
    ),
    "REGEXP_REPLACE": Function("tttww", _replaced_pattern, TEXT, least=2),
    "REGEXP_SUBSTR": Function("ttww", filled("exallm_regexp_substr", "", "", 1, 1), TEXT, least=2),
    "SOUNDEX": Function("t", same("exallm_soundex"), TEXT),
    "SPACE": Function("w", _space, TEXT),
    "TO_NUMBER": Function("tt", _number, None, least=1),
    "TRANSLATE": Function("ttt", _translate, TEXT),
    "UNICODE": Function("t", same("exallm_unicode"), WHOLE),
    "UNICODECHR": Function("w", same("exallm_unicodechr"), TEXT),
}
