"""Text functions of Exasol's that DuckDB lacks."""

from __future__ import annotations

import hashlib
import re
from datetime import datetime
from functools import lru_cache

import regex

from exallm.local.engine.number_format import number_format
from exallm.local.engine.row_functions import Helper, text_helper, truth_helper, whole_helper
from exallm.local.engine.time_format import time_format
from exallm.local.sql.kinds import DATE, FALSE_WORDS, NUMBER, TIMESTAMP, TRUE_WORDS
from exallm.local.sql_error import SqlError

_DISTANCE_LIMIT = 4_000_000  # cells of the table of distances: half a second
_PATTERN_SECONDS = 2.0
_WORD = re.compile(r"[^\W_]+")
_SOUNDEX = {
    **dict.fromkeys("BFPV", "1"),
    **dict.fromkeys("CGJKQSXZ", "2"),
    **dict.fromkeys("DT", "3"),
    "L": "4",
    **dict.fromkeys("MN", "5"),
    "R": "6",
}
_COLOGNE = {
    **dict.fromkeys("AEIJOUYÄÖÜ", "0"),
    "B": "1",
    **dict.fromkeys("FVW", "3"),
    **dict.fromkeys("GKQ", "4"),
    "L": "5",
    **dict.fromkeys("MN", "6"),
    "R": "7",
    **dict.fromkeys("SZß", "8"),
}


# --- positions ---------------------------------------------------------------------------------


def position(text: str, searched: str, start: int, occurrence: int) -> int:
    """Where a part of a text begins, from 1; 0 where it is not there.

    A negative start counts from the end, and the search goes towards the beginning.
    """
    _check_search(abs(start), occurrence)
    place = start - 1 if start > 0 else len(text) + start
    for number in range(occurrence):
        if start > 0:
            place = text.find(searched, place + (number > 0))
        else:
            last = place - (number > 0)
            place = text.rfind(searched, 0, last + len(searched)) if last >= 0 else -1
        if place < 0:
            return 0
    return place + 1


def inserted(text: str, start: int, length: int, new: str) -> str:
    """A text with another one in place of some characters; out of range it stays as it is."""
    if not 1 <= start <= len(text) + 1 or length < 0:
        return text
    return text[: start - 1] + new + text[start - 1 + length :]


# --- regular expressions -----------------------------------------------------------------------


@lru_cache(maxsize=256)
def _compiled(pattern: str) -> regex.Pattern[str]:
    try:
        return regex.compile(pattern)
    except regex.error as error:
        raise SqlError(
            "2201B", f"data exception - invalid regular expression: {error} in '{pattern[:80]}'"
        ) from error


def _matches(text: str, pattern: str, start: int, occurrence: int) -> regex.Match[str] | None:
    """The match of this number from this position on."""
    _check_search(start, occurrence)
    found = _compiled(pattern).finditer(text, start - 1, timeout=_PATTERN_SECONDS, concurrent=True)
    try:
        return next((m for number, m in enumerate(found, 1) if number == occurrence), None)
    except TimeoutError as error:
        raise _too_slow(pattern) from error


def pattern_found(text: str, pattern: str) -> bool:
    """``text REGEXP_LIKE pattern``: whether the pattern covers all of the text."""
    try:
        match = _compiled(pattern).fullmatch(text, timeout=_PATTERN_SECONDS, concurrent=True)
    except TimeoutError as error:
        raise _too_slow(pattern) from error
    return match is not None


def pattern_position(text: str, pattern: str, start: int, occurrence: int, option: int) -> int:
    """Where a match begins, from 1, or with option 1 where its end is; 0 without a match."""
    match = _matches(text, pattern, start, occurrence)
    if match is None:
        return 0
    return (match.end() if option else match.start()) + 1


def pattern_part(text: str, pattern: str, start: int, occurrence: int) -> str | None:
    """What a match covers; None without a match."""
    match = _matches(text, pattern, start, occurrence)
    return match[0] if match is not None else None


def pattern_replaced(text: str, pattern: str, new: str, start: int, occurrence: int) -> str:
    """The text with all matches replaced, or one where an occurrence is given.

    ``\\1`` to ``\\9`` in the new text stand for what the groups cover.
    """
    _check_search(start, max(occurrence, 1))
    number = 0

    def replacement(match: regex.Match[str]) -> str:
        nonlocal number
        number += 1
        if occurrence not in (0, number):
            return match[0]
        return _GROUP.sub(lambda reference: _group(match, int(reference[1])), new)

    try:
        return _compiled(pattern).sub(
            replacement, text, pos=start - 1, timeout=_PATTERN_SECONDS, concurrent=True
        )
    except TimeoutError as error:
        raise _too_slow(pattern) from error


_GROUP = re.compile(r"\\([0-9])")


def _group(match: regex.Match[str], number: int) -> str:
    return (match[number] or "") if number <= match.re.groups else ""


def _check_search(start: int, occurrence: int) -> None:
    if start < 1 or occurrence < 1:
        raise SqlError("22003", "data exception - the position or occurrence is out of range.")


