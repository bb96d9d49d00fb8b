"""Personal data in a text: what has a form, and a check digit where its form has one.

Names and addresses have no form and are not found. ``docs/training.md`` lists what is.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

EMAIL, PHONE, IBAN, CARD, NATIONAL_ID = "e-mail", "phone", "IBAN", "card number", "national id"

# Of the countries that the registry of IBANs has for Europe and its neighbours.
_IBAN_COUNTRIES = {
    15: "NO",
    16: "BE",
    18: "DK FI FO GL NL",
    19: "MK SI",
    20: "AT BA EE KZ LT LU XK",
    21: "CH HR LI LV",
    22: "BG DE GB GE IE ME RS VA",
    23: "AE GI IL",
    24: "AD CZ ES MD RO SA SE SK",
    25: "PT",
    26: "IS TR",
    27: "FR GR IT MC SM",
    28: "AL AZ CY HU PL",
    29: "BR UA",
    31: "MT",
}
_IBAN_LENGTHS = {
    country: length for length, names in _IBAN_COUNTRIES.items() for country in names.split()
}
_DNI_LETTERS = "TRWAGMYFPDXBNJZSQVHLCKE"
# What the letters A to Z count at odd places; the digits 0 to 9 count as A to J.
_FISCAL_ODD = (
    *(1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18),
    *(20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23),
)


@dataclass(frozen=True)
class PersonalData:
    """One find.

    :param start: of its first character in the text.
    """

    kind: str
    text: str
    start: int


def personal_data(text: str) -> list[PersonalData]:
    """All that is found, in the order of the text; what belongs to one kind is not also another."""
    found: list[PersonalData] = []
    for kind, pattern, accept in _PATTERNS:
        for match in pattern.finditer(text):
            size = accept(match[0])
            taken = any(
                match.start() < each.start + len(each.text) and each.start < match.start() + size
                for each in found
            )
            if size and not taken:
                found.append(PersonalData(kind, match[0][:size], match.start()))
    return sorted(found, key=lambda each: each.start)


def personal_data_beyond(text: str, known: str) -> list[PersonalData]:
    """Those of a text that do not stand in another one, however they are punctuated there."""
    there = _bare(known)
    return [each for each in personal_data(text) if _bare(each.text) not in there]


def _bare(text: str) -> str:
    return re.sub(r"[\W_]+", "", text).casefold()


def _digits(text: str) -> list[int]:
    return [int(letter) for letter in text if letter in "0123456789"]


def _whole(check: Callable[[str], bool]) -> Callable[[str], int]:
    """Accept all of what a pattern matched, or nothing."""
    return lambda text: len(text) if check(text) else 0


def _iban(text: str) -> int:
    """How much of the text is an IBAN by its country's length and ISO 7064 modulo 97; else 0."""
    length = _IBAN_LENGTHS.get(text[:2], 0)
    places = [at for at, letter in enumerate(text) if letter != " "][:length]
    if not length or len(places) < length:
        return 0
    end = places[-1] + 1
    if end < len(text) and text[end] != " ":
        return 0
    compact = "".join(text[at] for at in places)
    number = "".join(str(int(letter, 36)) for letter in compact[4:] + compact[:4])
    return end if int(number) % 97 == 1 else 0


def _card(text: str) -> bool:
    """Luhn's sum of 13 to 19 digits that begin as those of the card networks do."""
    digits = _digits(text)
    doubled = [sum(divmod(2 * digit, 10)) for digit in digits[-2::-2]]
    return digits[0] in range(2, 7) and (sum(digits[-1::-2]) + sum(doubled)) % 10 == 0


def _us_social_security(text: str) -> bool:
    area, group, serial = text.split("-")
    return area not in ("000", "666") and area < "900" and group != "00" and serial != "0000"


def _uk_national_insurance(text: str) -> bool:
    return text[:2] not in ("BG", "GB", "KN", "NK", "NT", "TN", "ZZ")


def _spanish(text: str) -> bool:
    """DNI and NIE: a letter that is the number modulo 23."""
    number = text[:-1].translate(str.maketrans("XYZ", "012", "-. "))
    return _DNI_LETTERS[int(number) % 23] == text[-1]


def _french(text: str) -> bool:
    """NIR: 13 digits and their complement modulo 97; Corsica's letters count as 19 and 18."""
    compact = text.replace(" ", "").replace("2A", "19").replace("2B", "18")
    return int(compact[13:]) == 97 - int(compact[:13]) % 97


def _italian(text: str) -> bool:
    """Codice fiscale: the last letter is a sum of the others, at odd places by a table."""
    values = [int(c) if c.isdigit() else ord(c) - ord("A") for c in text[:15]]
    total = sum(_FISCAL_ODD[v] if at % 2 == 0 else v for at, v in enumerate(values))
    return ord(text[15]) - ord("A") == total % 26


def _german(text: str) -> bool:
    """Steuer-ID: of the first ten digits one stands there twice or thrice; ISO 7064 mod 11, 10."""
    digits = _digits(text)
    counts = sorted((digits[:10].count(digit) for digit in range(10)), reverse=True)
    if counts[:2] not in ([2, 1], [3, 1]):
        return False
    product = 10
    for digit in digits[:10]:
        product = ((digit + product) % 10 or 10) * 2 % 11
    return (11 - product) % 10 == digits[10]


def _patterns() -> Iterator[tuple[str, re.Pattern[str], Callable[[str], int]]]:
    """Kind, form and check, in the order in which a text is given to them."""
    yield (
        EMAIL,
        re.compile(r"(?<![\w.+-])[\w.+-]{1,64}@(?:[\w-]{1,63}\.){1,8}[^\W\d_]{2,24}(?![\w@])"),
        len,
    )
    yield IBAN, re.compile(r"(?<!\w)[A-Z]{2}\d{2}(?: ?[A-Z0-9]){11,30}(?!\w)"), _iban
    yield CARD, re.compile(r"(?<![\w-])\d(?:[ -]?\d){12,18}(?![\w-])"), _whole(_card)
    for form, check in (
        (r"\d{3}-\d{2}-\d{4}", _us_social_security),
        (
            r"[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z] ?\d{2} ?\d{2} ?\d{2} ?[A-D]",
            _uk_national_insurance,
        ),
        (r"(?:\d{2}\.?\d{3}\.?\d{3}|[XYZ]-?\d{7})-?[A-Z]", _spanish),
        (r"[12] ?\d{2} ?\d{2} ?(?:\d{2}|2[AB]) ?\d{3} ?\d{3} ?\d{2}", _french),
        (r"[A-Z]{6}\d{2}[A-EHLMPRST]\d{2}[A-Z]\d{3}[A-Z]", _italian),
        (r"[1-9]\d ?\d{3} ?\d{3} ?\d{3}", _german),
    ):
        yield NATIONAL_ID, re.compile(rf"(?<![\w-])(?:{form})(?![\w-])"), _whole(check)
    for form in (
        r"\+\d{1,3}(?:[ ./()-]{0,2}\d){6,13}",
        r"(?:\(\d{3}\) ?|\d{3}[-.])\d{3}[-.]\d{4}",
        r"(?:\(0\d{1,4}\)|0\d{1,4})(?:[ /-]{1,3}\d{2,8}){1,4}",
    ):
        yield PHONE, re.compile(rf"(?<![\w+.-]){form}(?![\w-])"), _whole(_phone)


def _phone(text: str) -> bool:
    return 7 <= len(_digits(text)) <= 15


_PATTERNS = tuple(_patterns())
