"""Exasol's format models for numbers: writing by them and reading by them.

A model has digits (``9`` without, ``0`` with leading zeros), group signs (``,`` or ``G``), one
point (``.`` or ``D``), and one sign: ``S`` at either end, or ``MI`` at the end. Without a sign a
minus stands before the first digit, and a blank where there is none.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Context, Decimal
from functools import lru_cache

from exallm.local.sql_error import SqlError

_MODEL = re.compile(r"(FM)?(S)?([09,G]*)(?:([.D])([09]*))?(S|MI)?", re.IGNORECASE)
_EXACT = Context(prec=400)


@dataclass(frozen=True)
class NumberFormat:
    """One format model.

    :param whole: its characters before the point.
    :param fraction: its digits after the point.
    :param sign: ``S`` in front, ``-S`` for one at the end, ``MI``, or ''.
    :param is_tight: whether blanks in front are left out.
    """

    text: str
    whole: str
    fraction: str
    has_point: bool
    sign: str
    is_tight: bool

    def write(self, number: Decimal) -> str:
        """The number as the model says; ``#`` all over where it has too many digits."""
        unit = Decimal(1).scaleb(-len(self.fraction))
        rounded = number.quantize(unit, rounding=ROUND_HALF_UP, context=_EXACT)
        digits, _, fraction = f"{abs(rounded):f}".partition(".")
        digits = digits.lstrip("0")
        is_negative = rounded < 0
        places = sum(character in "09" for character in self.whole)
        if len(digits) > places:
            return "#" * (len(self.whole) + self.has_point + len(self.fraction) + 1)
        body = self._grouped(digits.rjust(places))
        if self.has_point:
            body += "." + fraction
            if not body.strip(" .") and not fraction:
                body = body.replace(" .", "0.")
        elif not body.strip():
            body = body[:-1] + "0"
        return self._signed(body, is_negative)

    def read(self, text: str) -> str:
        """The digits that a text stands for; :raises SqlError: 22018 where it does not fit."""
        match = _pattern(self).fullmatch(text.strip())
        if match is None:
            raise SqlError(
                "22018",
                f"data exception - invalid value for number format; Value: '{text[:80]}'"
                f" Format: '{self.text[:80]}'",
            )
        whole = match["whole"].replace(",", "").strip()
        fraction = match["fraction"] or ""
        is_negative = "-" in (match["front"] or "") + (match["end"] or "")
        return f"{'-' if is_negative else ''}{whole or '0'}.{fraction or '0'}"

    def _grouped(self, digits: str) -> str:
        """The digits in their places, zeros and group signs where they belong."""
        written: list[str] = []
        rest = iter(digits)
        has_begun = False
        for character in self.whole:
            if character in ",Gg":
                written.append("," if has_begun else " ")
                continue
            digit = next(rest)
            if digit == " " and (character == "0" or has_begun):
                digit = "0"
            has_begun = has_begun or digit != " "
            written.append(digit)
        return "".join(written)

    def _signed(self, body: str, is_negative: bool) -> str:
        match self.sign:
            case "MI":
                signed = body + ("-" if is_negative else " ")
            case "-S":
                signed = body + ("-" if is_negative else "+")
            case _:
                plus = "+" if self.sign == "S" else " "
                start = len(body) - len(body.lstrip(" "))
                signed = " " * start + ("-" if is_negative else plus) + body[start:]
        return signed.strip() if self.is_tight else signed


@lru_cache(maxsize=256)
def number_format(model: str) -> NumberFormat:
    """Read a model; :raises SqlError: 22018 for what is none."""
    match = _MODEL.fullmatch(model)
    has_digits = match is not None and any(c in "09" for c in (match[3] or "") + (match[5] or ""))
    if match is None or not has_digits or (match[2] and match[6]):
        raise SqlError("22018", f"data exception - invalid number format; Value: '{model[:80]}'")
    sign = (match[2] or "").upper()
    if match[6]:
        sign = "MI" if match[6].upper() == "MI" else "-S"
    return NumberFormat(
        model, match[3] or "", match[5] or "", match[4] is not None, sign, match[1] is not None
    )


@lru_cache(maxsize=256)
def _pattern(form: NumberFormat) -> re.Pattern[str]:
    places = sum(character in "09" for character in form.whole)
    group = "," if any(character in ",Gg" for character in form.whole) else ""
    limit = places + form.whole.count(",") + form.whole.upper().count("G")
    whole = rf"(?P<whole>[0-9{group}]{{0,{limit}}})"
    fraction = rf"(?:\.(?P<fraction>[0-9]{{0,{len(form.fraction)}}}))?"
    front, end = r"(?P<front>[+-]?)", r"(?P<end>)"
    if form.sign in ("MI", "-S"):
        front, end = r"(?P<front>)", r"(?P<end>[+-]?)"
    return re.compile(rf"(?=.*[0-9]){front}{whole}{fraction}{end}")
