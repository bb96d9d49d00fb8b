"""Why the bench cannot go on."""

from __future__ import annotations


class BenchError(Exception):
    """What is wrong, and what to do about it, in one line."""
