"""A failed row, as data."""

from __future__ import annotations

from dataclasses import dataclass

from exallm_udfs.errors import ERRORS


@dataclass(frozen=True)
class RowError:
    """Why one row has no answer; it never fails the statement by itself.

    :param code: a code of the area ROW, as ``E-EXALLM-ROW-1``.
    :param message: one line, without a stack trace.
    """

    code: str
    message: str

    def __post_init__(self) -> None:
        if self.code not in ERRORS or not self.code.startswith("E-EXALLM-ROW-"):
            raise ValueError(f"{self.code} is not a row's error code")
        if not self.message or "\n" in self.message:
            raise ValueError("a row's error message is one line")