def _too_slow(pattern: str) -> SqlError:
    return SqlError(
        "R0001", f"the regular expression '{pattern[:80]}' took over {_PATTERN_SECONDS:g} seconds"
    )


# --- sound and distance ------------------------------------------------------------------------


def soundex(text: str) -> str:
    """The American Soundex code: a letter and three digits; '' where no letter begins the text."""
    letters = [c for c in text.upper() if "A" <= c <= "Z"]
    if not letters:
        return ""
    code, last = letters[0], _SOUNDEX.get(letters[0], "")
    for letter in letters[1:]:
        digit = _SOUNDEX.get(letter, "")
        if digit and digit != last:
            code += digit
        if letter not in "HW":
            last = digit
    return code[:4].ljust(4, "0")


def cologne_phonetic(text: str) -> str:
    """The Cologne code: digits for the sounds of a German word."""
    letters = [letter for letter in text.upper().replace("ß", "S") if letter.isalpha()]
    digits: list[str] = []
    for index, letter in enumerate(letters):
        before = letters[index - 1] if index else ""
        after = letters[index + 1] if index + 1 < len(letters) else ""
        digits.extend(_sound(letter, before, after))
    runs = [d for i, d in enumerate(digits) if i == 0 or d != digits[i - 1]]
    return "".join(digit for i, digit in enumerate(runs) if i == 0 or digit != "0")


def _sound(letter: str, before: str, after: str) -> str:
    match letter:
        case "H":
            return ""
        case "P":
            return "3" if after == "H" else "1"
        case "D" | "T":
            return "8" if after in tuple("CSZ") else "2"
        case "X":
            return "8" if before in tuple("CKQ") else "48"
        case "C":
            hard = "AHKLOQRUX" if not before else "AHKOQUX"
            return "4" if after in tuple(hard) and before not in ("S", "Z") else "8"
    return _COLOGNE.get(letter, "")


def edit_distance(one: str, two: str) -> int:
    """How many insertions, deletions and replacements lead from one text to the other."""
    if len(one) * len(two) > _DISTANCE_LIMIT:
        raise SqlError("22001", "EDIT_DISTANCE of texts that are too long for the embedded engine")
    previous = list(range(len(two) + 1))
    for row, left in enumerate(one, 1):
        current = [row]
        for column, right in enumerate(two, 1):
            changed = previous[column - 1] + (left != right)
            current.append(min(changed, previous[column] + 1, current[-1] + 1))
        previous = current
    return previous[-1]


# --- characters and checks ---------------------------------------------------------------------


def _character(code: int, limit: int) -> str:
    if not 0 <= code <= limit or 0xD800 <= code <= 0xDFFF:
        raise SqlError("22021", "data exception - character not in repertoire")
    return chr(code)


def initcap(text: str) -> str:
    """Every word with a capital letter first and small ones after it."""
    return _WORD.sub(lambda word: word[0][:1].upper() + word[0][1:].lower(), text)


def is_time(text: str, model: str) -> bool:
    """Whether a text is a date or time of this format."""
    form = time_format(model)
    try:
        form.read(text)
    except SqlError:
        return False
    return True


def is_plain_time(text: str, pattern: re.Pattern[str]) -> bool:
    """Whether a text is a date or time as they are written without a format."""
    if pattern.fullmatch(text) is None:
        return False
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True


def is_number(text: str, model: str = "") -> bool:
    """Whether a text is a number, of a format where one is given."""
    if not model:
        return NUMBER.fullmatch(text.strip()) is not None
    form = number_format(model)
    try:
        form.read(text)
    except SqlError:
        return False
    return True


TEXT_HELPERS: tuple[Helper, ...] = (
    text_helper("exallm_chr", lambda code: _character(code, 127)),
    text_helper("exallm_cologne_phonetic", cologne_phonetic),
    text_helper("exallm_initcap", initcap),
    text_helper("exallm_insert", inserted),
    text_helper("exallm_regexp_replace", pattern_replaced),
    text_helper("exallm_regexp_substr", pattern_part),
    text_helper("exallm_sha512", lambda text: hashlib.sha512(text.encode()).hexdigest()),
    text_helper("exallm_soundex", soundex),
    text_helper("exallm_unicodechr", lambda code: _character(code, 0x10FFFF)),
    truth_helper(
        "exallm_is_boolean", lambda text: text.strip().lower() in TRUE_WORDS + FALSE_WORDS
    ),
    truth_helper("exallm_is_date", is_time),
    truth_helper("exallm_is_number", is_number),
    truth_helper("exallm_is_timestamp", lambda text: is_plain_time(text, TIMESTAMP)),
    truth_helper("exallm_is_day", lambda text: is_plain_time(text, DATE)),
    truth_helper("exallm_regexp_like", pattern_found),
    whole_helper("exallm_edit_distance", edit_distance),
    whole_helper("exallm_instr", position),
    whole_helper("exallm_regexp_instr", pattern_position),
    whole_helper("exallm_unicode", lambda text: ord(text[0])),
)
