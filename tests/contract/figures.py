"""The figures of ``make contract`` beside the cases: a function for each part adds its own.

A function takes nothing and returns names and values for the last line.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

Figures = Callable[[], Mapping[str, object]]

PARTS: tuple[Figures, ...] = ()
