"""What a native library's exception says."""

from __future__ import annotations


def last_line(error: Exception) -> str:
    """The last line of its text that has any; the lines before tell where in its code it arose."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[-1] if lines else "no reason given"
