"""NLS_TIMESTAMP_FORMAT, as far as clients set it."""

from __future__ import annotations

import re
from dataclasses import dataclass

_PATTERN = re.compile(r"YYYY-MM-DD([ T])HH(?:24)?:MI:SS(?:\.FF([1-9]?))?", re.IGNORECASE)
_DEFAULT_DIGITS = 6


@dataclass(frozen=True)
class TimestampFormat:
    """How times are written in results.

    :param text: as the session has set it.
    :param separator: between date and time.
    :param digits: of the fraction of a second.
    """

    text: str
    separator: str
    digits: int

    @classmethod
    def parse(cls, text: str) -> TimestampFormat:
        """Read a format; ``ValueError`` for one that the engine does not have."""
        match = _PATTERN.fullmatch(text)
        if match is None:
            raise ValueError(f"NLS_TIMESTAMP_FORMAT {text}")
        digits = 0 if match[2] is None else int(match[2] or _DEFAULT_DIGITS)
        return cls(text, match[1].upper(), digits)


ISO_FORMAT = TimestampFormat.parse("YYYY-MM-DD HH24:MI:SS.FF6")
