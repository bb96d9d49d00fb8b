"""Strict reading of a JSON object: every field has a type, and no field goes unread."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Sequence
from typing import Any, NoReturn


def parse_object(text: str) -> dict[str, Any]:
    """The object that ``text`` holds; ``ValueError`` on anything else.

    Stricter than ``json.loads``: a key that stands twice, NaN, infinities and half surrogate
    pairs are refused.
    """
    try:
        value = json.loads(text, object_pairs_hook=_unique, parse_constant=_refuse_constant)
        text.encode("utf-8")
        json.dumps(value, ensure_ascii=False).encode("utf-8")
    except json.JSONDecodeError as error:
        raise ValueError(f"not JSON: {error.msg} at character {error.pos + 1}") from None
    except UnicodeEncodeError:
        raise ValueError("a text holds half of a surrogate pair") from None
    except RecursionError:
        raise ValueError("nested too deeply") from None
    if not isinstance(value, dict):
        raise ValueError("not a JSON object")
    return value


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields = dict(pairs)
    if len(fields) != len(pairs):
        keys = [key for key, _ in pairs]
        raise ValueError(f"key {next(key for key in keys if keys.count(key) > 1)!r} stands twice")
    return fields


def _refuse_constant(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not a number")


class Fields:
    """The fields of one JSON object, taken out by name and type.

    Every ``take`` method raises ``ValueError`` with the field's name where the field is missing or
    has another type. ``True`` and ``False`` are not numbers.
    """

    def __init__(self, value: object, where: str) -> None:
        if not isinstance(value, dict):
            raise ValueError(f"{where} is not an object")
        self._fields: dict[str, Any] = dict(value)
        self._where = where

    def refuse_unknown(self, known: Iterable[str]) -> None:
        """Raise ``ValueError`` where there is a field beside ``known``."""
        names = sorted(known)
        unknown = sorted(set(self._fields) - set(names))
        if unknown:
            raise ValueError(
                f"{self._where} has unknown key {unknown[0]!r} (known: {', '.join(names)})"
            )

    def __contains__(self, key: str) -> bool:
        return key in self._fields

    def take(self, key: str) -> Any:
        """The value of a field that must be there, whatever its type."""
        if key not in self._fields:
            raise ValueError(f"{self._where} has no {key!r}")
        return self._fields[key]

    def take_text(self, key: str) -> str:
        value = self.take(key)
        if not isinstance(value, str):
            raise self._wrong(key, "a text", value)
        return value

    def take_boolean(self, key: str) -> bool:
        value = self.take(key)
        if not isinstance(value, bool):
            raise self._wrong(key, "true or false", value)
        return value

    def take_choice(self, key: str, choices: Sequence[str]) -> str:
        value = self.take(key)
        if value not in choices or not isinstance(value, str):
            raise self._wrong(key, f"one of {', '.join(choices)}", value)
        return value

    def take_integer(self, key: str, low: int, high: int) -> int:
        value = self.take(key)
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise self._wrong(key, f"a whole number from {low} to {high}", value)
        return value

    def take_number(self, key: str, low: float, high: float) -> float:
        value = self.take(key)
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if not number or not low <= value <= high or not math.isfinite(value):
            raise self._wrong(key, f"a number from {low:g} to {high:g}", value)
        return float(value)

    def take_list(self, key: str) -> list[Any]:
        value = self.take(key)
        if not isinstance(value, list):
            raise self._wrong(key, "a list", value)
        return value

    def take_texts(self, key: str) -> tuple[str, ...]:
        values = self.take_list(key)
        if not all(isinstance(value, str) for value in values):
            raise self._wrong(key, "a list of texts", values)
        return tuple(values)

    def take_object(self, key: str) -> dict[str, Any]:
        value = self.take(key)
        if not isinstance(value, dict):
            raise self._wrong(key, "an object", value)
        return value

    def _wrong(self, key: str, wanted: str, value: object) -> ValueError:
        shown = json.dumps(value)
        shown = shown if len(shown) <= 60 else f"{shown[:57]}..."
        return ValueError(f"{self._where}: {key!r} has to be {wanted}, not {shown}")
