"""What came out beside what had to, in one spelling for every runner."""

from __future__ import annotations

import datetime
import decimal
from collections.abc import Iterable, Sequence
from typing import Any

from tests.contract.case import Failure, Row


class Difference(AssertionError):  # noqa: N818 - it says what differs
    """A case that did not do what it has to."""


def spelled(value: Any) -> str | None:
    """A value as text: a client gets large decimals, dates and times as text anyway."""
    if value is None:
        return None
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, decimal.Decimal):
        return format(value, "f")
    if isinstance(value, datetime.datetime):
        return value.isoformat(sep=" ", timespec="microseconds")
    return str(value)


def rows_must_be(expected: Sequence[Row], seen: Iterable[Row], ordered: bool) -> None:
    """:raises Difference: if the rows are others."""
    wanted = [tuple(map(spelled, row)) for row in expected]
    found = [tuple(map(spelled, row)) for row in seen]
    if not ordered:
        wanted.sort(key=repr)
        found.sort(key=repr)
    if found != wanted:
        raise Difference(f"expected {_short(wanted)}, got {_short(found)}")


def failure_must_be(expected: Failure, code: str, text: str) -> None:
    """:raises Difference: if the error is another."""
    if code != expected.code or expected.words not in text:
        raise Difference(f"expected [{expected.code}] {expected.words!r}, got [{code}] {text!r}")


def _short(rows: list[tuple[str | None, ...]]) -> str:
    text = repr(rows)
    return text if len(text) < 1000 else f"{text[:1000]}... ({len(rows)} rows)"
